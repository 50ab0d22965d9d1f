"""The kind of an archive file, detected from its bytes, or from its name if its first bytes are damaged."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

from fastwarc.stream_io import GzipReader, Lz4Reader

from corpus_builder.remote.window import Window
from corpus_builder.sources.frames import GZIP, LZ4, SKIPPABLE, ZSTD, CalmZstdReader
from corpus_builder.sources.record import ARC, MAX_HEADER_BYTES, WARC, Layout
from corpus_builder.sources.stream import Packing

READERS: dict[bytes, Any] = {GZIP: GzipReader, ZSTD: CalmZstdReader, LZ4: Lz4Reader}
MAX_DICTIONARY_BYTES = 32 << 20  # ours: the Internet Archive's have a few hundred kilobytes

_SUFFIXES = {".gz": GZIP, ".zst": ZSTD, ".lz4": LZ4}


def packing_of(data: Window, name: str) -> Packing | None:
    """How a file is compressed; None if it is not.  `name` is in lower case."""
    start, dictionary = _dictionary(data)
    magic = next((magic for magic in READERS if data[start : start + len(magic)] == magic), b"")
    if not magic and not any(
        layout.line.match(data[:MAX_HEADER_BYTES]) for layout in (WARC, ARC)
    ):  # the start of the file is damaged
        magic = next((magic for suffix, magic in _SUFFIXES.items() if name.endswith(suffix)), b"")
    if not magic:
        return None
    reader = partial(CalmZstdReader, dictionary=dictionary) if dictionary and magic == ZSTD else READERS[magic]
    return Packing(magic, reader, layout_of(_head(reader, data, start), name), start)


def layout_of(head: bytes, name: str) -> Layout:
    """WARC or ARC, detected from the first bytes of the content.

    >>> layout_of(b"filedesc://a.arc 0.0.0.0", "a.gz") is ARC
    True
    """
    if head.startswith(b"filedesc:"):
        return ARC
    return ARC if not head.startswith(b"WARC/") and ".arc" in name[-10:] else WARC


def _head(reader: Any, data: Window, start: int) -> bytes:
    try:
        return bytes(reader(io.BytesIO(data[start : start + (1 << 16)])).read(16))
    except OSError:
        return b""


def _dictionary(data: Window) -> tuple[int, bytes]:
    """Offset of the first member, and the dictionary in the skippable frame before it, which may itself be compressed.

    Source: IIPC, "Use of Zstandard compression in WARC", 1.0.
    """
    length = int.from_bytes(data[4:8], "little")
    if data[:4] != SKIPPABLE or not 0 < length <= MAX_DICTIONARY_BYTES:
        return 0, b""
    dictionary = bytes(data[8 : 8 + length])
    try:
        if dictionary.startswith(ZSTD):
            dictionary = CalmZstdReader(io.BytesIO(dictionary)).read(MAX_DICTIONARY_BYTES)
        CalmZstdReader(io.BytesIO(), dictionary=dictionary)
    except OSError:
        return 8 + length, b""  # the dictionary is damaged: every member will be reported as unreadable
    return 8 + length, dictionary
