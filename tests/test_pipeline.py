"""The main job: what is done stays done, and nothing but the input and the recipe shows in the bytes."""

from __future__ import annotations

import errno
import math
import os
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.builds import corpus, decisions, reasons
from support.corpora import (
    RULES,
    Response,
    contents,
    html,
    killed_again_and_again,
    make_inputs,
    make_recipe,
    page,
    prose,
    write_warc,
)
from support.files import full_after
from support.notebook import Notebook
from support.paths import TESTS

from corpus_builder import Ray, Recipe, Serial, StageError, build, plan
from corpus_builder.built import Built
from corpus_builder.errors import InputError, RecipeError
from corpus_builder.pipeline import stages_of, wanted_by
from corpus_builder.recipe.inputs import digests_of
from corpus_builder.report.funnel import as_text, funnels
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.decide import DecideStats
from corpus_builder.store.dataset import read_table
from corpus_builder.store.ownership import alone_in


def times(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for pattern in ("*.parquet", "*.npy") for path in out.rglob(pattern)}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> tuple[Path, Built]:
    """A finished build, made serially, that tests may read and copy but not change."""
    directory = make_inputs(tmp_path_factory.mktemp("built") / "inputs")
    return directory, build(make_recipe(directory), directory.parent / "out", Serial())


@pytest.fixture
def copied(built, tmp_path) -> tuple[Path, Path]:
    directory, done = built
    shutil.copytree(directory, tmp_path / "inputs", copy_function=shutil.copy2)
    shutil.copytree(done.out, tmp_path / "out", copy_function=shutil.copy2)
    digests_of(list((tmp_path / "inputs").iterdir()), tmp_path / "out", Serial(), progress=False)  # at their new place
    return tmp_path / "inputs", tmp_path / "out"


@pytest.mark.parametrize(
    ("changes", "stages"),
    [
        ({}, ["sign", "match"]),
        ({"lines": {}}, ["sign", "match", "lines"]),
        ({"quality": {"rules": [{"duplicates": True}, {"measure": "num_letters", "min": 1}]}}, ["sign", "match"]),
        ({"quality": {"rules": [{"measure": "num_letters", "min": 1}, {"duplicates": True}]}}, ["sign", "screen", "match"]),
        ({"quality": {"rules": [{"measure": "num_letters", "min": 1}]}, "dedup": None}, []),
    ],
)
def test_a_recipe_wants_these_stages(tmp_path, changes, stages):
    recipe = make_recipe(tmp_path, **changes)
    expected = ["extract", "measure", *stages, "decide", "release"]
    assert [kind.name for kind in wanted_by(recipe)] == expected
    assert [stage.name for stage in stages_of(recipe, tmp_path)[1]] == expected[1:]


def test_every_page_is_accounted_for(built):
    _, done = built
    (web, wikipedia, everything) = funnels(done.manifests, done.recipe.source_names)
    assert [web.entered, wikipedia.entered, everything.entered] == [15, 2, 17]
    assert [funnel.accounted for funnel in (web, wikipedia, everything)] == [True, True, True]
    counts: dict[str, int] = {}
    for reason in reasons(done).values():
        counts[reason] = counts.get(reason, 0) + 1
    assert counts == {
        "": 11,
        "duplicate_exact": 1,
        "num_japanese_letters_low": 1,
        "gate_not_japanese": 1,
        "http_status": 1,
        "not_html": 1,
        "redirect": 1,
    }
    assert len(corpus(done)) == 11


def test_the_newer_of_two_duplicates_is_kept(built):
    _, done = built
    (lost,) = [
        row
        for path in done.manifests["decide"].paths("decisions")
        for row in read_table(path).to_pylist()
        if row["reason"] == "duplicate_exact"
    ]
    urls = {row["id"]: row["url"] for row in corpus(done)}
    assert lost["id"].startswith("web-a.warc.gz/")
    assert urls[lost["detail"]] == "https://mirror.example/3"


def test_the_corpus_holds_text_with_titles_where_asked(built):
    _, done = built
    texts = {row["title"]: row["text"] for row in corpus(done)}
    assert texts["港町"].startswith("港町\n港町（みなとまち）は")
    assert prose(0).split("\n")[0] in texts["0番目の話"]


def test_a_second_run_does_nothing(copied):
    directory, out = copied
    before = times(out)
    done = build(make_recipe(directory), out, Serial())
    assert times(out) == before
    assert done.verify().problems == ()


