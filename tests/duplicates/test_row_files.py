"""Rows of files: every one is read once, kept or dropped and never both, and copied as it was in the packing that its file has."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpora import prose
from support.files import packed
from support.paths import TESTS
from support.rows import TYPES

from corpus_builder import InputError, Serial, StageError, deduplicate
from corpus_builder.duplicates import row_files
from corpus_builder.sources.formats import PACKINGS, format_of, opened_unpacked

CASES = TESTS / "cases" / "own_data"


def texts_of_three_thousand() -> list[str]:
    """Half of them twice, anywhere, so that what is kept and dropped goes through all batches."""
    rng = random.Random(3)
    texts = [f"{number}番目の話。{prose(number, 3)}" for number in range(2_000)]
    texts += rng.sample(texts, 1_000)
    rng.shuffle(texts)  # a row number that is wrong after the first drop must be noticed
    return texts


def check(before: list[bytes] | list[dict[str, object]], after: list[object], dropped: list[int]) -> None:
    """Kept and dropped together are all rows, and never both."""
    gone = set(dropped)
    assert len(gone) == len(dropped) == 1_000
    assert after == [row for number, row in enumerate(before) if number not in gone]


@pytest.mark.parametrize("packing", ["", *PACKINGS])
def test_rows_of_many_batches_are_kept_or_dropped_in_the_packing_of_their_file(tmp_path: Path, packing: str) -> None:
    texts = texts_of_three_thousand()
    pad = "埋" * 400  # some MiB in all: more than one block of any stream
    content = b"".join(
        json.dumps({"id": n, "text": text, "pad": pad}, ensure_ascii=False).encode()
        + (b"\n\n" if n % 500 == 0 else b"\r\n" if n % 3 else b"\n")
        for n, text in enumerate(texts)
    )
    assert len(content) > 4 << 20
    path = tmp_path / "a.jsonl"  # whatever the packing
    path.write_bytes(packed(content, packing))
    done = deduplicate([path], tmp_path / "out", Serial(), keep="oldest", verify=0.99)
    (kept,) = done.kept_files
    assert format_of(kept).packing == packing
    assert kept.name.endswith(f".jsonl{PACKINGS.get(packing, '')}")
    with opened_unpacked(kept) as (file, _):
        after = file.read().splitlines(keepends=True)
    check(content.splitlines(keepends=True), after, done.dropped_rows().column("row").to_pylist())
    assert done.rows == len(content.splitlines())


@pytest.mark.parametrize("group", [700, 1_201, 5_000])
def test_rows_of_many_row_groups_are_kept_or_dropped(tmp_path: Path, group: int) -> None:
    table = pa.table({"text": texts_of_three_thousand(), "n": range(3_000)})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=group)
    done = deduplicate([tmp_path / "a.parquet"], tmp_path / "out", Serial(), verify=0.99)
    after = pq.read_table(done.kept_files[0])
    assert after.schema == table.schema
    check(table.to_pylist(), after.to_pylist(), done.dropped_rows().column("row").to_pylist())


def test_batches_end_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where texts are long, rows come in smaller batches: what is kept is the same."""
    texts = texts_of_three_thousand()
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    whole = deduplicate([tmp_path / "a.jsonl"], tmp_path / "whole", Serial())
    monkeypatch.setattr(row_files, "BATCH_BYTES", 1_000)
    small = deduplicate([tmp_path / "a.jsonl"], tmp_path / "small", Serial())
    assert [path.read_bytes() for path in small.kept_files] == [path.read_bytes() for path in whole.kept_files]
    assert small.dropped_rows() == whole.dropped_rows()


def test_a_column_of_string_views_is_text_and_is_copied(tmp_path: Path) -> None:
    done = deduplicate([CASES / "string_view.parquet"], tmp_path / "out", Serial(), id="id")
    kept = pq.read_table(done.kept_files[0])
    assert kept.schema == pq.read_schema(CASES / "string_view.parquet")
    assert kept.column("id").to_pylist() == ["d0", "d3"]
    assert done.dropped == {"near": 1, "exact": 1, "url": 0}


@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_any_arrow_type_of_text_is_compared_and_copied(tmp_path: Path, kind: pa.DataType) -> None:
    texts = [prose(1), prose(2), None, prose(1), prose(3)]
    plain = pa.array([text.encode() if text is not None else None for text in texts] if "binary" in str(kind) else texts)
    column = plain.dictionary_encode() if pa.types.is_dictionary(kind) else plain.cast(kind)
    nested = pa.StructArray.from_arrays([column], ["body"])
    lists = pa.ListArray.from_arrays([0, 1, 2, 3, 4, 5], column)
    table = pa.table({"meta": nested, "n": range(5), "list": lists})
    pq.write_table(table, tmp_path / "a.parquet")
    done = deduplicate([tmp_path / "a.parquet"], tmp_path / "out", Serial(), text="meta.body")
    kept = pq.read_table(done.kept_files[0])
    assert kept.schema == pq.read_schema(tmp_path / "a.parquet")
    assert kept.to_pylist() == [row for row in pq.read_table(tmp_path / "a.parquet").to_pylist() if row["n"] != 3]


