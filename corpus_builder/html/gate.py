"""A look at a page's bytes that tells whether it can be Japanese at all, before anything is decoded or parsed.

About 95 of 100 crawled pages are not, and this is all that they cost.
"""

from __future__ import annotations

import codecs
import re

import numpy as np
import numpy.typing as npt

from corpus_builder.html.charset import utf16_of

REASON = "gate_not_japanese"
MIN_KANA = 8  # ours: a page with fewer kana anywhere, scripts and comments included, has no Japanese sentence
SAMPLE = 4096

_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(I")
_ENTITY = re.compile(rb"&#(?:12[345]\d\d|0*12[345]\d\d|[xX]0*30[4-9a-fA-F][0-9a-fA-F])(?!\d)")
# Two hiragana or more in a row (of katakana in EUC-JP too): single ones occur by chance in other encodings.
_EUC_JP = re.compile(rb"(?:\xa4[\xa1-\xf3]){2,}|(?:\xa5[\xa1-\xf6]){2,}")
_SHIFT_JIS = re.compile(rb"(?:\x82[\x9f-\xf1]){2,}")


def gate(body: bytes) -> str | None:
    """None where the page may be Japanese, else the reason to drop it.

    Passes a page with at least 8 kana in UTF-8, Shift_JIS, EUC-JP or as numeric entities, and every page in ISO-2022-JP or
    UTF-16.  Never decodes, so a wrong charset in a header cannot mislead it.

    >>> gate("<p>これは日本語のページです".encode("cp932")) is None
    True
    >>> gate(b"<p>An English page")
    'gate_not_japanese'
    """
    octets = np.frombuffer(body, dtype=np.uint8)
    high = octets[octets >= 0x80]
    if len(high) >= MIN_KANA and (_utf8_kana(high[:SAMPLE]) >= MIN_KANA or _utf8_kana(high) >= MIN_KANA):
        return None
    if b"\x1b" in body and _ISO_2022_JP.search(body):
        return None
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or utf16_of(body):
        return None
    if len(high) >= 2 * MIN_KANA and not _is_utf8(high) and _legacy_kana(high):
        return None
    if _entity_kana(octets, body) >= MIN_KANA:
        return None
    return REASON


def _utf8_kana(high: npt.NDArray[np.uint8]) -> int:
    """Lead bytes E3 81 to E3 83: U+3040 to U+30FF."""
    at = np.flatnonzero(high[:-1] == 0xE3)
    second = high[at + 1]
    return int(np.count_nonzero((second >= 0x81) & (second <= 0x83)))


def _is_utf8(high: npt.NDArray[np.uint8]) -> bool:
    """Text in UTF-8 stays in UTF-8 without its ASCII; legacy Japanese fails within a few bytes."""
    try:
        codecs.utf_8_decode(high[:SAMPLE].tobytes(), "strict", False)
    except UnicodeDecodeError:
        return False
    return True


def _legacy_kana(high: npt.NDArray[np.uint8]) -> bool:
    """Half as many kana are enough: single ones between kanji are not counted."""
    octets = high.tobytes()
    for pattern in (_SHIFT_JIS, _EUC_JP):
        found = 0
        for run in pattern.finditer(octets):
            found += (run.end() - run.start()) // 2
            if found >= MIN_KANA // 2:
                return True
    return False


def _entity_kana(octets: npt.NDArray[np.uint8], body: bytes) -> int:
    at = np.flatnonzero(octets[:-1] == 0x26)
    at = at[octets[at + 1] == 0x23]
    return len(_ENTITY.findall(body)) if len(at) >= MIN_KANA else 0