def test_a_threshold_reruns_only_decide_and_release(copied):
    directory, out = copied
    changed = make_recipe(
        directory, quality={"sources": ["web"], "rules": [*RULES[:1], {"measure": "num_japanese_letters", "min": 5}]}
    )
    todo = {one.stage: len(one.todo) for one in plan(changed, out)}
    assert todo == {"extract": 0, "measure": 0, "sign": 0, "match": 0, "decide": 3, "release": 0}
    before = times(out)
    done = build(changed, out, Serial())
    rewritten = {Path(path).relative_to(out).parts[0] for path, when in times(out).items() if before.get(path) != when}
    assert rewritten == {"decide", "release"}
    assert "num_japanese_letters_low" not in reasons(done).values()


def test_a_threshold_that_changes_no_verdict_is_not_released_again(copied):
    directory, out = copied
    changed = make_recipe(
        directory,
        quality={"sources": ["web"], "rules": [*RULES[:1], {"measure": "num_japanese_letters", "min": 201}, *RULES[2:]]},
    )
    before = times(out)
    build(changed, out, Serial())
    rewritten = {Path(path).relative_to(out).parts[0] for path, when in times(out).items() if before.get(path) != when}
    assert rewritten == {"decide"}


def test_another_warc_runs_one_shard_of_each_map_stage(copied):
    directory, out = copied
    write_warc(directory / "web-c.warc.gz", [page(20), page(21)])
    recipe = make_recipe(directory)
    plans = {one.stage: one for one in plan(recipe, out)}
    assert plans["extract"].todo == (("web-c.warc.gz", "new"),)
    assert [shard for shard, _ in plans["measure"].todo] == ["web-c.warc.gz"]
    assert [shard for shard, _ in plans["sign"].todo] == ["web-c.warc.gz"]
    before = times(out)
    done = build(recipe, out, Serial())
    fresh = [Path(path) for path, when in times(out).items() if before.get(path) != when]
    for stage in ("extract", "measure", "sign"):
        assert {path.name.split(".warc")[0] for path in fresh if path.relative_to(out).parts[0] == stage} == {"web-c"}
    assert done.manifests["release"].rows("corpus") == 13


def test_an_input_that_went_away_goes_from_the_corpus(copied):
    directory, out = copied
    (directory / "web-b.warc.gz").unlink()
    done = build(make_recipe(directory), out, Serial())
    assert {row["id"].split("/")[0] for row in corpus(done)} == {"web-a.warc.gz", "jawiki.xml.bz2"}
    assert not any(reason.startswith("duplicate") for reason in reasons(done).values())


def test_ray_gives_the_same_bytes_as_a_serial_run(built, tmp_path, local_ray):
    directory, done = built
    with Ray(2) as engine:
        build(make_recipe(directory), tmp_path / "out", engine)
    assert contents(tmp_path / "out") == contents(done.out)


def test_the_memory_of_a_task_does_not_show(built, tmp_path):
    directory, done = built
    build(make_recipe(directory), tmp_path / "out", Serial(), task_memory_bytes=2_000)
    assert contents(tmp_path / "out") == contents(done.out)


def test_the_place_of_the_input_does_not_show(built, tmp_path):
    _, done = built
    directory = make_inputs(tmp_path / "other place")
    build(make_recipe(directory), tmp_path / "out", Serial())
    assert contents(tmp_path / "out") == contents(done.out)


RUN = """
import sys
sys.path.insert(0, sys.argv[3])
from pathlib import Path
from support.corpora import make_recipe
from corpus_builder import Ray, Serial, build
build(make_recipe(Path(sys.argv[1])), sys.argv[2], Ray(2) if sys.argv[4] == "ray" else Serial())
"""


