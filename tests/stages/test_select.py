"""What [select] keeps, and how often, is what a sort of all documents says, however the work is cut up."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.builds import corpus, decisions
from support.classifiers import load_counter, write_counter
from support.corpora import contents

from corpus_builder import Recipe, RecipeError, Serial, StageError, build, plan
from corpus_builder.built import Built
from corpus_builder.hashing.keyed import keyed_number
from corpus_builder.recipe import running
from corpus_builder.release.mixture import drawn
from corpus_builder.report.funnel import as_text as funnel_text
from corpus_builder.report.page import render
from corpus_builder.report.selected import tied
from corpus_builder.report.why import as_text
from corpus_builder.stages.select import Count, SelectStats, Survey

FILES = {"a": 40, "b": 25, "c": 1, "d": 0}


@pytest.fixture(autouse=True)
def counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "load_classifier", load_counter)
    running._loaded.cache_clear()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Short texts, whose scores are numbers of a letter, so that many are equal."""
    folder = tmp_path_factory.mktemp("select")
    for name, count in FILES.items():
        texts = [f"{'港' * (n * 7 % 5)}{'料理' if n % 3 else '祭り'}{'と' * (n % 11 + 1)}、{name}の{n}。" for n in range(count)]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts))
    write_counter(folder / "ports.json", ("ports", "graded", "港"), ("topic", "category", ["料理", "祭り"]))
    return folder


def recipe_of(inputs: Path, select: dict[str, Any] | None, **more: Any) -> Recipe:
    sources = [
        {"name": "web", "kind": "jsonl", "paths": ["a.jsonl", "c.jsonl", "d.jsonl"], "language": "none"},
        {"name": "books", "kind": "jsonl", "paths": ["b.jsonl"], "language": "none"},
    ]
    quality = {
        "classifiers": {"c": {"model": "ports.json"}},
        "sources": ["web", "books"],
        "rules": [{"measure": "num_letters", "max": 18}],
    }
    value = {"name": "s", "seed": 3, "sources": sources, "quality": quality, "release": {"part_characters": 200}}
    return Recipe.of(value | ({"select": select} if select else {}) | more, base=inputs)


def scored(done: Built) -> list[dict[str, Any]]:
    """Every document that the rules keep: id, source, score, characters, topic."""
    return [
        dict(zip(("id", "source", "score", "characters", "topic"), row, strict=True))
        for row in done.sql(
            'select id, source, "c.ports", length(text), "c.topic" from documents join scores using (id) where length(text) <= 18'
        ).fetchall()
    ]


def best(rows: list[dict[str, Any]], share: float, weight: str | None = None) -> list[str]:
    """The ids of the best share by a plain sort."""
    ordered = sorted(rows, key=lambda row: (-row["score"], keyed_number(3, "select", row["id"])))
    total, position, found = sum(row[weight] if weight else 1 for row in ordered), 0, []
    for row in ordered:
        if position < share * total:
            found.append(row["id"])
        position += row[weight] if weight else 1
    return found


def kept(done: Built) -> set[str]:
    return {str(row["id"]) for row in decisions(done) if row["keep"]}


@pytest.fixture(scope="module")
def base(inputs: Path) -> Built:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "load_classifier", load_counter)
        return build(recipe_of(inputs, None), inputs / "out", Serial())


@pytest.mark.parametrize(
    ("select", "weight", "per"),
    [
        ({"top": 0.25}, None, None),
        ({"top": 0.25, "by": "characters"}, "characters", None),
        ({"top": 0.25, "by": "num_letters"}, "characters", None),
        ({"top": 0.25, "per": "source"}, None, "source"),
        ({"top": 0.25, "by": "characters", "per": "c.topic"}, "characters", "topic"),
        ({"top": 0.0}, None, None),
        ({"top": 1.0}, None, None),
    ],
)
def test_the_best_share_is_exact(inputs: Path, base: Built, select: dict[str, Any], weight: str | None, per: str | None) -> None:
    done = build(recipe_of(inputs, {"score": "c.ports"} | select), inputs / "out", Serial())
    rows = scored(done)
    groups = {row[per] if per else "" for row in rows}
    expected = {
        id_ for group in groups for id_ in best([row for row in rows if not per or row[per] == group], select["top"], weight)
    }
    assert kept(done) == expected
    lost = {row["id"]: row for row in decisions(done) if row["reason"] == "select_below_cut"}
    assert lost.keys() == {row["id"] for row in rows} - expected
    values = {row["id"]: row["score"] for row in rows}
    assert {id_: row["value"] for id_, row in lost.items()} == {id_: values[id_] for id_ in lost}
    cuts = {row["group"]: row for row in done.cuts().to_table().to_pylist()}
    assert {group: cut["taken_documents"] for group, cut in cuts.items()} == {
        group: sum(1 for row in rows if (not per or row[per] == group) and row["id"] in expected) for group in groups
    }
    if 0 < select["top"] < 1:
        assert {group: cut["value"] for group, cut in cuts.items()} == {
            group: min(row["score"] for row in rows if (not per or row[per] == group) and row["id"] in expected)
            for group in groups
        }


