"""Mojibake, text that was decoded wrongly before it was stored: detected from its patterns, and restored if that is certain.

A server, an editor or a database took UTF-8 bytes for Windows' code page 1252 (or ISO-8859-1) or 932, and encoded the result
as UTF-8: は became ã, a control character and ¯, or 縺ｯ.  If no byte was lost on the way, encoding it back gives UTF-8 again, which
other text is very unlikely to do.  Each piece of text between two tags is restored separately, since a page may be damaged in part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ENOUGH = 8  # ours: fewer signs may be a quotation, or an article about mojibake

# The first two bytes of kana in UTF-8, E3 81 to E3 83, as each code page shows them.  縺, 繧 and 繝 are rare in any text.
_SIGNS = {"cp1252": ("ã", re.compile("ã[\x81-\x83\u201a\u0192]")), "cp932": ("縺繧繝", re.compile("[縺繧繝]"))}
# ISO-8859-1 has controls where code page 1252 has punctuation or gaps; the UTF-8 may have been read as either.
_TO_BYTES_1252 = {ord(bytes((octet,)).decode("cp1252", "ignore") or chr(octet)): octet for octet in range(0x80, 0x100)}
_TO_BYTES_1252 |= {octet: octet for octet in range(0x100)}
_PIECES = re.compile(r"[^<>\n]+")
_JAPANESE = re.compile("[\u3041-\u30ff\u3400-\u9fff]")
# Characters that no correctly restored piece holds: controls, private use, specials.
STRANGE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufff0-\uffff]")


@dataclass(frozen=True, slots=True)
class Restored:
    """A text after the attempt: `through` is the code page that its bytes were taken for, "" if nothing was restored;
    `lost` is the share of the non-ASCII letters that look wrongly decoded and could not be restored, 0..1."""

    text: str
    through: str
    lost: float


def restore(text: str) -> Restored:
    r"""Undo a wrong decoding if the text shows signs of one.

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
    """Restore the pieces that encode back to UTF-8, if they hold more letters than those that look wrong but do not."""
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
    if lost >= japanese:  # more is lost than can be restored, or nothing is wrong: leave the text as it is
        return Restored(text, "", min((lost + japanese) / max(beyond, 1), 1.0))
    return Restored(new, through, lost / beyond)


def _encoded_back(piece: str, through: str) -> str | None:
    """The piece as it was before the wrong decoding; None if it does not encode back to UTF-8, or only to characters that no page has."""
    try:
        octets = bytes(_TO_BYTES_1252[ord(letter)] for letter in piece) if through == "cp1252" else piece.encode("cp932")
        new = octets.decode("utf-8")
    except (KeyError, UnicodeError):
        return None
    return None if STRANGE.search(new) else new
