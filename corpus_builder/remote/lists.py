"""Lists of files: a crawl's warc.paths.gz, and the objects of a bucket that match a pattern."""

from __future__ import annotations

import fnmatch
import glob
import re
import zlib
from pathlib import Path

from corpus_builder.errors import InputError
from corpus_builder.messages.terminal import harmless
from corpus_builder.remote.places import is_remote, name_of, shown
from corpus_builder.remote.retries import patiently
from corpus_builder.remote.s3 import keys_below
from corpus_builder.remote.window import read_small

MAX_LIST_BYTES = 1 << 28  # ours: a list of two million files; a crawl's has 100,000


def is_list(place: str) -> bool:
    """Whether a file's name says that it lists other files, one per line.

    >>> is_list("https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-51/warc.paths.gz")
    True
    """
    return name_of(place).endswith((".paths", ".paths.gz"))


def read_list(place: str) -> list[str]:
    """The lines of a list, local or remote, gzipped or not; raises InputError if it cannot be read or is empty."""
    try:
        content = read_small(place) if is_remote(place) else Path(place).read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = _unpacked(content, place)
        lines = [line.strip() for line in content.decode("utf-8").splitlines()]
    except FileNotFoundError as error:
        raise InputError(f"There is no list of files {place}.") from error
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(
            f"The list of files {shown(place)} cannot be read ({harmless(str(error), 200)}); it must be text, plain or gzipped."
        ) from error
    if not (named := [line for line in lines if line and not line.startswith("#")]):
        raise InputError(f"The list of files {shown(place)} names no file.")
    return named


def _unpacked(content: bytes, place: str) -> bytes:
    """The decompressed gzip members, concatenated; bounded, since a small file may expand to fill the memory."""
    unpacked = bytearray()
    while content:
        member = zlib.decompressobj(31)
        unpacked += member.decompress(content, MAX_LIST_BYTES - len(unpacked) + 1)
        if len(unpacked) > MAX_LIST_BYTES:
            raise InputError(f"The list of files {shown(place)} holds more than {MAX_LIST_BYTES:,} bytes; split it.")
        if not member.eof:
            raise EOFError("the file ends inside a gzip member")
        content = member.unused_data
    return bytes(unpacked)


def matching(pattern: str) -> list[str]:
    """The remote files that match a pattern: * ? [...] in an s3:// key match within a directory, ** any number of directories."""
    if pattern[:2].lower() != "s3":
        if "*" in pattern.partition("?")[0]:
            raise InputError(
                f"{shown(pattern)} has a *, but a web server cannot be asked for a list; name each file, or a .paths file."
            )
        return [pattern]
    if not glob.has_magic(pattern):
        return [pattern]
    fixed = pattern[: min(pattern.index(mark) for mark in "*?[" if mark in pattern)]
    below = patiently(fixed, lambda: keys_below(fixed))
    wanted = re.compile("".join(_as_regex(part) for part in re.split(r"(\*\*/|/)", pattern)))
    return [place for place in below if wanted.fullmatch(place)]


def _as_regex(part: str) -> str:
    if part == "**/":
        return "(?:[^/]+/)*"
    inner = fnmatch.translate(part).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    return inner.replace(".*", "[^/]*") if part != "/" else "/"
