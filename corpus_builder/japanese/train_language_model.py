"""Trains the language model over characters, reproducible to the byte; about 60 bytes of memory for each character of the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import InputError
from corpus_builder.japanese.language_model import BEGIN, BITS, END, FIRST, ORDER, STEPS, UNKNOWN, LanguageModel

MOST_LETTERS = (1 << BITS) - FIRST
LEAST = 2
CHARACTERS = 50_000_000
RARE = 2  # a letter that occurs less often is unknown, so that the model knows what unknown ones cost

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]


class Counted(NamedTuple):
    """The n-grams of one length, sorted, and their counts: of the longest how often each occurs, of others how many letters precede it."""

    ngrams: U64
    counts: I64


def train(texts: Iterable[str], *, least: int = LEAST, characters: int = CHARACTERS) -> LanguageModel:
    """Train a model on texts, up to a number of characters; n-grams of three and four that occur fewer than `least` times are left out.

    The same texts give the same model.  Raises InputError if there is too little text.
    """
    points, documents, digest = _read(texts, characters)
    letters, counts = np.unique(points[points != 10], return_counts=True)
    common = np.sort(np.argsort(-counts, kind="stable")[:MOST_LETTERS])
    letters = letters[common][counts[common] >= RARE]
    if len(letters) < 2:
        raise InputError("There is too little text to train a language model on: hardly a letter occurs twice.")
    symbols = np.full(0x110000, UNKNOWN, dtype=np.uint16)
    symbols[letters] = np.arange(FIRST, FIRST + len(letters))
    lengths = _count(_longest(symbols, points))
    kept = _kept(lengths, least)
    ngrams, costs, given_away = _probabilities(lengths, kept, len(letters) + 2)
    trained_on = {
        "characters": int((points != 10).sum()),
        "documents": documents,
        "sha256": digest,
        "order": ORDER,
        "least": least,
    }
    return LanguageModel(letters.astype("<u4"), ngrams, costs, given_away, trained_on)


def _read(texts: Iterable[str], characters: int) -> tuple[npt.NDArray[np.uint32], int, str]:
    """The code points of the texts, one line after the other, each with its end; how many texts; and their digest."""
    parts: list[npt.NDArray[np.uint32]] = []
    digest, read, documents = hashlib.sha256(), 0, 0
    for text in texts:
        if read >= characters:
            break
        lines = "".join(f"{line}\n" for line in text[: characters - read].split("\n") if line)
        packed = lines.encode("utf-32-le", "surrogatepass")
        digest.update(packed)
        parts.append(np.frombuffer(packed, dtype=np.uint32))
        read += len(lines)
        documents += 1
    return (np.concatenate(parts) if parts else np.zeros(0, np.uint32)), documents, digest.hexdigest()


def _longest(symbols: npt.NDArray[np.uint16], points: npt.NDArray[np.uint32]) -> Counted:
    """The n-grams of four symbols, each line after three beginnings."""
    stream = symbols[points].astype(np.uint64)
    ends = points == 10
    stream[ends] = END
    first = np.concatenate([[True], ends[:-1]])  # of a line
    packed = stream.copy()
    inside = np.zeros(len(stream), dtype=bool)  # whether the symbol so far before is of an earlier line
    for back in range(1, ORDER):
        inside |= np.concatenate([np.ones(min(back - 1, len(first)), dtype=bool), first[: max(0, len(first) - back + 1)]])
        before = np.concatenate([np.full(min(back, len(stream)), BEGIN, np.uint64), stream[: max(0, len(stream) - back)]])
        before[inside] = BEGIN
        packed |= before << np.uint64(BITS * back)
    ngrams, counts = np.unique(packed, return_counts=True)
    return Counted(ngrams, counts.astype(np.int64))


def _count(longest: Counted) -> list[Counted]:
    """The n-grams of each length from 1 on, with their counts."""
    found = [longest]
    for length in range(ORDER - 1, 0, -1):
        shorter, counts = np.unique(found[0].ngrams & _mask(length), return_counts=True)
        found.insert(0, Counted(shorter, counts.astype(np.int64)))
    return found


def _mask(length: int) -> np.uint64:
    return np.uint64((1 << BITS * length) - 1)


def _kept(lengths: list[Counted], least: int) -> list[npt.NDArray[np.bool_]]:
    """Which n-grams are kept: frequent ones, and those that a longer one needs as its context or to build on."""
    kept = [np.ones(len(one.ngrams), dtype=bool) for one in lengths]
    kept[-1] = lengths[-1].counts >= least
    for place in range(len(lengths) - 2, 1, -1):
        longer = lengths[place + 1].ngrams[kept[place + 1]]
        needed = np.concatenate([longer >> np.uint64(BITS), longer & _mask(place + 1)])
        kept[place] = (lengths[place].counts >= least) | np.isin(lengths[place].ngrams, needed)
    return kept


def _probabilities(
    lengths: list[Counted], kept: list[npt.NDArray[np.bool_]], size: int
) -> tuple[U64, npt.NDArray[np.int16], npt.NDArray[np.int16]]:
    """The n-grams that are kept, sorted, with their costs and with what each gives away as a context."""
    below = np.full(1, 1.0 / size)  # every symbol that may come next
    everything: list[tuple[U64, F64]] = []
    away: list[tuple[U64, F64]] = []
    for place, (one, keep) in enumerate(zip(lengths, kept, strict=True)):
        contexts = one.ngrams >> np.uint64(BITS)
        starts = np.flatnonzero(np.concatenate([[True], contexts[1:] != contexts[:-1]]))
        group = np.cumsum(np.concatenate([[0], contexts[1:] != contexts[:-1]]))
        total = np.add.reduceat(one.counts, starts).astype(np.float64)
        once, twice = (int((one.counts == times).sum()) for times in (1, 2))
        discount = min(0.95, max(0.1, once / (once + 2 * twice) if once else 0.1))
        share = np.where(keep, (one.counts - discount) / total[group], 0.0)
        rest = np.maximum(1.0 - np.add.reduceat(share, starts), 1e-9)
        if place:
            known, lower = everything[-1]
            below = lower[np.searchsorted(known, one.ngrams[keep] & _mask(place))]
        everything.append((one.ngrams[keep], share[keep] + rest[group[keep]] * below))
        away.append((contexts[starts], rest))
    unknown = [symbol for symbol in (UNKNOWN, END) if symbol not in everything[0][0]]
    if unknown:  # never seen, yet it may come
        everything[0] = _with(everything[0], unknown, float(away[0][1][0]) / size)
    contexts, rests = (np.concatenate([one[column] for one in away[1:]]) for column in (0, 1))
    contexts, rests = contexts[rests < 1.0], rests[rests < 1.0]
    known, shares = (np.concatenate([one[column] for one in everything]) for column in (0, 1))
    begins = np.setdiff1d(contexts, known)  # the beginnings of lines are no n-grams
    ngrams = np.concatenate([known, begins])
    order = np.argsort(ngrams, kind="stable")
    costs = _as_steps(np.concatenate([shares, np.zeros(len(begins)) + 1e-9]))[order]
    given_away = np.zeros(len(ngrams), dtype="<i2")
    given_away[np.searchsorted(ngrams[order], contexts)] = _as_steps(rests)
    return ngrams[order].astype("<u8"), costs, given_away


def _with(table: tuple[U64, F64], symbols: list[int], share: float) -> tuple[U64, F64]:
    at = np.searchsorted(table[0], symbols)
    return np.insert(table[0], at, np.array(symbols, np.uint64)), np.insert(table[1], at, share)


def _as_steps(probabilities: F64) -> npt.NDArray[np.int16]:
    """Negative logarithms in 1/1024 bits."""
    steps: npt.NDArray[np.int16] = np.clip(np.rint(-np.log2(probabilities) * STEPS), 0, (1 << 15) - 1).astype("<i2")
    return steps
