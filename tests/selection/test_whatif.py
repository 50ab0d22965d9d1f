"""What if: its numbers are those of a build with the changed recipe, made without reading a text."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.classifiers import load_counter, write_counter
from support.corpora import RULES, make_inputs, make_recipe, page, prose, write_warc

from corpus_builder import InputError, Recipe, RecipeError, Serial, build, whatif
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.recipe import running
from corpus_builder.selection import outcomes
from corpus_builder.selection.patch import Change, patched, patched_text
from corpus_builder.selection.whatif import WhatIf
from corpus_builder.store.dataset import read_table

FILTERS = """
from corpus_builder import Drop

def harbour(doc):
    return Drop("own_harbour", value=1.0) if "漁港" in doc.text else None


def other(doc):
    return None
"""

MORE = [
    {"hosts": ["hosts.txt"], "sources": ["web"]},
    {"measure": "num_letters", "max": 420},
    {"filter": "my_filters:harbour"},
]


def inputs(directory: Path) -> Path:
    """Pages of several hosts and lengths; some hosts are listed, one only in part."""
    make_inputs(directory)
    many = [page(100 + n, prose(100 + n, 6 + n % 10), host=f"{'abcd'[n % 4]}.example") for n in range(24)]
    copies = [page(200 + n, prose(100 + 3 * n, 6 + 3 * n % 10), host="copy.example") for n in range(5)]
    write_warc(directory / "web-c.warc.gz", [*many, *copies])
    (directory / "hosts.txt").write_text("a.example\nwww.b.example/105\nb.example/101\n")
    (directory / "my_filters.py").write_text(FILTERS)
    return directory


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Built:
    """Duplicates are searched before all rules."""
    directory = inputs(tmp_path_factory.mktemp("whatif") / "inputs")
    return build(
        make_recipe(directory, quality={"sources": ["web"], "rules": [*RULES, *MORE]}), directory.parent / "out", Serial()
    )


@pytest.fixture(scope="module")
def later(tmp_path_factory) -> Built:
    """Duplicates are searched among what two rules keep."""
    directory = inputs(tmp_path_factory.mktemp("whatif") / "inputs")
    rules = [*RULES[1:], RULES[0], *MORE]
    return build(make_recipe(directory, quality={"sources": ["web"], "rules": rules}), directory.parent / "out", Serial())


def decided(built: Built) -> dict[str, tuple[str, str, int]]:
    rows = built.sql(
        "select id, source, reason, num_letters from decisions join documents using (id) join measures using (id)"
    ).fetchall()
    return {id_: (source, reason, letters) for id_, source, reason, letters in rows}


def flows_of(before: Built, after: Built) -> Counter[tuple[str, str, str, int, int]]:
    """What a build of each recipe says: by source and fates, documents and characters."""
    theirs = decided(after)
    found: dict[tuple[str, str, str], list[int]] = {}
    for id_, (source, reason, letters) in decided(before).items():
        found.setdefault((source, reason, theirs[id_][1]), []).append(letters)
    return Counter({(*key, len(letters), sum(letters)): 1 for key, letters in found.items()})


def said(found: WhatIf) -> Counter[tuple[str, str, str, int, int]]:
    return Counter({(one.source, one.before, one.after, one.amount.documents, one.amount.characters): 1 for one in found.flows})


def built_with(built: Built, found: WhatIf, tmp_path: Path) -> Built:
    assert found.recipe is not None
    shutil.copytree(built.out, tmp_path / "out", copy_function=shutil.copy2)
    return build(found.recipe, tmp_path / "out", Serial())


CHANGES = [
    ["rules[1].min=330"],
    ["rules[2].min=0.55", "rules[4].max=500"],
    ["rules[3]"],
    ["rules[0]", "dedup"],
    ["rules[3].exact_host=true"],
    ["rules[5]", 'rules[5]={measure="kanji_fraction", above=0.2, sources=["web", "wikipedia"]}'],
    ['rules[1].sources=["web", "wikipedia"]', "rules[1].min=420"],
    ['quality.rules=[{duplicates=true}, {filter="my_filters:harbour"}]'],
    [],
]


@pytest.mark.parametrize("changes", CHANGES, ids=" ".join)
def test_the_numbers_are_those_of_a_build(first: Built, changes: list[str], tmp_path: Path) -> None:
    found = whatif(first, changes)
    assert found.notes == ()
    after = built_with(first, found, tmp_path)
    assert said(found) == flows_of(first, after)
    assert found.after.documents == sum(not reason for _, reason, _ in decided(after).values())
    if changes:
        assert any(one.before != one.after for one in found.flows)


def test_rules_after_the_search_are_exact_where_others_come_before(later: Built, tmp_path: Path) -> None:
    found = whatif(later, ["rules[4].max=500", "rules[3]"])
    assert found.notes == ()
    assert said(found) == flows_of(later, built_with(later, found, tmp_path))


def test_rules_before_the_search_give_an_estimate_that_says_why(later: Built) -> None:
    (note,) = whatif(later, ["rules[0].min=330"]).notes
    assert note.startswith("An estimate: duplicates are searched among the documents that the rules before")


@pytest.fixture
def scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    """With a classifier of two properties and an expression."""
    monkeypatch.setattr(running, "load_classifier", load_counter)
    directory = inputs(tmp_path / "inputs")
    write_counter(directory / "about.json", ("ports", "graded", "港船"), ("kind", "category", ["山", "魚", "雪"]))
    quality = {
        "sources": ["web"],
        "rules": RULES[:2],
        "classifiers": {"about": {"model": "about.json"}},
        "expressions": {"worth": "about.ports - 2 * hiragana_fraction"},
    }
    return build(make_recipe(directory, quality=quality), tmp_path / "first", Serial())


@pytest.mark.parametrize(
    "changes",
    [
        ['rules[2]={measure="about.ports", min=2}'],
        ['rules[2]={measure="about.kind", none_of=["魚"]}', "rules[1].min=330"],
        ['rules[2]={measure="worth", above=0.5}', 'expressions.worth="about.ports - hiragana_fraction"'],
        ['rules[2]={measure="duplicates", min=2}'],
    ],
    ids=" ".join,
)
def test_scores_categories_and_expressions(scored: Built, changes: list[str], tmp_path: Path) -> None:
    found = whatif(scored, changes)
    assert found.notes == ()
    assert said(found) == flows_of(scored, built_with(scored, found, tmp_path))
    assert found.lost.documents > 0


SELECTS = [
    ["select.score=kanji_fraction", "select.top=0.4"],
    ["select.score=kanji_fraction", "select.band=[0.2, 0.6]", "select.by=characters", "rules[1].min=250"],
    ["select.score=num_letters", "select.min=330"],
    ["select.score=duplicates", "select.top=0.3", "seed=7"],  # all equal: ordered by the seed
    ["select.score=kanji_fraction", "select.top=0.5", "select.per=source", 'select.sources=["web", "wikipedia"]'],
    [
        "select.score=kanji_fraction",
        'select.tiers=[{name="best", top=0.2, repeat=3}, {name="good", top=0.6}, {name="rest", repeat=0}]',
    ],
]


@pytest.mark.parametrize("changes", SELECTS, ids=" ".join)
def test_a_selection_is_exact_to_the_document(first: Built, changes: list[str], tmp_path: Path) -> None:
    found = whatif(first, changes)
    after = built_with(first, found, tmp_path)
    assert said(found) == flows_of(first, after)
    assert found.lost.documents > 0
    cuts = after.manifests["select"].paths("cuts")
    rows = [row for path in cuts for row in read_table(path).to_pylist()]
    assert [(one.tier, one.group, one.value, one.documents, one.taken) for one in found.cuts] == [
        (row["tier"], row["group"], row["value"], row["documents"], row["taken_documents"]) for row in rows
    ]
    tiers = dict(after.sql("select tier, count(*) from decisions where keep and tier <> '' group by tier").fetchall())
    assert {one.tier: one.after.documents for one in found.tiers} == tiers


def test_another_share_of_a_build_that_selects(first: Built, tmp_path: Path) -> None:
    half = built_with(first, whatif(first, SELECTS[0]), tmp_path)
    found = whatif(half, ["select.top=0.8"])
    assert found.gained.documents > 0 == found.lost.documents
    (margin,) = found.margins
    assert margin.rule == "the cut of select"
    assert min(one.value for one in margin.kept) >= found.cuts[0].value >= max(one.value for one in margin.dropped)
    assert said(found) == flows_of(half, built_with(half, found, tmp_path / "next"))
    nothing = whatif(half)
    assert nothing.before == nothing.after


def test_columns_may_be_read_twice(first: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    once = whatif(first, SELECTS[1])
    monkeypatch.setattr(outcomes, "IN_MEMORY", 0)
    assert whatif(first, SELECTS[1]) == once


def test_hosts_gain_and_lose_what_the_sources_do(first: Built) -> None:
    found = whatif(first, ["rules[5]", "rules[1].min=330"])
    assert found.gained.documents > 0
    assert found.lost.documents > 0
    assert sum((one.gained for one in found.hosts), start=type(found.gained)()) == found.gained
    assert sum((one.lost for one in found.hosts), start=type(found.gained)()) == found.lost


def test_overlap_counts_what_each_rule_drops_alone(first: Built) -> None:
    """Against the rules, one at a time and all but one."""
    whole = whatif(first)
    rules = first.recipe.quality.rules
    for place, one in enumerate(whole.overlap):
        without = whatif(first, [f"rules[{place}]", *(["dedup"] if rules[place].duplicates else [])])
        assert one.alone == without.after.documents - whole.after.documents
        assert one.first == sum(flow.amount.documents for flow in whole.flows if flow.after) - sum(
            other.first for other in whole.overlap if other is not one
        )
    assert sum(whole.dropped_by[1:]) == sum(one.first for one in whole.overlap)
    assert whole.dropped_by[1] == sum(one.alone for one in whole.overlap)


def test_the_margin_has_the_nearest_documents_on_both_sides(first: Built) -> None:
    (margin,) = whatif(first, ["rules[1].min=330"]).margins
    assert margin.rule == "num_japanese_letters >= 330"
    assert [one.value for one in margin.kept] == sorted(one.value for one in margin.kept)
    assert [one.value for one in margin.dropped] == sorted((one.value for one in margin.dropped), reverse=True)
    values = dict(first.sql("select id, num_japanese_letters from measures").fetchall())
    assert all(values[one.id] == one.value for one in (*margin.kept, *margin.dropped))
    assert min(one.value for one in margin.kept) >= 330 > max(one.value for one in margin.dropped)
    assert {one.after for one in margin.dropped} == {"num_japanese_letters_low"}
    urls = dict(first.sql("select id, url from documents").fetchall())
    assert all(urls[one.id] == one.url for one in margin.kept)


@pytest.mark.parametrize(
    ("change", "stage"),
    [
        ("extract.form=markdown", "extract"),
        ("quality.measures.own=x:y", "measure"),
        ("dedup.bands=15", "sign"),
        ("quality.sources=[]", "sign"),
        ("lines.documents=3", "lines"),
        ("quality.ng_words=[\"w.txt\"]", "measure"),
        ("rules[5].filter=my_filters:other", "measure"),
        ('rules[5]={measure="host.documents", max=3}', "hosts"),
    ],
)  # fmt: skip
def test_what_needs_texts_is_refused_with_the_stage(first: Built, change: str, stage: str) -> None:
    with pytest.raises(RecipeError, match=f"stage '{stage}'"):
        whatif(first, [change])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("rules[9].min=3", "the list has 6 items"),
        ("rules[1].minimum=3", "unknown key"),
        ("[1]=2", "names no key"),
        ("select.top=0.5\nselect.by=1", "more than one key"),
        ("rules[1].min=0.3.4", "not TOML|valid number"),
        ("nothing", "does not have this key"),
        ("name.x=1", "no list or table"),
    ],
)
def test_changes_that_cannot_be_made(first: Built, change: str, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        whatif(first, [change])


TOML = """# The corpus.
name = "x" # its name