@pytest.mark.parametrize("name", ["nested.parquet", "nested.jsonl"])
def test_columns_within_others_are_named_by_the_way_to_them(tmp_path: Path, name: str) -> None:
    rows = pq.read_table(CASES / "nested.parquet").to_pylist()
    rows[3]["meta"]["url"] = rows[2]["meta"]["url"]
    if name.endswith("jsonl"):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / name)
    done = deduplicate([tmp_path / name], tmp_path / "out", Serial(), url=True, url_column="meta.url", id="id")
    assert {row["loser"]: row["rule"] for row in done.dropped_rows().to_pylist()} == {"1": "exact", "2": "near", "3": "url"}


def test_a_key_with_a_dot_wins(tmp_path: Path) -> None:
    rows = [{"m.t": prose(n), "m": {"t": prose(9)}} for n in (1, 2)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "b.parquet")
    for name in ("a.jsonl", "b.parquet"):
        assert deduplicate([tmp_path / name], tmp_path / f"out-{name}", Serial(), text="m.t").kept == 2


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    lines = [json.dumps({"id": n, "text": prose(n)}).encode() + b"\n" for n in (1, 2)]
    (tmp_path / "a.jsonl").write_bytes(b"\xef\xbb\xbf" + b"".join(lines))
    done = deduplicate([tmp_path / "a.jsonl"], tmp_path / "out", Serial(), id="id")
    assert (done.rows, done.kept, done.broken) == (2, 2, 0)
    assert done.kept_files[0].read_bytes() == b"\xef\xbb\xbf" + b"".join(lines)


def test_a_line_that_is_too_long_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_files, "MAX_LINE_BYTES", 1 << 20)
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a"}\n{"text": "' + b"b" * (1 << 20) + b'"}\n')
    with pytest.raises(StageError, match=r"Line 2 of .*a\.jsonl has more than 1 MiB"):
        deduplicate([tmp_path / "a.jsonl"], tmp_path / "out", Serial())


def test_a_long_line_is_read_once(tmp_path: Path) -> None:
    """Each of its bytes is looked at once: a line of 24 MiB asks for no more than the file has."""
    text = prose(1, 28) * 9_000
    (tmp_path / "a.jsonl").write_text(
        json.dumps({"id": "long", "text": text}, ensure_ascii=False) + "\n" + json.dumps({"text": prose(2)}) + "\n"
    )
    assert (tmp_path / "a.jsonl").stat().st_size > 24 << 20
    batches = list(row_files.read_rows(tmp_path / "a.jsonl", ["id", "text"], ["text"]))
    assert [(batch.first, batch.columns["id"]) for batch in batches] == [(0, ["long"]), (1, [None])]
    assert batches[0].columns["text"] == [text]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.jsonl",
            b"WARC/1.0\r\n",
            "a.jsonl is a WARC or ARC file, neither Parquet nor JSON lines; convert it, or leave it out.",
        ),
        ("a.jsonl", '{"text": "a"}\n'.encode("utf-16"), "is text in UTF-16, .*; convert it with `iconv -f UTF-16 -t UTF-8`"),
        ("a.parquet", b"", "a.parquet is empty, neither Parquet nor JSON lines"),
        ("a", b"prose", "a is text, neither"),
    ],
)
def test_a_file_of_no_rows_is_a_sentence(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((InputError, StageError), match=says):
        deduplicate([tmp_path / name], tmp_path / "out", Serial())


def test_a_packed_parquet_file_is_a_sentence(tmp_path: Path) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"]}), out)
    (tmp_path / "a.parquet").write_bytes(gzip.compress(out.getvalue(), mtime=0))
    with pytest.raises(InputError, match="is a Parquet file, compressed with gzip; Parquet must not be compressed as a whole"):
        deduplicate([tmp_path / "a.parquet"], tmp_path / "out", Serial())


@pytest.mark.parametrize("column", [[1, 2], [["a"], ["b"]], [1.5, None]])
def test_a_column_without_text_is_a_sentence(tmp_path: Path, column: list[object]) -> None:
    pq.write_table(pa.table({"text": column, "body": ["a", "b"]}), tmp_path / "a.parquet")
    with pytest.raises(
        StageError, match=r"The column 'text' of .*a\.parquet does not hold text: its type is .*; .*\(the file has text, body\)"
    ):
        deduplicate([tmp_path / "a.parquet"], tmp_path / "out", Serial())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda content: content])
def test_files_of_a_directory_are_found_by_their_bytes(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    rows = b"".join(json.dumps({"text": prose(n)}).encode() + b"\n" for n in (1, 2))
    (folder / "part-0").write_bytes(pack(rows))
    pq.write_table(pa.table({"text": [prose(3)]}), folder / "part-1")
    for name, content in (("README", b"prose"), ("_SUCCESS", b""), ("dataset_info.json", b'{"a": 1}'), (".part-0.crc", b"crc\0")):
        (folder / name).write_bytes(content)
    assert deduplicate([folder], tmp_path / "out", Serial()).rows == 3
