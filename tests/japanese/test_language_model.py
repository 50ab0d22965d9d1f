"""The language model's probabilities are those of its definition, add up to 1, and are the same bytes every time."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpora import prose
from support.strategies import japanese_text

from corpus_builder.errors import InputError
from corpus_builder.japanese.language_model import STEPS, LanguageModel, _cost
from corpus_builder.japanese.train_language_model import train

TEXTS = ["ああいうあいう\nいうあ", "ああうい\n\nあいう", "うあいあいあ"]


def kneser_ney(texts: list[str], order: int = 4):
    """Cost in bits of a text by the definition: interpolated Kneser-Ney, one discount for each length."""
    lines = [line for text in texts for line in text.split("\n") if line]
    counted: dict[int, Counter[tuple[str, ...]]] = {order: Counter()}
    for line in lines:
        row = ["<"] * (order - 1) + list(line) + [">"]
        counted[order].update(tuple(row[at - order + 1 : at + 1]) for at in range(order - 1, len(row)))
    for length in range(order - 1, 0, -1):
        counted[length] = Counter(ngram[1:] for ngram in counted[length + 1])
    letters = {letter for line in lines for letter in line}
    size = len(letters) + 2
    after = {length: defaultdict(Counter) for length in counted}
    for length, ngrams in counted.items():
        for ngram, count in ngrams.items():
            after[length][ngram[:-1]][ngram[-1]] = count
    discounts = {}
    for length, ngrams in counted.items():
        once, twice = (sum(count == times for count in ngrams.values()) for times in (1, 2))
        discounts[length] = min(0.95, max(0.1, once / (once + 2 * twice) if once else 0.1))

    def probability(context: tuple[str, ...], letter: str) -> float:
        length = len(context) + 1
        below = probability(context[1:], letter) if context else 1 / size
        found = after[length].get(context)
        if not found:
            return below
        total, discount = sum(found.values()), discounts[length]
        rest = discount * len(found) / total
        return max(0.0, found[letter] - discount if letter in found else 0.0) / total + rest * below

    def cost(text: str) -> float:
        bits = 0.0
        for line in filter(None, text.split("\n")):
            row = ["<"] * (order - 1) + [letter if letter in letters else "?" for letter in line] + [">"]
            bits -= sum(log2(probability(tuple(row[at - order + 1 : at]), row[at])) for at in range(order - 1, len(row)))
        return bits

    return cost


@settings(deadline=None, max_examples=60)
@given(st.text(st.sampled_from("あいうえ\n"), max_size=12))
def test_the_probabilities_are_those_of_the_definition(text):
    model, cost = train(TEXTS, least=1), kneser_ney(TEXTS)
    (steps,), (symbols,) = model.costs_of([text])
    assert symbols == sum(len(line) + 1 for line in text.split("\n") if line)
    assert abs(steps / STEPS - cost(text)) <= 4 * (symbols + 1) / STEPS  # each logarithm is rounded


@pytest.mark.parametrize("least", [1, 2, 3])
def test_the_probabilities_of_what_may_come_add_up_to_1(least):
    model = train([prose(seed) for seed in range(6)], least=least)
    symbols, keys, places = model._tables
    rows = [list(map(ord, text)) for text in ("朝の市", "味噌を", "ぬ#\x00", "の店の")]
    for row in rows:
        context = np.uint64(0)
        for symbol in symbols[row]:
            context = context << np.uint64(16) | np.uint64(symbol)
        costs = [
            _cost(context, np.uint64(symbol), keys, places, model.costs, model.given_away)
            for symbol in range(2, 4 + len(model.letters))
        ]
        assert sum(2 ** (-cost / STEPS) for cost in costs) == pytest.approx(1, abs=0.005)


def test_a_text_like_those_it_learned_from_is_foretold_best():
    model = train([prose(seed) for seed in range(20)])
    plain, other, english = model.perplexity(
        [prose(99), "株価は前日より値を下げて取引を終えた。", "The market was quiet."]
    ).tolist()
    assert 1 < plain < other < english
    assert model.perplexity(["", "\n\n"]).tolist() == [0.0, 0.0]


def test_the_same_texts_give_the_same_bytes_which_are_read_back(tmp_path):
    data = train(TEXTS).to_bytes()
    assert data == train(iter(TEXTS)).to_bytes() != train(TEXTS[:2]).to_bytes()
    (tmp_path / "ja.lm").write_bytes(data)
    model = LanguageModel.read(tmp_path / "ja.lm")
    assert model.to_bytes() == data
    assert model.trained_on["characters"] == sum(len(text.replace("\n", "")) for text in TEXTS)
    assert model.perplexity(TEXTS).tolist() == train(TEXTS).perplexity(TEXTS).tolist()


@settings(deadline=None, max_examples=50)
@given(st.lists(japanese_text(40), max_size=4))
def test_any_text_has_a_perplexity_of_its_own(texts):
    model = train(TEXTS)
    assert model.perplexity(texts).tolist() == [model.perplexity([text])[0] for text in texts]
    assert np.isfinite(model.perplexity(texts)).all()


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        LanguageModel.read(tmp_path / "none.lm")
    with pytest.raises(InputError, match=r"is no language model from `corpus-builder train-language-model`\."):
        LanguageModel.from_bytes(b"fastText", "x.lm")
    data = train(TEXTS).to_bytes()
    for damaged in (data[:-1], data[:-1] + b"x", data[:20]):
        with pytest.raises(InputError, match=r"The language model x\.lm is damaged"):
            LanguageModel.from_bytes(damaged, "x.lm")
    with pytest.raises(InputError, match="too little text"):
        train(["", "あ"])