@pytest.mark.parametrize("engine", ["serial", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_build_killed_again_and_again_ends_in_the_same_bytes(built, tmp_path, engine):
    """kill -9 as soon as another receipt is there, until a run comes through."""
    directory, done = built
    out = tmp_path / "out"
    command = [sys.executable, "-c", RUN, directory, out, TESTS, engine]
    kills = len(list(killed_again_and_again(command, out, receipts=1, most=4)))
    assert kills >= 3
    assert contents(out) == contents(done.out)


def test_a_disk_that_is_full_at_any_moment_is_a_sentence_and_nothing_is_lost(built, tmp_path, monkeypatch):
    directory, done = built
    synced = os.fsync
    moment, out, said = 0, tmp_path / "out", []
    while True:
        moment += 1
        monkeypatch.setattr(os, "fsync", full_after(moment, synced))
        try:
            build(make_recipe(directory), out, Serial()).report()
            break
        except StageError as error:
            said.append(str(error))
        assert not list(out.rglob("*.tmp"))
    assert all("is full; nothing that was committed is lost" in sentence for sentence in said)
    assert len(said) > 8  # each try wrote a little more than the last one, and the last one to its end
    monkeypatch.setattr(os, "fsync", synced)
    assert contents(out) == contents(done.out)


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
def test_a_directory_that_cannot_be_written_is_a_sentence(built, tmp_path, monkeypatch, code):
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    with alone_in(tmp_path / "begun"):
        pass
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(InputError, match=r"out cannot be written: .*; choose another directory with --out"):
        build(make_recipe(built[0]), tmp_path / "out", Serial())
    with pytest.raises(StageError, match="cannot be written"):
        build(make_recipe(built[0]), tmp_path / "begun", Serial())


def test_filtering_first_gives_the_survivors_of_the_filter_to_the_match(inputs, tmp_path):
    """With the newer copy filtered out before the match, the older one has nobody to lose to."""
    short = page(3, date="2024-12-09T00:00:00Z", host="blocked.example")
    write_warc(inputs / "web-b.warc.gz", [short])
    (tmp_path / "blocked.txt").write_text("blocked.example\n")
    rules = [{"hosts": ["../blocked.txt"]}, {"duplicates": True}]
    first = build(make_recipe(inputs, quality={"sources": ["web"], "rules": rules}), tmp_path / "first", Serial())
    after = build(make_recipe(inputs, quality={"sources": ["web"], "rules": rules[::-1]}), tmp_path / "after", Serial())
    assert sum(reason.startswith("duplicate") for reason in reasons(first).values()) == 0
    assert list(reasons(after).values()).count("duplicate_exact") == 1
    assert "screen" in first.manifests
    assert "screen" not in after.manifests


def test_sources_that_take_no_part_in_the_match_keep_their_duplicates(inputs, tmp_path):
    done = build(make_recipe(inputs, dedup={"bands": 14, "rows": 8, "sources": ["wikipedia"]}), tmp_path / "out", Serial())
    assert not any(reason.startswith("duplicate") for reason in reasons(done).values())
    assert [receipt.shard for receipt in done.manifests["sign"].receipts] == ["jawiki.xml.bz2"]


def test_epochs_and_shares_mix_the_sources(inputs, tmp_path):
    mixture = {"web": {"epochs": 0.5}, "wikipedia": {"epochs": 2}}
    done = build(make_recipe(inputs, release={"mixture": mixture}), tmp_path / "out", Serial())
    rows = corpus(done)
    assert sorted(row["copy"] for row in rows if row["source"] == "wikipedia") == [0, 1]
    assert 0 < sum(row["source"] == "web" for row in rows) < 10
    (web, *_) = funnels(done.manifests, done.recipe.source_names)
    assert web.accounted
    assert "not_drawn" in {step.label for step in web.steps}


SHARE = {"wikipedia": {"share": 0.5}}
UNJUDGED = {"sources": ["wikipedia"], "rules": [{"measure": "num_letters", "min": 1}]}


def test_a_share_of_too_little_text_is_capped_and_told(inputs, tmp_path, caplog):
    """Before any rule as what it looks like, then in the funnel, the report and the plan as what it is; the others are as wanted."""
    done = build(make_recipe(inputs, release={"mixture": SHARE}), tmp_path / "out", Serial())
    kept = {
        name: done.manifests["decide"].stats(DecideStats)[name].kept.characters for name in ("web-a.warc.gz", "web-b.warc.gz")
    }
    web, wiki = sum(kept.values()), done.manifests["decide"].stats(DecideStats)["jawiki.xml.bz2"].kept.characters
    extracted = sum(s.characters for s in done.manifests["extract"].stats(ExtractStats).values() if s.source == "web")
    said = f"share = 0.5 takes {web / wiki:.2f} epochs, capped at 4: {4 * wiki / (4 * wiki + web):.4f}"
    early = f"share = 0.5 takes {extracted / wiki:.2f} epochs, capped at 4: {4 * wiki / (4 * wiki + extracted):.4f}"
    assert [r.getMessage() for r in caplog.records] == [f"release.mixture.wikipedia: before any rule, {early}"]
    assert sorted((row["source"], row["copy"]) for row in corpus(done)).count(("wikipedia", 3)) == 1
    assert len(corpus(done)) == 10 + 4
    assert [[step.label for step in funnel.steps if step.kind == "note"] for funnel in done.funnels()] == [[], [said], []]
    assert f"  ! {said}" in as_text(done.funnels()[1]).splitlines()
    assert f'<td colspan="5">{said}</td>' in done.report().read_text(encoding="utf-8")
    assert plan(done.recipe, done.out)[-1].note == f"wikipedia: {said}"
    changed = make_recipe(inputs, quality={"rules": [RULES[0]]}, release={"mixture": SHARE})
    assert plan(changed, done.out)[-1].note == (
        f"parts are planned once the decisions are made; release.mixture.wikipedia: before any rule, {early}"
    )


def test_a_strict_share_is_refused_once_it_is_certain(inputs, tmp_path):
    """After the extraction where no rule can mend it, else with the decisions, and by `plan` of what stands."""
    strict = {"mixture": {"wikipedia": {"share": 0.5, "strict": True}}}
    says = r"release.mixture.wikipedia: share = 0.5 needs \d+\.\d\d epochs of the \d+ characters .* leave out strict"
    unjudged = make_recipe(inputs, dedup=None, quality=UNJUDGED, release=strict)
    with pytest.raises(RecipeError, match=says):
        build(unjudged, tmp_path / "early", Serial())
    assert sorted(path.name for path in (tmp_path / "early").iterdir() if path.is_dir() and path.name[0] != ".") == ["extract"]
    with pytest.raises(RecipeError, match=says):
        plan(unjudged, tmp_path / "early")
    judged = make_recipe(inputs, release=strict)
    with pytest.raises(RecipeError, match=says):
        build(judged, tmp_path / "late", Serial())
    assert (tmp_path / "late" / "decide" / "manifest.json").exists()
    assert not (tmp_path / "late" / "release").exists()
    with pytest.raises(RecipeError, match=says):
        plan(judged, tmp_path / "late")
    none = make_recipe(inputs, quality={"rules": [RULES[0], {"measure": "num_letters", "max": 10}]}, release=strict)
    with pytest.raises(RecipeError, match="but no text of this source is kept"):
        build(none, tmp_path / "late", Serial())


def test_parts_hold_about_what_was_asked(built):
    _, done = built
    receipts = done.manifests["release"].receipts
    assert len(receipts) > 1
    assert [receipt.shard for receipt in receipts] == [f"part-{number:05}" for number in range(len(receipts))]


def test_a_filter_that_fails_is_a_sentence_with_the_document(inputs, tmp_path):
    (inputs / "failing_filter.py").write_text("def crash(doc):\n    return 1 / 0\n")
    recipe = make_recipe(inputs, dedup=None, quality={"rules": [{"filter": "failing_filter:crash"}]})
    with pytest.raises(StageError, match=r"failing_filter:crash failed on the document 'jawiki.xml.bz2/5': ZeroDivisionError"):
        build(recipe, tmp_path / "out", Serial())
    assert (tmp_path / "out" / "extract" / "manifest.json").exists()


def test_a_users_filter_and_measure_decide(inputs, tmp_path, local_ray):
    (inputs / "sea_filter.py").write_text(
        "from corpus_builder import Drop\n\n"
        "def sea(doc):\n    return Drop('sea', value=doc.text.count('港')) if '3の' in doc.text else None\n\n"
        "def harbours(doc):\n    return doc.text.count('港')\n"
    )
    rules = [{"filter": "sea_filter:sea"}, {"measure": "harbours", "min": 1}]
    quality = {"sources": ["web"], "measures": {"harbours": "sea_filter:harbours"}, "rules": rules}
    with Ray(2) as engine:
        done = build(make_recipe(inputs, dedup=None, quality=quality), tmp_path / "out", engine)
        notebook = Notebook()
        notebook.run((inputs / "sea_filter.py").read_text())
        notebook.run(
            "from functools import cache, partial\n@cache\ndef word(): return '港'\ndef kana(text): return word() and 1.0"
        )
        notebook.run("def counts(doc, add): return add + harbours(doc)\ncell = lambda doc: sea(doc)")
        rules = [{"filter": notebook["cell"]}, {"measure": "harbours", "min": 1}]
        functions = quality | {"measures": {"harbours": notebook["partial"](notebook["counts"], add=0)}, "rules": rules}
        recipe = make_recipe(inputs, dedup=None, quality=functions, extract={"detector": notebook["kana"]})
        of_cells = build(recipe, tmp_path / "cells", engine)
    assert reasons(of_cells) == reasons(done)
    counted = sorted(reasons(done).values())
    assert counted.count("sea") == 3  # page 3, its mirror, and page 13
    texts = [row["text"] for path in done.manifests["extract"].paths("documents") for row in read_table(path).to_pylist()]
    assert counted.count("harbours_low") == sum("港" not in text and "3の" not in text for text in texts) > 0
    serial = build(make_recipe(inputs, dedup=None, quality=quality), tmp_path / "serial", Serial())
    assert contents(serial.out) == contents(done.out)


def test_a_document_that_the_edits_empty_is_counted(inputs, tmp_path):
    write_warc(inputs / "web-b.warc.gz", [Response("https://www.example/f", html("。".join(["コメント"] * 60)).encode())])
    keywords = tmp_path / "footer.txt"
    keywords.write_text("コメント\n")
    release = {"edits": {"web": ["trim_footer_v1"]}, "footer_keywords": str(keywords)}
    done = build(make_recipe(inputs, dedup=None, quality={"rules": []}, release=release), tmp_path / "out", Serial())
    rows = [row for path in done.manifests["release"].paths("ledger") for row in read_table(path).to_pylist()]
    assert [row["reason"] for row in rows] == ["empty_after_edits"] * len(rows)
    assert all(funnel.accounted for funnel in funnels(done.manifests, done.recipe.source_names))


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ([{"name": "web", "kind": "warc", "paths": ["nowhere.warc.gz"]}], "nowhere.warc.gz .* does not exist"),
        ([{"name": "web", "kind": "warc", "paths": ["nothing-*.warc.gz"]}], "No file matches 'nothing-"),
        (
            [{"name": "web", "kind": "warc", "paths": ["web-a.warc.gz", "./web-a.warc.gz"]}],
            "is named twice, by the source 'web' and by 'web'",
        ),
    ],
)
def test_inputs_that_are_not_there_are_sentences(inputs, tmp_path, sources, says):
    with pytest.raises(InputError, match=says):
        build(make_recipe(inputs, sources=sources, quality={}, dedup=None, release={}), tmp_path / "out", Serial())


