"""Counters of a build whose documents are released several times, in several parts, and stories whose match is not the survivor."""

from __future__ import annotations

import re

import pyarrow.parquet as pq
import pytest
from support.corpora import make_inputs, make_recipe, page, prose, write_warc
from support.rows import jsonl

from corpus_builder import Serial, build, deduplicate
from corpus_builder.built import Built
from corpus_builder.report.why import as_text
from corpus_builder.stages.release import ReleaseStats

CHAIN = (prose(70), prose(71)[:40] + prose(70)[40:], prose(71)[:40] + prose(70)[40:-40] + prose(72)[:40])
"""The second is like the first and the third, which are less alike than 0.75."""


@pytest.fixture(scope="module")
def built_twice(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("twice")
    inputs = make_inputs(root / "in")
    chain = [page(200 + n, text, date=f"2024-12-0{9 - n}T00:00:00Z") for n, text in enumerate(CHAIN)]
    write_warc(inputs / "web-c.warc.gz", chain)
    mixture = {"web": {"epochs": 2}, "wikipedia": {"epochs": 3}}
    release = {"prepend_title": ["wikipedia"], "part_characters": 2_000, "mixture": mixture}
    return build(make_recipe(inputs, dedup={"preset": "japanese", "verify_by": "text"}, release=release), root / "out", Serial())


def test_copies_count_once_as_documents_and_each_in_the_mixture(built_twice):
    done = built_twice
    rows = [row for path in done.manifests["release"].paths("corpus") for row in pq.read_table(path).to_pylist()]
    assert len(done.manifests["release"].receipts) > 2
    by_source = {source: [row for row in rows if row["source"] == source] for source in ("web", "wikipedia")}
    html = re.sub(r"\s+", " ", done.report().read_text())
    total = sum(len(row["text"]) for row in rows)
    for (source, found), times, funnel in zip(by_source.items(), (2, 3), done.funnels(), strict=False):
        distinct = {row["id"] for row in found}
        characters = sum(len(row["text"]) for row in found)
        assert len(found) == times * len(distinct) > 0
        assert sum(
            p.released[source].documents for p in done.manifests["release"].stats(ReleaseStats).values() if source in p.released
        ) == len(found)
        assert (funnel.source, funnel.steps[-1].pages, funnel.steps[-1].size) == (source, len(distinct), characters)
        cells = (f"{len(distinct):,}", f"{len(found):,}", f"{characters:,}", f"{100 * characters / total:.1f} %")
        assert f"<td>{source}</td>" + "".join(f'<td class="n">{cell}</td>' for cell in cells) in html
        assert f"<b>{len(distinct):,}</b>documents released from {source}" in html
    assert f"<b>{total:,}</b>characters released" in html


def test_whom_it_matched_and_who_is_kept_are_both_told(built_twice):
    done = built_twice
    ids = {
        row["url"].rpartition("/")[2]: row["id"]
        for path in done.manifests["extract"].paths("documents")
        for row in pq.read_table(path).to_pylist()
    }
    first, second, third = (ids[str(200 + n)] for n in range(3))
    (story,) = done.why(third)
    assert [one.id for one in (story.matched, story.survivor)] == [second, first]
    assert [one.outcome.verdict for one in (story.matched, story.survivor)] == ["dropped", "released"]
    told = [line.split() for line in as_text(story).splitlines() if line.startswith(("  matched", "  survivor"))]
    assert [words[:2] for words in told] == [["matched", second], ["survivor", first]]
    (story,) = done.why(second)
    assert story.matched == story.survivor
    assert story.survivor.id == first


def test_rows_of_files_tell_both_too(tmp_path):
    rows = [{"id": f"d{n}", "text": text, "date": f"2024-12-0{9 - n}"} for n, text in enumerate(CHAIN)]
    done = deduplicate([jsonl(tmp_path / "a.jsonl", rows)], tmp_path / "out", Serial(), preset="japanese", verify_by="text")
    found = [(row["loser"], row["matched"], row["survivor"]) for row in done.dropped_rows().to_pylist()]
    assert found == [("d1", "d0", "d0"), ("d2", "d1", "d0")]
    (story,) = done.why("d2")
    assert [(one.id, one.outcome.verdict) for one in (story.matched, story.survivor)] == [("d1", "dropped"), ("d0", "kept")]
    assert (done.duplicates.survivor, done.duplicates.losers) == ("d0", 2)
