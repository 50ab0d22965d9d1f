"""An OpenAI-compatible endpoint (hosted, vLLM, SGLang, llama.cpp): one request, one answer."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from corpus_builder.errors import InputError, RecipeError
from corpus_builder.llm.cost import estimated_tokens
from corpus_builder.llm.request import Answer, Request, parsed
from corpus_builder.remote.places import shown
from corpus_builder.remote.post import post_json, words_in
from corpus_builder.remote.retries import Passing
from corpus_builder.remote.web import login_of

KEY_VARIABLE = "OPENAI_API_KEY"
SECRET_CHARACTERS = 8
ANSWER_SECONDS = 300.0  # ours: a long answer of a busy server takes minutes


class Refused(Exception):
    """The server rejects this request: status 400, 413 or 422."""


@dataclass(frozen=True)
class Endpoint:
    """A server's base URL, such as http://localhost:8000/v1, and a model there; the API key is in no file, line or repr."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    answer_seconds: float = ANSWER_SECONDS

    @classmethod
    def of(cls, url: str, model: str, key_variable: str = KEY_VARIABLE, answer_seconds: float = ANSWER_SECONDS) -> Endpoint:
        """An endpoint whose API key is in an environment variable; without it, no key is sent, as local servers want none."""
        if not _is_web_address(url):
            raise RecipeError(
                f"'{shown(url)}' is no endpoint: give the URL of an OpenAI-compatible server, such as http://localhost:8000/v1."
            )
        key = os.environ.get(key_variable, "").strip()
        if not key.isascii() or not key.isprintable():
            raise RecipeError(
                f"The API key in the environment variable {key_variable} has characters that no header can hold; set it again."
            )
        if not key and key_variable != KEY_VARIABLE:
            raise RecipeError(f"The environment variable {key_variable}, which is to hold the API key, is not set.")
        return cls(url, model, key, answer_seconds)

    @property
    def name(self) -> str:
        """The URL without login and query, for people and files."""
        return shown(self.url)

    def ask(self, request: Request, attempt: int = 1, constrained: bool = True) -> Answer:
        """The model's answer, good or bad.

        Raises Passing if trying again may help, Refused if this request is rejected, and InputError if every request would be.
        """
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        url = urlunsplit(
            (
                parts.scheme,
                parts.netloc,
                path if path.endswith("/chat/completions") else f"{path}/chat/completions",
                parts.query,
                "",
            )
        )
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        try:
            reply = post_json(url, request.body(self.model, attempt, constrained), headers, self.answer_seconds)
        except Passing as error:
            raise Passing(self._clean(str(error)), error.wait_seconds) from None
        body = self._clean(reply.body.decode("utf-8", "replace"))
        if reply.status in (400, 413, 422):
            raise Refused(words_in(body.encode()))
        if reply.status != 200:
            raise self._no_use(reply.status, words_in(body.encode()))
        return self._read(request, attempt, body)

    def _clean(self, text: str) -> str:
        """A text without the secrets that the server was sent, which it may repeat."""
        for secret in self._secrets:
            text = text.replace(secret, "…")
        return text

    @cached_property
    def _secrets(self) -> list[str]:
        """The key, and login and parameters of the URL; what is shorter than SECRET_CHARACTERS is a word such as EMPTY, and no secret."""
        parts = urlsplit(self.url)
        words = [parts.password or "", *(value for _, value in parse_qsl(parts.query))]
        login = login_of(self.url).get("authorization", "").removeprefix("Basic ")
        found = {self.key, login, *words, *map(unquote, words)}
        return sorted((one for one in found if len(one) >= SECRET_CHARACTERS), key=len, reverse=True)

    def _no_use(self, status: int, words: str) -> InputError:
        remedies = {
            401: "check the API key and the environment variable that holds it (--api-key-env)",
            403: "check what the API key allows",
            404: "check the URL, which mostly ends in /v1, and --model",
        }
        said = f", and says: {words}" if words else ""
        return InputError(
            f"The endpoint {self.name} answers requests for the model {self.model!r} with status {status}{said}. Please "
            f"{remedies.get(status, 'check --endpoint and --model')}; what was answered before is kept."
        )

    def _read(self, request: Request, attempt: int, body: str) -> Answer:
        try:
            value = json.loads(body)
            choice = value["choices"][0]
            message, finish = choice["message"], choice.get("finish_reason") or ""
            raw, refusal = message.get("content") or "", message.get("refusal") or ""
            if not isinstance(raw, str) or not isinstance(refusal, str):
                raise TypeError("the content is no text")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
            said = f": {words_in(body.encode())[:100]}" if body.strip() else ""
            raise Passing(f"the server answered 200, but with no chat completion ({type(error).__name__}){said}") from None
        usage = value.get("usage")
        tokens = [usage.get(name) if isinstance(usage, Mapping) else None for name in ("prompt_tokens", "completion_tokens")]
        counted = all(isinstance(one, int) and one >= 0 for one in tokens)
        if not counted:
            tokens = [sum(estimated_tokens(one["content"]) for one in request.messages), estimated_tokens(raw)]
        parsed_value, bad, detail = _judged(request, raw, finish, refusal)
        return Answer(raw or refusal, parsed_value, bad, detail, int(tokens[0] or 0), int(tokens[1] or 0), counted, attempt)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, an IPv6 address without its end
        return False


def _judged(request: Request, raw: str, finish: str, refusal: str) -> tuple[Any, str, str]:
    if refusal or finish == "content_filter":
        return None, "refusal", finish
    if finish == "length":
        return None, "cut_off", ""
    if not raw.strip():
        return None, "empty", finish
    return (raw, "", "") if request.schema is None else parsed(raw, request.schema)
