"""Repeated lines are counted exactly, whatever the work is cut into, and good pages keep theirs."""

from __future__ import annotations

import json
import tomllib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.builds import corpus
from support.corpora import Response, contents, html, make_recipe, page, prose, write_warc
from support.paths import TESTS

from corpus_builder import Ray, Recipe, Serial, build, plan
from corpus_builder.document import DOCUMENT
from corpus_builder.duplicates.match import MATCHES
from corpus_builder.errors import RecipeError
from corpus_builder.hashing.lines import Repeats, is_telling, without_lines
from corpus_builder.report.funnel import as_text, funnels
from corpus_builder.report.page import render
from corpus_builder.report.why import as_text as story_text
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.line_counts import BYTES_PER_KEY, CHARACTERS_PER_LINE, added_up
from corpus_builder.stages.lines import Lines, LinesStats
from corpus_builder.store.dataset import Manifest, Shard, Stage, read_groups, read_table, sealed_manifest
from corpus_builder.store.exchange import bucket_count, read_bucket
from corpus_builder.store.run import Runner

CASES = TESTS / "cases" / "lines"
Rows = Sequence[tuple[str, str]]  # (host, text)


def cases(name: str) -> list[dict]:
    return tomllib.loads((CASES / f"{name}.toml").read_text())["case"]


# The same by the words of docs/lines.md, without hashes


def plain_lines(rows: Rows, how: Repeats) -> list[list[int]]:
    """The numbers of the template lines of each text."""
    documents: dict[object, int] = defaultdict(int)
    hosts: dict[object, set[str]] = defaultdict(set)
    pages: dict[str, int] = defaultdict(int)
    for host, text in rows:
        pages[host] += 1
        for block in {block for block, _ in plain_blocks(text, how)}:
            documents[host, block] += 1
            hosts[block].add(host)
    found = []
    for host, text in rows:
        marked: set[int] = set()
        for block, lines in plain_blocks(text, how):
            of_host = documents[host, block]
            by_host = how.by_host and of_host >= how.documents and of_host >= how.share * pages[host]
            if (by_host or (how.by_corpus and len(hosts[block]) >= how.hosts)) and is_telling(block[-1]):
                marked |= set(lines)
        found.append(sorted(marked))
    return found


def plain_blocks(text: str, how: Repeats) -> list[tuple[tuple[str, ...], list[int]]]:
    solid = [(number, line) for number, line in enumerate(text.split("\n")) if line.strip()]
    indented = {number for number, line in solid if line[0] in " \t"}
    solid = [(number, line.strip()) for number, line in solid]
    if how.where == "anywhere":
        return [(("anywhere", line), [number]) for number, line in solid if number not in indented]
    blocks = []
    for place, ordered in (("start", solid), ("end", solid[::-1])):
        for length in range(1, min(how.edge, len(solid)) + 1):
            part = ordered[:length]
            if part[-1][0] in indented:
                break
            blocks.append(((place, *(line for _, line in part)), [number for number, _ in part]))
    return blocks


# The stages, on documents that are given


@dataclass(frozen=True)
class Given(Stage):
    """A stage that writes given rows: documents, or who lost."""

    called: str
    table: str
    schema: pa.Schema
    shards: list[Shard]
    version: ClassVar[int] = 1

    @property
    def name(self) -> str:
        return self.called

    def plan(self, manifests) -> list[Shard]:
        return self.shards

    def run(self, shard: Shard, out) -> None:
        rows, group_rows = shard.task
        out.table(self.table, self.schema)
        for first in range(0, len(rows), group_rows):
            out.write_group(self.table, pa.Table.from_pylist(rows[first : first + group_rows], schema=self.schema))
        out.stats = ExtractStats("web", len(rows), sum(len(row.get("text", "")) for row in rows), dropped={}, records={})


