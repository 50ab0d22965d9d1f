"""Answers survive whatever ends a run, and nothing else passes for one."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import Mock

import pytest

from corpus_builder.errors import InputError, IntegrityError, StageError
from corpus_builder.llm.cost import Tokens
from corpus_builder.llm.kept import FORMAT, Kept, kept_in
from corpus_builder.llm.request import Answer, Request
from corpus_builder.store.files import digest_file
from corpus_builder.store.ownership import small_object

TEXTS = ("一", "二", "三\ud800\n")


def question(text: str) -> Request:
    return Request(({"role": "user", "content": text},), "p", text, {"temperature": 0}, {"type": "integer"})


def keys(*texts: str) -> list[str]:
    return [question(text).key("m") for text in texts]


def fill(root: Path) -> list[Answer | None]:
    with kept_in(root) as kept:
        for text in TEXTS:
            kept.add(question(text), "m", Answer("5", 5, tokens_in=3, tokens_out=1))
        return read(kept)


def read(kept: Kept) -> list[Answer | None]:
    return [kept.answer(key, {"type": "integer"}) for key in keys(*TEXTS)]


def test_a_key_depends_on_prompt_model_parameters_and_document() -> None:
    one = question("a")
    others = [
        Request(one.messages, "q", "a", one.parameters), Request(one.messages, "p", "b", one.parameters),
        Request(one.messages, "p", "a", {"temperature": 1}),
    ]  # fmt: skip
    assert len({request.key(model) for request in (one, *others) for model in ("m", "n")}) == 8


@pytest.mark.parametrize("cut", range(1, 200, 17))
def test_a_line_that_was_not_written_to_its_end_is_removed(tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    found = fill(tmp_path / "a")
    log = tmp_path / "a/log.jsonl"
    whole = log.read_bytes()
    last = whole.rindex(b"\n", 0, -1) + 1
    log.write_bytes(whole[: last + cut])
    with kept_in(tmp_path / "a") as kept:
        assert read(kept) == [*found[:2], None]
        assert log.read_bytes() == whole[:last]
        assert [record.getMessage() for record in caplog.records] == [
            f"{log} ends with {cut} bytes of an answer that was not written to its end; they are removed"
        ]
        kept.add(question(TEXTS[2]), "m", Answer("5", 5, tokens_in=3, tokens_out=1))
        assert read(kept) == found
    assert log.read_bytes() == whole


@pytest.mark.parametrize("line", ["{}", "[1]", "\0\0\0", '{"key": "a", "tokens_in": 1, "tokens_out": 1, "attempt": 1}'])
def test_a_line_that_is_no_answer_is_not_passed_over(tmp_path: Path, line: str) -> None:
    fill(tmp_path / "a")
    with (tmp_path / "a/log.jsonl").open("a") as file:
        file.write(f"{line}\n")
    with pytest.raises(IntegrityError, match=r"log\.jsonl, line 4: this is no answer .*delete the line"), kept_in(tmp_path / "a"):
        pass


def test_sealed_answers_are_those_asked_for_in_their_order(tmp_path: Path) -> None:
    fill(tmp_path / "a")
    with kept_in(tmp_path / "a") as kept:
        digest = kept.seal(keys(TEXTS[2], TEXTS[0], TEXTS[2]), {"model": "m"})
    lines = (tmp_path / "a/answers.jsonl").read_text().splitlines()
    assert [json.loads(line)["document"] for line in lines] == [TEXTS[2], TEXTS[0]]
    assert json.loads((tmp_path / "a/sealed.json").read_bytes()) == {
        "format": "corpus_builder-answers/1", "answers": "answers.jsonl", "sha256": digest, "model": "m",
    }  # fmt: skip


def test_sealed_answers_are_enough_and_are_held_against_their_digest(tmp_path: Path) -> None:
    found = fill(tmp_path / "a")
    with kept_in(tmp_path / "a") as kept:
        kept.seal(keys(*TEXTS), {})
    other = tmp_path / "b"
    other.mkdir()
    for name in ("answers.jsonl", "sealed.json"):
        (other / name).write_bytes((tmp_path / "a" / name).read_bytes())
    with kept_in(other) as kept:
        assert read(kept) == found
        before = (other / "answers.jsonl").stat().st_mtime_ns
        kept.seal(keys(*TEXTS), {})
        assert (other / "answers.jsonl").stat().st_mtime_ns == before
    (other / "answers.jsonl").write_bytes((other / "answers.jsonl").read_bytes().replace(b'"5"', b'"6"'))
    with pytest.raises(IntegrityError, match="was changed after it was sealed"), kept_in(other):
        pass


@pytest.mark.parametrize("step", ["give_name", "write_json"])
def test_a_run_that_is_killed_while_it_seals_is_sealed_by_the_next(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "a")
    with kept_in(tmp_path / "a") as kept:
        kept.seal(keys(TEXTS[0]), {})
        with monkeypatch.context() as patch:
            patch.setattr(f"corpus_builder.llm.kept.{step}", Mock(side_effect=KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                kept.seal(keys(*TEXTS), {})
    with kept_in(tmp_path / "a") as kept:
        digest = kept.seal(keys(*TEXTS), {})
    assert small_object(tmp_path / "a/sealed.json") == {"format": FORMAT, "answers": "answers.jsonl", "sha256": digest}
    assert digest_file(tmp_path / "a/answers.jsonl") == digest


def test_what_is_left_to_ask(tmp_path: Path) -> None:
    with kept_in(tmp_path / "a") as kept:
        key = question("a").key("m")
        assert (kept.next_attempt(key, 2), kept.has(key)) == (1, False)
        kept.add(question("a"), "m", Answer("", bad="refused_by_server"))
        assert (kept.next_attempt(key, 2), kept.has(key)) == (1, True)
        kept.add(question("a"), "m", Answer("x", bad="not_json", tokens_in=3, tokens_out=1))
        assert (kept.next_attempt(key, 2), kept.next_attempt(key, 1)) == (2, 0)
        kept.add(question("a"), "m", Answer("1", 1, tokens_in=3, tokens_out=2, attempt=2))
        assert (kept.next_attempt(key, 9), kept.cost(key)) == (0, Tokens(6, 3))


def test_a_directory_is_for_one_run_at_a_time_and_for_answers_alone(tmp_path: Path) -> None:
    with kept_in(tmp_path / "a"), pytest.raises(StageError, match="Another command is writing to"), kept_in(tmp_path / "a"):
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.tex").touch()
    with pytest.raises(InputError, match=r"did not create \('thesis.tex'\).* with --answers"), kept_in(tmp_path / "mine"):
        pass


def test_what_comes_after_the_end_of_a_run_is_not_kept(tmp_path: Path) -> None:
    with kept_in(tmp_path / "a") as kept:
        pass
    kept.add(question("a"), "m", Answer("5", 5))
    assert not (tmp_path / "a/log.jsonl").exists()
