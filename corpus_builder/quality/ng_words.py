"""NG words: counts the letters of a text that are part of listed words, as in Swallow corpus v1."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind

from corpus_builder.errors import InputError
from corpus_builder.messages.surrogates import surrogates_replaced
from corpus_builder.quality.ng_variants import SPECIFICATION, covered, hits


@dataclass(frozen=True)
class NgWords:
    """A list of NG words.

    >>> NgWords(("エロ", "エロい")).matched("エロいエロ本")
    (5, 'エロい')
    """

    words: tuple[str, ...]
    variants: bool = False  # whether the words count in the forms of `quality.ng_variants`, too

    @classmethod
    def read(cls, paths: Sequence[Path], variants: bool = False) -> NgWords:
        """Read word lists with one word per line in UTF-8, skipping empty lines and lines that begin with `# `.

        That is the format of data/words/ and of the files of inappropriate-words-ja.  Raises InputError for a file that is missing,
        not UTF-8, or without any word.
        """
        words: dict[str, None] = {}
        for path in paths:
            try:
                lines = path.read_text(encoding="utf-8-sig").splitlines()
            except OSError as error:
                raise InputError(
                    f"The word list {path} cannot be read ({error.strerror}); data/words/README.md says where to get the lists."
                ) from error
            except UnicodeDecodeError as error:
                raise InputError(f"The word list {path} is not UTF-8 ({error}); convert it.") from error
            found = [word for line in lines if (word := line.strip()) and not line.startswith("# ") and line != "#"]
            if not found:
                raise InputError(f"The word list {path} contains no words.")
            words |= dict.fromkeys(found)
        return cls(tuple(words), variants)

    @property
    def digest(self) -> str:
        """Digest of the words, independent of their order, and of the forms in which they count."""
        parts = [*sorted(self.words), *(["", SPECIFICATION] if self.variants else [])]
        return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def matched(self, text: str) -> tuple[int, str]:
        """Number of code points inside words, and the first word found ("" if none).

        The text is scanned from left to right, taking the longest word at each position, without overlaps.  Linear in the
        text.  Source: Swallow corpus v1.

        With variants, marks within a word count as its letters, and a first word that is written otherwise is told with its entry.

        >>> NgWords(("セックス",), variants=True).matched("セ○クスの話")
        (4, 'セ○クス (セックス)')
        """
        if self.variants:
            found = hits(self.words, text := surrogates_replaced(text))
            written = text[found[0].start : found[0].stop] if found else ""
            return covered(found), written if not found or written == found[0].word else f"{written} ({found[0].word})"
        matches = _automaton(self.words).find_matches_as_indexes(surrogates_replaced(text))
        return sum(stop - start for _, start, stop in matches), self.words[matches[0][0]] if matches else ""


def ng_fraction(letters: int, num_japanese_letters: int) -> float:
    """Letters in NG words / Japanese letters as counted by v1; 0 if there are none.  Can exceed 1, for words in Latin letters."""
    return letters / num_japanese_letters if num_japanese_letters else 0.0


@lru_cache(maxsize=4)
def _automaton(words: tuple[str, ...]) -> AhoCorasick:
    return AhoCorasick(words, matchkind=MatchKind.LeftmostLongest)
