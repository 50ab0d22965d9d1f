"""How much of a text is Japanese: most languages are recognized by their letters, Chinese by a linear model over character n-grams.

Letters of other alphabets are not Japanese, and need no model.  What is left is kana and Chinese characters; a text is cut into
windows of them, and the model gives each window's probability of being Japanese.  The model has one weight for each hashed
n-gram of one to three characters; it is trained by `corpus-builder train-detector`, and docs/detector.md names the data.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from corpus_builder.errors import InputError

MODEL = "detector.bin"  # next to this file
MAGIC = b"corpus_builder detector 1\n"

# Classes of a code point.  MARK: East Asian punctuation, which the model reads but which does not count as letters.
NONE, ALPHABET, SYLLABARY, MARK, LETTER = range(5)
# Information per letter, relative to a Japanese letter: ours, from the lengths of the same sentences in English, German, French
# (0.41) and Thai, Vietnamese, Korean (0.5 to 1).
_ALPHABET_WEIGHT = 0.4
_SYLLABARY_WEIGHT = 0.8

# In letters: a window ends at a line end once it has SHORTEST, at a sentence end once it has LONG, and at LONGEST in any case.
SHORTEST, LONG, LONGEST = 10, 24, 64
# How much the rest of a text may decide about an ambiguous window: its odds are multiplied by at most this.
_PRIOR = 4.5


@dataclass(frozen=True, eq=False)
class Detector:
    """A detector model: `weights` (a power of two,) int8 by hash, in units of `scale`; `bias` is the score without any n-gram."""

    weights: npt.NDArray[np.int8]
    scale: float
    bias: float

    def score(self, text: str) -> float:
        """Share of a text's letters that are Japanese, 0..1; see `japanese_score`."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        return float(_score(points, *tables(), self.weights, self.scale, self.bias))

    def to_bytes(self) -> bytes:
        """The content of the model file."""
        head = json.dumps({"size": len(self.weights), "scale": self.scale, "bias": self.bias})
        return MAGIC + head.encode() + b"\n" + self.weights.tobytes()

    @classmethod
    def from_bytes(cls, data: bytes, where: str = "The model") -> Detector:
        """Read a model file.  Raises InputError if it is not one."""
        magic, _, rest = data.partition(b"\n")
        head, _, weights = rest.partition(b"\n")
        try:
            if magic + b"\n" != MAGIC:
                raise ValueError("its first line is wrong")
            about = json.loads(head)
            size, scale, bias = int(about["size"]), float(about["scale"]), float(about["bias"])
            if len(weights) != size or size <= 0x10000 or (size - 0x10000) & (size - 0x10001):
                raise ValueError(f"it holds {len(weights)} weights instead of {size}")
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{where} is not a model from `corpus-builder train-detector`: {error}.") from error
        return cls(np.frombuffer(weights, dtype=np.int8), scale, bias)


def japanese_score(text: str) -> float:
    """Share of a text's letters that are Japanese, 0..1; 0.0 for a text without letters.

    Letters of alphabets weigh 0.4, as each carries less information, those of Korean, Thai and other syllabaries 0.8.  Kana and
    Chinese characters count in proportion to the model's probability that the text around them is Japanese, so a page that is
    half Japanese scores about 0.5.

    >>> round(japanese_score("吾輩は猫である。名前はまだ無い。"), 2)
    1.0
    >>> round(japanese_score("我们在北京学习日语的时候，「の」是常见的字。"), 2)
    0.0
    >>> japanese_score("")
    0.0
    """
    return shipped().score(text)


@cache
def shipped() -> Detector:
    """The model that comes with the package."""
    return Detector.from_bytes(files("corpus_builder.japanese").joinpath(MODEL).read_bytes(), MODEL)


# ---- letters ----------------------------------------------------------------------------------------------------------