def found_lines(
    directory: Path, rows: Rows, how: Repeats, shards: int = 1, memory_bytes: int = 1 << 30, lost: Sequence[int] = ()
) -> tuple[list[list[int]], Manifest]:
    """The lines that the stages find in rows that are dealt out to some shards, in the order of the rows."""
    documents = [
        dict.fromkeys(DOCUMENT.names, "") | {"id": f"s{n % shards}/{n}", "source": "web", "host": host, "text": text}
        for n, (host, text) in enumerate(rows)
    ]
    matches = [{"id": row["id"], "matched": "s0/0" if n in lost else None, "duplicates": 1} for n, row in enumerate(documents)]
    manifests = {}
    for name, table, schema, given_rows in (
        ("extract", "documents", DOCUMENT, documents),
        ("match", "matches", MATCHES, matches),
    ):
        pieces = [
            Shard(f"s{n}", {"rows": json.dumps(given_rows[n::shards], sort_keys=True)}, (given_rows[n::shards], 3))
            for n in range(shards)
        ]
        manifests[name] = Runner(directory, Serial()).run(Given(name, table, schema, pieces))
    runner = Runner(directory, Serial(), memory_bytes)
    sealed = runner.run_step(Lines(how, ("web",)).prepare(manifests, runner), manifests)  # scratch stays, to be looked at
    found: dict[str, list[int]] = {}
    for receipt in sealed.receipts:
        sizes = [len(group) for group in read_groups(manifests["extract"].get(receipt.shard, "documents"))]
        assert [len(group) for group in read_groups(sealed.path(receipt, "lines"))] == sizes
        found |= {row["id"]: row["lines"] for row in read_table(sealed.path(receipt, "lines")).to_pylist()}
    return [found[row["id"]] for row in documents], sealed


def host_of(case: dict) -> Rows:
    rows = []
    for number in range(case["pages"]):
        text = case["text"].strip("\n") if number < case["on"] else "{prose}"
        text = (
            text.replace("{prose2}", prose(number + 1_000)).replace("{prose}", prose(number)).replace("{number}", str(number + 1))
        )
        rows.append(("www.example", text))
    return rows


def kept(case: dict, directory: Path) -> list[tuple[str, str]]:
    """(text, what is left of it) of every page that has the case's text."""
    rows = host_of(case)
    how = Repeats(documents=case.get("documents", Repeats.documents))
    lines, _ = found_lines(directory, rows, how, shards=2)
    assert lines == plain_lines(rows, how)
    assert not any(lines[case["on"] :])
    return [(text, without_lines(text, found)) for (_, text), found in zip(rows, lines, strict=True)][: case["on"]]


@pytest.mark.parametrize("case", cases("template"), ids=lambda case: case["label"])
def test_template_text_is_cut(case, tmp_path):
    for text, rest in kept(case, tmp_path):
        wanted = [line for line in text.split("\n") if line not in case["cut"]]
        assert rest == "\n".join(wanted).strip("\n")


@pytest.mark.parametrize("case", cases("negatives"), ids=lambda case: case["label"])
def test_good_pages_keep_every_line(case, tmp_path):
    for text, rest in kept(case, tmp_path):
        assert rest == text


@pytest.mark.xfail
@pytest.mark.parametrize("case", cases("known_failures"), ids=lambda case: case["label"])
def test_lines_that_ought_to_stay(case, tmp_path):
    for text, rest in kept(case, tmp_path):
        assert rest == text


texts = st.lists(st.sampled_from(["目次", "本文", "関連記事", "｝", "", "　目次 ", "シェア", " 朝", "\t"]), max_size=7).map(
    "\n".join
)
rules = st.builds(
    Repeats,
    scope=st.sampled_from(["host", "corpus", "both"]),
    documents=st.integers(2, 4),
    share=st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    hosts=st.integers(2, 3),
    where=st.sampled_from(["edges", "anywhere"]),
    edge=st.integers(1, 4),
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["a.example", "b.example", "c.example", ""]), texts), max_size=14),
    rules,
    st.integers(1, 4),
    st.sampled_from([100, 1_000, 20_000, 1 << 30]),
    st.sets(st.integers(0, 13), max_size=4),
)
def test_shards_and_memory_change_nothing_and_the_count_is_exact(tmp_path_factory, rows, how, shards, memory_bytes, lost):
    directory = tmp_path_factory.mktemp("lines")
    lines, sealed = found_lines(directory, rows, how, shards, memory_bytes, lost)
    named = [(host or "web", text) for host, text in rows]
    alive = [row for number, row in enumerate(named) if number not in lost]
    wanted = iter(plain_lines(alive, how))
    assert lines == [[] if number in lost else next(wanted) for number in range(len(rows))]
    counted = sum(len(text.split("\n")[line]) for (_, text), found in zip(rows, lines, strict=True) for line in found)
    assert sum(stats.characters for stats in sealed.stats(LinesStats).values()) == counted
    assert sum(read_table(path).column("characters").to_numpy().sum() for path in sealed.paths("templates")) == counted
    if how.where == "edges":
        for (_, text), found in zip(rows, lines, strict=True):
            stays = [n for n, line in enumerate(text.split("\n")) if line.strip() and n not in found]
            solid = [n for n, line in enumerate(text.split("\n")) if line.strip()]
            assert stays == solid[solid.index(stays[0]) : solid.index(stays[-1]) + 1] if stays else True


