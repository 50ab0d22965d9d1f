"""Text that was decoded wrongly once before it was stored: told by its patterns, and restored where that is certain.

A server, an editor or a database took the bytes of UTF-8 for Windows' code page 1252 (or ISO-8859-1) or 932, and encoded what it
saw as UTF-8: は became ã, a control and ¯, or 縺ｯ.  As long as no byte was lost on the way, encoding it back gives UTF-8 again, and it is most
unlikely that other text does.  Each piece of text between two tags is restored by itself, so that a page may be damaged in part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ENOUGH = 8  # ours: fewer signs are a quotation, or an article about mojibake

# The first two bytes of kana in UTF-8, E3 81 to E3 83, as each code page shows them.  縺, 繧 and 繝 are rare in any text.
_SIGNS = {"cp1252": ("ã", re.compile("ã[\x81-\x83\u201a\u0192]")), "cp932": ("縺繧繝", re.compile("[縺繧繝]"))}
# ISO-8859-1 has controls where code page 1252 has marks, and its own gaps; UTF-8 went through either.
_TO_BYTES_1252 = {ord(bytes((octet,)).decode("cp1252", "ignore") or chr(octet)): octet for octet in range(0x80, 0x100)}
_TO_BYTES_1252 |= {octet: octet for octet in range(0x100)}
_PIECES = re.compile(r"[^<>\n]+")
_JAPANESE = re.compile("[\u3041-\u30ff\u3400-\u9fff]")
# What a restored piece does not hold: controls, private use, specials.
STRANGE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufff0-\uffff]")


@dataclass(frozen=True, slots=True)
class Restored:
    """A text after the attempt: `through` is the code page that its bytes were taken for, "" where nothing was restored;
    `lost` is the share of the letters beyond ASCII that look wrongly decoded and could not be restored, 0..1."""

    text: str
    through: str
    lost: float


def restore(text: str) -> Restored:
    r"""Undo a wrong decoding where the text shows one.

    >>> restore("これは日本語です。".encode().decode("latin-1") * 3).text
    'これは日本語です。これは日本語です。これは日本語です。'
    >>> restore("縺ｯ is what は looks like").text
    '縺ｯ is what は looks like'
    """
    for through, (letters, signs) in _SIGNS.items():
        if sum(map(text.count, letters)) >= ENOUGH and len(signs.findall(text)) >= ENOUGH:
            found = _restored(text, through, signs)
            if found.through or found.lost:
                return found
    return Restored(text, "", 0.0)


def _restored(text: str, through: str, signs: re.Pattern[str]) -> Restored:
    """Pieces that go back to UTF-8 are restored, if they hold more Japanese than those that should and do not are long."""
    beyond = lost = japanese = 0

    def piece(match: re.Match[str]) -> str:
        nonlocal beyond, lost, japanese
        old = match[0]
        if old.isascii():
            return old
        letters = sum(letter > "\x7f" for letter in old)
        beyond += letters
        new = _encoded_back(old, through)
        if new is None:
            lost += letters if signs.search(old) else 0
            return old
        japanese += letters if _JAPANESE.search(new) else 0
        return new

    new = _PIECES.sub(piece, text)
    if lost >= japanese:  # more was lost than can be had back, or nothing is wrong: leave it as it came
        return Restored(text, "", min((lost + japanese) / max(beyond, 1), 1.0))
    return Restored(new, through, lost / beyond)


def _encoded_back(piece: str, through: str) -> str | None:
    """The piece before it was decoded wrongly; None where it does not go back to UTF-8, or to what no page says."""
    try:
        octets = bytes(_TO_BYTES_1252[ord(letter)] for letter in piece) if through == "cp1252" else piece.encode("cp932")
        new = octets.decode("utf-8")
    except (KeyError, UnicodeError):
        return None
    return None if STRANGE.search(new) else new
