"""The batch kernel agrees with the specification, and its minima collide as often as the Jaccard similarity says."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import japanese_text

from corpus_builder.dedup import reference
from corpus_builder.dedup.minhash import (
    MinHash,
    band_keys,
    estimated_jaccard,
    match_probability,
    signatures,
    text_band_keys,
)

GOLDEN = json.loads((Path(__file__).parent.parent / "golden" / "minhash.json").read_text())

specs = st.builds(
    MinHash, ngram=st.integers(1, 7), bands=st.integers(1, 5), rows=st.integers(1, 5), seed=st.integers(0, 2**63 - 1)
)


@settings(deadline=None, max_examples=100)
@given(st.lists(japanese_text(60), max_size=4), specs)
@example(["", "あ", "いろは"], MinHash())
def test_the_kernel_is_the_reference(texts, spec):
    found, some = signatures(texts, spec)
    expected = [reference.signature(text, spec.ngram, spec.hashes, spec.seed) for text in texts]
    assert some.tolist() == [minima is not None for minima in expected]
    assert found[some].tolist() == [minima for minima in expected if minima is not None]
    keys, _ = text_band_keys(texts, spec)
    assert keys[some].tolist() == [
        reference.band_keys(minima, spec.bands, spec.rows) for minima in expected if minima is not None
    ]


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["label"])
def test_golden_keys(case):
    """These numbers stand in every index that was ever written; another result needs another specification."""
    spec = MinHash(case["ngram"], case["bands"], case["rows"], case["seed"])
    assert [f"{key:016x}" for key in text_band_keys([case["text"]], spec)[0][0].tolist()] == case["keys"]


@settings(deadline=None, max_examples=30)
@given(st.lists(japanese_text(40), min_size=1, max_size=5))
def test_a_text_is_signed_alike_in_any_company(texts):
    spec = MinHash(bands=4, rows=3)
    together, _ = signatures(texts, spec)
    assert together.tolist() == [signatures([text], spec)[0][0].tolist() for text in texts]


def text_pair(rng: random.Random, shared: int, own: int) -> tuple[str, str]:
    """Two texts of distinct letters, so that with ngram=1 their similarity is shared / (shared + 2 own)."""
    letters = rng.sample(range(0x4E00, 0x9FFF), shared + 2 * own)
    common = letters[:shared]
    return "".join(map(chr, common + letters[shared : shared + own])), "".join(map(chr, common + letters[shared + own :]))


@pytest.mark.parametrize(("shared", "own"), [(8, 1), (40, 20), (180, 10), (1500, 400)])
def test_minima_collide_as_often_as_the_similarity(shared, own):
    """For sets far smaller and larger than the signature alike; the mean of 40 pairs lies within four standard errors."""
    rng = random.Random(shared)
    spec = MinHash(ngram=1, bands=40, rows=20)
    estimates = []
    for _ in range(40):
        found, _ = signatures(text_pair(rng, shared, own), spec)
        estimates.append(estimated_jaccard(found[0], found[1]))
    expected = shared / (shared + 2 * own)
    assert np.mean(estimates) == pytest.approx(expected, abs=4 * np.std(estimates) / np.sqrt(len(estimates)) + 1e-9)


@pytest.mark.parametrize(("shared", "own"), [(90, 10), (1800, 200)])
def test_bands_match_as_often_as_the_curve_says(shared, own):
    """Minima are independent enough for the S-curve to hold on short texts too."""
    rng = random.Random(own)
    spec = MinHash(ngram=1, bands=20, rows=10)
    pairs = 400
    matched = 0
    for _ in range(pairs):
        keys, _ = text_band_keys(text_pair(rng, shared, own), spec)
        matched += bool((keys[0] == keys[1]).any())
    expected = match_probability(shared / (shared + 2 * own), spec)
    assert matched / pairs == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / pairs))


def test_short_texts_match_their_equals_alone():
    keys, some = text_band_keys(["いろは", "いろは", "いろ", "は", ""], MinHash())
    assert (keys[0] == keys[1]).all()
    assert not any((keys[left] == keys[right]).any() for left in range(1, 4) for right in range(left + 1, 4))
    assert some.tolist() == [True, True, True, True, False]


def test_bands_of_one_text_never_meet():
    keys, _ = text_band_keys(["あ"], MinHash(bands=64, rows=1))
    assert len(set(keys[0].tolist())) == 64


def test_another_seed_is_another_hash():
    one, other = (signatures(["いろはにほへと"], MinHash(seed=seed))[0][0] for seed in (0, 1))
    assert estimated_jaccard(one, other) < 0.1


def test_band_keys_take_any_memory_layout():
    spec = MinHash(bands=3, rows=2)
    found, _ = signatures(["いろはにほへと", "ちりぬるをわか"], spec)
    assert band_keys(np.asfortranarray(found), spec).tolist() == band_keys(found, spec).tolist()
