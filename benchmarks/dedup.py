"""Deduplication: speed compared with datasketch and rensa, recall and precision against exact similarity, and cost by size.

All hash the same character n-grams of the same documents in the same run, one after the other, and CPU time is counted: a library
that uses several cores has no advantage.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from benchmarks.scale import Scale, as_strings, scale, step_of, texts
from corpus_builder.errors import InputError, MissingExtraError
from corpus_builder.hashing.minhash import MinHash, band_keys, match_probability, shingle_sets, signatures
from corpus_builder.hashing.presets import PRESETS
from corpus_builder.hashing.shingles import shingles
from corpus_builder.preview.extraction import extracted_lines

SPEEDS = ((2_000, "swallow"), (2_000, "fineweb"), (300, "fineweb"))  # characters of a document, preset
EDGES = (0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
THRESHOLDS = (0.7, 0.8, 0.9)
COPIES, CHANGED = 4, 0.12  # copies of each text, and the largest share of letters that is replaced in one
SEEDS = 5
ROUNDS = 5


@dataclass(frozen=True)
class Speed:
    """Documents per CPU second, shingling included: medians of several rounds."""

    characters: int
    hashes: int
    ours: float
    datasketch: float
    rensa: float


@dataclass(frozen=True)
class Band:
    """Pairs of an exact similarity from `low` to below `high`: the share that became candidates, by preset, and theory's mean."""

    low: float
    high: float
    pairs: int
    found: dict[str, float]
    theory: dict[str, float]
    estimate_bias: float  # of the estimate from 800 values
    estimate_deviation: float
    theory_deviation: float


@dataclass(frozen=True)
class Quality:
    """Precision and recall of pairs at a threshold: of bare candidates, and of those whose estimate reaches the threshold."""

    preset: str
    threshold: float
    pairs: int
    precision: float
    recall: float
    verified_precision: float
    verified_recall: float


@dataclass(frozen=True)
class DedupBench:
    """The results; `texts` is the number of documents that pairs were made of."""

    speeds: tuple[Speed, ...]
    texts: int
    bands: tuple[Band, ...]
    qualities: tuple[Quality, ...]
    scales: tuple[Scale, ...]


def run(
    files: Sequence[Path] = (),
    documents: Iterable[int] = (),
    *,
    preset: str = "fineweb",
    workers: int = 1,
    task_memory_bytes: int = 1 << 30,
    most_texts: int = 400,
    timed: int = 300,
    directory: Path | None = None,
) -> DedupBench:
    """Measure speed and quality on the documents of some WARCs or HTML files (by default synthetic ones), and `deduplicate` at some sizes.

    Raises InputError if the files hold no document of 300 characters, MissingExtraError without datasketch and rensa.
    """
    libraries = _libraries()
    material = _material(files) if files else as_strings(*texts(0, most_texts, seed=1)[:2])
    speeds = tuple(_speed(material, timed, characters, PRESETS[name], *libraries) for characters, name in SPEEDS)
    some = random.Random(0).sample(material, min(most_texts, len(material)))
    bands, qualities = _pairs([text[:3_000] for text in some])
    scales = tuple(scale(count, workers, task_memory_bytes, preset, directory) for count in documents)
    return DedupBench(speeds, len(some), bands, qualities, scales)


def _material(files: Sequence[Path]) -> list[str]:
    found = [line["text"] for path in files for line in extracted_lines(str(path)) if line["verdict"] == "document"]
    found = [text for text in dict.fromkeys(found) if len(text) >= 300]
    if not found:
        raise InputError(f"{', '.join(map(str, files))}: no Japanese document of 300 characters or more; give a WARC with some.")
    return found


def _libraries() -> tuple[Any, Any]:
    try:
        import datasketch
        import rensa
    except ImportError as error:
        raise MissingExtraError("The comparison needs datasketch and rensa; run: pip install 'corpus-builder[bench]'") from error
    return datasketch, rensa


# Speed


