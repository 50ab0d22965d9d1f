"""The edits do what Swallow v1's do, and ours spare good text."""

import re
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import TESTS
from support.strategies import japanese_text

from corpus_builder.errors import RecipeError
from corpus_builder.release.edits import EDITS, edit_version, named_edit, normalize_punctuation_v1, trim_footer, trim_footer_v1

CASES = tomllib.loads((TESTS / "cases" / "release" / "edits.toml").read_text())["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["label"])
def test_cases(case):
    edit = named_edit(case["edit"], footer_keywords=case.get("keywords", ["検索"]))
    assert edit(case["text"]) == case["wanted"]


footers = st.lists(
    st.one_of(st.sampled_from(["© 2024 店", "前の記事 | 次の記事", "", " ", "検索", "無断転載を禁じます"]), japanese_text(15)),
    max_size=14,
).map("\n".join)


@given(footers)
def test_our_footer_is_cut_once_and_for_all(text):
    once = trim_footer(text)
    assert trim_footer(once) == once
    assert text.startswith(once)


@given(footers, st.lists(st.text("検索記事リンク", min_size=1, max_size=3), min_size=1, max_size=5))
def test_the_v1_footer_only_cuts_lines_from_the_end(text, keywords):
    lines = text.split("\n")
    kept = trim_footer_v1(text, keywords)
    assert kept == text or kept.split("\n") == lines[: len(kept.split("\n"))] or (kept == "" and len(lines) <= 10)


@settings(max_examples=300)
@given(st.text("あア、，。．３Ａ^aん）\n", max_size=40))
def test_punctuation_is_that_of_the_definition(text):
    assert normalize_punctuation_v1(text) == by_runs(text)


def by_runs(text: str) -> str:
    """The rule once more, run by run, as it is told in words."""
    before = re.compile("[）」』］〕】〉》\u3041-\u3096\u30a1-\u30fa々〇〻\u3400-\u9fff\uf900-\ufaff]")
    for ours, theirs in (("、", "，"), ("。", "．")):
        counts = {}
        for mark in (ours, theirs):
            runs = [(m.start(), m.end()) for m in re.finditer(f"{mark}+", text)]
            counts[mark] = sum(start > 0 and before.match(text[start - 1]) is not None for start, _ in runs)
        if counts[theirs] <= counts[ours]:
            continue
        letters = list(text)
        for run in re.finditer(f"{theirs}+", text):
            if run.start() > 0 and not re.match("[０-９Ａ-Ｚａ-ｚ^]", text[run.start() - 1]):
                letters[run.start() : run.end()] = ours * len(run[0])
        text = "".join(letters)
    return text


def test_unknown_edits_and_missing_keywords_are_sentences():
    with pytest.raises(RecipeError, match="did you mean 'trim_footer_v1'"):
        named_edit("trim_footer_v2")
    with pytest.raises(RecipeError, match="footer_keywords"):
        named_edit("trim_footer_v1")
    with pytest.raises(RecipeError, match="Unknown edit"):
        edit_version("nfkc")
    assert {name: edit_version(name) for name in EDITS} == EDITS