def test_bands_and_values(inputs: Path, base: Built) -> None:
    done = build(recipe_of(inputs, {"score": "c.ports", "band": [0.2, 0.6]}), inputs / "out", Serial())
    rows = scored(done)
    assert kept(done) == set(best(rows, 0.6)) - set(best(rows, 0.2))
    assert {row["id"] for row in decisions(done) if row["reason"] == "select_above_band"} == set(best(rows, 0.2))
    same = {"expressions": {"same": "0 * c.ports"}, "classifiers": {"c": {"model": "ports.json"}}}
    done = build(recipe_of(inputs, {"score": "same", "band": [0.2, 0.6]}, quality=same), inputs / "out", Serial())
    counts = Counter(row["reason"] for row in decisions(done))
    assert counts == {"": 26, "select_above_band": 14, "select_below_cut": 26}
    done = build(recipe_of(inputs, {"score": "c.ports", "min": 2}), inputs / "out", Serial())
    assert kept(done) == {row["id"] for row in rows if row["score"] >= 2}
    assert {row["threshold"] for row in decisions(done) if row["reason"] == "select_below_cut"} == {2.0}


TIERS = {
    "score": "c.ports",
    "topic": "c.topic",
    "sources": ["web"],
    "tiers": [
        {"name": "best", "top": 0.2, "repeat": 4},
        {"name": "dishes", "topics": ["料理"], "top": 0.5, "repeat": 1.8},
        {"name": "none", "min": 1, "repeat": 0},
        {"name": "rest"},
    ],
}


def test_tiers_are_released_as_often_as_they_say(inputs: Path, base: Built) -> None:
    done = build(recipe_of(inputs, TIERS), inputs / "out", Serial())
    rows = scored(done)
    web = [row for row in rows if row["source"] == "web"]
    first = set(best(web, 0.2))
    dishes = set(best([row for row in web if row["topic"] == "料理"], 0.5)) - first
    none = {row["id"] for row in web if row["score"] >= 1} - first - dishes
    rest = {row["id"] for row in web} - first - dishes - none
    assert dishes
    assert none
    assert rest
    tier = {id_: name for name, ids in (("best", first), ("dishes", dishes), ("none", none), ("rest", rest)) for id_ in ids}
    decided = {row["id"]: row for row in decisions(done)}
    assert {id_: decided[id_]["tier"] for id_ in tier} == tier
    assert {id_ for id_, row in decided.items() if row["reason"] == "tier_dropped"} == none
    repeat = {"best": 4.0, "dishes": 1.8, "none": 0.0, "rest": 1.0}
    assert {id_: decided[id_]["repeat"] for id_ in tier} == {id_: repeat[name] for id_, name in tier.items()}
    released = corpus(done)
    times = Counter(str(row["id"]) for row in released)
    assert {id_: times[id_] for id_ in (*first, *none, *rest)} == {id_: repeat[tier[id_]] for id_ in (*first, *none, *rest)}
    assert {id_: times[id_] for id_ in dishes} == {id_: 1 + drawn(3, id_, 1, 1.8) for id_ in dishes}
    assert 2 in {times[id_] for id_ in dishes}
    assert {row["tier"] for row in released if row["id"] in first} == {"best"}
    assert {row["tier"] for row in released if str(row["id"]).startswith("b.jsonl")} == {""}
    assert sorted((row["id"], row["copy"]) for row in released if row["id"] in first) == sorted(
        (i, c) for i in first for c in range(4)
    )
    units = [tuple(unit) for stats in done.manifests["release"].receipts for unit in stats.stats["units"]]
    assert len(units) == len(set(units))


def test_a_tier_may_order_by_a_score_of_its_own(inputs: Path, base: Built) -> None:
    tiers = [{"name": "ports", "top": 0.2}, {"name": "long", "score": "num_letters", "top": 0.2}]
    done = build(recipe_of(inputs, {"score": "c.ports", "sources": ["web"], "tiers": tiers}), inputs / "out", Serial())
    web = [row for row in scored(done) if row["source"] == "web"]
    letters = dict(done.sql("select id, num_letters from measures").fetchall())
    ports = set(best(web, 0.2))
    long = set(best([row | {"score": letters[row["id"]]} for row in web], 0.2))
    assert long - ports
    decided = {row["id"]: row for row in decisions(done)}
    taken = {name: {id_ for id_, row in decided.items() if row["tier"] == name} for name in ("ports", "long")}
    assert taken == {"ports": ports, "long": long - ports}
    assert set(done.sql("select tier, score from cuts").fetchall()) == {("ports", "c.ports"), ("long", "num_letters")}
    gone = next(row for row in decided.values() if row["reason"] == "select_below_cut")
    assert gone["value"] == next(row["score"] for row in web if row["id"] == gone["id"])


