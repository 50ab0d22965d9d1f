"""Asks many requests at a time: rate-limited, retried, within a budget, each answer kept at once."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from corpus_builder.errors import InputError, StageError
from corpus_builder.llm.cost import MESSAGE_TOKENS, Ledger, Tokens, estimated_tokens, most_tokens
from corpus_builder.llm.endpoint import Endpoint, Refused
from corpus_builder.llm.kept import Kept
from corpus_builder.llm.request import Answer, Request
from corpus_builder.remote.retries import Passing, patience

log = logging.getLogger(__name__)

LONGEST_TOLD_SECONDS = 600.0  # ours: the longest Retry-After that is waited for
GIVE_UP_AFTER = 5  # ours: so many requests in a row without an answer, after all their tries, end the run


@dataclass(frozen=True, slots=True)
class Limits:
    """How a server is asked: requests at a time, and the most requests and tokens a minute; None: no limit.

    `attempts` is how often a request is asked in all while its answers are bad.
    """

    at_a_time: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    attempts: int = 1


class Pace:
    """When requests may be sent: evenly spaced, so that no minute has more requests or tokens than allowed.

    >>> pace = Pace(Limits(requests_per_minute=60, tokens_per_minute=6_000))
    >>> [pace.start(0.0, tokens) for tokens in (100, 300, 10, 10)]
    [0.0, 1.0, 4.0, 5.0]
    >>> pace.hold(30.0)
    >>> pace.held_until, pace.start(6.0, 10)
    (30.0, 30.0)
    """

    def __init__(self, limits: Limits) -> None:
        self._request_seconds = 60.0 / limits.requests_per_minute if limits.requests_per_minute else 0.0
        self._token_seconds = 60.0 / limits.tokens_per_minute if limits.tokens_per_minute else 0.0
        self._free = self.held_until = 0.0
        self._lock = threading.Lock()

    def start(self, now: float, tokens: float) -> float:
        """When a request of so many tokens may be sent, in seconds of the clock of `now`."""
        with self._lock:
            begin = max(now, self._free)
            self._free = begin + max(self._request_seconds, self._token_seconds * tokens)
            return begin

    def hold(self, until: float) -> None:
        """Send nothing before this time: also what was told an earlier one."""
        with self._lock:
            self.held_until = max(self.held_until, until)
            self._free = max(self._free, until)


@dataclass
class Progress:
    """What a run did: answers by reason ("" is good), and requests that got none, with the last words of the server."""

    answers: Counter[str] = field(default_factory=Counter)
    retries: int = 0
    unanswered: int = 0
    last_failure: str = ""
    unconstrained: bool = False


class _Run:
    def __init__(
        self, endpoint: Endpoint, kept: Kept, limits: Limits, ledger: Ledger, report: Callable[[Progress, Tokens], None]
    ) -> None:
        self.endpoint, self.kept, self.limits, self.ledger, self.report = endpoint, kept, limits, ledger, report
        self.pace = Pace(limits)
        self.stop = threading.Event()
        self.error: BaseException | None = None
        self.done = Progress()
        self._lock = threading.Lock()
        self._in_a_row = 0

    def work(self, waiting: queue.SimpleQueue[Request | None], room: threading.Semaphore) -> None:
        """Answer requests from a queue until it says None."""
        while (request := waiting.get()) is not None:
            try:
                if not self.stop.is_set():
                    self._answer(request)
            except BaseException as error:  # of any kind: the caller raises it
                self.error = self.error or error
                self.stop.set()
            finally:
                room.release()

    def _answer(self, request: Request) -> None:
        while attempt := self.kept.next_attempt(request.key(self.endpoint.model), self.limits.attempts):
            answer = self._asked(request, attempt)
            if answer is None:
                return
            self.kept.add(request, self.endpoint.model, answer)
            with self._lock:
                self._in_a_row = 0
                answers = self.done.answers
                answers[answer.bad] += 1
                useless = answers["refused_by_server"] == answers.total() >= GIVE_UP_AFTER
                self.report(self.done, self.ledger.spent)
            if useless:
                raise InputError(
                    f"The endpoint {self.endpoint.name} rejects every request for the model {self.endpoint.model!r}, and says: "
                    f"{answer.detail}. Correct the parameters, or give the server a longer context; rejected requests are asked again."
                )
            if answer.bad == "refused_by_server":
                return

    def _asked(self, request: Request, attempt: int) -> Answer | None:
        """One answer, after as many tries as it takes; None if there is none to be had, or the run has to stop."""
        tokens_in, longest = tokens_of(request)
        likely, most = tokens_in + request.likely_tokens, Tokens(tokens_in, longest)
        failures, limits = 0, patience()
        if not self.ledger.reserve(most, self.stop):
            self.stop.set()
            return None
        cost = Tokens()
        try:
            while True:
                if self._stopped_before_turn(likely):
                    return None
                try:
                    answer = self._once(request, attempt)
                    cost = Tokens(answer.tokens_in, answer.tokens_out)
                    return answer
                except Passing as error:
                    failures += 1
                    with self._lock:
                        self.done.last_failure = str(error)
                        self.done.retries += failures < limits.tries
                    if failures >= limits.tries:
                        self._unanswered()
                        return None
                    seconds = limits.wait(failures)
                    if error.wait_seconds is not None:
                        seconds = min(error.wait_seconds, LONGEST_TOLD_SECONDS)
                        self.pace.hold(time.monotonic() + seconds)
                    log.info("%s: %s; trying again in %.1f s", self.endpoint.name, error, seconds)
                    if self.stop.wait(seconds):
                        return None
        finally:
            self.ledger.settle(most, cost)

    def _stopped_before_turn(self, tokens: float) -> bool:
        turn = self.pace.start(time.monotonic(), tokens)
        while (seconds := max(turn, self.pace.held_until) - time.monotonic()) > 0:
            if self.stop.wait(seconds):
                return True
        return self.stop.is_set()

    def _once(self, request: Request, attempt: int) -> Answer:
        """One request; once more without a schema if the server rejects it, since some servers know no `response_format`."""
        constrained = request.schema is not None and not self.done.unconstrained
        try:
            return self.endpoint.ask(request, attempt, constrained)
        except Refused as error:
            words = str(error)
        if constrained:
            try:
                answer = self.endpoint.ask(request, attempt, False)
            except Refused:
                pass
            else:
                if not self.done.unconstrained:
                    log.warning("%s takes no JSON schema (%s); answers are only checked against it", self.endpoint.name, words)
                self.done.unconstrained = True
                return answer
        return Answer("", bad="refused_by_server", detail=words, attempt=attempt)

    def _unanswered(self) -> None:
        with self._lock:
            self.done.unanswered += 1
            self._in_a_row += 1
            last = self._in_a_row >= GIVE_UP_AFTER
        if last:
            raise StageError(
                f"The endpoint {self.endpoint.name} gave no answer to {GIVE_UP_AFTER} requests in a row, after all their tries: "
                f"{self.done.last_failure}. What was answered is kept; run the same command again to go on."
            )


def tokens_of(request: Request) -> tuple[int, int]:
    """The estimated tokens of a request, and the most that its answer can have."""
    into = sum(estimated_tokens(one["content"]) + MESSAGE_TOKENS for one in request.messages)
    return into, most_tokens(request.parameters, request.likely_tokens)


def ask_all(
    requests: Iterable[Request],
    endpoint: Endpoint,
    kept: Kept,
    ledger: Ledger,
    limits: Limits = Limits(),
    report: Callable[[Progress, Tokens], None] = lambda done, spent: None,
) -> Progress:
    """Ask all requests that have no good answer yet, and keep the answers.

    It ends early, with `ledger.exhausted`, where the budget ends.  Requests that got no answer are counted, and asked by the next run.
    `report` is called after each answer.  Raises InputError or StageError if the endpoint is of no use; what was answered is kept.
    """
    run = _Run(endpoint, kept, limits, ledger, report)
    waiting: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
    room = threading.Semaphore(2 * limits.at_a_time)  # requests may come from a file that is larger than memory
    workers = [threading.Thread(target=run.work, args=(waiting, room), daemon=True) for _ in range(limits.at_a_time)]
    for worker in workers:
        worker.start()
    begun: set[str] = set()
    try:
        for request in requests:
            key = request.key(endpoint.model)
            if key in begun or not kept.next_attempt(key, limits.attempts):
                continue
            room.acquire()
            if run.stop.is_set():
                break
            begun.add(key)
            waiting.put(request)
        _stop(waiting, workers)
        for worker in workers:
            worker.join()
    except BaseException:  # interrupted, most likely: those in flight are given up
        run.stop.set()
        _stop(waiting, workers)
        raise
    if run.error is not None:
        raise run.error
    return run.done


def _stop(waiting: queue.SimpleQueue[Request | None], workers: list[threading.Thread]) -> None:
    for _ in workers:
        waiting.put(None)
