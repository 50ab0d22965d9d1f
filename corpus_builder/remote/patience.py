"""How long to wait, how often to try again, and where to go on: reading a range of a remote file to its end."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from corpus_builder.errors import InputError, RecipeError
from corpus_builder.remote.places import shown

log = logging.getLogger(__name__)
T = TypeVar("T")

MAX_TOLD_SECONDS = 60.0  # the longest Retry-After that is obeyed; ours
SLOW_BYTES_PER_SECOND = 1_000  # ours: an answer that is slower than this over SLOW_SECONDS of waiting for it has stalled
SLOW_SECONDS = 60.0
MAX_WHOLE_BYTES = 1 << 28  # of lists and other files that are read as a whole


@dataclass(frozen=True, slots=True)
class Stat:
    """What tells one version of a remote file from another: its length in bytes and its ETag (or, without one, Last-Modified)."""

    size: int
    tag: str

    @property
    def identity(self) -> str:
        """The version in words, as it stands in receipts."""
        return f"{self.size} bytes, {self.tag}"


class Passing(Exception):
    """A failure that may pass: the caller tries again, after `wait_seconds` where the server said so."""

    def __init__(self, what: str, wait_seconds: float | None = None) -> None:
        super().__init__(what)
        self.wait_seconds = wait_seconds


class Store(Protocol):
    """A kind of place; each call is one request, and raises Passing where trying again may help, else InputError."""

    def stat(self, place: str) -> Stat:
        """The version of the file that is there now."""

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """Bytes start..end-1 in pieces; InputError if the file is no longer the version `stat`."""

    def read_whole(self, place: str) -> Iterator[bytes]:
        """All bytes, whatever the version."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Limits of waiting, in seconds, and of tries in a row that bring no byte.  The defaults are ours."""

    tries: int = 6
    answer_seconds: float = 30.0
    connect_seconds: float = 10.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: doubling, spread at random so that workers do not come all at once."""
        longest = min(self.first_wait_seconds * 2.0 ** (failures - 1), self.longest_wait_seconds)
        return longest * (0.5 + 0.5 * random.random())  # changes when, never what


def patience() -> Patience:
    """The machine's setting: CORPUS_BUILDER_TRIES, CORPUS_BUILDER_TIMEOUT_SECONDS and CORPUS_BUILDER_WAIT_SECONDS, or the defaults."""
    usual = Patience()
    answer = _number("CORPUS_BUILDER_TIMEOUT_SECONDS", usual.answer_seconds)
    return Patience(
        tries=max(int(_number("CORPUS_BUILDER_TRIES", usual.tries)), 1),
        answer_seconds=answer,
        connect_seconds=min(answer, usual.connect_seconds),
        first_wait_seconds=_number("CORPUS_BUILDER_WAIT_SECONDS", usual.first_wait_seconds),
    )


def _number(name: str, usual: float) -> float:
    try:
        value = float(os.environ.get(name) or usual)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise RecipeError(f"The environment variable {name} = {os.environ[name]!r} is no positive number; correct or unset it.")
    return value


class Pace:
    """Bytes against the time that was spent waiting for them, in windows of SLOW_SECONDS; what the reader does meanwhile counts not."""

    def __init__(self) -> None:
        self._bytes = 0
        self._seconds = 0.0

    def note(self, received: int, seconds: float) -> str:
        """So many bytes came after so long; what is wrong, "" while it is fast enough.

        >>> pace = Pace()
        >>> [pace.note(59_000, 50.0), pace.note(2_000, 10.0), pace.note(100, 59.0), pace.note(100, 2.0)]
        ['', '', '', 'the server sent 200 bytes in 61 s']
        """
        self._bytes += received
        self._seconds += seconds
        if self._seconds < SLOW_SECONDS or self._seconds < 2 * patience().answer_seconds:
            return ""
        brought, waited, self._bytes, self._seconds = self._bytes, self._seconds, 0, 0.0
        if brought < SLOW_BYTES_PER_SECOND * waited:
            return f"the server sent {brought:,} bytes in {waited:.3g} s"
        return ""


@dataclass
class Traffic:
    """What was asked of servers: requests (the repeated ones, too), repeated requests, bytes received."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, requests: int = 0, retries: int = 0, received: int = 0) -> None:
        """Count; from any thread."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes += received


def patiently(place: str, ask: Callable[[], T], traffic: Traffic | None = None) -> T:
    """What `ask` returns, tried again while it raises Passing; InputError when patience is at its end."""
    failures = 0
    limits = patience()
    while True:
        if traffic:
            traffic.add(requests=1)
        try:
            return ask()
        except Passing as error:
            failures += 1
            _pause(place, error, failures, limits, traffic, None)


def read_range(
    store: Store, place: str, stat: Stat, start: int, end: int, traffic: Traffic, stop: threading.Event | None = None
) -> Iterator[bytes]:
    """Bytes start..end-1 in pieces; after a failure it goes on behind the last byte that came.

    InputError when nothing comes any more, or when the file changed meanwhile.  `stop` ends it early, also while it waits.
    """
    failures = came = 0
    waited = 0.0
    limits = patience()
    while start < end and not (stop and stop.is_set()):
        traffic.add(requests=1)
        asked = time.monotonic()
        try:
            pieces = store.read(place, stat, start, end)
            while piece := next(pieces, b""):
                came, waited = came + len(piece), waited + time.monotonic() - asked
                enough = came >= SLOW_BYTES_PER_SECOND * waited
                if enough or waited < SLOW_SECONDS:  # later on, a byte a request is no progress
                    failures = 0
                if enough and waited >= SLOW_SECONDS:
                    came, waited = 0, 0.0
                start += len(piece)
                traffic.add(received=len(piece))
                yield piece
                if stop and stop.is_set():
                    return
                asked = time.monotonic()
            if start < end:
                raise Passing(f"the answer ended {end - start:,} bytes early")
        except Passing as error:
            failures, waited = failures + 1, waited + time.monotonic() - asked
            _pause(place, error, failures, limits, traffic, stop)


def _pause(
    place: str, error: Passing, failures: int, limits: Patience, traffic: Traffic | None, stop: threading.Event | None
) -> None:
    if failures >= limits.tries:
        raise InputError(
            f"{shown(place)} cannot be read: {error}, {failures} times in a row. Check the network and the server, then run the "
            "same command again; CORPUS_BUILDER_TRIES and CORPUS_BUILDER_TIMEOUT_SECONDS set how long to go on trying."
        ) from error
    seconds = limits.wait(failures) if error.wait_seconds is None else min(error.wait_seconds, MAX_TOLD_SECONDS)
    log.info("%s: %s; again in %.1f s", shown(place), error, seconds)
    if traffic:
        traffic.add(retries=1)
    (stop or threading.Event()).wait(seconds)
