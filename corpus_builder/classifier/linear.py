"""The linear model over hashed character n-grams: its scores, and its file.

A text is a vector: each n-gram weighs (1 + log count) * idf, and the whole has length 1.  An *output* is one logistic regression over it.
A binary property has one output; a graded one has one per grade above the lowest, the probability of at least that grade, and its
score is the expected grade; a category has one per name, made to sum to 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.classifier.arithmetic import log, sigmoid
from corpus_builder.classifier.features import NGrams, count_one, folded
from corpus_builder.classifier.model import F64, Property
from corpus_builder.errors import InputError
from corpus_builder.japanese.letters import code_points

MAGIC = b"corpus_builder classifier 1\n"
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """`table` (2 ** bits, 1 + outputs) float32: the idf of each n-gram and its weight times idf for each output; `bias` (outputs,)."""

    ngrams: NGrams
    properties: tuple[Property, ...]
    table: F32
    bias: F64
    card: Mapping[str, Any]

    @property
    def measures(self) -> tuple[str, ...]:
        """The built-in measures that it reads."""
        return ()

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model file."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """The scores of many texts, by property."""
        return scores_of(self.properties, self.likelihoods(texts))

    def likelihoods(self, texts: Sequence[str]) -> F64:
        """The probability of each output for each text: (n, outputs) float64."""
        points, starts = code_points(texts)
        longest = int(np.diff(starts).max(initial=0))
        out = np.empty((len(texts), len(self.bias)))
        ngrams = self.ngrams
        _score(points, starts, longest, folded(), ngrams.shortest, ngrams.longest, ngrams.bits, self.table, self.bias, out)
        return out

    def to_bytes(self) -> bytes:
        """The content of the model file: a line that names the format, a line of JSON, the table, row by row, in little-endian float32."""
        head = {
            "ngrams": [self.ngrams.shortest, self.ngrams.longest],
            "bits": self.ngrams.bits,
            "properties": [{"name": one.name, "kind": one.kind, "values": list(one.values)} for one in self.properties],
            "bias": self.bias.tolist(),
            "card": self.card,
        }
        packed = json.dumps(head, ensure_ascii=False, sort_keys=True).encode()
        return MAGIC + packed + b"\n" + self.table.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "The model") -> LinearClassifier:
        """Read a model file.  Raises InputError if it is not one."""
        magic, _, rest = data.partition(b"\n")
        head, _, table = rest.partition(b"\n")
        try:
            if magic + b"\n" != MAGIC:
                raise ValueError("its first line is wrong")
            about = json.loads(head)
            shortest, longest = map(int, about["ngrams"])
            ngrams = NGrams(shortest, longest, int(about["bits"]))
            properties = tuple(Property(one["name"], one["kind"], tuple(one["values"])) for one in about["properties"])
            bias = np.array(about["bias"], dtype=np.float64)
            shape = (1 << ngrams.bits, 1 + sum(map(outputs_of, properties)))
            if len(bias) != shape[1] - 1 or len(table) != 4 * shape[0] * shape[1]:
                raise ValueError(f"it holds {len(table):,} bytes of weights instead of {4 * shape[0] * shape[1]:,}")
            return cls(ngrams, properties, np.frombuffer(table, dtype="<f4").reshape(shape), bias, about["card"])
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where} is not a model from `corpus-builder train-classifier`: {error}.") from error


def outputs_of(one: Property) -> int:
    """How many outputs a property has."""
    return len(one.values) if one.kind == "category" else len(one.values) - 1


def scores_of(properties: Sequence[Property], likelihoods: F64) -> dict[str, npt.NDArray[Any]]:
    """The scores of texts by property, from the probabilities of the outputs: (n, outputs)."""
    scores: dict[str, npt.NDArray[Any]] = {}
    first = 0
    for one in properties:
        part = likelihoods[:, first : first + outputs_of(one)]
        first += outputs_of(one)
        if one.kind == "category":
            best = part.argmax(axis=1)
            total = np.zeros(len(part))
            for column in part.T:
                total = total + column
            scores[one.name] = np.array(one.values, dtype=object)[best]
            scores[f"{one.name}.probability"] = part[np.arange(len(part)), best] / np.maximum(total, 1e-300)
            continue
        grades = [float(value) for value in one.values]
        score = np.full(len(part), grades[0])
        at_least = np.ones(len(part))
        for step, column in enumerate(part.T):
            at_least = np.minimum(at_least, column)
            score = score + (grades[step + 1] - grades[step]) * at_least
        scores[one.name] = score
    return scores


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def damped(count: Any) -> Any:
    """What an n-gram that occurs `count` times weighs: 1 + log(count)."""
    return 1.0 + log(float(count))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _score(
    points: Any, starts: Any, longest: int, fold: Any, low: int, high: int, bits: int, table: Any, bias: Any, out: Any
) -> None:
    counts = np.zeros(1 << bits, dtype=np.int32)
    places = np.empty(max(1, (high - low + 1) * longest), dtype=np.int32)
    weigh = np.empty(256)
    for count in range(1, 256):
        weigh[count] = damped(count)
    sums = np.empty(len(bias))
    for text in range(len(starts) - 1):
        found = count_one(points[starts[text] : starts[text + 1]], fold, low, high, bits, counts, places)
        squares = 0.0
        sums[:] = 0.0
        for at in range(found):
            place = places[at]
            count = counts[place]
            counts[place] = 0
            weight = weigh[count] if count < 256 else damped(count)
            inverse = weight * table[place, 0]
            squares += inverse * inverse
            for output in range(len(bias)):
                sums[output] += weight * table[place, 1 + output]
        norm = 1.0 / np.sqrt(squares) if squares > 0.0 else 0.0
        for output in range(len(bias)):
            out[text, output] = sigmoid(sums[output] * norm + bias[output])
