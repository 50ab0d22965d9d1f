"""The gate: a check of a page's bytes for whether it can be Japanese at all, before anything is decoded or parsed.

About 95 of 100 crawled pages cannot, and this check is all that they cost.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

import numpy as np
from numba import njit

from corpus_builder.pages.charset import utf16_of

REASON = "gate_not_japanese"
MIN_KANA = 8  # ours: a page with fewer kana, even counting scripts and comments, has no Japanese sentence
# Ours, chosen on the pages of docs/charset.md: kana are at least 0.2 of the letters of Japanese pages, even of those with the most
# kanji.  Thai bytes read as EUC-JP give at most 0.02, and Big5 up to 0.3, but then at least 0.2 of its letters are broken.
MIN_SHARE_UTF8 = 0.03
MIN_SHARE_LEGACY = 0.05
MAX_BROKEN = 0.18
JAMO = 0.5  # a share of kana below this may be Korean: ㅋㅋ and ㅠㅠ have the codes of EUC-JP kana up to ば
SAMPLE = 8192

_ISO_2022_JP = re.compile(rb"\x1b\$[@B]|\x1b\(I")


def gate(body: bytes) -> str | None:
    """None if the page may be Japanese, else the reason to drop it.

    Passes a page with at least 8 kana in UTF-8, Shift_JIS or EUC-JP, as numeric entities or as mojibake that can be restored,
    unless they are too few among the letters of another language; and every page in ISO-2022-JP or UTF-16.  Never decodes
    the page, so a wrong charset in a header cannot mislead it.

    >>> gate("<p>これは日本語のページです".encode("cp932")) is None
    True
    >>> gate(b"<p>An English page")
    'gate_not_japanese'
    """
    octets = np.frombuffer(body, dtype=np.uint8)
    kana, han, high, entities, mojibake = _survey(octets, np.frombuffer(body, dtype=np.uint64, count=len(body) // 8))
    if kana >= MIN_KANA and kana >= MIN_SHARE_UTF8 * (kana + han):
        return None
    if entities >= MIN_KANA or mojibake >= MIN_KANA:
        return None
    if b"\x1b" in body and _ISO_2022_JP.search(body):
        return None
    if body[:2] in (b"\xff\xfe", b"\xfe\xff") or utf16_of(body):
        return None
    if high >= MIN_KANA and not _is_utf8(body, int((octets >= 0x80).argmax())):
        for found, letters, broken in (_shift_jis_kana(octets), _euc_jp_kana(octets)):
            if found >= MIN_KANA and found >= MIN_SHARE_LEGACY * letters and broken <= MAX_BROKEN * letters:
                return None
    return REASON


def _is_utf8(body: bytes, first: int) -> bool:
    """Whether the bytes from offset `first` on, the first beyond ASCII, are UTF-8: legacy Japanese fails within a few characters."""
    while first < len(body):
        sample = body[first : first + SAMPLE]
        try:
            text, length = codecs.utf_8_decode(sample, "strict", False)
        except UnicodeDecodeError:
            return False
        if length - len(text) >= 2 * MIN_KANA:
            return True
        first += max(length, 1)
    return True


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _survey(octets: Any, words: Any) -> tuple[int, int, int, int, int]:
    """Counts in a page read as UTF-8: kana, Chinese characters, bytes beyond ASCII, kana as entities, and signs of mojibake.

    Eight bytes at a time are skipped if all are ASCII and none is an ampersand, as in most of any page.
    """
    kana = han = high = entities = mojibake = 0
    for word in range(len(words) + 1):
        if word < len(words):
            ampersands = words[word] ^ np.uint64(0x2626262626262626)  # the byte is 0 where there is one
            marks = (ampersands - np.uint64(0x0101010101010101)) & ~ampersands
            if not (words[word] | marks) & np.uint64(0x8080808080808080):
                continue
        for place in range(8 * word, min(8 * word + 8, len(octets))):
            one = octets[place]
            if one == 0x26:
                entities += _is_kana_entity(octets, place)
            elif one >= 0x80:
                high += 1
                if one >= 0xC3:
                    two: Any = octets[place + 1] if place + 1 < len(octets) else np.uint8(0)
                    kana += one == 0xE3 and 0x81 <= two <= 0x83
                    han += 0xE4 <= one <= 0xE9
                    if (one == 0xE7 and two >= 0xB8) or (one == 0xC3 and two == 0xA3):
                        mojibake += _is_mojibake(octets, place)
    return kana, han, high, entities, mojibake


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_mojibake(octets: Any, place: Any) -> Any:
    """A kana whose UTF-8 was read as code page 932 (縺, 繧, 繝) or 1252 (ã and 0x81 to 0x83) and encoded again: see mojibake.py."""
    if place + 3 >= len(octets):
        return False
    two, three, four = octets[place + 1], octets[place + 2], octets[place + 3]
    if octets[place] == 0xE7:
        return (two == 0xB8 and three == 0xBA) or (two == 0xB9 and (three == 0xA7 or three == 0x9D))
    return (three == 0xC2 and 0x81 <= four <= 0x83) or (three == 0xE2 and four == 0x80) or (three == 0xC6 and four == 0x92)


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _is_kana_entity(octets: Any, place: Any) -> Any:
    """A numeric entity of U+3041 to U+30FF, decimal or hexadecimal."""
    if place + 5 >= len(octets) or octets[place + 1] != 0x23:
        return False
    place += 2
    base = 16 if octets[place] | 0x20 == 0x78 else 10
    place += base == 16
    number = 0
    for digit in octets[place : place + 12]:
        if 0x30 <= digit <= 0x39:
            number = number * base + digit - 0x30
        elif base == 16 and 0x61 <= digit | 0x20 <= 0x66:
            number = number * base + (digit | 0x20) - 0x57
        else:
            break
    return 0x3041 <= number <= 0x30FF


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _shift_jis_kana(octets: Any) -> tuple[int, int, int]:
    """Counts of kana, non-ASCII letters and broken letters in a page read as Shift_JIS, from lead byte to lead byte."""
    kana = letters = broken = 0
    place: Any = 0
    while place < len(octets):
        one = octets[place]
        place += 1
        if one < 0x80:
            continue
        letters += 1
        if 0x81 <= one <= 0x9F or 0xE0 <= one <= 0xFC:
            two: Any = octets[place] if place < len(octets) else np.uint8(0)
            whole: Any = 0x40 <= two <= 0xFC and two != 0x7F
            broken += not whole
            place += whole
            kana += (one == 0x82 and 0x9F <= two <= 0xF1) or (one == 0x83 and 0x40 <= two <= 0x96)
        else:
            broken += one == 0x80 or one == 0xA0 or one > 0xFC
    return kana, letters, broken


@njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def _euc_jp_kana(octets: Any) -> tuple[int, int, int]:
    """The same for EUC-JP, in pairs from the start of each run of high bytes.

    Chinese and Korean pairs fall into the kana rows only if read out of step; Big5 pairs often are, as half of Big5's second
    bytes are ASCII, but then many runs end in half a letter.  Few kana, all with codes that are also Korean letters, are
    taken for Korean.
    """
    kana = letters = broken = place = certain = 0
    while place < len(octets):
        one = octets[place]
        place += 1
        if one < 0x80:
            continue
        letters += 1
        if one == 0x8F and place < len(octets) and octets[place] >= 0xA1:
            place += 1
        if (one >= 0xA1 or one == 0x8E or one == 0x8F) and place < len(octets) and octets[place] >= 0xA1:
            two = octets[place]
            place += 1
            kana += (one == 0xA4 and two <= 0xF3) or (one == 0xA5 and two <= 0xF6)
            certain += (one == 0xA4 and 0xD4 < two <= 0xF3) or (one == 0xA5 and two <= 0xF6)
        else:
            broken += 1
    if not certain and kana < JAMO * letters:
        kana = 0
    return kana, letters, broken
