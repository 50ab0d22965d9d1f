"""Every error that corpus_builder raises on purpose.

    CorpusError              a whole sentence: what, where, what was wanted, what to do
    |- RecipeError           the recipe is wrong: unknown key, unknown measure, bad threshold       exit code 2
    |- InputError            an input file is missing, or is not what the recipe says it is         exit code 3
    |- StageError            shards of a stage failed, or a budget is used up; what is done stays    exit code 4
    |- IntegrityError        data on disk differ from their manifest                                exit code 5
    `- MissingExtraError     an optional package is needed; the message names the extra             exit code 6

A command that succeeded but produced nothing (an empty corpus, a source of which nothing is kept) says so on standard
error and ends with exit code 7.

A damaged record or an odd page is never an exception: it is a row in the ledger, with a reason.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

NOTHING = 7
"""Exit code of a command that succeeded but produced nothing."""


class CorpusError(Exception):
    """Base of the errors that corpus_builder raises on purpose; its text is a sentence for the user."""

    exit_code = 1


class RecipeError(CorpusError):
    """The recipe, or another setting given by the user, is wrong."""

    exit_code = 2


class InputError(CorpusError):
    """An input file is missing or unreadable as a whole."""

    exit_code = 3


class FormatError(InputError):
    """An input file exists, but is not of the kind that its source names."""


class StageError(CorpusError):
    """One or more shards of a stage failed; committed shards stay committed."""

    exit_code = 4


class FullDiskError(StageError):
    """The disk is full."""


class IntegrityError(CorpusError):
    """Data on disk differ from what their manifest records."""

    exit_code = 5


class MissingExtraError(CorpusError):
    """An optional package is not installed."""

    exit_code = 6


def words_of(error: BaseException) -> str:
    """An error's class and message; the class alone if the error cannot be converted to a string.

    >>> words_of(ValueError("no such word"))
    'ValueError: no such word'
    >>> words_of(KeyboardInterrupt())
    'KeyboardInterrupt'
    """
    try:
        said = str(error)
    except Exception:  # whatever its `__str__` raises
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The nearest known word as half a sentence; "" where none is near.

    >>> did_you_mean("hiragana_ratio", ["hiragana_fraction", "num_letters"])
    "; did you mean 'hiragana_fraction'?"
    """
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
