"""What is asked of a language model, and what it answered."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus_builder.store.names import digest_of

BAD = {
    "empty": "the answer has no text",
    "cut_off": "the answer reached max_tokens (finish_reason `length`)",
    "refusal": "the model or its provider declined to answer (a `refusal`, or finish_reason `content_filter`)",
    "not_json": "the answer is not one JSON value",
    "wrong_schema": "the answer is JSON, but not of the wanted schema",
    "refused_by_server": "the server rejects the request (status 400, 413 or 422), mostly since the text is too long for the model",
}
"""Every reason for which an answer is bad."""

LATER_TEMPERATURE = 0.5  # ours: of the second and later attempts, since at 0 the same answer would come again


@dataclass(frozen=True, slots=True)
class Request:
    """Messages to a model, with the parameters of the request and, where JSON is wanted, its schema.

    `prompt` and `document` are digests: of the messages and the schema without the document, and of the document.
    `likely_tokens` is about how long an answer will be, for the forecast of costs.
    """

    messages: tuple[Mapping[str, str], ...]
    prompt: str
    document: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    likely_tokens: int = 100

    def key(self, model: str) -> str:
        """Digest under which answers are kept: of prompt, model, parameters and document; 32 hex digits."""
        return digest_of([self.prompt, model, dict(self.parameters), self.document])

    def body(self, model: str, attempt: int, constrained: bool) -> dict[str, Any]:
        """The body of the HTTP request; from the second attempt on with a temperature of at least LATER_TEMPERATURE, and another seed."""
        parameters = dict(self.parameters)
        if attempt > 1 and "temperature" in parameters:
            parameters["temperature"] = max(parameters["temperature"], LATER_TEMPERATURE)
        if attempt > 1 and "seed" in parameters:
            parameters["seed"] += attempt - 1
        wanted = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": self.schema}}
        form = {"response_format": wanted} if self.schema is not None and constrained else {}
        return {"model": model, "messages": [dict(one) for one in self.messages], **parameters, **form}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered: `value` is the text, or the JSON value where a schema was given; `bad` is the reason if it is no use.

    `counted` says whether the server counted the tokens; otherwise they are estimated.
    """

    raw: str
    value: Any = None
    bad: str = ""
    detail: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    counted: bool = True
    attempt: int = 1


_THOUGHT = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?\s*```\s*", re.DOTALL)


def parsed(raw: str, schema: Mapping[str, Any]) -> tuple[Any, str, str]:
    """The JSON value in an answer, or None with the reason why it is bad and the detail.

    The whole answer has to be one JSON value of the schema.  Only two things may stand around it: thoughts in <think> tags before it,
    and one code fence.

    >>> parsed('```json\\n{"a": 1}\\n```', {"required": ["a"]})
    ({'a': 1}, '', '')
    >>> parsed('答えは {"a": 1} です。', {})
    (None, 'not_json', 'Expecting value at character 0')
    >>> parsed('{"a": 1}', {"required": ["b"]})
    (None, 'wrong_schema', "'b' is a required property")
    """
    import jsonschema

    text = _THOUGHT.sub("", raw, count=1) if _THOUGHT.match(raw) else raw
    if fenced := _FENCED.fullmatch(text):
        text = fenced[1]
    try:
        value = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        return None, "not_json", f"{error.msg} at character {error.pos}"
    except (ValueError, RecursionError) as error:
        return None, "not_json", str(error)
    wrong = jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(schema).iter_errors(value))
    if wrong is not None:
        place = "".join(f"{one}: " for one in wrong.absolute_path)
        return None, "wrong_schema", f"{place}{wrong.message}"[:300]
    return value, "", ""


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