def _speed(material: Sequence[str], timed: int, characters: int, spec: MinHash, datasketch: Any, rensa: Any) -> Speed:
    whole = "\n".join(material)
    whole *= -(-characters // len(whole))
    places = random.Random(characters)
    starts = [places.randrange(len(whole) - characters + 1) for _ in range(timed)]
    documents = [whole[start : start + characters] for start in starts]
    few = documents[: max(1, timed // 10)]

    def theirs_datasketch() -> None:
        datasketch.MinHash.bulk([[gram.encode() for gram in shingles(text, spec.ngram)] for text in few], num_perm=spec.hashes)

    def theirs_rensa() -> None:
        rensa.RMinHash.digest_matrix_from_token_sets([list(shingles(text, spec.ngram)) for text in few], spec.hashes, 0)

    def ours() -> None:
        band_keys(signatures(documents, spec)[0], spec)

    ours()
    seconds = _medians([ours, theirs_datasketch, theirs_rensa])
    return Speed(characters, spec.hashes, timed / seconds[0], len(few) / seconds[1], len(few) / seconds[2])


def _medians(works: Sequence[Callable[[], None]]) -> list[float]:
    """CPU seconds of each, as medians of `ROUNDS` rounds through all of them."""
    taken: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for times, work in zip(taken, works, strict=True):
            started = time.process_time()
            work()
            times.append(max(time.process_time() - started, 1e-9))
    return [sorted(times)[ROUNDS // 2] for times in taken]


# Recall and precision


def changed(text: str, letters: int, rng: random.Random) -> str:
    """The text with this many of its letters replaced by other letters of the text."""
    new = list(text)
    for place in rng.sample(range(len(text)), letters):
        new[place] = rng.choice(text)
    return "".join(new)


def exact_similarities(documents: Sequence[str], ngram: int) -> npt.NDArray[np.float64]:
    """Exact Jaccard similarity of all pairs of texts: (n, n), up to collisions of 64-bit hashes."""
    hashes, starts = shingle_sets(documents, ngram)
    owners = np.repeat(np.arange(len(documents)), np.diff(starts))
    order = np.argsort(hashes, kind="stable")
    shared = np.zeros((len(documents), len(documents)), dtype=np.int64)
    _count_shared(hashes[order], owners[order], shared)
    sizes = np.diff(starts)
    together: npt.NDArray[np.float64] = shared / np.maximum(sizes[:, None] + sizes[None, :] - shared, 1)
    return together


@njit(cache=True)  # type: ignore[untyped-decorator]
def _count_shared(hashes: Any, owners: Any, shared: Any) -> None:
    """Count, for each pair of owners (the smaller first), the hashes that both have; hashes are sorted."""
    first = 0
    for place in range(len(hashes)):
        if hashes[place] != hashes[first]:
            first = place
        for earlier in range(first, place):
            shared[owners[earlier], owners[place]] += 1


def _pairs(originals: list[str]) -> tuple[tuple[Band, ...], tuple[Quality, ...]]:
    rng = random.Random(0)
    documents = list(originals)
    for text in originals:
        for _ in range(COPIES):
            documents.append(changed(text, round(len(text) * rng.uniform(0, CHANGED)), rng))
    table = exact_similarities(documents, PRESETS["japanese"].ngram)
    left, right = np.nonzero(table >= 0.1)
    exact = table[left, right]
    found = {name: np.zeros(len(exact)) for name in PRESETS}
    estimates: dict[str, npt.NDArray[np.float64]] = {}
    candidates: dict[str, npt.NDArray[np.bool_]] = {}
    for name, preset in PRESETS.items():
        for seed in range(SEEDS):
            spec = replace(preset, seed=seed)
            signed, _ = signatures(documents, spec)
            keys = band_keys(signed, spec)
            met = (keys[left] == keys[right]).any(axis=1)
            found[name] += met / SEEDS
            if seed == 0:
                candidates[name] = met
                estimates[name] = np.array([(signed[a] == signed[b]).mean() for a, b in zip(left, right, strict=True)])
    bands = tuple(_band(low, high, exact, found, estimates["swallow"]) for low, high in pairwise(EDGES))
    qualities = tuple(
        _quality(name, threshold, exact, candidates[name], estimates[name]) for name in PRESETS for threshold in THRESHOLDS
    )
    return bands, qualities


def _band(low: float, high: float, exact: Any, found: dict[str, Any], estimates: Any) -> Band:
    inside = (exact >= low) & ((exact < high) | (high == 1.0))
    count = int(inside.sum())
    if not count:
        return Band(low, high, 0, {}, {}, 0.0, 0.0, 0.0)
    here, errors = exact[inside], (estimates - exact)[inside]
    theory = {name: float(np.mean([match_probability(one, spec) for one in here])) for name, spec in PRESETS.items()}
    return Band(
        low,
        high,
        count,
        {name: float(hits[inside].mean()) for name, hits in found.items()},
        theory,
        float(errors.mean()),
        float(errors.std()),
        float(np.sqrt(np.mean(here * (1 - here)) / PRESETS["swallow"].hashes)),
    )


def _quality(name: str, threshold: float, exact: Any, candidates: Any, estimates: Any) -> Quality:
    true = exact >= threshold
    verified = candidates & (estimates >= threshold)
    shares = [float((said & true).sum() / max(of.sum(), 1)) for said in (candidates, verified) for of in (said, true)]
    return Quality(name, threshold, int(true.sum()), *shares)


# Print


def as_text(found: DedupBench) -> str:
    """The tables, in Markdown."""
    parts = [
        "Documents per CPU second, shingling included",
        _table(
            ["characters", "values", "corpus_builder", "datasketch bulk", "rensa", "times datasketch", "times rensa"],
            [
                [f"{one.characters:,}", str(one.hashes), *(f"{rate:,.0f}" for rate in (one.ours, one.datasketch, one.rensa)),
                 f"{one.ours / one.datasketch:.0f}", f"{one.ours / one.rensa:.1f}"]
                for one in found.speeds
            ],
        ),
        f"Share of pairs that became candidates (mean of {SEEDS} seeds) and theory, by exact Jaccard similarity; {found.texts:,} documents "
        f"with {COPIES} copies each, of which up to {CHANGED:.0%} of the letters were replaced; the estimate is that of 800 values",
        _table(
            ["Jaccard", "pairs", *(f"{name}{what}" for name in PRESETS for what in (f" {spec_of(name)}", ", theory")),
             "estimate - exact", "its deviation", "theory"],
            [
                [f"{one.low:.2f} to {one.high:.2f}", f"{one.pairs:,}",
                 *(f"{share:.3f}" for name in PRESETS for share in (one.found[name], one.theory[name])),
                 f"{one.estimate_bias:+.4f}", f"{one.estimate_deviation:.4f}", f"{one.theory_deviation:.4f}"]
                for one in found.bands
                if one.pairs
            ],
        ),
        "Precision and recall of pairs, of bare candidates and verified by the estimate; by text precision is 1 and recall that of candidates",
        _table(
            ["preset", "Jaccard >=", "pairs", "candidates: precision", "recall", "by signature: precision", "recall"],
            [
                [one.preset, str(one.threshold), f"{one.pairs:,}",
                 *(f"{share:.3f}" for share in (one.precision, one.recall, one.verified_precision, one.verified_recall))]
                for one in found.qualities
            ],
        ),
    ]  # fmt: skip
    if found.scales:
        parts += [
            "The whole deduplication of invented documents of 150 to 450 characters in Parquet; memory is the largest resident set of a "
            "process that runs tasks, and of one that has only loaded the libraries",
            _scales(found.scales),
        ]
    return "\n\n".join(parts)


def spec_of(name: str) -> str:
    """Bands and rows of a preset, as text."""
    return f"{PRESETS[name].bands} x {PRESETS[name].rows}"


def _scales(found: Sequence[Scale]) -> str:
    """One column for each run, since there are more figures than runs."""
    columns = []
    for one in found:
        seconds, sizes = _added_up(one.stage_seconds), _added_up(one.disk_bytes)
        column = {"documents": f"{one.documents:,}", "preset": one.spec, "workers": str(one.workers or "none")}
        column |= {
            "MiB a task": f"{one.task_memory_bytes >> 20:,}",
            "copies made": f"{one.copies:,}",
            "dropped": f"{one.dropped:,}",
        }
        column |= {f"{name}, s": f"{value:,.1f}" for name, value in seconds.items()}
        column |= {"the whole run, s": f"{one.seconds:,.1f}", "documents/s and worker": f"{one.rate:,.0f}"}
        column |= {"all steps, microseconds of a worker a document": f"{one.microseconds:,.1f}"}
        column |= {f"{name}, bytes a document": f"{value / one.documents:,.0f}" for name, value in sizes.items()}
        column |= {
            "memory of a task at most, MB": f"{one.peak_bytes / 1e6:,.0f}",
            "of that before any work": f"{one.idle_bytes / 1e6:,.0f}",
        }
        columns.append(column)
    names = list(dict.fromkeys(name for column in columns for name in column))
    head, *rows = ([name, *(column.get(name, "0") for column in columns)] for name in names)
    return _table(head, rows)


def _added_up(values: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values.items():
        if not name.startswith(".") or name.startswith(".scratch/"):
            found[step_of(name)] = found.get(step_of(name), 0) + value
    return found


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    ruled = "|---" * len(head) + "|"
    first, *others = (f"| {' | '.join(line)} |" for line in [head, *rows])
    return "\n".join([first, ruled, *others])
