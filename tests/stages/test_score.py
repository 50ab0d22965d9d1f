"""What classifiers say is one more column: for the rules, in tables, and to whoever asks why."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.builds import decisions, reasons
from support.classifiers import load_counter, write_counter
from support.corpora import make_inputs, make_recipe, page, prose, write_warc

from corpus_builder import InputError, Recipe, RecipeError, Serial, build, judge, plan
from corpus_builder.built import Built
from corpus_builder.recipe import running
from corpus_builder.report.page import _charts
from corpus_builder.report.why import as_text


@pytest.fixture(autouse=True)
def counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "load_classifier", load_counter)
    running._loaded.cache_clear()


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = make_inputs(tmp_path / "inputs")
    write_counter(folder / "no.json", ("no", "binary", "の"))
    write_counter(folder / "rubric.json", ("sea", "graded", "港海"), ("topic", "category", ["料理", "祭り", "電車"]))
    return folder


BOTH = {"no": {"model": "no.json"}, "rubric": {"model": "rubric.json"}}


def recipe_of(inputs: Path, *rules: dict[str, object], classifiers: dict[str, object] = BOTH) -> Recipe:
    return make_recipe(inputs, dedup=None, quality={"classifiers": classifiers, "rules": rules})


def test_scores_stand_beside_the_documents_in_the_same_row_groups(inputs: Path) -> None:
    done = build(recipe_of(inputs), inputs.parent / "out", Serial())
    texts = {row["id"]: row["text"] for row in done.documents().to_table().to_pylist()}
    scored = done.scores("no").to_table().to_pylist()
    assert scored == [{"id": id_, "no": text.count("の") / len(text)} for id_, text in texts.items()]
    extract, score = done.manifests["extract"], done.manifests["score"]
    for receipt in extract.receipts:
        for name in BOTH:
            files = [extract.path(receipt, "documents"), score.get(f"{name}/{receipt.shard}", "scores")]
            whole, sidecar = (
                [pq.ParquetFile(f).metadata.row_group(n).num_rows for n in range(pq.ParquetFile(f).num_row_groups)] for f in files
            )
            assert whole == sidecar


def test_several_classifiers_are_one_table_in_sql(inputs: Path) -> None:
    done = build(recipe_of(inputs), inputs.parent / "out", Serial())
    rows = done.sql('select id, no, "rubric.sea", "rubric.topic", "rubric.topic.probability" from scores').fetchall()
    texts = {row["id"]: row["text"] for row in done.documents().to_table().to_pylist()}
    assert {(id_, no, sea) for id_, no, sea, _, _ in rows} == {
        (id_, text.count("の") / len(text), text.count("港") + text.count("海")) for id_, text in texts.items()
    }
    assert {topic for *_, topic, _ in rows} == {"料理", "祭り", "電車", None}
    assert {probability for *_, topic, probability in rows if topic is None} == {None}
    with pytest.raises(InputError, match=r"Say by which classifier; its classifiers are no, rubric\."):
        done.scores()


def test_a_rule_judges_by_a_score(inputs: Path) -> None:
    done = build(recipe_of(inputs, {"measure": "rubric.sea", "min": 2}), inputs.parent / "out", Serial())
    texts = {row["id"]: row["text"] for row in done.documents().to_table().to_pylist()}
    few = {id_ for id_, text in texts.items() if text.count("港") + text.count("海") < 2}
    assert 0 < len(few) < len(texts)
    assert {id_ for id_, reason in reasons(done).items() if reason == "rubric.sea_low"} == few
    lost = next(row for row in decisions(done) if not row["keep"])
    assert lost["threshold"] == 2
    (story,) = Built.open(done.out).why(str(lost["id"]))
    assert "rubric.sea_low" in as_text(story)
    assert "the measure rubric.sea is below the rule's limit" in as_text(story)
    assert f"DROPS  rubric.sea >= 2 {lost['value']:g}" in " ".join(as_text(story).split()).replace("DROPS ", "DROPS  ")


def test_the_report_shows_how_scores_are_distributed(inputs: Path) -> None:
    done = build(recipe_of(inputs, {"measure": "no", "min": 0.01}), inputs.parent / "out", Serial())
    texts = [row["text"] for row in done.documents().to_table().to_pylist()]
    first, *others = _charts(done.manifests, done.recipe)
    assert (first.measure, first.rules, first.documents) == ("no", ("no >= 0.01",), len(texts))
    bins = {min(int(text.count("の") / len(text) * 50), 49) for text in texts}
    assert [bar.title.split(" from ")[1] for bar in first.bars] == [f"{n / 50:.4g} to {(n + 1) / 50:.4g}" for n in sorted(bins)]
    assert [chart.documents for chart in others if chart.measure == "rubric.sea"] == [len(texts)]


def test_judge_scores_the_document(inputs: Path) -> None:
    found = judge(recipe_of(inputs, {"measure": "no", "max": 0.01}), "のどかな海の町。")
    assert [(one.drop.reason, one.value) for one in found if one.drop] == [("no_high", 2 / 8)]


def test_only_the_shards_of_a_changed_classifier_are_scored_again(inputs: Path) -> None:
    recipe, out = recipe_of(inputs, {"measure": "no", "min": 0.001}), inputs.parent / "out"
    build(recipe, out, Serial())
    assert not any(one.todo for one in plan(recipe, out))
    write_counter(inputs / "rubric.json", ("sea", "graded", "山"), ("topic", "category", ["料理"]))
    todo = {one.stage: [shard for shard, _ in one.todo] for one in plan(recipe, out)}
    assert todo["score"] == ["rubric/jawiki.xml.bz2", "rubric/web-a.warc.gz", "rubric/web-b.warc.gz"]
    assert todo["measure"] == []
    write_counter(inputs / "rubric.json", ("sea", "graded", "港海"), ("topic", "category", ["料理", "祭り", "電車"]))
    more = recipe_of(inputs, {"measure": "no", "min": 0.001}, classifiers=BOTH | {"wa": {"model": "wa.json"}})
    write_counter(inputs / "wa.json", ("wa", "binary", "は"))
    todo = {one.stage: [shard for shard, _ in one.todo] for one in plan(more, out)}
    assert todo["score"] == ["wa/jawiki.xml.bz2", "wa/web-a.warc.gz", "wa/web-b.warc.gz"]


def test_a_classifier_may_read_measures(inputs: Path) -> None:
    write_counter(inputs / "no.json", ("no", "graded", "の"), measures=["num_letters"])
    done = build(recipe_of(inputs, classifiers={"no": {"model": "no.json"}}), inputs.parent / "out", Serial())
    texts = [row["text"] for row in done.documents().to_table().to_pylist()]
    assert done.scores().to_table().column("no").to_pylist() == [text.count("の") * len(text) for text in texts]


@pytest.mark.parametrize(
    ("model", "error", "sentence"),
    [
        (None, InputError, r"The classifier .*no\.json cannot be read: No such file or directory\."),
        (b"GIF8", InputError, r"no\.json is no classifier"),
        (b'{"properties": [["no", "binary", "x"]], "measures": ["nunca"]}', InputError, "reads the measure 'nunca', which this version"),
        (b'{"properties": [["a", "binary", "x"], ["b", "binary", "y"]], "measures": []}', RecipeError, "unknown column 'no'.* has 'no.a', 'no.b'"),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_used_is_refused_before_the_first_page(
    inputs: Path, model: bytes | None, error: type[Exception], sentence: str
) -> None:
    (inputs / "no.json").unlink()
    if model is not None:
        (inputs / "no.json").write_bytes(model)
    recipe = recipe_of(inputs, {"measure": "no", "min": 0.1}, classifiers={"no": {"model": "no.json"}})
    for run in (lambda: build(recipe, inputs.parent / "out", Serial()), lambda: plan(recipe, inputs.parent / "out")):
        with pytest.raises(error, match=sentence):
            run()
    assert not (inputs.parent / "out" / "extract").exists()


@pytest.mark.parametrize(
    ("classifiers", "rule", "sentence"),
    [
        ({"id": {"model": "x"}}, {"measure": "id", "min": 1}, "quality.classifiers: 'id' is taken"),
        ({"edu": {"model": "x"}}, {"measure": "edv", "min": 1}, "unknown measure 'edv'.*did you mean 'edu'"),
        ({"edu": {"modell": "x"}}, {"measure": "edu", "min": 1}, "unknown key .*did you mean 'model'"),
    ],
)
def test_names_are_checked_without_the_file(inputs: Path, classifiers: dict, rule: dict, sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        recipe_of(inputs, rule, classifiers=classifiers)


def test_a_category_has_no_limits(inputs: Path) -> None:
    with pytest.raises(RecipeError, match=r"quality.rules\[0\] compares 'rubric.topic' with a number, but it is a category"):
        plan(recipe_of(inputs, {"measure": "rubric.topic", "min": 1}), inputs.parent / "out")
    with pytest.raises(RecipeError, match=r"'rubric.topic' has no value 'お祭り'.*did you mean '祭り'"):
        plan(recipe_of(inputs, {"measure": "rubric.topic", "none_of": ["お祭り"]}), inputs.parent / "out")
    with pytest.raises(RecipeError, match="compares 'no' with names, but it is a number; give min, max"):
        plan(recipe_of(inputs, {"measure": "no", "none_of": ["料理"]}), inputs.parent / "out")


def test_a_rule_judges_by_a_category(inputs: Path) -> None:
    done = build(recipe_of(inputs, {"measure": "rubric.topic", "any_of": ["料理", "電車"]}), inputs.parent / "out", Serial())
    topics = dict(done.sql('select id, "rubric.topic" from scores').fetchall())
    lost = {row["id"]: row for row in decisions(done) if not row["keep"]}
    assert lost.keys() == {id_ for id_, topic in topics.items() if topic not in ("料理", "電車")}
    assert {(row["reason"], row["detail"]) for row in lost.values()} == {
        ("rubric.topic_unwanted", topics[id_] or "") for id_ in lost
    }
    id_ = next(id_ for id_ in lost if topics[id_])
    story = as_text(done.why(id_)[0])
    assert "the category rubric.topic is not one that the rule keeps" in story
    assert f"DROPS  rubric.topic any of 料理, 電車 {topics[id_]}" in " ".join(story.split()).replace("DROPS ", "DROPS  ")


def test_a_rule_judges_by_an_expression_and_says_what_it_saw(inputs: Path) -> None:
    rule = {"measure": "worth", "min": 0.5}
    quality = {"classifiers": BOTH, "expressions": {"worth": "rubric.sea / 4 + (rubric.topic == '料理')"}, "rules": [rule]}
    done = build(make_recipe(inputs, dedup=None, quality=quality), inputs.parent / "out", Serial())
    rows = done.sql('select id, "rubric.sea", "rubric.topic" from scores').fetchall()
    worth = {id_: sea / 4 + (topic == "料理") for id_, sea, topic in rows}
    assert {row["id"]: row["keep"] for row in decisions(done)} == {id_: found >= 0.5 for id_, found in worth.items()}
    lost = next(row for row in decisions(done) if not row["keep"])
    assert (lost["reason"], lost["value"], lost["threshold"]) == ("worth_low", worth[str(lost["id"])], 0.5)
    assert f"DROPS  worth >= 0.5 {lost['value']:g}" in " ".join(as_text(done.why(str(lost["id"]))[0]).split()).replace(
        "DROPS ", "DROPS  "
    )


def test_a_document_without_a_score_is_dropped_by_a_rule_on_it(inputs: Path) -> None:
    rule = {"measure": "rubric.topic.probability", "min": 0.0}
    done = build(recipe_of(inputs, rule), inputs.parent / "out", Serial())
    without = {id_ for id_, topic in done.sql('select id, "rubric.topic" from scores').fetchall() if topic is None}
    assert without
    assert {id_ for id_, reason in reasons(done).items() if reason == "rubric.topic.probability_missing"} == without


def test_of_duplicates_the_one_with_the_largest_expression_is_kept(inputs: Path) -> None:
    quality = {"classifiers": BOTH, "expressions": {"few": "-no"}, "rules": [{"duplicates": True}]}
    write_counter(inputs / "no.json", ("no", "binary", "の"), measures=["num_letters"])
    dedup = {"bands": 14, "rows": 8, "keep": "largest:few"}
    near = prose(3, 13) + "のののの"
    write_warc(inputs / "web-b.warc.gz", [page(3, near, host="mirror.example")])
    done = build(make_recipe(inputs, dedup=dedup, quality=quality), inputs.parent / "out", Serial())
    (lost,) = [row for row in decisions(done) if not row["keep"]]
    assert str(lost["id"]).startswith("web-b.warc.gz/")
    (other,) = [
        row
        for row in decisions(
            build(make_recipe(inputs, dedup=dedup | {"keep": "largest:no"}, quality=quality), inputs.parent / "out", Serial())
        )
        if not row["keep"]
    ]
    assert str(other["id"]).startswith("web-a.warc.gz/")


def test_prose_has_what_these_tests_count() -> None:
    assert {word for word in ("料理", "祭り", "電車", "港", "の") if any(word in prose(n) for n in range(9))} == {
        "料理",
        "祭り",
        "電車",
        "港",
        "の",
    }