def test_no_line_below_the_limits_is_cut(tmp_path):
    rows = [("www.example", f"{prose(n)}\nこの記事をシェアする") for n in range(6)]
    assert found_lines(tmp_path / "a", rows, Repeats())[0] == [[]] * 6
    more = [*rows, ("www.example", f"{prose(6)}\nこの記事をシェアする")]
    assert all(found_lines(tmp_path / "b", more, Repeats())[0])
    others = [("www.example", prose(n)) for n in range(100, 129)]
    assert not any(found_lines(tmp_path / "c", more + others, Repeats())[0])  # 7 of 36
    assert any(found_lines(tmp_path / "d", more + others[:28], Repeats())[0])  # 7 of 35
    elsewhere = [(f"{n}.example", text) for n, (_, text) in enumerate(more)]
    assert not any(found_lines(tmp_path / "e", elsewhere, Repeats())[0])
    assert all(found_lines(tmp_path / "f", elsewhere, Repeats(scope="corpus", hosts=7))[0])


def test_copies_that_lost_do_not_count(tmp_path):
    rows = [("www.example", f"はじめに\n{prose(0)}\nおわりに")] * 9
    assert all(found_lines(tmp_path / "a", rows, Repeats())[0])
    assert not any(found_lines(tmp_path / "b", rows, Repeats(), lost=range(1, 9))[0])


def test_the_templates_say_how_often_and_where(tmp_path):
    rows = [("www.example", f"{prose(n)}\n{'あ' * 300}\nシェアする") for n in range(9)]
    _, sealed = found_lines(tmp_path, rows, Repeats(), shards=2)
    first, second = (read_table(path).to_pylist() for path in sealed.paths("templates"))
    assert first == [
        {"host": "www.example", "place": "end", "line": "あ" * 200, "documents": 9, "hosts": 0, "lines": 5, "characters": 1_500},
        {"host": "www.example", "place": "end", "line": "シェアする", "documents": 9, "hosts": 0, "lines": 5, "characters": 25},
    ]
    assert [row["lines"] for row in second] == [4, 4]


def test_counts_of_many_shards_may_pass_32_bits():
    shard = {"key": np.array([7, 9], np.uint64), "host": np.zeros(2, np.uint64), "documents": np.array([2**31, 1], np.uint32)}
    total = added_up([shard, shard, shard])
    assert total["documents"].tolist() == [3 * 2**31, 3]
    assert total["key"].tolist() == [7, 9]


