"""The linear model over hashed character n-grams: its scores, and its file.

An *output* is one logistic regression: the sum of what the n-grams of a text weigh in two views, see `rows`.  A binary property has
one output; a graded one has one per grade above the lowest, the probability of at least that grade, and its score is the expected
grade; a category has one per name, made to sum to 1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.classifier.arithmetic import sigmoid
from corpus_builder.classifier.bins import Bins
from corpus_builder.classifier.features import LONGEST, MOST_BITS, NGrams, Places, count_one, folded, most_ngrams
from corpus_builder.classifier.model import F64, Kind, Property
from corpus_builder.errors import InputError
from corpus_builder.japanese.letters import code_points

MAGIC = b"corpus_builder classifier 1\n"
F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """A trained model.

    `places` (m,) int32, rising, are the n-grams that it knows, and `table` (m, 1 + 2 * outputs) float32 has for each its idf, then its
    weight in the view SHARE times idf for every output, then its weight in the view COUNT for every output; `bias` (outputs,).  `limit` is
    the number of n-grams that a text may count for in the view COUNT, and `bins` are the measures that it reads.
    """

    ngrams: NGrams
    properties: tuple[Property, ...]
    places: I32
    limit: float
    table: F32
    bias: F64
    bins: Bins
    card: Mapping[str, Any]

    @property
    def measures(self) -> tuple[str, ...]:
        """The built-in measures that it reads as further features."""
        return self.bins.names

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model file."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def _numbers(self) -> Places:
        return Places.of(self.places, self.ngrams.bits)

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        """The scores of many texts, by property."""
        return scores_of(self.properties, self.likelihoods(texts, measures))

    def likelihoods(self, texts: Sequence[str], measures: Mapping[str, F64]) -> F64:
        """The probability of each output for each text: (n, outputs) float64."""
        points, starts = code_points(texts)
        longest = int(np.diff(starts).max(initial=0))
        out = self.bins.sums(measures, len(texts)) + self.bias
        ngrams, numbers = self.ngrams, self._numbers
        settings = (folded(), ngrams.shortest, ngrams.longest, ngrams.bits, numbers.known, numbers.index)
        _score(points, starts, *settings, np.empty(most_ngrams(longest, ngrams), dtype=np.int32), self.table, self.limit, out)
        return out

    def to_bytes(self) -> bytes:
        """The content of the model file: a line that names the format, a line of JSON, `places` and `table` in little-endian bytes."""
        head = {
            "ngrams": [self.ngrams.shortest, self.ngrams.longest],
            "bits": self.ngrams.bits,
            "known": len(self.places),
            "limit": self.limit,
            "properties": [{"name": one.name, "kind": one.kind, "values": list(one.values)} for one in self.properties],
            "bias": self.bias.tolist(),
            "bins": self.bins.as_json(),
            "card": self.card,
        }
        packed = json.dumps(head, ensure_ascii=False, sort_keys=True).encode("utf-8", "surrogatepass")
        return MAGIC + packed + b"\n" + self.places.astype("<i4").tobytes() + self.table.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "The model") -> LinearClassifier:
        """Read a model file.  Raises InputError if it is not one."""
        magic, _, rest = data.partition(b"\n")
        head, _, body = rest.partition(b"\n")
        try:
            if magic + b"\n" != MAGIC:
                raise ValueError("its first line is wrong")
            about = json.loads(head)
            shortest, longest = map(int, about["ngrams"])
            ngrams, known = NGrams(shortest, longest, int(about["bits"])), int(about["known"])
            properties = tuple(Property(one["name"], one["kind"], tuple(one["values"])) for one in about["properties"])
            if not (1 <= shortest <= longest <= LONGEST and 1 <= ngrams.bits <= MOST_BITS):
                raise ValueError(f"n-grams of {shortest} to {longest} in 2 ** {ngrams.bits} places cannot be counted")
            for one in properties:
                if (
                    one.kind not in get_args(Kind)
                    or len(one.values) < 2
                    or (one.kind != "category" and not [*map(float, one.values)])
                ):
                    raise ValueError(f"{one.kind} of {len(one.values)} values is no property")
            bias = np.array(about["bias"], dtype=np.float64)
            width = 1 + 2 * sum(map(outputs_of, properties))
            if len(bias) != width // 2 or len(body) != 4 * known * (1 + width):
                raise ValueError(f"it holds {len(body):,} bytes of weights instead of {4 * known * (1 + width):,}")
            places = np.frombuffer(body, dtype="<i4", count=known)
            if known and not (places.min() >= 0 and places.max() < 1 << ngrams.bits):
                raise ValueError("an n-gram is outside its table")
            table = np.frombuffer(body, dtype="<f4", offset=4 * known).reshape(known, width)
            return cls(
                ngrams,
                properties,
                places,
                float(about["limit"]),
                table,
                bias,
                Bins.from_json(about["bins"], len(bias)),
                about["card"],
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
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
def _score(
    points: Any,
    starts: Any,
    fold: Any,
    low: int,
    high: int,
    bits: int,
    known: Any,
    index: Any,
    found: Any,
    table: Any,
    limit: float,
    out: Any,
) -> None:
    """Add to `out` (n, outputs) what the n-grams of each text weigh, and make it probabilities."""
    counts = np.zeros(len(table), dtype=np.int32)
    outputs = out.shape[1]
    shares, sums = np.empty(outputs), np.empty(outputs)
    for text in range(len(starts) - 1):
        new = count_one(points[starts[text] : starts[text + 1]], fold, low, high, bits, known, index, counts, found)
        squares, total = 0.0, 0
        shares[:] = 0.0
        sums[:] = 0.0
        for at in range(new):
            number = found[at]
            count = counts[number]
            counts[number] = 0
            total += count
            squares += table[number, 0] * table[number, 0]
            for output in range(outputs):
                shares[output] += table[number, 1 + output]
            for output in range(outputs):
                sums[output] += count * table[number, 1 + outputs + output]
        norm = 1.0 / np.sqrt(squares) if squares > 0.0 else 0.0
        part = min(1.0, limit / max(total, 1))
        for output in range(outputs):
            out[text, output] = sigmoid(out[text, output] + shares[output] * norm + sums[output] * part)
