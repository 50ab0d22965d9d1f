"""A sample of a build: what is in it, and the files that people and models label."""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.builds import reasons

from corpus_builder import InputError, RecipeError, sample
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.selection.sample import CELL_CHARACTERS, Sample, write_new


def texts_of(built: Built) -> dict[str, str]:
    return {row["id"]: row["text"] for row in built.documents().to_table(["id", "text"]).to_pylist()}


def test_documents_are_those_of_the_build_with_their_measures(built) -> None:
    found = sample(built, 100)
    texts = texts_of(built)
    assert {one.id: one.text for one in found.documents} == texts
    assert found.missing == 100 - len(texts)
    assert found.strata == {"all": len(texts)}
    measured = {row["id"]: row for row in built.measures().to_table().to_pylist()}
    for one in found.documents:
        assert one.measures == {name: value for name, value in measured[one.id].items() if name != "id"}
        assert (one.weight, one.source) == (1.0, "wikipedia" if "jawiki" in one.id else "web")


def test_the_first_of_a_sample_are_a_smaller_one_and_another_seed_draws_others(built) -> None:
    five, two, other = (sample(built, n, seed=seed) for n, seed in ((5, 0), (2, 0), (5, 1)))
    assert [one.id for one in five.documents[:2]] == [one.id for one in two.documents]
    assert {one.id for one in five.documents} != {one.id for one in other.documents}
    assert five == sample(built, 5)


def test_each_reason_gives_equally_many_that_stand_for_all_with_it(built) -> None:
    fates = {id_: reason or "kept" for id_, reason in reasons(built).items() if id_ in texts_of(built)}
    found = sample(built, 6, by=["reason"])
    assert {one.stratum for one in found.documents} == {f"reason={fate}" for fate in fates.values()}
    assert all(one.stratum == f"reason={fates[one.id]}" for one in found.documents)
    totals = Counter[str]()
    for one in found.documents:
        totals[one.stratum] += one.weight
    assert totals == pytest.approx({f"reason={fate}": count for fate, count in Counter(fates.values()).items()})


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        (["source", "stage"], {"source=web, stage=kept", "source=web, stage=rules", "source=web, stage=duplicates", "source=wikipedia, stage=kept"}),
        (["crawl"], {"crawl=CC-MAIN-2024-51", "crawl="}),
        (["length"], {"length=0-249", "length=250-499"}),
        (["host"], {"host=www.example", "host=mirror.example", "host=ja.wikipedia.org"}),
    ],
)  # fmt: skip
def test_strata(built, by, labels) -> None:
    assert {one.stratum for one in sample(built, 100, by=by).documents} == labels


def test_quantiles_of_a_measure_are_of_about_equal_size(built) -> None:
    found = sample(built, 100, by=["hiragana_fraction"], bins=3)
    sizes = sorted(found.strata.values())
    assert len(sizes) == 3
    assert sizes[-1] - sizes[0] <= 1


def test_more_strata_than_documents(built) -> None:
    found = sample(built, 2, by=["host"])
    assert len({one.stratum for one in found.documents}) == 2
    assert sum(one.weight for one in found.documents) == pytest.approx(len(texts_of(built)))


def test_only_what_is_kept_and_few_of_a_host(built) -> None:
    found = sample(built, 100, among="kept", per_host=1)
    fates = reasons(built)
    assert all(not fates[one.id] for one in found.documents)
    assert max(Counter(one.host for one in found.documents).values()) == 1


def test_where_a_limit_leaves_too_few_the_others_give_more(built) -> None:
    found = sample(built, 6, by=["source"], per_host=3)
    assert Counter(one.source for one in found.documents) == {"web": 4, "wikipedia": 1}  # www.example three times, and the mirror


def test_unknown_names_are_refused(built) -> None:
    with pytest.raises(RecipeError, match="did you mean 'hiragana_fraction'"):
        sample(built, 5, by=["hiragana_ratio"])


def test_the_table_takes_no_formulas_and_no_text_beyond_a_cell(built) -> None:
    one = replace(sample(built, 1).documents[0], text='=HYPERLINK(1)\n\t"日本"' + "あ" * 40_000, url="@sum")
    rows = list(csv.reader(Sample(1, (one,), {}).tsv(["quality", "adult"]).decode().splitlines(keepends=True), "excel-tab"))
    assert rows == [
        ["id", "quality", "adult", "source", "host", "url", "text"],
        [one.id, "", "", one.source, one.host, " @sum", f" {one.text[:CELL_CHARACTERS]}"],
    ]


def test_a_file_that_may_hold_labels_is_not_overwritten(tmp_path: Path) -> None:
    write_new(tmp_path / "s", b"1\n")
    write_new(tmp_path / "s", b"1\n")
    with pytest.raises(InputError, match="holds something else"):
        write_new(tmp_path / "s", b"2\n")
    assert (tmp_path / "s").read_bytes() == b"1\n"
    with pytest.raises(InputError, match="in a directory that exists"):
        write_new(tmp_path / "no" / "s", b"")


def test_the_command_says_when_there_are_too_few(built, tmp_path: Path) -> None:
    file, table = tmp_path / "sample.jsonl", tmp_path / "sample.tsv"
    done = CliRunner().invoke(main, ["sample", str(built.out), "--out", str(file), "--tsv", str(table), "--count", "100"])
    found = sample(built, 100)
    assert done.exit_code == 7
    assert f"only {len(found.documents)} of the 100 documents asked for exist" in done.stderr
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines == [one.as_json() for one in found.documents]
    assert list(lines[0]) == ["id", "source", "host", "url", "stratum", "weight", "text", "measures"]
    assert table.read_bytes() == found.tsv(["quality"])
    again = CliRunner().invoke(main, ["sample", str(built.out), "--out", str(file), "--count", "3"])
    assert (again.exit_code, file.read_text().count("\n")) == (3, len(lines))


@pytest.mark.parametrize("names", [["id"], ["good", "good"], [""], ["text"], ["good "]])
def test_a_table_has_a_column_for_each_property(names: list[str]) -> None:
    """As `label` and `train-classifier` read no table with two columns of one name."""
    with pytest.raises(RecipeError, match="each has a name of its own, and none of id, text, host"):
        Sample(0, (), {}).tsv(names)
