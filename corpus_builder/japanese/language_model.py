"""A language model over characters, in one file: how well a text is foretold, letter by letter.

The model looks back up to three characters.  Its probabilities are those of interpolated Kneser-Ney smoothing: the counts of the longest
n-grams are discounted, those of shorter ones are the numbers of letters that come before them, and what a context gives away goes to
the context that is one letter shorter (Kneser and Ney 1995; Chen and Goodman 1999; one discount for each length, n1 / (n1 + 2 n2)).
Long n-grams that occur fewer than `least` times are left out, and what they had is given away, too, so probabilities still add up to 1.

Each line is a sequence of its own, with an end that is foretold as well.  Logarithms are stored as whole numbers of 1/1024 bits, so a
text's perplexity is the same on every machine.  `train_language_model` makes the file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import InputError
from corpus_builder.japanese.letters import code_points

MAGIC = b"cb-characters/1\n"
ORDER = 4
BITS = 16  # of a symbol, so that an n-gram is one 64-bit number; symbols begin at 1, so that n-grams of any length differ
BEGIN, END, UNKNOWN, FIRST = 1, 2, 3, 4
STEPS = 1024  # of a bit
HASH = 0x9E3779B97F4A7C15

U64 = npt.NDArray[np.uint64]
I16 = npt.NDArray[np.int16]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LanguageModel:
    """A trained model: its letters, (v,) uint32, sorted, which are the symbols from 4 on; its n-grams, (m,) uint64, sorted; for each the
    negative logarithm of its probability, and of what it gives away as a context, in 1/1024 bits; and what it was trained on."""

    letters: npt.NDArray[np.uint32]
    ngrams: U64
    costs: I16
    given_away: I16
    trained_on: dict[str, Any]

    @classmethod
    def read(cls, path: str | Path) -> LanguageModel:
        """The model in a file.  Raises InputError if there is none, or it is damaged."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise InputError(
                f"The language model {path} cannot be read: {error.strerror}. `corpus-builder train-language-model` makes one."
            ) from error
        return cls.from_bytes(data, str(path))

    @classmethod
    def from_bytes(cls, data: bytes, where: str) -> LanguageModel:
        """The model in some bytes; raises InputError if they are no model, or damaged."""
        if not data.startswith(MAGIC):
            raise InputError(f"{where} is no language model from `corpus-builder train-language-model`.")
        head, _, rest = data[len(MAGIC) :].partition(b"\n")
        try:
            known = json.loads(head)
            if hashlib.sha256(rest).hexdigest() != known["sha256"]:
                raise ValueError("its content is not that which was written")
            sizes = np.cumsum([4 * known["letters"], 8 * known["ngrams"], 2 * known["ngrams"], 2 * known["ngrams"]]).tolist()
            kinds = (("<u4", 0), ("<u8", sizes[0]), ("<i2", sizes[1]), ("<i2", sizes[2]))
            letters, ngrams, costs, away = (
                np.frombuffer(rest[at:end], kind) for (kind, at), end in zip(kinds, sizes, strict=True)
            )
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"The language model {where} is damaged ({error}); train it again.") from error
        return cls(letters, ngrams, costs, away, known["trained_on"])

    def to_bytes(self) -> bytes:
        """The file: a line that says what it is, a line of JSON, and the four columns."""
        rest = b"".join(column.tobytes() for column in (self.letters, self.ngrams, self.costs, self.given_away))
        head = {"letters": len(self.letters), "ngrams": len(self.ngrams), "trained_on": self.trained_on}
        packed = json.dumps(head | {"sha256": hashlib.sha256(rest).hexdigest()}, ensure_ascii=False, sort_keys=True)
        return MAGIC + packed.encode() + b"\n" + rest

    @cached_property
    def digest(self) -> str:
        """Of the model's bytes."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def _tables(self) -> tuple[npt.NDArray[np.uint16], U64, npt.NDArray[np.int32]]:
        """The symbol of each code point, and a hash table of the n-grams: their keys, and where they stand in the columns."""
        symbols = np.full(0x110000, UNKNOWN, dtype=np.uint16)
        symbols[self.letters] = np.arange(FIRST, FIRST + len(self.letters))
        size = 1 << max(4, (2 * len(self.ngrams)).bit_length())
        keys, places = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.int32)
        _fill(self.ngrams, keys, places)
        return symbols, keys, places

    def costs_of(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """How many 1/1024 bits each text costs, and how many symbols it has, the ends of its lines included.  (n,) int64 each"""
        points, starts = code_points(texts)
        out = np.zeros((2, len(texts)), dtype=np.int64)
        _score(points, starts, *self._tables, self.costs, self.given_away, out)
        return out[0], out[1]

    def perplexity(self, texts: Sequence[str]) -> F64:
        """The perplexity of each text by character: 2 to the mean number of bits, to three decimals; 0 for a text without letters."""
        costs, symbols = self.costs_of(texts)
        pairs = zip(costs.tolist(), symbols.tolist(), strict=True)
        return np.array([round(2.0 ** (cost / (STEPS * many)), 3) if many else 0.0 for cost, many in pairs], dtype=np.float64)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _fill(ngrams: Any, keys: Any, places: Any) -> None:
    for place in range(len(ngrams)):
        slot = _slot(ngrams[place], keys)
        keys[slot] = ngrams[place]
        places[slot] = place


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _slot(ngram: Any, keys: Any) -> Any:
    """Where an n-gram is in the hash table, or would be."""
    mask = np.uint64(len(keys) - 1)
    code = ngram * np.uint64(HASH)
    slot = (code ^ (code >> np.uint64(32))) & mask
    while keys[slot] != 0 and keys[slot] != ngram:
        slot = (slot + np.uint64(1)) & mask
    return slot


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _score(points: Any, starts: Any, symbols: Any, keys: Any, places: Any, costs: Any, given_away: Any, out: Any) -> None:
    """out: (2, n) int64, the costs and the symbols of each text."""
    begin = np.uint64(BEGIN << 2 * BITS | BEGIN << BITS | BEGIN)
    for text in range(len(starts) - 1):
        context = begin
        blank = True
        for place in range(starts[text], starts[text + 1] + 1):
            ends = place == starts[text + 1] or points[place] == 10
            if ends and blank:
                continue
            symbol = END if ends else symbols[points[place]]
            out[0, text] += _cost(context, np.uint64(symbol), keys, places, costs, given_away)
            out[1, text] += 1
            blank = ends
            context = begin if ends else (context << np.uint64(BITS) | np.uint64(symbol)) & np.uint64(0xFFFFFFFFFFFF)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _cost(context: Any, symbol: Any, keys: Any, places: Any, costs: Any, given_away: Any) -> Any:
    """The cost of a symbol after three others."""
    cost = 0
    for length in range(ORDER - 1, -1, -1):
        ngram = context << np.uint64(BITS) | symbol
        slot = _slot(ngram, keys)
        if keys[slot] != 0:
            return cost + costs[places[slot]]
        slot = _slot(context, keys)
        if length > 0 and keys[slot] != 0:
            cost += given_away[places[slot]]
        context &= (np.uint64(1) << np.uint64(BITS * max(0, length - 1))) - np.uint64(1)
    return cost  # not reached: every symbol has a cost of its own
