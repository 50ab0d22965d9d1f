"""Lone surrogates, which JSON, file names and UTF-16 may hold and UTF-8 cannot encode."""

from __future__ import annotations


def surrogates_escaped(text: str) -> str:
    r"""Text that UTF-8 can encode: lone surrogates are escaped as in JSON, so that different texts stay different.

    >>> surrogates_escaped("a\ud800")
    'a\\ud800'
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def surrogates_replaced(text: str) -> str:
    r"""Text that UTF-8 can encode: pairs of surrogates become their character, lone ones U+FFFD.

    >>> surrogates_replaced("\ud83d\ude00a\ud800")
    '😀a\ufffd'
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
