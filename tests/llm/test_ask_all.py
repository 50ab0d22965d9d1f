"""What goes wrong at an endpoint, and that every question is answered all the same, or counted with the reason."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from support.models import GOOD, Chat, chat_server

from corpus_builder.errors import InputError, StageError
from corpus_builder.llm.cost import Budget, Ledger, Prices, Tokens
from corpus_builder.llm.endpoint import Endpoint
from corpus_builder.llm.kept import Kept, kept_in
from corpus_builder.llm.request import BAD, Answer, Request
from corpus_builder.llm.run import Limits, Pace, Progress, ask_all
from corpus_builder.remote.post import _told_to_wait

pytestmark = pytest.mark.usefixtures("impatient")
SCHEMA = {"type": "object", "properties": {"good": {"enum": [0, 1]}}, "required": ["good"]}
ONE, NO_END = Limits(at_a_time=1), Budget()


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server() as server:
        yield server


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with kept_in(tmp_path / "answers") as kept:
        yield kept


def question(text: str, schema: dict[str, object] | None = SCHEMA) -> Request:
    return Request(
        ({"role": "user", "content": f">{text}"},), "p", text, {"temperature": 0, "max_tokens": 50, "seed": 3}, schema, 10
    )


def run(
    chat: Chat, kept: Kept, texts: list[str], limits: Limits = ONE, schema: dict[str, object] | None = SCHEMA,
    budget: Budget = NO_END, seconds: float = 30.0,
) -> tuple[Progress, Ledger]:  # fmt: skip
    ledger = Ledger(budget, Prices(1, 2))
    done = ask_all(
        (question(text, schema) for text in texts), Endpoint(chat.url, "m", answer_seconds=seconds), kept, ledger, limits
    )
    return done, ledger


def answer(kept: Kept, text: str) -> Answer | None:
    return kept.answer(question(text).key("m"), SCHEMA)


PASSING: list[object] = [
    (429, {"Retry-After": "0"}), (429, {}), 408, 500, 502, 503, 529, "reset", "short", "early", "garbage", ("body", b""),
    ("body", b'{"choices": []}'), ("body", b"<html>busy</html>"), ("body", b'{"choices": [{"message": {"content": 5}}]}'),
    ("body", b'{"error": {"message": "overloaded"}}'), ("body", b"[1]"), {"content": {"no": "text"}},
]  # fmt: skip


@pytest.mark.parametrize("fault", PASSING, ids=str)
def test_what_passes_is_tried_again(chat: Chat, kept: Kept, fault: object) -> None:
    chat.faults = [fault, fault]
    done, ledger = run(chat, kept, ["a"])
    assert (done.answers, done.retries, done.unanswered) == (Counter({"": 1}), 2, 0)
    assert answer(kept, "a") == Answer(GOOD, {"good": 1, "kind": "news"}, tokens_in=20, tokens_out=7)
    assert ledger.spent == Tokens(20, 7)
    assert len(chat.asked) == 3


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(chat: Chat, kept: Kept) -> None:
    chat.faults = [("slow", 1.5)]
    done, _ = run(chat, kept, ["a"], seconds=1.0)
    assert (done.answers, done.last_failure) == (Counter({"": 1}), "the server sent nothing for 1 s")


BAD_ANSWERS: list[tuple[object, str, str]] = [
    ({"content": ""}, "empty", ""),
    ({"content": None}, "empty", ""),
    ({"content": " \n"}, "empty", " \n"),
    ({"content": '{"good": 1', "finish_reason": "length"}, "cut_off", '{"good": 1'),
    ({"content": GOOD, "finish_reason": "length"}, "cut_off", GOOD),
    ({"content": '{"good": 1'}, "not_json", '{"good": 1'),
    ({"content": 'Answer: {"good": 1}'}, "not_json", 'Answer: {"good": 1}'),
    ({"content": '{"good": 1, "good": 0}'}, "not_json", '{"good": 1, "good": 0}'),
    ({"content": '{"good": NaN}'}, "not_json", '{"good": NaN}'),
    ({"content": '{"good": 2}'}, "wrong_schema", '{"good": 2}'),
    ({"content": '{"good": "1"}'}, "wrong_schema", '{"good": "1"}'),
    ({"content": "{}"}, "wrong_schema", "{}"),
    ({"content": "5"}, "wrong_schema", "5"),
    ({"content": None, "refusal": "I cannot."}, "refusal", "I cannot."),
    ({"content": GOOD, "finish_reason": "content_filter"}, "refusal", GOOD),
    (400, "refused_by_server", ""),
    (413, "refused_by_server", ""),
]


@pytest.mark.parametrize(("fault", "reason", "raw"), BAD_ANSWERS, ids=str)
def test_a_bad_answer_is_kept_with_its_reason(chat: Chat, kept: Kept, fault: object, reason: str, raw: str) -> None:
    chat.every = fault
    done, _ = run(chat, kept, ["a"])
    found = answer(kept, "a")
    assert found is not None
    assert (done.answers, found.bad, found.raw, found.value) == (Counter({reason: 1}), reason, raw, None)
    assert {reason for _, reason, _ in BAD_ANSWERS} == set(BAD)
    asked = len(chat.asked)
    run(chat, kept, ["a"])
    assert (len(chat.asked) > asked) == (reason == "refused_by_server"), "only what was not answered is asked again"


@pytest.mark.parametrize("raw", ['```json\n{"good": 1}\n```', '<think>1 or {0}?</think>\n{"good": 1}', ' {"good": 1}\n'])
def test_a_fence_and_thoughts_may_stand_around_an_answer(chat: Chat, kept: Kept, raw: str) -> None:
    chat.answer = lambda text: raw
    run(chat, kept, ["a"])
    assert answer(kept, "a") == Answer(raw, {"good": 1}, tokens_in=20, tokens_out=7)


def test_bad_answers_are_asked_for_again_as_often_as_wanted(chat: Chat, kept: Kept) -> None:
    chat.faults = [{"content": "no"}, {"content": "{}"}]
    assert run(chat, kept, ["a"], Limits(attempts=2))[0].answers == Counter({"not_json": 1, "wrong_schema": 1})
    assert answer(kept, "a") == Answer("{}", None, "wrong_schema", "'good' is a required property", 20, 7, attempt=2)
    assert run(chat, kept, ["a"], Limits(attempts=2))[0].answers == Counter()
    assert run(chat, kept, ["a"], Limits(attempts=5))[0].answers == Counter({"": 1})
    assert answer(kept, "a") == Answer(GOOD, {"good": 1, "kind": "news"}, "", "", 20, 7, attempt=3)
    assert [(one.body["temperature"], one.body["seed"]) for one in chat.asked] == [(0, 3), (0.5, 4), (0.5, 5)]
    assert kept.cost(question("a").key("m")) == Tokens(60, 21)


def test_without_a_schema_the_answer_is_its_text(chat: Chat, kept: Kept) -> None:
    chat.answer = lambda text: "  お答えします。"
    run(chat, kept, ["a"], schema=None)
    assert kept.answer(question("a").key("m"), None) == Answer("  お答えします。", "  お答えします。", tokens_in=20, tokens_out=7)
    assert "response_format" not in chat.asked[0].body


def test_a_server_that_takes_no_schema_is_asked_without(chat: Chat, kept: Kept, caplog: pytest.LogCaptureFixture) -> None:
    chat.takes_schemas = False
    done, _ = run(chat, kept, list("abcd"))
    assert done.answers == Counter({"": 4})
    assert ["response_format" in one.body for one in chat.asked] == [True, False, False, False, False]
    assert [record.message for record in caplog.records] == [
        f"{chat.url} takes no JSON schema (response_format is not supported); answers are only checked against it"
    ]


def test_tokens_that_the_server_does_not_count_are_estimated(chat: Chat, kept: Kept) -> None:
    chat.usage = None
    run(chat, kept, ["吾輩"])
    found = answer(kept, "吾輩")
    assert found is not None
    assert (found.tokens_in, found.tokens_out, found.counted) == (3, 9, False)


def test_an_endpoint_that_never_answers_ends_the_run(chat: Chat, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    chat.every = 503
    said = f"{re.escape(chat.url)} gave no answer to 5 requests in a row, after all their tries: the server answered 503"
    with pytest.raises(StageError, match=said):
        run(chat, kept, [f"{n}" for n in range(50)], Limits(at_a_time=2))
    assert len(chat.asked) in range(10, 15)
    chat.every = None
    assert run(chat, kept, [f"{n}" for n in range(50)])[0].answers == Counter({"": 50})


def test_a_single_request_that_fails_is_left_out(chat: Chat, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    chat.faults = [500, 500]
    done, _ = run(chat, kept, list("abc"))
    assert (done.answers, done.unanswered, done.last_failure) == (
        Counter({"": 2}),
        1,
        "the server answered 500 (out of order: None)",
    )
    assert answer(kept, "a") is None


def test_only_failures_in_a_row_end_a_run(chat: Chat, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "1")
    chat.faults = [500] * 4 + [None] + [500] * 4
    done, _ = run(chat, kept, [f"{n}" for n in range(20)])
    assert (done.answers, done.unanswered) == (Counter({"": 12}), 8)


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(401, "check the API key"), (403, "what the API key allows"), (404, "mostly ends in /v1"), (405, "--endpoint")],
)
def test_a_refusal_of_everything_ends_the_run_at_once(chat: Chat, kept: Kept, status: int, remedy: str) -> None:
    chat.every = status
    with pytest.raises(InputError, match=f"with status {status}, and says: out of order: None. Please .*{remedy}"):
        run(chat, kept, list("abcdefgh"))
    assert len(chat.asked) == 1


def test_an_endpoint_that_rejects_every_request_ends_the_run(chat: Chat, kept: Kept) -> None:
    chat.every = 400
    with pytest.raises(InputError, match="rejects every request for the model 'm', and says: out of order"):
        run(chat, kept, [f"{n}" for n in range(50)])
    assert len({one.text for one in chat.asked}) == 5


def test_a_redirect_is_not_followed(chat: Chat, kept: Kept) -> None:
    chat.every = (307, {"Location": "http://example.com/v1"})
    with pytest.raises(InputError, match=r"redirects to http://example.com/v1; if you trust it, use that URL itself"):
        run(chat, kept, ["a"])


def test_nobody_asks_while_a_server_wants_to_be_left_alone(chat: Chat, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second request is answered when the 429 to the first has been read: whatever comes later has been told."""
    until, told, hold = [], threading.Event(), Pace.hold

    def noted(pace: Pace, time: float) -> None:
        hold(pace, time)
        until.append(time)
        told.set()

    monkeypatch.setattr(Pace, "hold", noted)
    chat.faults = [(429, {"Retry-After": "0.4"}), told.wait]
    done, _ = run(chat, kept, [f"{n}" for n in range(8)], Limits(at_a_time=2))
    assert (done.answers, len(until)) == (Counter({"": 8}), 1)
    assert min(chat.times[2:]) >= until[0] >= chat.times[0] + 0.4


