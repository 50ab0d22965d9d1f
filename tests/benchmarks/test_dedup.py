"""The benchmark of deduplication measures what it says, on documents that are the same wherever a file of them begins."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.corpora import make_inputs, prose

from benchmarks import dedup as bench_dedup
from benchmarks import scale as bench_scale
from benchmarks.__main__ import main
from benchmarks.dedup import exact_similarities
from benchmarks.scale import as_strings, texts, write_documents
from corpus_builder.errors import InputError, MissingExtraError
from corpus_builder.hashing.presets import PRESETS
from corpus_builder.hashing.shingles import jaccard


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_dedup, "ROUNDS", 1)
    monkeypatch.setattr(bench_dedup, "SEEDS", 1)


def test_documents_are_the_same_wherever_a_file_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    letters, starts, copies = texts(0, 300)
    whole = as_strings(letters, starts)
    assert as_strings(*texts(120, 300)[:2]) == whole[120:]
    assert {min(map(len, whole)) >= bench_scale.SHORTEST, max(map(len, whole)) <= bench_scale.LONGEST} == {True}
    monkeypatch.setattr(bench_scale, "SHARD_ROWS", 110)
    paths, written = write_documents(tmp_path, 300)
    assert [path.name for path in paths] == [f"documents-0000{number}.parquet" for number in range(3)]
    assert pa.concat_tables([pq.read_table(path) for path in paths]).column("text").to_pylist() == whole
    assert written == copies
    assert 0.2 < copies / 300 < 0.4


def test_copies_are_like_an_earlier_document_and_the_others_like_none() -> None:
    letters, starts, copies = texts(0, 400)
    table = exact_similarities(as_strings(letters, starts), 5)
    best = table.max(axis=0)
    assert int((best > 0.25).sum()) == copies
    assert best[best <= 0.25].max() < 0.05
    assert int((best == 1.0).sum()) > copies / 8


def test_exact_similarities_are_those_of_the_definition() -> None:
    documents = [prose(1), prose(1)[:-30], prose(2), "いろは", "いろは", ""]
    table = exact_similarities(documents, 5)
    expected = [[jaccard(a, b, 5) if i < j else 0.0 for j, b in enumerate(documents)] for i, a in enumerate(documents)]
    assert table.tolist() == pytest.approx(np.array(expected))


@pytest.mark.usefixtures("quick")
def test_pairs_are_found_as_often_as_theory_says() -> None:
    found = bench_dedup.run(most_texts=60, timed=10)
    assert found.texts == 60
    assert all(min(one.ours, one.datasketch, one.rensa) > 0 for one in found.speeds)
    assert sum(one.pairs for one in found.bands) > 400
    for one in found.bands:
        for name in PRESETS:
            chance = max(one.theory[name] * (1 - one.theory[name]), 1 / one.pairs)
            assert one.found[name] == pytest.approx(one.theory[name], abs=5 * np.sqrt(chance / one.pairs))
    japanese = next(one for one in found.qualities if (one.preset, one.threshold) == ("japanese", 0.8))
    assert japanese.recall >= 0.99


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("workers", "sizes", "counts"), [(0, "500,1e3", [500, 1000]), pytest.param(1, "1e3", [1000], marks=pytest.mark.slow)]
)
def test_the_command_prints_tables_of_the_sizes_that_were_asked_for(
    tmp_path: Path, workers: int, sizes: str, counts: list[int]
) -> None:
    make_inputs(tmp_path / "inputs")
    warc, out = tmp_path / "inputs" / "web-a.warc.gz", tmp_path / "tables.md"
    words = ["dedup", str(warc), "--documents", sizes, "--workers", str(workers), "--scratch", str(tmp_path)]
    result = CliRunner().invoke(main, [*words, "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    scales = json.loads(result.stdout)["scales"]
    assert [one["documents"] for one in scales] == counts
    for one in scales:
        assert set(one["stage_seconds"]) >= {"sign", "dedup"}
        assert set(one["disk_bytes"]) >= {"sign", "dedup"}
        assert 0.5 * one["copies"] < one["dropped"] <= one["copies"]
        assert one["peak_bytes"] > 50e6
        assert one["idle_bytes"] > 50e6
    assert f"| documents | {' | '.join(f'{count:,}' for count in counts)} |" in out.read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inputs", "tables.md"]


def test_sizes_that_are_no_numbers_are_a_sentence() -> None:
    result = CliRunner().invoke(main, ["dedup", "--documents", "many"])
    assert result.exit_code == 2
    assert "give numbers of documents with commas between them" in result.stderr


def test_tables_are_not_written_over_what_they_are_about(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<p>kept")
    result = CliRunner().invoke(main, ["dedup", str(tmp_path / "a.html"), "--out", str(tmp_path / "a.html")])
    assert (result.exit_code, (tmp_path / "a.html").read_text()) == (3, "<p>kept")


def test_files_without_documents_are_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "x.html").write_text("<p>no Japanese here</p>")
    with pytest.raises(InputError, match=r"x\.html: no Japanese document of 300 characters or more; give a WARC with some"):
        bench_dedup.run([tmp_path / "x.html"])


def test_without_rensa_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rensa", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'corpus-builder\[bench\]'"):
        bench_dedup.run()
