"""Presets and choices are the numbers that they promise, and what cannot be had is said in a sentence with a way out."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpus_builder.errors import RecipeError
from corpus_builder.hashing.minhash import MinHash, match_probability
from corpus_builder.hashing.presets import ENTRY_BYTES, MOST_HASHES, PRESETS, choose, curve, resolve


def test_the_presets_are_these():
    assert {"swallow": MinHash(5, 40, 20), "fineweb": MinHash(5, 14, 8), "japanese": MinHash(5, 20, 7)} == PRESETS


@settings(deadline=None)
@given(st.floats(0.3, 0.99), st.floats(0.5, 0.999), st.integers(24, 5_000))
def test_a_choice_finds_what_was_asked_in_the_memory_given_and_is_the_steepest(similarity, recall, size):
    try:
        spec = choose(similarity, recall, size)
    except RecipeError:
        assert match_probability(similarity, MinHash(bands=size // ENTRY_BYTES, rows=1)) < recall
        return
    assert match_probability(similarity, spec) >= recall
    assert spec.bands * ENTRY_BYTES <= size
    assert spec.hashes <= MOST_HASHES
    assume(spec.rows < 256)
    most = min(size // ENTRY_BYTES, MOST_HASHES // (spec.rows + 1))
    assert match_probability(similarity, MinHash(bands=max(most, 1), rows=spec.rows + 1)) < recall or most == 0


def test_no_fewer_bands_would_do():
    spec = choose(0.8, recall=0.99)
    assert match_probability(0.8, MinHash(bands=spec.bands - 1, rows=spec.rows)) < 0.99


def test_curves_rise():
    for spec in PRESETS.values():
        chances = [chance for _, chance in curve(spec)]
        assert chances == sorted(chances)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"preset": "finewep"}, "Unknown preset 'finewep'; did you mean 'fineweb'? (presets: swallow, fineweb, japanese)."),
        ({"preset": "doubri"}, "Unknown preset 'doubri' (presets: swallow, fineweb, japanese)."),
        (
            {"preset": "swallow", "bands": 3, "similarity": 0.5, "recall": 0.9},
            "preset = 'swallow' already sets every number, so bands, similarity and recall cannot be combined with it; leave out one "
            "or the other.",
        ),
        (
            {"similarity": 0.8, "rows": 3},
            "similarity = 0.8 chooses bands and rows, so rows cannot be combined with it; leave out one or the other.",
        ),
        (
            {"bytes_per_document": 100},
            "bytes_per_document says how well to find a similarity; add it, for example similarity = 0.8.",
        ),
        (
            {"bands": 1024, "rows": 256},
            "bands = 1024 of rows = 256 are 262,144 values for each document, and more than 10,000 do not fit into a task; give fewer "
            "bands or rows.",
        ),
        (
            {"similarity": 0.8, "bytes_per_document": 20},
            "bytes_per_document = 20 is too small for even one band, which takes 24 bytes; give more, for example 480.",
        ),
        (
            {"similarity": 0.1, "bytes_per_document": 480},
            "Pairs of similarity 0.1 cannot be found with probability 0.95 within bytes_per_document = 480; raise it to 696 or "
            "more, raise similarity, or lower recall.",
        ),
        (
            {"similarity": 0.001},
            "Pairs of similarity 0.001 cannot be found with probability 0.95 by 1,024 bands; raise similarity or lower recall.",
        ),
    ],
)
def test_what_cannot_be_had_is_said_with_a_way_out(said, sentence):
    with pytest.raises(RecipeError) as error:
        resolve(**said)
    assert str(error.value) == sentence


def test_the_largest_signatures_that_are_in_use_are_allowed():
    assert resolve(bands=450, rows=20).hashes == 9_000  # RefinedWeb
    assert resolve(bands=1, rows=256).hashes == 256
    assert resolve(bands=1024, rows=9).hashes == 9_216


def test_the_way_out_is_one():
    assert resolve(similarity=0.1, bytes_per_document=696) == MinHash(bands=29, rows=1)