def test_a_request_whose_turn_was_told_before_waits_too(chat: Chat, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    until, start = [], Pace.start

    def held_after(pace: Pace, now: float, tokens: float) -> float:
        turn = start(pace, now, tokens)
        until.append(now + 0.2)
        pace.hold(until[0])
        return turn

    monkeypatch.setattr(Pace, "start", held_after)
    run(chat, kept, ["a"])
    assert chat.times[0] >= until[0]


def test_requests_are_spaced(chat: Chat, kept: Kept) -> None:
    begun = time.monotonic()
    run(chat, kept, list("abcdef"), Limits(at_a_time=6, requests_per_minute=1200))
    assert [at - begun >= 0.05 * number for number, at in enumerate(chat.times)] == [True] * 6


def test_retry_after_is_a_number_or_a_date() -> None:
    assert [_told_to_wait(header) for header in ("3", "0.5", "", "soon", "-1")] == [3.0, 0.5, None, None, None]
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < (_told_to_wait(date) or 0) <= 100
    assert _told_to_wait("Fri, 31 Dec 1999 23:59:59 GMT") == 0.0


@pytest.mark.parametrize("budget", [Budget(tokens=300), Budget(money=300e-6)], ids=["tokens", "money"])
def test_a_budget_is_never_exceeded_whatever_is_in_flight(chat: Chat, kept: Kept, budget: Budget) -> None:
    chat.every = ("slow", 0.02)
    _, ledger = run(chat, kept, [f"{n}" for n in range(50)], Limits(at_a_time=8), budget=budget)
    assert ledger.exhausted
    each = 27 if budget.tokens else 34e-6
    total = len(chat.asked) * each
    assert ledger.spent == Tokens(20 * len(chat.asked), 7 * len(chat.asked))
    limit = budget.tokens or budget.money or 0
    most = 10 + 50 if budget.tokens else (10 + 2 * 50) * 1e-6
    assert limit - most < total <= limit