def test_an_empty_warc_and_one_that_is_none_are_counted(inputs, tmp_path):
    (inputs / "web-a.warc.gz").write_bytes(b"")
    (inputs / "web-b.warc.gz").write_bytes(b"this is no WARC\n" * 50)
    sources = [
        {"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"], "unreadable": "report"},
        {"name": "wikipedia", "kind": "wikipedia", "paths": ["jawiki.xml.bz2"]},
    ]
    done = build(make_recipe(inputs, sources=sources), tmp_path / "out", Serial())
    assert {row["source"] for row in corpus(done)} == {"wikipedia"}
    assert len([id_ for id_ in reasons(done) if id_.startswith("web-")]) == 2
    assert done.verify().problems == ()


def test_no_input_survives_and_the_corpus_is_empty_but_valid(inputs, tmp_path):
    rules = [{"measure": "num_letters", "min": 10**6}]
    done = build(make_recipe(inputs, dedup=None, quality={"rules": rules}), tmp_path / "out", Serial())
    assert corpus(done) == []
    assert pq.read_schema(done.manifests["release"].paths("corpus")[0]).names[0] == "id"


def test_a_second_build_into_the_same_directory_is_kept_out(built, tmp_path):
    directory, _ = built
    with alone_in(tmp_path / "out"), pytest.raises(StageError, match="Another build is writing"):
        build(make_recipe(directory), tmp_path / "out", Serial())


