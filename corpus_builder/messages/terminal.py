r"""Makes untrusted text harmless for display: URLs, titles, names and details come from pages, servers and file names.

A terminal obeys escape sequences, and bidi controls and zero-width characters can disguise a line; such characters
are shown as escapes, `\x1b`.  Japanese, other scripts and emoji are unchanged.
"""

from __future__ import annotations

import json
import logging
import re
from typing import Any

from corpus_builder.messages.redact import without_secrets

FIELD_CHARACTERS = 500  # ours: URLs worth reading are shorter
LINE_CHARACTERS = 4_000  # of a whole line

_EMOJI = "\u00a9\u00ae\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff"
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 (ESC begins sequences), DEL, C1
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"  # soft hyphen, joiners, fillers, Arabic letter mark
    "\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"  # zero width, bidi, line and paragraph separators
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff"  # annotations, noncharacters, lone surrogates
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"  # musical formatting; tags, which can spell hidden text
)
_ODD = re.compile(f"[{_HIDDEN}]|(?<![{_EMOJI}])\u200d|\u200d(?![{_EMOJI}])")  # U+200D joins emoji
_ODD_IN_JSON = re.compile(
    "[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def harmless(text: str, most: int = FIELD_CHARACTERS) -> str:
    r"""One field made safe to show on one line: hidden characters as escapes, and cut off after `most` characters.

    >>> harmless("猫\x1b]0;x\x07\n"), harmless("a\u202egpj.exe"), harmless("👩\u200d🌾"), harmless("あ" * 12_345, most=3)
    ('猫\\x1b]0;x\\x07\\n', 'a\\u202egpj.exe', '👩\u200d🌾', 'あああ… (12,345 characters)')
    """
    cut = f"… ({len(text):,} characters)" if len(text) > most else ""
    return _ODD.sub(_escape, text[:most]).replace("\n", "\\n").replace("\t", "\\t") + cut


def harmless_lines(text: str, most: int = LINE_CHARACTERS) -> str:
    """Our own lines made safe to show: line ends and tabs stay."""
    if text.isascii() and text.replace("\n", "").isprintable() and len(text) <= most:
        return text
    lines = (f"{line[:most]}… ({len(line):,} characters)" if len(line) > most else line for line in text.split("\n"))
    return "\n".join(_ODD.sub(_escape, line) for line in lines)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def as_json(value: Any, indent: int | None = 1, allow_nan: bool = True, ascii_only: bool = False) -> str:
    r"""JSON for programs that is also harmless on a terminal: what a terminal obeys, or UTF-8 cannot encode, is written as \uXXXX.

    >>> as_json("猫\x9b31m\ud800")
    '"猫\\u009b31m\\ud800"'
    """
    packed = json.dumps(value, ensure_ascii=ascii_only, indent=indent, default=str, allow_nan=allow_nan)
    return _ODD_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], packed)


class Formatter(logging.Formatter):
    """Log lines without secrets and without terminal controls, as they contain URLs, and lines of libraries."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return harmless_lines(without_secrets(super().format(record)))