@cache
def tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    """The class of every code point of the BMP, and the symbol that the model sees: (65536,) uint8 and uint16.

    Kana, Chinese characters and East Asian marks have symbols of their own, everything else shares one per kind.
    """
    classes = np.zeros(0x10000, dtype=np.uint8)
    symbols = np.full(0x10000, ord("."), dtype=np.uint16)
    for code in range(0x10000):
        category = unicodedata.category(chr(code))
        if category[0] == "L" and code < 0xFB00 and not 0xD800 <= code < 0xE000:
            classes[code] = SYLLABARY if 0x0E01 <= code < 0x1000 or code >= 0xA000 else ALPHABET
            symbols[code] = ord("H") if classes[code] == SYLLABARY else ord("a")
        elif category[0] == "Z" or code in (9, 10, 13):
            symbols[code] = ord(" ")
        elif category == "Nd":
            symbols[code] = ord("0")
    symbols[0x21:0x30] = np.arange(0x21, 0x30)
    symbols[0x3A:0x41] = np.arange(0x3A, 0x41)
    symbols[0xFF21:0xFF3B] = symbols[0xFF41:0xFF5B] = ord("a")
    classes[0xFF21:0xFF3B] = classes[0xFF41:0xFF5B] = ALPHABET
    for first, last in (
        (0x2010, 0x2040),
        (0x3001, 0x3030),
        (0x3030, 0x3040),
        (0x30FB, 0x30FC),
        (0xFF01, 0xFF10),
        (0xFF1A, 0xFF21),
    ):
        classes[first:last] = MARK
        symbols[first:last] = np.arange(first, last)
    for letters in ((0x3005, 0x3008), (0x3041, 0x3097), (0x309D, 0x30A0), (0x30A1, 0x30FB), (0x30FC, 0x3100), (0x31F0, 0x3200),
                    (0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0xFF66, 0xFFA0)):  # fmt: skip
        classes[slice(*letters)] = LETTER
        symbols[slice(*letters)] = np.arange(*letters)
    return classes, symbols


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def is_end(point: Any, letters: Any) -> Any:
    """Whether a window of `letters` letters ends after a code point."""
    if letters < SHORTEST:
        return False
    return letters >= LONGEST or point == 10 or (letters >= LONG and (point == 0x3002 or point == 0xFF01 or point == 0xFF1F))


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def look_up(point: Any, classes: Any, symbols: Any) -> tuple[Any, Any]:
    """Class and symbol of a code point; Chinese characters beyond the BMP share one symbol."""
    if point < 0x10000:
        return classes[point], np.uint64(symbols[point])
    if 0x20000 <= point < 0x32000:
        return np.uint8(LETTER), np.uint64(0x3400)
    return np.uint8(NONE), np.uint64(0x2E)


# ---- the model --------------------------------------------------------------------------------------------------------

SYMBOLS = np.uint64(0x10000)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sigmoid(value: float) -> float:
    """1 / (1 + e^-x) to three digits, via (1 + x/1024)^1024: plain arithmetic, identical on every machine."""
    power = 1.0 + min(abs(value), 30.0) / 1024.0
    for _ in range(10):
        power *= power
    return 1.0 / (1.0 + power) if value < 0 else power / (1.0 + power)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def places(before: Any, last: Any, here: Any, shift: Any) -> tuple[Any, Any, Any]:
    """Table indices of the n-grams that end in a symbol: single symbols have their own, longer n-grams use the upper bits of a
    multiplicative hash."""
    pair = np.uint64(here) | np.uint64(last) << np.uint64(16) | np.uint64(1) << np.uint64(48)
    two = pair * np.uint64(0xD6E8FEB86659FD93)
    three = (pair ^ np.uint64(before) << np.uint64(32) ^ np.uint64(1) << np.uint64(49)) * np.uint64(0xC2B2AE3D27D4EB4F)
    return here, SYMBOLS + (two >> shift), SYMBOLS + (three >> shift)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _score(points: Any, classes: Any, symbols: Any, weights: Any, scale: float, bias: float) -> float:
    """The share of Japanese letters: sum the weights of each window, then judge each window in the light of all."""
    shift = np.uint64(64)
    size = len(weights) - 0x10000
    while size > 1:
        shift -= np.uint64(1)
        size >>= 1
    alphabet = syllabary = windows = total = letters = 0
    sums = np.empty(len(points) // SHORTEST + 2, dtype=np.float64)
    counts = np.empty(len(points) // SHORTEST + 2, dtype=np.int64)
    before = last = np.uint64(0x20)
    summed = np.int64(0)
    for point in points:
        kind, here = look_up(point, classes, symbols)
        if kind >= MARK:
            first, second, third = places(before, last, here, shift)
            summed += np.int64(weights[first]) + np.int64(weights[second]) + np.int64(weights[third])
            letters += kind == LETTER
        elif kind == ALPHABET:
            alphabet += 1
        elif kind == SYLLABARY:
            syllabary += 1
        before, last = last, here
        if is_end(point, letters):
            sums[windows] = summed * scale + bias
            counts[windows] = letters
            windows += 1
            total += letters
            letters = 0
            summed = np.int64(0)
    if letters:
        sums[windows] = summed * scale + bias
        counts[windows] = letters
        windows += 1
        total += letters
    if not windows:
        return 0.0
    others = _ALPHABET_WEIGHT * alphabet + _SYLLABARY_WEIGHT * syllabary
    alone = 0.0
    for window in range(windows):
        alone += counts[window] * sigmoid(sums[window])
    if windows == 1:
        return alone / (total + others)
    prior = min(max((alone + 0.5) / (total - alone + 0.5), 1.0 / _PRIOR), _PRIOR)
    share = 0.0
    for window in range(windows):
        likely = prior * sigmoid(sums[window])
        share += counts[window] * likely / (likely + 1.0 - likely / prior)
    return share / (total + others)
