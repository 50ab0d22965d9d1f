"""What was dropped is shown by how alike it is, and a search that takes templates for copies does not do it in silence."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from support.corpora import make_inputs, make_recipe, page, prose, write_warc
from support.rows import jsonl

from benchmarks.dedup import changed
from benchmarks.families import family
from corpus_builder import Built, Serial, build, deduplicate
from corpus_builder.commands.main import main
from corpus_builder.duplicates.summary import Duplicates, as_text


def copies(text: str, count: int, seed: int = 0, letters: int = 11) -> list[str]:
    rng = random.Random(seed)
    return [changed(text, rng.randint(1, letters), rng) for _ in range(count)]


def test_pages_of_a_template_that_fall_are_told_with_their_similarities(tmp_path, caplog):
    texts = [*family(400, 0.385), *(copy for number in range(10) for copy in [prose(number), *copies(prose(number), 3, number)])]
    files = [jsonl(tmp_path / f"{part}.jsonl", [{"text": text} for text in texts[part::3]]) for part in range(3)]
    done = deduplicate(files, tmp_path / "bare", Serial(), preset="japanese", verify=False)
    rows = done.dropped_rows().to_pylist()
    near = [row["similarity"] for row in rows if row["rule"] == "near"]
    expected = [sum(1 for one in near if place <= min(int(one * 100), 99) // 5 < place + 1) for place in range(20)]
    assert list(done.duplicates.near) == expected
    assert sum(expected[:10]) > 30
    assert sum(expected[15:]) > 20
    assert done.duplicates.far == sum(1 for one in near if one < 0.51)  # the middle of 20 x 7 is 0.617, and bins are hundredths
    (warning,) = done.duplicates.warnings
    assert f"{done.duplicates.far} of {len(near)} near duplicates are less similar to their match than 0.52" in warning
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [warning]
    told = done.as_json()["duplicates"]
    assert (told["warnings"], told["verify"]) == ([warning], None)
    assert sum(one["dropped"] for one in told["similarities"]) == len(near)
    caplog.clear()
    verified = deduplicate(files, tmp_path / "out", Serial(), preset="japanese")
    assert (verified.duplicates.warnings, verified.duplicates.far, caplog.records) == ((), 0, [])
    assert sum(verified.duplicates.near) == sum(verified.duplicates.near[15:]) >= sum(expected[15:])


def test_one_that_losers_much_of_a_corpus_is_told_by_its_place(tmp_path):
    """Ids say nothing here: every row has the same. Equal texts are no loss, and do not count."""
    swallowed = copies(prose(1), 24)
    others = [prose(number) for number in range(2, 60)]
    rows = [{"id": "x", "text": text} for text in [prose(1), *swallowed[:12], *others, *[prose(70)] * 40]]
    more = [{"id": "x", "text": text} for text in swallowed[12:]]
    two = [jsonl(tmp_path / "a.jsonl", rows), jsonl(tmp_path / "b.jsonl", more)]
    found = deduplicate(two, tmp_path / "out", Serial()).duplicates
    assert (found.documents, found.survivor, found.losers) == (123, "x", 24)
    assert "'x', is kept in the place of 24 of 123 documents" in found.warnings[0]
    split = [
        jsonl(tmp_path / "c.jsonl", rows[:11] + rows[13:]),
        jsonl(
            tmp_path / "d.jsonl", [{"id": "x", "text": prose(80)}, *({"id": "x", "text": text} for text in copies(prose(80), 14))]
        ),
    ]
    found = deduplicate(split, tmp_path / "split", Serial()).duplicates
    assert (found.losers, found.warnings) == (14, ())


def test_the_same_url_everywhere_is_told(tmp_path):
    path = jsonl(tmp_path / "a.jsonl", [{"id": f"d{number}", "text": prose(number), "url": "/"} for number in range(30)])
    done = deduplicate([path], tmp_path / "out", Serial(), url=True)
    assert (done.kept, done.duplicates.losers, len(done.duplicates.warnings)) == (1, 29, 1)


@pytest.mark.parametrize(
    ("far", "near", "told"), [(9, 20, 0), (10, 100, 0), (11, 100, 1), (10, 99, 1)], ids=["few", "a tenth", "more", "just more"]
)
def test_a_tenth_and_ten_are_the_limit(far, near, told):
    counts = (far, *[0] * 18, near - far)
    assert len(Duplicates(1_000, counts, 0.7, None, far).warnings) == told


@pytest.mark.parametrize(("losers", "documents", "told"), [(19, 100, 0), (20, 200, 0), (20, 199, 1), (21, 200, 1)])
def test_a_tenth_and_twenty_are_the_limit_of_one_survivor(losers, documents, told):
    found = Duplicates(documents, (0,) * 20, 0.7, None, 0, "a\u202e", losers)
    assert len(found.warnings) == told
    assert all("\u202e" not in warning for warning in found.warnings)


def test_the_histogram_on_a_terminal():
    near = (*[0] * 15, 1, 0, 40, 0, 3)
    assert as_text(Duplicates(100, near, 0.75, 0.75, 0)).splitlines() == [
        "Near duplicates by similarity to their match (minimum 0.75)",
        "  0.75 to 0.80            1  #",
        "  0.80 to 0.85            0",
        f"  0.85 to 0.90           40  {'#' * 40}",
        "  0.90 to 0.95            0",
        "  0.95 to 1.00            3  ###",
    ]
    assert as_text(Duplicates(100, (0,) * 20, 0.75, 0.75, 0)) == ""


def test_a_build_shows_them_in_its_report_and_its_commands(tmp_path, caplog):
    inputs = make_inputs(tmp_path / "in")
    for part in range(2):
        write_warc(
            inputs / f"web-{part}.warc.gz", [page(100 * part + n, text) for n, text in enumerate(copies(prose(5), 12, part, 2))]
        )
    write_warc(inputs / "web-c.warc.gz", [page(300 + n, prose(n)) for n in range(6, 12)])
    done = build(make_recipe(inputs, dedup={"bands": 14, "rows": 8}), tmp_path / "out", Serial())
    found = Built.open(done.out).duplicates()
    matches = [row for path in done.manifests["match"].paths("matches") for row in pq_rows(path) if row["matched"]]
    assert sum(found.near) == len([row for row in matches if row["rule"] == "near"]) >= 20
    assert found.losers == max(np.unique([row["survivor"] for row in matches], return_counts=True)[1])
    (warning,) = found.warnings
    assert warning in [record.getMessage() for record in caplog.records]
    html = done.report().read_text()
    assert "<h2>Near duplicates</h2>" in html
    assert warning.replace("'", "&#39;") in html
    told = CliRunner().invoke(main, ["report", str(done.out)]).stdout
    assert as_text(found) in told
    value = json.loads(CliRunner().invoke(main, ["report", str(done.out), "--json"]).stdout)["duplicates"]
    assert value["warnings"] == [warning]


def pq_rows(path: Path) -> list[dict[str, object]]:
    import pyarrow.parquet as pq

    return pq.read_table(path).to_pylist()