def test_the_same_bytes_whatever_the_memory_and_after_a_second_run(inputs: Path, tmp_path: Path) -> None:
    one = build(recipe_of(inputs, TIERS), tmp_path / "one", Serial(), task_memory_bytes=1 << 20)
    other = build(recipe_of(inputs, TIERS), tmp_path / "other", Serial())
    assert contents(one.out) == contents(other.out)
    build(recipe_of(inputs, {"score": "c.ports", "top": 0.5}), other.out, Serial())
    build(recipe_of(inputs, TIERS), other.out, Serial())
    assert contents(one.out) == contents(other.out)
    assert Built.open(one.out).verify().problems == ()


def test_a_search_that_is_broken_off_goes_on_where_it_stopped(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step once: the survey, and each round of counting."""
    whole = build(recipe_of(inputs, TIERS), tmp_path / "whole", Serial())
    out = tmp_path / "broken"
    ran: list[str] = []
    for step in (Survey, Count):
        monkeypatch.setattr(step, "run", broken_off(step.run, ran))
    tries = 0
    while True:
        try:
            done = build(recipe_of(inputs, TIERS), out, Serial())
            break
        except StageError:
            tries += 1
    assert (tries, len(ran)) == (3, 9)
    assert len(set(ran)) == len(ran)
    assert contents(done.out) == contents(whole.out)


def broken_off(run: Any, ran: list[str]) -> Any:
    """A step that fails the first time at each of its shards."""

    def failing(self: Any, shard: Any, out: Any) -> None:
        if (key := f"{self.name} {shard.name}") not in ran:
            ran.append(key)
            raise OSError("broken off")
        run(self, shard, out)

    return failing


def test_another_share_reruns_only_what_follows(inputs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(recipe_of(inputs, {"score": "c.ports", "top": 0.5}), out, Serial())
    todo = {one.stage: bool(one.todo) for one in plan(recipe_of(inputs, {"score": "c.ports", "top": 0.25}), out)}
    assert todo == {"extract": False, "measure": False, "score": False, "select": True, "decide": True, "release": False}
    (select,) = [one for one in plan(recipe_of(inputs, {"score": "c.ports", "top": 0.25}), out) if one.stage == "select"]
    assert select.note == "the best 25 % by c.ports, in documents"


def test_what_is_shown(inputs: Path, base: Built) -> None:
    done = build(recipe_of(inputs, TIERS), inputs / "out", Serial())
    (web, books, everything) = done.funnels()
    assert [funnel.accounted for funnel in (web, books, everything)] == [True, True, True]
    shown = funnel_text(web)
    for name in ("tier best, 4 times", "tier dishes, 1.8 times", "tier rest"):
        assert name in shown
    taken = next(row for row in decisions(done) if row["tier"] == "best")
    assert "kept      tier best, 4 times" in as_text(done.why(str(taken["id"]))[0])
    page = render(done.manifests, done.recipe)
    assert "the best 20 %" in page
    web = [row for row in scored(done) if row["source"] == "web"]
    (warning,) = [one for one in tied(done.manifests, done.recipe) if "tier best" in one]
    (value,) = {row["score"] for row in web if row["id"] == best(web, 0.2)[-1]}
    equal = sum(row["score"] == value for row in web)
    assert warning.startswith(
        f"select: the tier best ends among {equal} of {len(web)} documents that all have c.ports = {value:g}; "
    )
    assert warning in page
    stats = done.manifests["select"].stats(SelectStats)["cuts"]
    assert [share.tier for share in stats.shares] == ["best", "dishes", "rest"]
    done = build(
        recipe_of(inputs, {"score": "c.ports", "top": 0.25, "by": "characters", "per": "source"}), inputs / "out", Serial()
    )
    lost = next(row for row in decisions(done) if row["reason"] == "select_below_cut" and str(row["id"]).startswith("b."))
    cut = next(row["value"] for row in done.cuts().to_table().to_pylist() if row["group"] == "books")
    story = as_text(done.why(str(lost["id"]))[0])
    assert f"c.ports {lost['value']:g} is below the cut {cut:g} of the best 25 % of books by characters" in story


def test_shares_of_the_mixture_count_repeats(inputs: Path, base: Built) -> None:
    mixture = {"books": {"share": 0.4, "max_epochs": 9}}
    done = build(recipe_of(inputs, TIERS, release={"part_characters": 200, "mixture": mixture}), inputs / "out", Serial())
    characters: Counter[str] = Counter()
    for row in corpus(done):
        characters[str(row["source"])] += len(str(row["text"]))
    assert characters["books"] / characters.total() == pytest.approx(0.4, abs=0.03)


def test_a_property_may_be_called_detail(inputs: Path, tmp_path: Path) -> None:
    write_counter(inputs / "detail.json", ("detail", "category", ["料理", "祭り"]), ("ports", "graded", "港"))
    quality = {
        "classifiers": {"c": {"model": "detail.json"}},
        "rules": [{"measure": "c.detail", "any_of": ["料理"], "sources": ["web"]}],
    }
    done = build(recipe_of(inputs, None, quality=quality), tmp_path / "out", Serial())
    assert {row["detail"] for row in decisions(done) if row["reason"] == "c.detail_unwanted"} == {"祭り"}


@pytest.mark.parametrize(
    ("select", "more", "sentence"),
    [
        ({"top": 0.1}, {}, "select.score is missing"),
        ({"score": "c.ports", "top": 0.1, "min": 2}, {}, "select has top and min; one of them is enough"),
        ({"score": "c.ports"}, {}, "select has either top, band or min, or tables"),
        ({"score": "c.ports", "band": [0.3, 0.1]}, {}, "the smaller first"),
        ({"score": "c.ports", "top": 1.5}, {}, "select.top = 1.5: input should be less than or equal to 1"),
        ({"score": "c.prots", "top": 0.5}, {}, "select.score names the unknown column 'c.prots'.*did you mean 'c.ports'"),
        ({"score": "num_leters", "top": 0.5}, {}, "unknown measure 'num_leters' in select.score.*did you mean 'num_letters'"),
        ({"score": "c.topic", "top": 0.5}, {}, "select.score takes numbers, but 'c.topic' is a category"),
        ({"score": "c.ports", "top": 0.5, "per": "c.ports"}, {}, "select.per takes a category, but 'c.ports' is a number"),
        ({"score": "c.ports", "top": 0.5, "sources": ["wep"]}, {}, "unknown source 'wep' in select.sources.*did you mean 'web'"),
        ({"score": "c.ports", "min": float("nan")}, {}, "select.min = nan: input should be a finite number"),
        ({"score": "c.ports", "top": 0.5, "sources": []}, {}, r"select.sources = \[\]: .*at least 1 item"),
        ({"topic": "c.topic", "tiers": [{"name": "a", "topics": []}]}, {}, r"select.tiers\[0\].topics = \[\]: .*at least 1 item"),
        ({"score": "host.c.topic", "top": 0.5}, {}, "select.score names 'host.c.topic', but 'c.topic' is a category, which has no mean"),
        ({"score": "c.ports", "top": 0.5}, {"hosts": {"measures": ["c.topic"]}}, "hosts.measures.0. takes numbers, but 'c.topic' is a category"),
        (
            {"score": "c.ports", "top": 0.5},
            {"hosts": {"measures": ["w"]}, "quality": {"expressions": {"w": "num_letters + 1"}, "classifiers": {"c": {"model": "ports.json"}}}},
            "hosts.measures takes measures and scores, but 'w' is an expression",
        ),
        (
            {"score": "num_letters", "top": 0.5, "per": "source"},
            {"quality": {"classifiers": {"source": {"model": "ports.json"}}}},
            "select.per = 'source' has a meaning of its own, and is one of your columns",
        ),
        ({"tiers": [{"name": "a", "repeat": 5}]}, {}, "the tier 'a' repeats 5 times, more than select.max_epochs = 4"),
        ({"tiers": [{"name": "a"}, {"name": "b"}]}, {}, "the tier 'a' takes everything, so that 'b' gets nothing"),
        ({"tiers": [{"name": "a", "topics": ["料理"]}]}, {}, "the tier 'a' has topics; say of which category"),
        ({"topic": "c.topic", "tiers": [{"name": "a", "topics": ["お祭り"]}]}, {}, "names the topic 'お祭り'; did you mean '祭り'"),
        (
            {"tiers": [{"name": "a", "repeat": 3}]},
            {"release": {"mixture": {"web": {"epochs": 2}}}},
            "release.mixture.web: epochs = 2 of a tier that select repeats 3 times are 6, more than max_epochs = 4",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_sentence(inputs: Path, select: dict, more: dict, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        plan(recipe_of(inputs, select, **more), inputs / "never")