def test_a_build_is_read_back_from_its_directory(built):
    _, done = built
    again = Built.open(done.out)
    assert again.manifests == dict(done.manifests)
    assert again.recipe.model_dump() == done.recipe.model_dump()
    with pytest.raises(InputError, match="There is no build in"):
        Built.open(done.out / "nowhere")


@pytest.mark.parametrize(
    ("keep", "survivor"),
    [
        ("newest", "mirror.example"),
        ("oldest", "www.example"),
        ("first:web_a,web_b", "www.example"),
        ("first:web_b", "mirror.example"),
        ("largest:num_letters", "www.example"),
        ("longest", "www.example"),
    ],
)
def test_the_recipe_says_who_survives(tmp_path, keep, survivor):
    write_warc(tmp_path / "a.warc.gz", [Response("https://www.example/3", html(prose(3) + "\n長い方の文である。").encode())])
    write_warc(tmp_path / "b.warc.gz", [page(3, date="2030-12-09T00:00:00Z", host="mirror.example")])
    sources = [{"name": f"web_{name}", "kind": "warc", "paths": [f"{name}.warc.gz"]} for name in "ab"]
    quality = {"rules": [{"duplicates": True}]}
    recipe = Recipe.of({"name": "k", "sources": sources, "dedup": {"keep": keep}, "quality": quality}, base=tmp_path)
    done = build(recipe, tmp_path / "out", Serial())
    assert [row["url"].split("/")[2] for row in corpus(done)] == [survivor]


