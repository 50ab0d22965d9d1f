"""Every line of a JSONL file is a text or a reason."""

import bz2
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus_builder.errors import FormatError, InputError
from corpus_builder.sources.jsonl import read_jsonl

GOOD = {"id": "a", "text": "本文です。", "url": "https://a.example/", "title": "題", "date": "2025-01-01", "score": 0.5}


@pytest.mark.parametrize(("suffix", "compress"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_fields_are_taken_and_others_left(tmp_path: Path, suffix: str, compress) -> None:
    path = tmp_path / f"x.jsonl{suffix}"
    path.write_bytes(compress((json.dumps(GOOD, ensure_ascii=False) + "\n\n" + '{"text": "次", "id": 7}').encode()))
    first, second = read_jsonl(path)
    assert (first.number, first.id, first.text, first.url, first.title, first.date) == (1, *list(GOOD.values())[:5])
    assert (second.number, second.id, second.text, second.url) == (3, "7", "次", "")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "bad_json"),
        (b"[1, 2]", "bad_json"),
        (b'"text"', "bad_json"),
        (b'{"text": "\xff"}', "bad_json"),
        (b"[" * 100_000, "bad_json"),
        (b'{"txt": "a"}', "no_text"),
        (b'{"text": ["a"]}', "no_text"),
        (b'{"text": " \\n"}', "no_text"),
    ],
)
def test_what_is_no_text_is_a_reason(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(line + b'\n{"text": "a"}\n')
    bad, good = read_jsonl(path)
    assert bad.drop is not None
    assert (bad.drop.reason, bad.size_bytes) == (reason, len(line) + 1)
    assert (good.text, good.drop) == ("a", None)


def test_a_file_cut_off_keeps_what_was_read(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"text": f"{number}番"}) + "\n" for number in range(20_000))
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(lines.encode(), mtime=0)[:-5000])
    found = list(read_jsonl(path))
    assert [line.text for line in found[:-1]] == [f"{number}番" for number in range(len(found) - 1)]
    assert len(found) > 1000
    assert found[-1].drop is not None
    assert found[-1].drop.reason == "damaged_file"


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        list(read_jsonl(tmp_path / "absent.jsonl"))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(tmp_path_factory, content: bytes) -> None:
    for suffix in ("", ".gz", ".bz2"):
        path = tmp_path_factory.getbasetemp() / f"any.jsonl{suffix}"
        path.write_bytes(content)
        try:
            for line in read_jsonl(path):
                assert (line.drop is None) == bool(line.text)
                line.text.encode()
        except FormatError:  # a ZIP archive, rows without a text
            pass


def test_an_empty_file_is_no_silence(tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    assert [line.drop.reason for line in read_jsonl(tmp_path / "empty.jsonl")] == ["empty_file"]


def test_a_number_is_an_id_and_no_text(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": 5, "text": "猫"}\n{"text": 5}\n')
    first, second = read_jsonl(tmp_path / "a.jsonl")
    assert (first.id, first.text) == ("5", "猫")
    assert second.drop.reason == "no_text"
