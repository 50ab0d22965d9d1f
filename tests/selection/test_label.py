"""Documents get labels from a model: each is asked about once, whatever happens, and the same answers give the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from support.models import GOOD, Chat, chat_server, rows_of, write_policy, write_sample

from corpus_builder import InputError, StageError, label
from corpus_builder.llm.run import Limits

pytestmark = pytest.mark.usefixtures("impatient")
TEXTS = ["吾輩は猫である。", "本日のセール品はこちら。", "名前はまだ無い。", "送料無料でお届けします。"]


@pytest.fixture
def chat() -> Iterator[Chat]:
    with chat_server() as server:
        server.answer = lambda text: '{"good": 0, "kind": "shop"}' if "セール" in text or "送料" in text else GOOD
        yield server


def test_labels_are_the_answers_in_the_order_of_the_sample(chat: Chat, tmp_path: Path) -> None:
    sample, policy, out = write_sample(tmp_path, TEXTS), write_policy(tmp_path), tmp_path / "labels.jsonl"
    chat.faults = [("slow", 0.1)]  # the first comes last
    done = label(sample, policy, chat.url, "m", out)
    good, shop = {"good": 1, "kind": "news"}, {"good": 0, "kind": "shop"}
    by = rows_of(out)[0]["by"]
    assert by.startswith("tiny@")
    assert by.endswith(" m")
    assert rows_of(out) == [
        {**row, "labels": labels, "by": by} for row, labels in zip(rows_of(sample), [good, shop, good, shop], strict=True)
    ]
    assert (done.documents, done.labelled, done.asked, done.bad, done.tokens_in, done.tokens_out) == (4, 4, 4, {}, 80, 28)
    assert done.digest == hashlib.sha256(out.read_bytes()).hexdigest()
    assert Counter(one.text for one in chat.asked) == Counter(TEXTS)
    assert chat.asked[0].body["model"] == "m"
    assert chat.asked[0].body["temperature"] == 0
    assert chat.asked[0].body["response_format"]["json_schema"]["schema"] == {
        "type": "object",
        "properties": {"good": {"type": "integer", "enum": [0, 1]}, "kind": {"type": "string", "enum": ["news", "shop"]}},
        "required": ["good", "kind"],
        "additionalProperties": False,
    }


def test_the_same_bytes_whatever_the_concurrency_and_from_the_kept_answers_alone(chat: Chat, tmp_path: Path) -> None:
    texts = [f"文章その{n}。" for n in range(30)]
    sample, policy = write_sample(tmp_path, texts), write_policy(tmp_path)
    chat.every = ("slow", 0.02)
    runs = [label(sample, policy, chat.url, "m", tmp_path / f"{n}.jsonl", limits=Limits(at_a_time=n)) for n in (1, 7)]
    assert chat.most_at_once in range(2, 8)
    assert len({(run.digest, run.answers) for run in runs}) == 1
    assert len({(tmp_path / f"{n}.jsonl.answers/answers.jsonl").read_bytes() for n in (1, 7)}) == 1
    before = len(chat.asked)
    replayed = label(sample, policy, out=tmp_path / "again.jsonl", answers=tmp_path / "7.jsonl.answers")
    assert (replayed.digest, replayed.answers, replayed.asked) == (runs[0].digest, runs[0].answers, 0)
    again = label(sample, policy, chat.url, "m", tmp_path / "7.jsonl")
    assert (again.asked, len(chat.asked)) == (0, before)


def test_only_what_is_missing_is_asked_and_a_replay_says_so(chat: Chat, tmp_path: Path) -> None:
    policy, out = write_policy(tmp_path), tmp_path / "labels.jsonl"
    label(write_sample(tmp_path, TEXTS[:2]), policy, chat.url, "m", out)
    sample = write_sample(tmp_path, [*TEXTS, TEXTS[0]])
    with pytest.raises(InputError, match=r"no answer to 2 of 4 documents by this policy, model \(m\)"):
        label(sample, policy, out=out)
    done = label(sample, policy, chat.url, "m", out)
    assert (done.documents, done.labelled, done.asked) == (5, 5, 2)
    assert Counter(one.text for one in chat.asked) == Counter(TEXTS)


def test_files_of_others_are_not_overwritten(chat: Chat, tmp_path: Path) -> None:
    sample, policy, out = write_sample(tmp_path, TEXTS), write_policy(tmp_path), tmp_path / "labels.jsonl"
    label(sample, policy, chat.url, "m", out)
    row = rows_of(out)[0]
    out.write_text(json.dumps({**row, "labels": {"good": 0, "kind": "news"}}) + "\n")
    with pytest.raises(InputError, match="may hold labels by hand"):
        label(sample, policy, chat.url, "m", out)
    with pytest.raises(InputError, match="is an input"):
        label(sample, policy, chat.url, "m", sample)


def test_equal_texts_are_asked_about_once_also_in_one_run(chat: Chat, tmp_path: Path) -> None:
    chat.every = ("slow", 0.02)
    sample, policy = write_sample(tmp_path, ["同じ文章。"] * 6 + [TEXTS[0]]), write_policy(tmp_path)
    done = label(sample, policy, chat.url, "m", tmp_path / "labels.jsonl")
    assert (done.documents, done.labelled, done.asked, len(chat.asked)) == (7, 7, 2, 2)
    assert len(rows_of(tmp_path / "labels.jsonl.answers/answers.jsonl")) == 2


@pytest.mark.parametrize("where", ["corpus_builder.selection.label.give_name", "corpus_builder.llm.kept.Kept.seal"])
def test_a_run_that_is_killed_while_it_writes_is_finished_by_the_next(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    policy, out = write_policy(tmp_path), tmp_path / "labels.jsonl"
    label(write_sample(tmp_path, TEXTS[:1]), policy, chat.url, "m", out)
    sample = write_sample(tmp_path, TEXTS)
    with monkeypatch.context() as patch:
        patch.setattr(where, Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            label(sample, policy, chat.url, "m", out)
    done = label(sample, policy, chat.url, "m", out)
    assert (done.labelled, done.asked, len(chat.asked)) == (4, 0, 4)
    assert hashlib.sha256(out.read_bytes()).hexdigest() == done.digest


def test_documents_without_an_answer_are_an_error_and_asked_for_again(
    chat: Chat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "1")
    sample, policy, out = write_sample(tmp_path, TEXTS), write_policy(tmp_path), tmp_path / "labels.jsonl"
    chat.faults = [500]
    with pytest.raises(
        StageError, match=r"1 of 4 documents have no answer, after all tries; the last time: the server answered 500"
    ):
        label(sample, policy, chat.url, "m", out)
    assert not out.exists()
    assert label(sample, policy, chat.url, "m", out).asked == 1
