"""The batch kernel agrees with the specification, and its minima collide as often as the Jaccard similarity says."""

import json
import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.paths import TESTS
from support.strategies import japanese_text

from corpus_builder.hashing import reference
from corpus_builder.hashing.minhash import (
    MinHash,
    band_keys,
    match_probability,
    signatures,
)
from corpus_builder.hashing.presets import PRESETS

GOLDEN = json.loads((TESTS / "golden" / "minhash.json").read_text())

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
    assert band_keys(found, spec)[some].tolist() == [
        reference.band_keys(minima, spec.bands, spec.rows) for minima in expected if minima is not None
    ]


@pytest.mark.parametrize("letters", [4, 5, 30, 300, 2_000])
@pytest.mark.parametrize("name", PRESETS)
def test_the_kernel_is_the_reference_at_the_size_of_documents(letters, name):
    spec = PRESETS[name]
    text = "".join(random.Random(letters).choices("あいうえおかきくけこ山川日本語、。", k=letters))
    assert signatures([text], spec)[0][0].tolist() == reference.signature(text, spec.ngram, spec.hashes, spec.seed)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case["label"])
def test_golden_keys(case):
    """These numbers stand in every index that was ever written; another result needs another specification."""
    spec = MinHash(case["ngram"], case["bands"], case["rows"], case["seed"])
    assert [f"{key:016x}" for key in band_keys(signatures([case["text"]], spec)[0], spec)[0].tolist()] == case["keys"]


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
        estimates.append(np.mean(found[0] == found[1]))
    expected = shared / (shared + 2 * own)
    assert np.mean(estimates) == pytest.approx(expected, abs=4 * np.std(estimates) / np.sqrt(len(estimates)) + 1e-9)


PAIRS = 500
SIMILARITIES = (0.7, 0.8, 0.9, 0.95)


def pairs_of(distinct: int, similarity: float) -> tuple[list[str], float]:
    """`PAIRS` pairs, one text after the other, of `distinct` distinct letters each, and their exact similarity with ngram=1."""
    rng = np.random.default_rng((distinct, round(1000 * similarity)))
    shared = round(2 * distinct * similarity / (1 + similarity))
    texts = []
    for _ in range(PAIRS):
        letters = 0x4E00 + rng.permutation(0x5200)[: 2 * distinct - shared].astype("<u4")
        texts.append(letters[:distinct].tobytes().decode("utf-32-le"))
        texts.append(np.concatenate([letters[:shared], letters[distinct:]]).tobytes().decode("utf-32-le"))
    return texts, shared / (2 * distinct - shared)


@pytest.mark.parametrize("distinct", [10, 30, 100, 400, 1_000, 2_000, 4_000])
@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_the_estimate_errs_no_more_and_bands_match_as_often_as_theory_says(distinct, similarity):
    """Of the estimate at most 1.1 times the standard deviation of k independent minima; of the bands four standard errors."""
    texts, exact = pairs_of(distinct, similarity)
    for name, preset in PRESETS.items():
        spec = replace(preset, ngram=1)
        found, _ = signatures(texts, spec)
        errors = (found[0::2] == found[1::2]).mean(axis=1) - exact
        theory = np.sqrt(exact * (1 - exact) / spec.hashes)
        assert np.sqrt(np.mean(errors**2)) <= 1.1 * theory, name
        assert abs(errors.mean()) <= 4 * theory / np.sqrt(PAIRS), name
        keys = band_keys(found, spec)
        matched = (keys[0::2] == keys[1::2]).any(axis=1).mean()
        expected = match_probability(exact, spec)
        assert matched == pytest.approx(expected, abs=4 * np.sqrt(max(expected * (1 - expected), 1 / PAIRS) / PAIRS)), name


def test_short_texts_match_their_equals_alone():
    found, some = signatures(["いろは", "いろは", "いろ", "は", ""], MinHash())
    keys = band_keys(found, MinHash())
    assert (keys[0] == keys[1]).all()
    assert not any((keys[left] == keys[right]).any() for left in range(1, 4) for right in range(left + 1, 4))
    assert some.tolist() == [True, True, True, True, False]


def test_bands_of_one_text_never_meet():
    spec = MinHash(bands=64, rows=1)
    keys = band_keys(signatures(["あ"], spec)[0], spec)
    assert len(set(keys[0].tolist())) == 64


def test_another_seed_is_another_hash():
    one, other = (signatures(["いろはにほへと"], MinHash(seed=seed))[0][0] for seed in (0, 1))
    assert np.mean(one == other) < 0.1


def test_band_keys_take_any_memory_layout():
    spec = MinHash(bands=3, rows=2)
    found, _ = signatures(["いろはにほへと", "ちりぬるをわか"], spec)
    assert band_keys(np.asfortranarray(found), spec).tolist() == band_keys(found, spec).tolist()
