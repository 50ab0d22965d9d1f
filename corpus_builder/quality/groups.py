"""Groups of measures that a recipe turns on, since they need a model or cost much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from corpus_builder.errors import InputError
from corpus_builder.japanese.language_model import LanguageModel
from corpus_builder.quality.catalogue import OF_LANGUAGE_MODEL, Group
from corpus_builder.store.files import state_of


class MeasureGroup(Protocol):
    """Some measures that are computed together."""

    @property
    def group(self) -> Group:
        """What they are."""

    @property
    def digest(self) -> str:
        """Of everything besides the texts that their values depend on."""

    def measure(self, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """One (n,) column per measure of the group."""


@dataclass(frozen=True)
class Perplexity:
    """The perplexity by the language model in a file; a worker process loads it once, on first use."""

    path: Path
    digest: str
    group: Group = OF_LANGUAGE_MODEL

    @classmethod
    def of(cls, path: Path) -> Perplexity:
        """By the model in a file; raises InputError if that is missing, damaged, or no model."""
        return cls(path, _loaded(path, _state(path)).digest)

    def measure(self, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """The column `perplexity`; raises InputError if the file is no longer that with which the build began."""
        model = _loaded(self.path, _state(self.path))
        if model.digest != self.digest:
            raise InputError(f"The language model {self.path} changed while it was used; run the same command again.")
        return {"perplexity": model.perplexity(texts)}


def _state(path: Path) -> tuple[int, int]:
    return state_of(path) if path.exists() else (0, 0)


@lru_cache(maxsize=2)
def _loaded(path: Path, state: tuple[int, int]) -> LanguageModel:
    return LanguageModel.read(path)
