"""The lists of advertising and spam tell passages apart, harmless ones that speak of the same things too, and the kernel counts what is defined."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import ROOT, TESTS

from corpus_builder.japanese.letters import code_points
from corpus_builder.quality.vocabulary import CATEGORIES, HARMLESS, Vocabulary, densities

WORDS = ROOT / "corpus_builder" / "quality" / "words"


def folded(text: str) -> str:
    return "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text).translate(
        {n: n + 32 for n in range(ord("A"), ord("Z") + 1)}
    )


def plain(text: str, entries: dict[str, tuple[int, int]]) -> list[int]:
    """The sums of weights by the words of the module's docstring."""
    sums = [0] * len(CATEGORIES)
    text, place = folded(text), 0
    while place < len(text):
        here = [word for word in entries if text.startswith(folded(word), place)]
        if here:
            longest = max(here, key=lambda word: (len(word), -list(entries).index(word)))
            category, weight = entries[longest]
            if category < len(CATEGORIES):
                sums[category] += weight
            place += len(longest) - 1
        place += 1
    return sums


PIECES = st.text("あいうＡaA𠮷\n", min_size=2, max_size=4)


@settings(deadline=None)  # the first call compiles
@given(
    st.lists(st.text("あいうＡaA𠮷\n", max_size=30), min_size=1, max_size=3),
    st.dictionaries(PIECES, st.tuples(st.integers(0, len(CATEGORIES)), st.integers(1, 3)), min_size=1, max_size=8),
)
def test_the_kernel_counts_what_is_defined(texts: list[str], entries: dict[str, tuple[int, int]]) -> None:
    found = Vocabulary.of(entries).weigh(*code_points(texts))
    assert found.tolist() == [plain(text, entries) for text in texts]


@settings(deadline=None)
@given(st.lists(st.text(max_size=40), max_size=4))
def test_any_text_has_densities(texts: list[str]) -> None:
    for column in densities(texts).values():
        assert column.shape == (len(texts),)
        assert np.all((column >= 0) & (column <= 1_500))


def lines(name: str) -> list[str]:
    return [line for line in (WORDS / f"{name}.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]


def test_the_lists_are_in_order() -> None:
    """Each entry once, with a weight; harmless ones contain an entry, or they would do nothing."""
    weighed = [line.split("\t") for name in CATEGORIES for line in lines(name)]
    words = [word for word, _ in weighed]
    assert {weight for _, weight in weighed} == {"1", "2", "3"}
    assert min(map(len, words)) >= 2
    twice = sorted({a for a, b in pairwise(sorted(map(folded, [*words, *lines(HARMLESS)]))) if a == b})
    assert twice == []
    assert [word for word in lines(HARMLESS) if not any(folded(one) in folded(word) for one in words)] == []
    assert len(words) > 900


# Passages written for this project, and the labelled ones of data/labels.  Of each class of a category every other passage is for choosing
# the threshold, and the rest reports (data/words/README.md).

THRESHOLD = {"adult": 70, "gambling": 70, "loan": 90, "commerce": 70, "spam": 60}
"""By hand, on the first half: where precision and recall are best, and lower where that changes neither."""
FLOORS = {  # precision and recall on the second half; measured: 1 and .89, .80 and .89, 1 and .89, .78 and .88, .88 and .88
    "adult": (0.95, 0.85),
    "gambling": (0.75, 0.85),
    "loan": (0.95, 0.85),
    "commerce": (0.75, 0.85),
    "spam": (0.85, 0.85),
}


def cases(category: str) -> list[dict[str, Any]]:
    return tomllib.loads((TESTS / "cases" / "quality" / f"{category}.toml").read_text(encoding="utf-8"))["case"]


def half(category: str, which: int) -> list[dict[str, Any]]:
    found = cases(category)
    return [case for side in (True, False) for case in [one for one in found if one["expected"] is side][which::2]]


def precision_and_recall(category: str, rows: list[dict[str, Any]], threshold: float) -> tuple[float, float]:
    hit = densities([row["text"] for row in rows])[f"{category}_density"] >= threshold
    wanted = np.array([row["expected"] for row in rows])
    right = int((hit & wanted).sum())
    return right / max(int(hit.sum()), 1), right / int(wanted.sum())


@pytest.mark.parametrize("category", CATEGORIES)
def test_each_list_finds_its_passages_and_leaves_others(category: str) -> None:
    rows = half(category, 1)
    assert len(cases(category)) >= 30
    assert sum(case["expected"] for case in cases(category)) >= 15
    precision, recall = precision_and_recall(category, rows, THRESHOLD[category])
    assert precision >= FLOORS[category][0]
    assert recall >= FLOORS[category][1]


ADVERTISING = ("adult", "gambling", "loan", "commerce", "affiliate", "spun", "keywords")


def test_advertising_that_others_wrote_and_labelled_has_more_of_it_than_good_passages() -> None:
    """Entries were added from train.jsonl, where the threshold of 20 was chosen; measured on test.jsonl: AUC .97, 23 of 31, 1 of 91."""
    rows = [json.loads(line) for line in (ROOT / "data" / "labels" / "test.jsonl").read_text(encoding="utf-8").splitlines()]
    total = np.sum(list(densities([row["text"] for row in rows]).values()), axis=0)
    good = np.array([row["labels"]["good"] == 1 for row in rows])
    advertising = ~good & np.array([row["labels"]["kind"] in ADVERTISING for row in rows])
    greater = total[advertising][:, None] - total[good]
    assert (np.mean(greater > 0) + np.mean(greater == 0) / 2) > 0.95
    assert np.mean(total[advertising] >= 20) > 0.65
    assert np.mean(total[good] >= 20) < 0.04
    for name, limit in THRESHOLD.items():
        assert densities([row["text"] for row in rows])[f"{name}_density"][good].max() < limit
