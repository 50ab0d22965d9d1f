"""Sends JSON to a web service, one request at a time; what to do about a failure is the caller's business."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from urllib3.exceptions import HTTPError

from corpus_builder.errors import InputError
from corpus_builder.messages.terminal import harmless
from corpus_builder.remote.places import shown
from corpus_builder.remote.retries import Passing
from corpus_builder.remote.web import PASSING, PIECE, ask, login_of, words_of

MAX_ANSWER_BYTES = 1 << 26  # ours


@dataclass(frozen=True, slots=True)
class Reply:
    """A response that is final: its status and its body."""

    status: int
    body: bytes


def post_json(url: str, value: Any, headers: Mapping[str, str], answer_seconds: float) -> Reply:
    """The response to one POST of a JSON value.

    Raises Passing for what another try may mend: no connection, a timeout, a cut, status 408, 425, 429 or 5xx; the server's own
    words and its Retry-After come with it.  Raises InputError for a URL that is invalid or redirects, and a server that cannot be trusted.
    """
    content = json.dumps(value).encode()
    sent = {"content-type": "application/json", **login_of(url), **{name.lower(): value for name, value in headers.items()}}
    response = ask(url, url, sent, body=content, answer_seconds=answer_seconds)
    done = False
    try:
        if response.get_redirect_location():
            raise InputError(
                f"{shown(url)} redirects to {harmless(shown(response.headers['Location']), 200)}; if you trust it, use that URL itself."
            )
        if (meter := getattr(response.connection, "meter", None)) is not None:
            meter.begin(MAX_ANSWER_BYTES)
        pieces = []
        while piece := response.read1(PIECE, decode_content=False):
            pieces.append(piece)
        done = True  # a body that ends early is an error of urllib3's
    except HTTPError as error:
        raise Passing(words_of(error, answer_seconds)) from error
    finally:
        if done:
            response.release_conn()
        else:
            response.close()
    body = b"".join(pieces)
    if response.status in PASSING or response.status >= 500:
        what = f"the server answered {response.status}"
        raise Passing(
            f"{what} ({said})" if (said := words_in(body)) else what, _told_to_wait(response.headers.get("Retry-After", ""))
        )
    return Reply(response.status, body)


def words_in(body: bytes) -> str:
    """The message in a web service's response to a request that failed: its JSON's `error.message`, `message` or `detail`, else its text."""
    text = body[:100_000].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = text
    for name in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(name):
            found = found[name]
    return harmless(" ".join((found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)).split()), 300)


def _told_to_wait(header: str) -> float | None:
    """Seconds that a Retry-After asks for, which is a number or a date."""
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", header):
        return float(header)
    try:
        return max(email.utils.parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, OverflowError):
        return None
