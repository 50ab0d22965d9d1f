"""Timeouts, retries and resumption, for reading a range of a remote file to its end."""

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

MAX_TOLD_SECONDS = 60.0  # ours: the longest Retry-After that is honoured
SLOW_BYTES_PER_SECOND = 1_000  # ours: a response slower than this over SLOW_SECONDS of waiting has stalled
SLOW_SECONDS = 60.0
MAX_WHOLE_BYTES = 1 << 28  # of lists and other files that are read whole


@dataclass(frozen=True, slots=True)
class Stat:
    """A version of a remote file: its length in bytes and its ETag (or Last-Modified, if there is no ETag)."""

    size: int
    tag: str

    @property
    def identity(self) -> str:
        """The version as text, as stored in receipts."""
        return f"{self.size} bytes, {self.tag}"


class Passing(Exception):
    """A temporary failure: the caller tries again, after `wait_seconds` if the server asked for that."""

    def __init__(self, what: str, wait_seconds: float | None = None) -> None:
        super().__init__(what)
        self.wait_seconds = wait_seconds


class Store(Protocol):
    """A kind of storage; each call is one request, and raises Passing if trying again may help, else InputError."""

    def stat(self, place: str) -> Stat:
        """The file's current version."""

    def read(self, place: str, stat: Stat, start: int, end: int) -> Iterator[bytes]:
        """Bytes start..end-1 in pieces; raises InputError if the file is no longer the version `stat`."""

    def read_whole(self, place: str) -> Iterator[bytes]:
        """All bytes, whatever the version."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Timeouts in seconds, and the number of consecutive tries without a byte before giving up.  The defaults are ours."""

    tries: int = 6
    answer_seconds: float = 30.0
    connect_seconds: float = 10.0
    first_wait_seconds: float = 0.5
    longest_wait_seconds: float = 30.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after this many consecutive failures: doubling, with jitter so that workers do not retry all at once."""
        longest = min(self.first_wait_seconds * 2.0 ** (failures - 1), self.longest_wait_seconds)
        return longest * (0.5 + 0.5 * random.random())  # affects only timing, never results


def patience() -> Patience:
    """The settings of this machine, from CORPUS_BUILDER_TRIES, CORPUS_BUILDER_TIMEOUT_SECONDS and CORPUS_BUILDER_WAIT_SECONDS, or the defaults."""
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
        raise RecipeError(
            f"The environment variable {name} = {os.environ[name]!r} is not a positive number; correct or unset it."
        )
    return value


class Pace:
    """Bytes received against the time spent waiting for them, in windows of SLOW_SECONDS; the reader's own time does not count."""

    def __init__(self) -> None:
        self._bytes = 0
        self._seconds = 0.0

    def note(self, received: int, seconds: float) -> str:
        """Record `received` bytes after a wait of `seconds`; returns a complaint, or "" while it is fast enough.

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
    """Counters: requests (including retries), retries, bytes received."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add(self, requests: int = 0, retries: int = 0, received: int = 0) -> None:
        """Add to the counters; thread-safe."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.bytes += received


def patiently(place: str, ask: Callable[[], T], traffic: Traffic | None = None) -> T:
    """What `ask` returns, called again while it raises Passing; raises InputError when the tries are used up."""
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
    """Bytes start..end-1 in pieces; after a failure it resumes after the last byte received.

    Raises InputError if nothing more arrives, or if the file changed meanwhile.  `stop` ends it early, also while it waits.
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
                if enough or waited < SLOW_SECONDS:  # from then on, a byte per request is no progress
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
            "same command again; CORPUS_BUILDER_TRIES and CORPUS_BUILDER_TIMEOUT_SECONDS set how long to keep trying."
        ) from error
    seconds = limits.wait(failures) if error.wait_seconds is None else min(error.wait_seconds, MAX_TOLD_SECONDS)
    log.info("%s: %s; trying again in %.1f s", shown(place), error, seconds)
    if traffic:
        traffic.add(retries=1)
    (stop or threading.Event()).wait(seconds)
