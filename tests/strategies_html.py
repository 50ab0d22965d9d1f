"""Hypothesis strategies for what servers send as pages, and for WARC files that went through something."""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from hypothesis import strategies as st

TAGS = ["p", "div", "b", "i", "span", "a", "br", "table", "tr", "td", "ul", "li", "h1", "pre", "script", "style", "ruby", "rt"]
TAGS += ["title", "article", "font", "form", "button", "!--", "![CDATA["]
TEXTS = [
    "これは日本語の文章です。",
    "漢字",
    "カタカナ",
    "①㈱髙～",
    "English text.",
    "&#12354;",
    "&amp;",
    "&",
    "<",
    "\n",
    "　",
    "中文",
    "\x00",
    "\x1b$B",
    "",
]
CODECS = ["utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "gb18030"]
HEADS = [
    "",
    "<!DOCTYPE html>",
    "<html lang=ja>",
    "<?xml version='1.0' encoding='Shift_JIS'?>",
    "<meta charset=euc-jp>",
    "<meta charset=nonsense>",
]


def html_text() -> st.SearchStrategy[str]:
    """Tag soup with Japanese in it: tags opened, closed or neither, in any order."""
    start = st.sampled_from(TAGS).map(lambda tag: f"<{tag}>")
    end = st.sampled_from(TAGS).map(lambda tag: f"</{tag}>")
    odd = st.sampled_from(["<p class='x", '<a href="', "<>", "</", "<!doctype", "<p/>", "-->", "]]>"])
    pieces = st.lists(st.one_of(start, end, odd, st.sampled_from(TEXTS), st.text(max_size=8)), max_size=40)
    return st.tuples(st.sampled_from(HEADS), pieces).map(lambda found: found[0] + "".join(found[1]))


def html_bytes() -> st.SearchStrategy[bytes]:
    """Tag soup in some encoding, right or not, with some bytes changed; or any bytes at all."""
    encoded = st.builds(lambda text, codec: text.encode(codec, "ignore"), html_text(), st.sampled_from(CODECS))
    return st.one_of(encoded, st.builds(_with, encoded, st.integers(0, 999), st.binary(max_size=3)), st.binary(max_size=200))


def _with(content: bytes, at: int, octets: bytes) -> bytes:
    at = at % (len(content) + 1)
    return content[:at] + octets + content[at + len(octets) :]


@dataclass(frozen=True)
class Harmed:
    """A WARC file in gzip members; `records` are the contents of all, `untouched` the places of those left whole."""

    content: bytes
    records: tuple[bytes, ...]
    untouched: frozenset[int]

    def __repr__(self) -> str:
        return f"Harmed({len(self.content)} bytes, {len(self.records)} records, untouched={sorted(self.untouched)})"


@st.composite
def warc_bytes(draw: st.DrawFn) -> Harmed:
    """A WARC of a few records of many sizes, with one stretch overwritten, cut out or put in, or its end cut off."""
    sizes = st.one_of(st.integers(0, 40), st.integers(0, 2000), st.sampled_from([70_000]))
    records = []
    for number in range(draw(st.integers(1, 6))):
        size, pattern = draw(sizes), draw(st.binary(min_size=1, max_size=40))
        content = b"HTTP/1.1 200 OK\r\n\r\n%d " % number + (pattern * (size // len(pattern) + 1))[:size]
        records.append(content)
    members = [gzip.compress(as_record(number, content), 6, mtime=0) for number, content in enumerate(records)]
    starts = [sum(map(len, members[:place])) for place in range(len(members) + 1)]
    content = b"".join(members)
    kind = draw(st.sampled_from(["none", "overwrite", "zeros", "cut out", "put in", "cut off"]))
    at = draw(st.integers(0, len(content) - 1))
    length = min(draw(st.sampled_from([1, 2, 9, 60, 500, 5000])), len(content) - at)
    if kind == "none" or (kind == "cut off" and at in starts):  # a file that ends between two members looks whole
        return Harmed(content, tuple(records), frozenset(range(len(records))))
    if kind == "cut out" and at in starts and at + length in starts:
        return Harmed(content, tuple(records), frozenset(range(len(records))))
    first, last = at, at + length
    if kind == "overwrite":
        octets = draw(st.binary(min_size=length, max_size=length)) if length < 99 else b"\xa5" * length
        harmed = content[:at] + octets + content[last:]
    elif kind == "zeros":
        harmed = content[:at] + bytes(length) + content[last:]
    elif kind == "cut out":
        harmed = content[:at] + content[last:]
    elif kind == "put in":
        harmed, last = content[:at] + b"\x1f\x8b\x08junk" + content[at:], at
    else:
        harmed, last = content[:at], len(content)
    touched = {n for n in range(len(records)) if starts[n] < max(last, first + (kind != "put in")) and starts[n + 1] > first}
    if kind == "put in":
        touched = {n for n in range(len(records)) if starts[n] < at < starts[n + 1]}
    return Harmed(harmed, tuple(records), frozenset(range(len(records))) - touched)


def as_record(number: int, content: bytes) -> bytes:
    """A response record as it stands in a file."""
    url = f"https://www.example/{number}"
    fields = f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(content)}\r\n\r\n"
    return fields.encode() + content + b"\r\n\r\n"
