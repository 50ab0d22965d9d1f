"""Two selections compared: against counts made by hand, and against the definitions of precision, recall and area."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from support.builds import decisions
from support.classifiers import load_counter, write_counter
from support.corpora import RULES, make_recipe, page, prose, write_warc

from corpus_builder import InputError, Recipe, Serial, build, evaluate
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.recipe import running
from corpus_builder.recipe.part import as_data
from corpus_builder.selection import agreement
from corpus_builder.selection.agreement import Truth, _areas, qualities
from corpus_builder.selection.compared import as_page


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> tuple[Built, Built]:
    """The same pages, twice: with a limit of 200 and of 330 Japanese letters, and only the first with the last file."""
    root = tmp_path_factory.mktemp("evaluate")
    (root / "inputs").mkdir()
    for name, first in (("a", 0), ("b", 20)):
        write_warc(root / "inputs" / f"web-{name}.warc.gz", [page(n, prose(n, 4 + n % 12), host=f"h{n % 3}.example") for n in range(first, first + 12)])  # fmt: skip
    found = []
    for name, least, paths in (("left", 200, ["web-*.warc.gz"]), ("right", 330, ["web-a.warc.gz"])):
        rules = [RULES[0], {**RULES[1], "min": least}, RULES[2]]
        source = {"name": "web", "kind": "warc", "paths": paths}
        recipe = make_recipe(root / "inputs", sources=[source], quality={"rules": rules}, release={})
        found.append(build(recipe, root / name, Serial()))
    return found[0], found[1]


def side_of(left: Built, right: Built) -> dict[str, str]:
    """By hand: which of the two keeps each document."""
    kept = [{row["id"] for row in decisions(one) if row["keep"]} for one in (left, right)]
    names = {(True, True): "both", (True, False): "left", (False, True): "right", (False, False): "neither"}
    return {row["id"]: names[row["id"] in kept[0], row["id"] in kept[1]] for row in decisions(left)}


def test_parts_count_every_document_once(two) -> None:
    left, right = two
    sides = side_of(left, right)
    rows = left.sql("select id, host, num_letters from documents join measures using (id)").fetchall()
    found = evaluate(left, right)
    for by in ("all", "host", "length"):
        wanted: dict[str, Counter[str]] = {}
        sizes: dict[str, Counter[str]] = {}
        for id_, host, letters in rows:
            value = {
                "all": "all",
                "host": host,
                "length": "0-249" if letters < 250 else "250-499" if letters < 500 else "500-999",
            }[by]
            wanted.setdefault(value, Counter())[sides[id_]] += 1
            sizes.setdefault(value, Counter())[sides[id_]] += letters
        parts = [part for part in found.parts if part.by == by]
        if by == "host":
            wanted = {host: counts for host, counts in wanted.items() if counts["left"] + counts["right"]}
        assert {part.value: Counter(part.documents) for part in parts} == wanted
        assert all(Counter(part.characters) == sizes[part.value] for part in parts)
    counts = Counter(sides.values())
    assert counts["both"] > 0 < counts["left"]
    assert found.overlap == counts["both"] / (counts["both"] + counts["left"] + counts["right"])


def test_categories_of_either_build_divide_the_documents(two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, _ = two
    monkeypatch.setattr(running, "load_classifier", load_counter)
    write_counter(tmp_path / "about.json", ("kind", "category", ["山", "魚", "雪"]), ("ports", "graded", "港船"))
    data = as_data(left.recipe)
    data["quality"]["classifiers"] = {"about": {"model": str(tmp_path / "about.json")}}
    data["quality"]["rules"] += [{"measure": "about.kind", "none_of": ["魚"]}]
    right = build(Recipe.of(data, base=left.out.parent / "inputs"), tmp_path / "right", Serial())
    kinds = dict(right.sql('select id, "about.kind" from scores').fetchall())
    wanted: dict[str, Counter[str]] = {}
    for id_, side in side_of(left, right).items():
        wanted.setdefault(kinds[id_] or "", Counter())[side] += 1
    assert wanted["魚"]["left"] > 0
    found = evaluate(left, right)
    assert {part.value: Counter(part.documents) for part in found.parts if part.by == "about.kind"} == wanted
    assert [part.by for part in evaluate(right, left).parts].count("about.kind") == len(wanted)


def test_examples_are_of_one_side_with_the_reason_of_the_other(two) -> None:
    left, right = two
    found = evaluate(left, right)
    sides = side_of(left, right)
    texts = dict(left.sql("select id, text from documents").fetchall())
    theirs = {row["id"]: row["reason"] for row in decisions(right)}
    assert {one.side for one in found.examples} == {"left"}
    for one in found.examples:
        assert sides[one.id] == one.side
        assert one.reason == theirs.get(one.id, "not there")
        assert one.text == " ".join(texts[one.id][:300].split())
    assert {one.reason for one in found.examples} == {"not there", "num_japanese_letters_low"}


def test_a_build_and_a_changed_recipe_are_two_selections(two) -> None:
    left, _ = two
    found = evaluate(left, ["rules[1].min=330"])
    kept = {row["id"] for row in decisions(left) if row["keep"]}
    letters = dict(left.sql("select id, num_japanese_letters from measures").fetchall())
    stay = sum(letters[id_] >= 330 for id_ in kept)
    assert found.whole.documents == {"both": stay, "left": len(kept) - stay, "right": 0, "neither": len(letters) - len(kept)}
    assert found.right == f"{left.out} with quality.rules[1].min = 330"


def test_a_selection_is_itself(two) -> None:
    left, _ = two
    assert evaluate(left, left).overlap == 1.0
    assert evaluate(left, []).examples == ()


def labels_of(built: Built, path: Path, **more: object) -> Path:
    """Good is what is longer than 300 letters; the last is of no build."""
    rows = built.sql("select id, num_letters from measures order by id").fetchall()
    lines = [
        {"id": id_, "text": "x", "labels": {"quality": int(letters > 300), "kind": "ab"[letters % 2]}, **more}
        for id_, letters in rows
    ]
    path.write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines, {"id": "web-z/1", "text": "x", "labels": {"quality": 1}}])
    )
    return path


def test_precision_and_recall_are_by_definition(two, tmp_path: Path) -> None:
    left, right = two
    labels = labels_of(left, tmp_path / "labels.jsonl")
    labels.write_text(labels.read_text() + "not JSON\n")
    found = evaluate(left, right, labels=[labels], scores=["num_letters"])
    sides = side_of(left, right)
    letters = dict(left.sql("select id, num_letters from measures").fetchall())
    good = {id_ for id_, count in letters.items() if count > 300}
    by_name = {one.name: one for one in found.quality}
    for name in ("left", "right"):
        kept = {id_ for id_, side in sides.items() if side in ("both", name)}
        one = by_name[name]
        assert one.precision.value == pytest.approx(len(kept & good) / len(kept))
        assert one.recall.value == pytest.approx(len(kept & good) / len(good))
        assert one.kept.value == pytest.approx(len(kept) / len(sides))
        assert one.recall.low <= one.recall.value <= one.recall.high
    assert by_name["right - left"].recall.value == pytest.approx(by_name["right"].recall.value - by_name["left"].recall.value)
    assert (found.labelled, found.strangers, found.bad_rows) == (len(letters), 1, 1)


@pytest.mark.parametrize(("good", "count"), [("quality>=1", None), ("quality=1", None), ("kind=a", None), ("quality>=2", 0)])
def test_what_is_good_can_be_said(two, tmp_path: Path, good: str, count: int | None) -> None:
    left, right = two
    quality = evaluate(left, right, labels=[labels_of(left, tmp_path / "labels.jsonl")], good=good).quality[0]
    assert (quality.recall.value is None) == (count == 0)


def test_labels_that_cannot_be_used(two, tmp_path: Path) -> None:
    left, right = two
    labels = labels_of(left, tmp_path / "labels.jsonl")
    for words, more in (
        ("a label for 'worth'", {"good": "worth"}),
        ("no number", {"good": "quality>=x"}),
        ("one is [ab]: say which are good, as with --good 'kind=[ab]'", {"good": "kind"}),
        ("measure or score 'edu'", {"scores": ["edu"]}),
    ):
        with pytest.raises(InputError, match=words):
            evaluate(left, right, labels=[labels], **more)
    (tmp_path / "other.jsonl").write_text('{"id": "q/1", "text": "x", "labels": {"quality": 1}}\n')
    with pytest.raises(InputError, match="their ids are compared"):
        evaluate(left, right, labels=[tmp_path / "other.jsonl"])


def plain_area(good, scores, weights) -> float | None:
    pairs = [
        (wa * wb, (sa > sb) + 0.5 * (sa == sb))
        for ga, sa, wa in zip(good, scores, weights, strict=True)
        for gb, sb, wb in zip(good, scores, weights, strict=True)
        if ga and not gb
    ]
    total = sum(weight for weight, _ in pairs)
    return sum(weight * won for weight, won in pairs) / total if total else None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=12))
def test_the_area_is_the_share_of_pairs_in_order(rows) -> None:
    rows = sorted(rows, key=lambda row: row[1])
    good, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    (found,) = _areas(good, scores.astype(float), weights[None, :].astype(float))
    wanted = plain_area(good, scores, weights)
    assert np.isnan(found) if wanted is None else found == pytest.approx(wanted)


def test_intervals_are_over_hosts() -> None:
    """Forty documents of two hosts, one all kept and one not: with few hosts nothing is sure."""
    rows = [(str(n), "ab"[n // 20], True, 1.0, n < 20, True) for n in range(40)]
    many = [(row[0], "", *row[2:]) for row in rows]
    (few_hosts, *_), (alone, *_) = (tuple(qualities(Truth.of(one, []))) for one in (rows, many))
    assert (few_hosts.recall.low, few_hosts.recall.high) == (0.0, 1.0)
    assert 0.3 < alone.recall.low < 0.5 < alone.recall.high < 0.7


def test_draws_by_parts_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that memory does not grow with the labelled documents."""
    rows = [(str(n), f"h{n % 7}", n % 3 > 0, 1.0 + n % 2, n < 20, n % 4 > 0, float(n % 11)) for n in range(40)]
    whole = tuple(qualities(Truth.of(rows, ["worth"])))
    monkeypatch.setattr(agreement, "CELLS", 40 * 300)
    parts = [len(times) for times in Truth.of(rows, []).draws()]
    assert parts == [1, 300, 300, 300, 100]
    assert tuple(qualities(Truth.of(rows, ["worth"]))) == whole


def test_the_command_and_its_page(two, tmp_path: Path) -> None:
    left, right = two
    labels = labels_of(left, tmp_path / "labels.jsonl")
    page_, words = tmp_path / "page.html", ["evaluate", str(left.out), str(right.out), "--labels", str(labels)]
    done = CliRunner().invoke(main, [*words, "--html", str(page_)])
    assert done.exit_code == 0, done.output
    assert "right - left" in done.stdout
    found = evaluate(left, right, labels=[labels])
    assert page_.read_text() == as_page(found, "tiny: what changed")
    assert page_.read_text().count("<blockquote") == len(found.examples)
    value = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert value["overlap"] == found.overlap
    assert value["parts"][0]["documents"] == dict(found.whole.documents)
    assert CliRunner().invoke(main, ["evaluate", str(left.out)]).exit_code == 2
    assert CliRunner().invoke(main, [*words, "--set", "seed=1"]).exit_code == 2
