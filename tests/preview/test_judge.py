"""One text is judged as the pipeline judges it."""

import pytest
from support.corpora import RULES, make_recipe, prose

from corpus_builder import Document, Drop, Rule, Threshold, judge
from corpus_builder.built import Built
from corpus_builder.errors import RecipeError
from corpus_builder.preview.judge import Judged, as_text
from corpus_builder.store.dataset import read_table


def test_a_threshold_alone() -> None:
    assert judge(Threshold("hiragana_fraction", min=0.2), "東京都千代田区") == [
        Judged("hiragana_fraction >= 0.2", Drop("hiragana_fraction_low", 0.0, 0.2))
    ]
    assert judge(Threshold("num_letters", max=3), "東京都")[0].drop is None


def test_a_function_alone() -> None:
    def too_polite(document: Document) -> Drop | None:
        count = document.text.count("ございます")
        return Drop("too_polite", count, 2) if count > 2 else None

    assert judge(too_polite, "ございます" * 3) == [Judged("too_polite", Drop("too_polite", 3, 2))]
    assert judge(too_polite, "です") == [Judged("too_polite", None)]


def test_every_rule_of_a_recipe_is_asked_whatever_came_before(tmp_path) -> None:
    judged = judge(make_recipe(tmp_path), Document(text="漢字", source="web"))
    assert [(one.rule, one.drop.reason if one.drop else None, one.value) for one in judged] == [
        ("num_japanese_letters >= 200", "num_japanese_letters_low", 2.0),
        ("hiragana_fraction >= 0.2", "hiragana_fraction_low", 0.0),
    ]
    assert as_text(judged).endswith("Dropped: num_japanese_letters_low")
    assert as_text(judge(make_recipe(tmp_path), prose(1))).endswith("Kept.")


def test_rules_of_other_sources_are_left_out(tmp_path) -> None:
    assert judge(make_recipe(tmp_path), Document(text="漢字", source="wikipedia")) == []


def test_host_rules_see_the_host(tmp_path) -> None:
    (tmp_path / "bad.txt").write_text("bad.example\n")
    recipe = make_recipe(tmp_path, dedup=None, quality={"rules": [{"hosts": ["bad.txt"]}, RULES[1]]})
    found = judge(recipe, Document(text=prose(1), url="https://www.bad.example/1"))
    assert [one.drop.reason if one.drop else None for one in found] == ["host_blocked", None]


def test_the_verdict_is_that_of_the_build(built: Built) -> None:
    for receipt in built.manifests["extract"].receipts:
        documents = read_table(built.manifests["extract"].path(receipt, "documents")).to_pylist()
        decided = read_table(built.manifests["decide"].get(receipt.shard, "decisions")).to_pylist()
        for row, decision in zip(documents, decided, strict=True):
            if decision["reason"].startswith("duplicate_"):
                continue
            drops = [one.drop for one in judge(built.recipe, Document(**row)) if one.drop]
            assert (drops[0].reason, drops[0].value) == (decision["reason"], decision["value"]) if drops else decision["keep"]


def test_a_filter_that_returns_nonsense_is_a_sentence() -> None:
    with pytest.raises(TypeError, match="returned 'spam'; a filter returns None to keep the document, or Drop"):
        judge(lambda document: "spam", "text")  # type: ignore[arg-type, return-value]


def test_a_source_that_the_recipe_does_not_have_is_a_sentence(tmp_path) -> None:
    with pytest.raises(RecipeError, match="has no source 'wbe'; its sources are web, wikipedia"):
        judge(make_recipe(tmp_path), Document(text="漢字", source="wbe"))


def test_half_a_surrogate_is_judged_like_any_letter(tmp_path) -> None:
    assert judge(make_recipe(tmp_path), "\ud800あ")[0].drop is not None


def test_verdicts_are_shown_one_per_line():
    assert repr(judge(Threshold("hiragana_fraction", min=0.2), "東京都")) == (
        "DROPS  hiragana_fraction >= 0.2  (0)  hiragana_fraction_low\nDropped: hiragana_fraction_low"
    )


@pytest.mark.parametrize("given", ["pipelines/sample.toml", Rule(measure="num_letters", min=1)])
def test_what_is_neither_recipe_nor_filter_is_refused(given):
    with pytest.raises(
        RecipeError, match=r" is neither a recipe nor a filter; give `Recipe\.load\(path\)`, a function, or a rule such as "
    ):
        judge(given, "猫である。")
