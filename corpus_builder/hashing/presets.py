"""The choice of MinHash parameters: named presets, or numbers computed from a desired similarity, recall and size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from corpus_builder.errors import RecipeError, did_you_mean
from corpus_builder.hashing.minhash import MinHash, match_probability

PRESETS = {
    "swallow": MinHash(ngram=5, bands=40, rows=20),
    "fineweb": MinHash(ngram=5, bands=14, rows=8),
    "japanese": MinHash(ngram=5, bands=20, rows=7),
}
"""`swallow`: Swallow corpus v1.  `fineweb`: the bands and rows of FineWeb, over characters instead of words.  `japanese`: ours, chosen by
measured recall on Japanese pages, see docs/minhash.md."""

RECALL = 0.95
BYTES_PER_DOCUMENT = 480
ENTRY_BYTES = 24
"""Bytes that the exchange moves for each band of each document: key, rank and document, 8 bytes each."""
MOST_BANDS, MOST_ROWS = 1024, 256
MOST_VALUES = 10_000
"""The largest signature: signing holds 4 bytes per value for a thousand documents.  The largest that we know of is RefinedWeb's 9,000."""
MOST_HASHES = 1024
"""The largest signature that `choose` returns: a similarity close to 1 would need thousands of minima, with no visible gain."""
SIMILARITIES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def resolve(
    *,
    preset: str | None = None,
    ngram: int | None = None,
    bands: int | None = None,
    rows: int | None = None,
    similarity: float | None = None,
    recall: float | None = None,
    bytes_per_document: int | None = None,
    seed: int = 0,
) -> MinHash:
    """The MinHash parameters for some settings (None: not given): a preset, or bands and rows, or a similarity to find.

    Each is in the range that `recipe.dedup` allows.  Raises RecipeError if they contradict each other or cannot be had.

    >>> resolve(preset="japanese", seed=7)
    MinHash(ngram=5, bands=20, rows=7, seed=7)
    >>> resolve(), resolve(rows=4)
    (MinHash(ngram=5, bands=14, rows=8, seed=0), MinHash(ngram=5, bands=14, rows=4, seed=0))
    """
    numbers = {"ngram": ngram, "bands": bands, "rows": rows}
    said = {name: number for name, number in numbers.items() if number is not None}
    aims = {"recall": recall, "bytes_per_document": bytes_per_document}
    aimed = [name for name, value in aims.items() if value is not None]
    if preset is not None:
        if others := [*said, *(["similarity"] if similarity is not None else []), *aimed]:
            raise RecipeError(
                f"preset = {preset!r} already sets every number, so {_listed(others)} cannot be combined with it; leave out one or the other."
            )
        return replace(preset_named(preset), seed=seed)
    if similarity is not None:
        if others := [name for name in said if name != "ngram"]:
            raise RecipeError(
                f"similarity = {similarity} chooses bands and rows, so {_listed(others)} cannot be combined with it; leave out one or the other."
            )
        most = BYTES_PER_DOCUMENT if bytes_per_document is None else bytes_per_document
        spec = choose(similarity, RECALL if recall is None else recall, most)
        return replace(spec, ngram=spec.ngram if ngram is None else ngram, seed=seed)
    if aimed:
        raise RecipeError(f"{_listed(aimed)} says how well to find a similarity; add it, for example similarity = 0.8.")
    spec = replace(MinHash(seed=seed), **said)
    if spec.hashes > MOST_VALUES:
        raise RecipeError(
            f"bands = {spec.bands} of rows = {spec.rows} are {spec.hashes:,} values for each document, and more than {MOST_VALUES:,} do "
            "not fit into a task; give fewer bands or rows."
        )
    return spec


def preset_named(name: str) -> MinHash:
    """The preset with this name; raises RecipeError if there is none.

    >>> preset_named("swallow")
    MinHash(ngram=5, bands=40, rows=20, seed=0)
    """
    if name in PRESETS:
        return PRESETS[name]
    raise RecipeError(f"Unknown preset {name!r}{did_you_mean(name, PRESETS)} (presets: {', '.join(PRESETS)}).")


def choose(similarity: float, recall: float = RECALL, bytes_per_document: int = BYTES_PER_DOCUMENT) -> MinHash:
    """The steepest curve (most rows) that finds pairs of a Jaccard similarity with probability `recall` or more.

    `bytes_per_document` limits what the exchange moves, `ENTRY_BYTES` for each band.  Raises RecipeError if no curve does both.

    >>> choose(0.8), choose(0.8, recall=0.99)
    (MinHash(ngram=5, bands=17, rows=8, seed=0), MinHash(ngram=5, bands=20, rows=7, seed=0))
    """
    if bytes_per_document < ENTRY_BYTES:
        raise RecipeError(
            f"bytes_per_document = {bytes_per_document} is too small for even one band, which takes {ENTRY_BYTES} bytes; "
            f"give more, for example {BYTES_PER_DOCUMENT}."
        )
    most = min(bytes_per_document // ENTRY_BYTES, MOST_BANDS)
    for rows in range(MOST_ROWS, 0, -1):
        bands = _bands_for(similarity, recall, rows)
        if bands is not None and bands <= most and bands * rows <= MOST_HASHES:
            return MinHash(bands=bands, rows=rows)
    least = _bands_for(similarity, recall, rows=1)
    if least is None:
        raise RecipeError(
            f"Pairs of similarity {similarity} cannot be found with probability {recall} by {MOST_BANDS:,} bands; raise similarity or "
            "lower recall."
        )
    raise RecipeError(
        f"Pairs of similarity {similarity} cannot be found with probability {recall} within bytes_per_document = {bytes_per_document}; "
        f"raise it to {least * ENTRY_BYTES} or more, raise similarity, or lower recall."
    )


def _bands_for(similarity: float, recall: float, rows: int) -> int | None:
    """The fewest bands that reach the recall; None if `MOST_BANDS` do not."""
    met = similarity**rows  # the probability that one band is equal
    near = math.log1p(-recall) / math.log1p(-met) if met > 0 else math.inf
    if near > MOST_BANDS + 1:
        return None
    bands = max(1, math.floor(near))
    while match_probability(similarity, MinHash(bands=bands, rows=rows)) < recall:
        bands += 1
    return bands if bands <= MOST_BANDS else None


def curve(spec: MinHash, similarities: Sequence[float] = SIMILARITIES) -> list[tuple[float, float]]:
    """The probability, 0..1, that two texts become candidates, for each of some Jaccard similarities.

    >>> [(s, round(p, 3)) for s, p in curve(PRESETS["japanese"], (0.6, 0.8))]
    [(0.6, 0.433), (0.8, 0.991)]
    """
    return [(similarity, match_probability(similarity, spec)) for similarity in similarities]


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
