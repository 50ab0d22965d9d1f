"""A classifier whose scores anyone can count: it reads a JSON file, and no weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.classifier.model import F64, Property
from corpus_builder.errors import InputError


@dataclass(frozen=True)
class Counter:
    """Scores by words: yes or no is the share of its characters, a grade their number, a category the most frequent of its values.

    A text in which none of a category's values occurs has no category.  Numbers are multiplied by the measures that it reads.
    """

    digest: str
    properties: tuple[Property, ...]
    words: Mapping[str, str]
    measures: tuple[str, ...] = ()

    def score(self, texts: Sequence[str], measures: Mapping[str, F64]) -> dict[str, npt.NDArray[Any]]:
        found: dict[str, npt.NDArray[Any]] = {}
        for one in self.properties:
            if one.kind == "category":
                counts = [[text.count(value) for value in one.values] for text in texts]
                found[one.name] = np.array([one.values[np.argmax(row)] if any(row) else None for row in counts], dtype=object)
                found[f"{one.name}.probability"] = np.array([max(row) / sum(row) if any(row) else np.nan for row in counts])
                continue
            counted = np.array([sum(map(text.count, self.words[one.name])) for text in texts], dtype=np.float64)
            lengths = np.array([max(len(text), 1) for text in texts])
            found[one.name] = counted if one.kind == "graded" else counted / lengths
            for name in self.measures:
                found[one.name] = found[one.name] * measures[name]
        return found


def write_counter(path: Path, *properties: tuple[str, str, Sequence[str]], measures: Sequence[str] = ()) -> None:
    """A model of (name, kind, the characters that count, or the values of a category)."""
    path.write_text(json.dumps({"properties": properties, "measures": measures}, ensure_ascii=False))


def load_counter(path: Path, label: str = "") -> Counter:
    """As `load_classifier` opens a file; a label counts instead of the characters of the file."""
    try:
        data = path.read_bytes()
        said = json.loads(data)
    except OSError as error:
        raise InputError(f"The classifier {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise InputError(f"{path} is no classifier.") from error
    properties = [
        Property(name, kind, tuple(values) if kind == "category" else ("0", "1")) for name, kind, values in said["properties"]
    ]
    words = {name: label or values for name, kind, values in said["properties"] if kind != "category"}
    return Counter(hashlib.sha256(data + label.encode()).hexdigest(), tuple(properties), words, tuple(said["measures"]))