@pytest.mark.parametrize(
    ("keep", "says"),
    [
        ("best", "is not a preference"),
        ("largest:num_leters", "did you mean 'num_letters'"),
        ("first:wob", "did you mean 'web'"),
    ],
)
def test_a_recipe_that_does_not_say_who_survives_is_a_sentence(inputs, keep, says):
    with pytest.raises(RecipeError, match=says):
        make_recipe(inputs, dedup={"keep": keep})


@pytest.mark.parametrize(
    "how",
    [
        {"verify": 0.8},
        {"verify": False},
        {"verify": 0.8, "verify_by": "text", "groups": "components"},
        {"url": True, "groups": "components"},
        {"preset": "japanese", "keep": "largest:num_letters"},
    ],
    ids=str,
)
def test_what_counts_as_a_duplicate_is_the_recipes_choice(inputs, tmp_path, how):
    """However it is said: the same bytes in tasks of little memory, and the survivor and the similarity are told."""
    write_warc(
        inputs / "web-c.warc.gz",
        [page(0, prose(0) + "終。"), page(1, prose(40), date="2024-12-08T00:00:00Z"), page(3, host="c.example")],
    )
    dedup = how if "preset" in how else {"bands": 14, "rows": 8, **how}
    done = build(make_recipe(inputs, dedup=dedup), tmp_path / "out", Serial())
    build(make_recipe(inputs, dedup=dedup), tmp_path / "small", Serial(), task_memory_bytes=2_000)
    assert contents(tmp_path / "small") == contents(done.out)
    kept = {row["id"] for row in corpus(done)}
    decided = [row for path in done.manifests["decide"].paths("decisions") for row in read_table(path).to_pylist()]
    lost = [row for row in decided if row["reason"].startswith("duplicate")]
    assert {row["detail"] for row in lost} <= kept
    verify = how.get("verify", 0.75) or None
    assert {row["threshold"] for row in lost if row["reason"] == "duplicate_near"} <= {verify}
    assert all(row["value"] >= (verify or 0.0) for row in lost if row["reason"] == "duplicate_near")
    assert {(row["threshold"], row["value"]) for row in lost if row["reason"] == "duplicate_exact"} <= {(None, 1.0)}
    assert ("duplicate_url" in {row["reason"] for row in lost}) == how.get("url", False)
    assert len(lost) >= 3


def test_a_pair_that_is_just_as_similar_as_verify_asks_for_is_one(tmp_path):
    write_warc(tmp_path / "a.warc.gz", [page(0), page(1, prose(0) + "終。", date="2024-12-08T00:00:00Z")])
    value = {"name": "v", "sources": [{"name": "web", "kind": "warc", "paths": ["a.warc.gz"]}], "quality": {"rules": [RULES[0]]}}

    def lost(verify):
        dedup = {"bands": 14, "rows": 8, "verify": verify}
        return [
            row
            for row in decisions(build(Recipe.of(value | {"dedup": dedup}, base=tmp_path), tmp_path / "out", Serial()))
            if row["reason"]
        ]

    ((similarity, threshold),) = [(row["value"], row["threshold"]) for row in lost(0.5)]
    assert (0.8 < similarity < 1.0, threshold) == (True, 0.5)
    assert [(row["value"], row["threshold"]) for row in lost(similarity)] == [(similarity, similarity)]
    assert lost(math.nextafter(similarity, 1.0)) == []