[quality]
sources = ["web"]

# Short pages.
[[quality.rules]]
measure = "num_letters"
min = 200  # ours

[[quality.rules]] # lists
hosts = [
    "a#b.txt", # one
    "c.txt",
] # both

[release]
part_characters = 1
"""


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        (["rules[0].min=300"], "min = 200  # ours", "min = 300  # ours"),
        (["rules[0].max=900"], "min = 200  # ours\n", "min = 200  # ours\nmax = 900\n"),
        (["rules[0].min"], "min = 200  # ours\n", ""),
        (['rules[1].hosts=["d.txt"]'], 'hosts = [\n    "a#b.txt", # one\n    "c.txt",\n] # both', 'hosts = ["d.txt"]  # both'),
        (["seed=3"], 'name = "x" # its name\n', 'name = "x" # its name\nseed = 3\n'),
        (["select.top=0.2"], "part_characters = 1\n", "part_characters = 1\n\n[select]\ntop = 0.2\n"),
    ],
)
def test_a_file_is_changed_in_place(changes: list[str], old: str, new: str) -> None:
    assert old in TOML
    assert patched_text(TOML, [Change.parse(one) for one in changes]) == TOML.replace(old, new)


@pytest.mark.parametrize("change", ["rules[0]", "release.mixture.web.epochs=2", "rules[2].min=1"])
def test_what_cannot_be_done_in_place_is_told(change: str) -> None:
    text = TOML.replace("[release]", "[release]\nmixture.web = { epochs = 1 }")
    try:
        found = patched_text(text, [Change.parse(change)])
    except RecipeError:
        return
    assert found is None


def test_the_command_writes_a_recipe_that_build_takes(first: Built) -> None:
    folder = first.recipe.base
    original, changed = folder / "original.toml", folder / "changed.toml"
    original.write_text(f"# Ours.\n{first.recipe.to_toml()}")
    words = ["whatif", str(first.out), "--recipe", str(original), "--set", "rules[1].min=330", "--write", str(changed)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "The changed recipe" in done.stdout
    assert "without the comments" not in done.stdout
    assert changed.read_text().startswith("# Ours.\n")
    wanted: Any = patched(json.loads(json.dumps(first.recipe.model_dump(mode="json", exclude_defaults=True))), [])
    assert wanted["quality"]["rules"][1]["min"] == 200
    assert Recipe.load(changed).quality.rules[1].min == 330
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert found["after"]["documents"] == whatif(first, ["rules[1].min=330"]).after.documents
    elsewhere = CliRunner().invoke(main, [*words[:-1], str(first.out.parent / "elsewhere.toml")])
    assert (elsewhere.exit_code, (first.out.parent / "elsewhere.toml").exists()) == (3, False)


def test_where_the_lists_of_a_build_are_not_found(first: Built, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="name the file with --recipe"):
        whatif(Built.open(first.out), ["rules[1].min=330"])
    assert whatif(Built.open(first.out), ["rules[1].min=330"], first.recipe).after == whatif(first, ["rules[1].min=330"]).after
