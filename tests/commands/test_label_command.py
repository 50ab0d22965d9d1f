"""The command `label`: its costs, its budget, its exit codes, and that it tells no secret."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.models import GOOD, Chat, chat_server, rows_of, write_policy, write_sample

from corpus_builder.commands.main import main

pytestmark = pytest.mark.usefixtures("impatient")
TEXTS = [f"文章その{n}。" for n in range(20)]
KEY = "sk-t0pSecretKey"


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server() as server:
        yield server


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write_sample(tmp_path, TEXTS)
    write_policy(tmp_path)
    return tmp_path


def label(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(
        main, ["label", "sample.jsonl", "--policy", "tiny.toml", "--out", "labels.jsonl", *map(str, words)]
    )
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output


def test_costs_are_shown_first_and_counted(chat: Chat, here: Path) -> None:
    prices = ["--price-in", 1000, "--price-out", 2000]
    said = label("--dry-run", *prices)
    # 25 tokens each: 8 of the message, 12 for 38 or 39 characters of ASCII, 5 for the other characters.
    assert said == (
        "To ask for 20: about 700 tokens (500 in, 200 out), 0.9000 in money, at most 1,500 tokens (500 in, 1,000 out), 2.5000 in money.\n"
    )
    assert (chat.asked, sorted(path.name for path in here.iterdir())) == ([], ["sample.jsonl", "tiny.toml"])
    said = label("--endpoint", chat.url, "--model", "m", *prices)
    assert "To ask for 20: about 700 tokens" in said
    assert "labels.jsonl: 20 of 20 documents, 540 tokens (400 in, 140 out), 0.6800 in money" in said
    said = label("--endpoint", chat.url, "--model", "m", "--dry-run")
    assert said == "20 of 20 documents are answered already, for 540 tokens (400 in, 140 out). Nothing is to be asked.\n"


def test_costs_are_told_as_it_runs(chat: Chat, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("corpus_builder.selection.label.REPORT_SECONDS", 0.0)
    chat.faults = [{"content": "?"}, 500]
    said = label("--endpoint", chat.url, "--model", "m", "--parallel", 1, "--price-in", 1000, "--price-out", 2000).splitlines()
    assert said[1:3] == [
        "1 answers (1 bad, 0 retries), 19 left; so far 27 tokens (20 in, 7 out), 0.0340 in money; in the end about 540 tokens (400 in, 140 out), 0.6800 in money",
        "2 answers (1 bad, 1 retries), 18 left; so far 54 tokens (40 in, 14 out), 0.0680 in money; in the end about 540 tokens (400 in, 140 out), 0.6800 in money",
    ]
    assert len(said) == 1 + 20 + 4


@pytest.mark.parametrize("budget", [["--budget-tokens", 200], ["--budget", 0.25, "--price-in", 1000, "--price-out", 2000]])
def test_a_budget_stops_it_and_a_larger_one_goes_on(chat: Chat, here: Path, budget: list[object]) -> None:
    model = ["--endpoint", chat.url, "--model", "m"]
    said = label(*model, *budget, code=4)
    assert re.search(r"The budget is used up: .* for \d of 20 documents\. All answers are kept in labels\.jsonl\.answers", said)
    first = len(chat.asked)
    assert 0 < first < 8
    assert not (here / "labels.jsonl").exists()
    label(*model, *budget, code=4)
    assert len(chat.asked) == first, "what earlier runs spent counts"
    label(*model)
    assert Counter(one.text for one in chat.asked) == Counter(TEXTS)
    assert len(rows_of(here / "labels.jsonl")) == 20


def test_bad_answers_are_counted_by_reason_and_left_out(chat: Chat, here: Path) -> None:
    chat.faults = [{"content": ""}, {"content": "?"}, {"content": "?"}]
    said = label("--endpoint", chat.url, "--model", "m", "--parallel", 1)
    assert "labels.jsonl: 17 of 20 documents" in said
    assert "left out: 1 empty: the answer has no text\n" in said
    assert "left out: 2 not_json: the answer is not one JSON value\n" in said
    assert [row["id"] for row in rows_of(here / "labels.jsonl")] == [f"d{n}" for n in range(3, 20)]
    found = json.loads(label("--json"))
    assert (found["documents"], found["labelled"], found["bad"], found["asked"]) == (20, 17, {"empty": 1, "not_json": 2}, 0)
    head = json.loads((here / "labels.jsonl.answers/sealed.json").read_bytes())
    assert (head["requests"], head["bad"]) == (20, {"empty": 1, "not_json": 2})
    assert [row["raw"] for row in rows_of(here / "labels.jsonl.answers/answers.jsonl")] == ["", "?", "?", *[GOOD] * 17]


def test_no_useful_answer_is_no_success(chat: Chat, here: Path) -> None:
    chat.every = {"content": "?"}
    assert "no answer is of use, so labels.jsonl is empty" in label("--endpoint", chat.url, "--model", "m", code=7)


def test_mistakes_are_sentences(chat: Chat, here: Path) -> None:
    model = ["--endpoint", chat.url, "--model", "m"]
    assert "has no answer to 20 of 20 documents by this policy, model (m)" in label("--model", "m", code=3)
    assert "No model is named" in label(code=3)
    assert "A budget in money needs prices" in label(*model, "--budget", 1, code=2)
    for url in ("localhost:8000/v1", "ftp://localhost/v1", "http://", "http://h:x/v1", "http://[::1/v1"):
        assert f"'{url}' is no endpoint" in label("--endpoint", url, "--model", "m", code=2)
    assert "write NAME=VALUE, such as max_tokens=500" in label(*model, "--parameter", "max_tokens", code=2)
    assert "The environment variable NO_SUCH_KEY, which is to hold the API key, is not set" in label(
        *model, "--api-key-env", "NO_SUCH_KEY", code=2
    )
    for line, said in [
        ("{", "this is not JSON"),
        ('{"id": "a"}', 'a document is an object with its "text"'),
        ("", "has no documents"),
    ]:
        (here / "sample.jsonl").write_text(line + "\n")
        assert said in label(*model, code=3)
    assert chat.asked == []


def test_parameters_are_those_of_the_policy_and_the_command(chat: Chat, here: Path) -> None:
    label(
        "--endpoint",
        chat.url,
        "--model",
        "m",
        "--parameter",
        "temperature=null",
        "--parameter",
        "reasoning_effort=low",
        "--parameter",
        "top_k=5",
    )
    assert {name: one for name, one in chat.asked[0].body.items() if name not in ("messages", "response_format")} == {
        "model": "m", "max_tokens": 50, "reasoning_effort": "low", "top_k": 5,
    }  # fmt: skip


# Secrets


def secrets_in(text: str | bytes) -> list[str]:
    content = text.encode() if isinstance(text, str) else text
    return [secret for secret in (KEY, "pa55word", "t0kenValue") if secret.encode() in content]


@pytest.mark.parametrize(
    "fault", [None, 401, 400, (429, {"Retry-After": "0"}), {"content": f"Bearer {KEY}"}, ("body", KEY.encode())], ids=str
)
def test_the_api_key_and_the_login_of_the_endpoint_are_told_by_nobody(
    chat: Chat, here: Path, monkeypatch: pytest.MonkeyPatch, fault: object
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    url = chat.url.replace("://", "://me:pa55word@") + "?token=t0kenValue"
    chat.every = fault
    command = ["-v", "label", "sample.jsonl", "--policy", "tiny.toml", "--out", "labels.jsonl", "--endpoint", url, "--model", "m"]
    result = CliRunner().invoke(main, [*command, "--api-key-env", "MY_KEY"])
    assert result.exit_code == (0 if fault is None else 7 if isinstance(fault, dict) else 4 if isinstance(fault, tuple) else 3)
    assert {one.headers["authorization"] for one in chat.asked} == {f"Bearer {KEY}"}
    assert secrets_in(result.output) == [], result.output
    files = [path for path in here.rglob("*") if path.is_file()]
    assert {path.name: found for path in files if (found := secrets_in(path.read_bytes()))} == {}


@pytest.mark.parametrize("fault", [None, 400, {"content": "Basic bWU6cGE1NXdvcmQ=, pa55word"}], ids=str)
def test_a_login_without_a_key_is_sent_and_told_by_nobody(chat: Chat, here: Path, fault: object) -> None:
    chat.every = fault
    url = chat.url.replace("://", "://me:pa55word@")
    said = label("--endpoint", url, "--model", "m", code=7 if isinstance(fault, dict) else 3 if fault else 0)
    assert chat.asked[0].headers["authorization"] == "Basic bWU6cGE1NXdvcmQ="
    for content in (said.encode(), *(path.read_bytes() for path in here.rglob("*") if path.is_file())):
        assert b"pa55word" not in content
        assert b"bWU6cGE1NXdvcmQ" not in content


# kill -9


@pytest.mark.parametrize("kills", [1, pytest.param(5, marks=pytest.mark.slow)])
def test_a_run_that_is_killed_goes_on_and_asks_nothing_twice(chat: Chat, here: Path, kills: int) -> None:
    chat.every = ("slow", 0.01)
    words = [
        "label",
        "sample.jsonl",
        "--policy",
        "tiny.toml",
        "--out",
        "labels.jsonl",
        "--endpoint",
        chat.url,
        "--model",
        "m",
        "--parallel",
        "3",
    ]
    command = [sys.executable, "-m", "corpus_builder", *words]
    write_sample(here, texts := [f"文章その{n}。" for n in range(100)])
    for _ in range(kills):
        before = len(chat.asked)
        with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while len(chat.asked) < before + 12:
                assert process.poll() is None
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
        log = (here / "labels.jsonl.answers/log.jsonl").read_bytes()
        kept = [json.loads(line)["key"] for line in log.split(b"\n")[:-1]]
        assert len(kept) == len(set(kept))
    assert not (here / "labels.jsonl").exists()
    label("--endpoint", chat.url, "--model", "m")
    counts = Counter(one.text for one in chat.asked)
    assert set(counts) == set(texts)
    assert counts.total() - len(texts) <= 3 * kills, "at most the three in flight are lost each time"
    label("--endpoint", chat.url, "--model", "m")
    assert len(chat.asked) == counts.total()
    assert [row["id"] for row in rows_of(here / "labels.jsonl")] == [f"d{n}" for n in range(100)]