def test_a_bucket_that_is_too_large_is_cut_again_and_no_key_is_counted_twice(tmp_path):
    text = "\n".join("あいうえおかきくけこさしすせそ")  # two characters a line, where twenty are expected
    rows = [("www.example", text)] * 40
    lines, _ = found_lines(tmp_path, rows, Repeats(where="anywhere"), shards=2, memory_bytes=1_000)
    assert lines == [list(range(15))] * 40
    totals = sealed_manifest(tmp_path / ".scratch" / "total")
    buckets = bucket_count(sum(len(text) for _, text in rows) // CHARACTERS_PER_LINE + len(rows), BYTES_PER_KEY, 1_000)
    assert len(totals.receipts) > buckets
    for rank in range(2):
        keys = read_bucket(totals.paths("totals"), rank)["key"].tolist()
        assert len(keys) == len(set(keys)) == 16  # every line, and the host


# Through a build

SHARE = "この記事をシェアする"


def site(directory: Path) -> Path:
    """Nine pages that end with a share button, a newer copy of one, and three that do not."""
    directory.mkdir()
    ends = f"\n{SHARE}しませんか"
    pages = [page(n, prose(n) + ends) for n in range(9)]
    copy = Response("https://www.example/copy", html(prose(3) + ends, "写し").encode(), date="2024-12-09T00:00:00Z")
    plain = [page(n) for n in range(30, 33)]
    write_warc(directory / "web-a.warc.gz", [*pages[:5], *plain])
    write_warc(directory / "web-b.warc.gz", [copy, *pages[5:]])
    return directory


def recipe_of(directory: Path, lines: dict | None) -> Recipe:
    web = [{"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]}]
    quality = {"rules": [{"duplicates": True}]}
    changes = {} if lines is None else {"lines": lines}
    return make_recipe(directory, sources=web, quality=quality, release={"part_characters": 4_000}, **changes)


@pytest.fixture(scope="module")
def cut(tmp_path_factory):
    directory = site(tmp_path_factory.mktemp("lines") / "inputs")
    return directory, build(recipe_of(directory, {}), directory.parent / "out", Serial())


def test_the_lines_are_cut_at_the_release_and_told(cut):
    _, done = cut
    assert all(SHARE not in row["text"] for row in corpus(done))
    assert len(corpus(done)) == 12
    (web,) = funnels(done.manifests, done.recipe.source_names)
    (step,) = [step for step in web.steps if step.kind == "cut"]
    assert (step.pages, step.size) == (9, 9 * len(f"\n{SHARE}しませんか"))
    assert web.accounted
    assert f"    {'~ repeated lines cut':32} {9:>11,}" in as_text(web)
    report = render(done.manifests, done.recipe)
    assert f'<td>{SHARE}しませんか</td><td><code>www.example</code></td><td>end</td><td class="n">9</td>' in report
    (story,) = done.why("https://www.example/1")
    assert story.repeated == (f"{SHARE}しませんか",)
    assert f"share; they are cut:\n    {SHARE}しませんか" in story_text(story)
    assert done.verify().problems == ()


def test_a_report_changes_nothing_that_is_released(cut, tmp_path):
    directory, done = cut
    without = build(recipe_of(directory, None), tmp_path / "without", Serial())
    told = build(recipe_of(directory, {"action": "report"}), tmp_path / "told", Serial())
    names = [name for name in contents(without.out) if name.startswith("release")]
    assert {name: contents(told.out)[name] for name in names} == {name: contents(without.out)[name] for name in names}
    assert "They are only shown" in render(told.manifests, told.recipe)
    assert done.diff(told).parted_at == "release"
    assert told.diff(without).parted_at == "lines"


def test_engine_and_memory_do_not_show(cut, tmp_path, local_ray):
    directory, done = cut
    with Ray(2) as engine:
        build(recipe_of(directory, {}), tmp_path / "out", engine, task_memory_bytes=2_000)
    assert contents(tmp_path / "out") == contents(done.out)


def test_what_is_done_is_not_done_again(cut, tmp_path):
    directory, done = cut
    assert all(not one.todo for one in plan(done.recipe, done.out))
    changed = recipe_of(directory, {"documents": 20})
    todo = {one.stage: len(one.todo) for one in plan(changed, done.out)}
    assert todo == {"extract": 0, "measure": 0, "sign": 0, "match": 0, "lines": 2, "decide": 0, "release": 0}
    told = recipe_of(directory, {"action": "report"})
    assert {one.stage for one in plan(told, done.out) if one.todo} == {"release"}


def test_a_build_that_was_broken_off_goes_on(cut, tmp_path, monkeypatch):
    directory, done = cut
    monkeypatch.setattr(Lines, "run", lambda *_: 1 / 0)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        build(recipe_of(directory, {}), tmp_path / "out", Serial())
    scratch = {path.name for path in (tmp_path / "out" / ".scratch").iterdir()}
    assert scratch == {"tally", "total"}
    monkeypatch.undo()
    build(recipe_of(directory, {}), tmp_path / "out", Serial())
    assert contents(tmp_path / "out") == contents(done.out)
    assert not (tmp_path / "out" / ".scratch").exists()


def test_a_text_of_nothing_but_template_is_a_row_of_the_ledger(tmp_path):
    for number in range(8):
        page = f"{prose(number)}\n" if number else ""
        text = f"{page}当館の見学は予約制です。お電話でお申し込みください。\n休館日は月曜日です。"
        (tmp_path / f"{number}.jsonl").write_text(json.dumps({"text": text, "url": f"https://www.example/{number}"}) + "\n")
    texts = [{"name": "texts", "kind": "jsonl", "paths": ["*.jsonl"]}]
    recipe = make_recipe(tmp_path, sources=texts, dedup=None, quality={}, release={}, lines={})
    done = build(recipe, tmp_path / "out", Serial())
    (row,) = [row for path in done.manifests["release"].paths("ledger") for row in read_table(path).to_pylist()]
    assert (row["id"], row["reason"]) == ("0.jsonl/1", "only_repeated_lines")
    assert len(corpus(done)) == 7
    assert all(funnel.accounted for funnel in funnels(done.manifests, done.recipe.source_names))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ({"hosts": 5}, r"lines: hosts goes with scope"),
        ({"scope": "corpus", "share": 0.5}, r"lines: documents and share go with scope"),
        ({"where": "anywhere", "edge": 3}, r"lines: edge goes with where"),
        ({"shares": 0.5}, r"unknown key 'lines.shares'; did you mean 'share'\?"),
        ({"sources": ["wep"]}, r"unknown source 'wep' in lines.sources; did you mean 'web'\?"),
    ],
)
def test_a_wrong_table_is_a_sentence(tmp_path, lines, says):
    with pytest.raises(RecipeError, match=says):
        make_recipe(tmp_path, lines=lines)
