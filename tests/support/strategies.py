"""Hypothesis strategies: texts that look Japanese, what servers send as pages, and archives that went through something."""

from __future__ import annotations

import gzip
import io
from dataclasses import dataclass

from fastwarc.stream_io import Lz4Writer, ZstdWriter
from hypothesis import strategies as st

LETTERS = "あいうえおのにはをがですますアイウエオンー日本語東京都新聞々〇〻𠮷髙㈱①"
MARKS = "、，。．！？!?・…「」『』（）：〜ー―"
SPACES = " \t\n\r\u00a0\u3000\u2028\x85\x1c\x00"
OTHERS = "abcXYZ0129ｱｲｳｶﾞ한국中国é\u0301😀\ud800\udfff\U0003ffff\U0010ffff"


def japanese_text(max_size: int = 200) -> st.SearchStrategy[str]:
    """Texts of Japanese letters with marks and breaks, repeated pieces, and now and then anything at all."""
    plain = st.text(st.sampled_from(LETTERS + MARKS + "\n"), max_size=max_size)
    odd = st.text(st.one_of(st.sampled_from(LETTERS + MARKS + SPACES + OTHERS), st.characters()), max_size=max_size)
    repeated = st.builds(
        lambda piece, times: piece * times, st.text(st.sampled_from("あい。\n…ー日"), max_size=12), st.integers(0, 20)
    )
    return st.one_of(plain, odd, repeated, st.lists(repeated, max_size=4).map("".join))


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


@dataclass(frozen=True)
class Archive:
    """A file of the given suffix: sound at first, then changed here and there."""

    suffix: str
    content: bytes

    def __repr__(self) -> str:
        return f"Archive({self.suffix!r}, {len(self.content)} bytes, {self.content[:2000]!r})"


@st.composite
def archive_bytes(draw: st.DrawFn) -> Archive:
    """A WARC or ARC in any packing, of pages, other records and nonsense, with up to four harms."""
    arc = draw(st.booleans())
    parts = [draw(_part(arc)) for _ in range(draw(st.integers(1, 6)))]
    packing = draw(st.sampled_from(["", ".gz", ".zst", ".lz4"]))
    if draw(st.integers(0, 4)) == 0:
        parts = [b"".join(parts)]  # all in one member
    content = b"".join(packed(part, packing) for part in parts)
    for _ in range(draw(st.integers(0, 4))):
        content = draw(_harmed(content))
    return Archive((".arc" if arc else ".warc") + packing, content)


def _part(arc: bool) -> st.SearchStrategy[bytes]:
    body = st.one_of(st.binary(max_size=60), st.binary(min_size=1, max_size=9).map(lambda piece: piece * 300))
    content = body.map(lambda octets: b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + octets)
    numbers = st.integers(0, 99)
    if arc:
        page = st.builds(
            lambda n, octets: b"http://a.example/%d 192.0.2.1 20081104142103 text/html %d\n%s\n" % (n, len(octets), octets),
            numbers,
            content,
        )
    else:
        page = st.builds(as_record, numbers, content)
    segment = st.builds(lambda n, record: record.replace(b"\r\n", b"\r\nWARC-Segment-Number: %d\r\n" % (n % 3), 1), numbers, page)
    return st.one_of(page, page, page, segment, st.just(b""), st.just(b"\r\n"), body)


def packed(content: bytes, suffix: str) -> bytes:
    """One member of a compressed file."""
    if suffix == ".gz":
        return gzip.compress(content, 6, mtime=0)
    if not suffix:
        return content
    out = io.BytesIO()
    stream = (ZstdWriter if suffix == ".zst" else Lz4Writer)(out)
    stream.write(content)
    stream.finish()
    return out.getvalue()


@st.composite
def _harmed(draw: st.DrawFn, content: bytes) -> bytes:
    at = draw(st.integers(0, len(content)))
    length = draw(st.sampled_from([0, 1, 2, 9, 60, 500, 5000]))
    other = draw(st.integers(0, len(content)))
    put = draw(st.one_of(st.binary(max_size=9), st.just(content[other : other + length]), st.just(bytes(length))))
    return content[:at] + put + content[at + draw(st.sampled_from([0, length, len(put)])) :]


def recipes() -> st.SearchStrategy[dict[str, object]]:
    """The plain data of recipes: texts with anything in them that a recipe may hold, tables that are empty, numbers at their limits."""
    word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
    number = st.floats(0, 1, allow_subnormal=False)

    def some(optional: dict[str, st.SearchStrategy[object]], **wanted: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.fixed_dictionaries(wanted, optional=optional)

    name = st.sampled_from(["web", "wiki", "books_2"])
    texts = {"text": word, "extra": st.lists(word, max_size=2), "language": st.sampled_from(["ja", "none"]), "title": word}
    source = st.one_of(
        some({"counts": word, "base": word}, kind=st.just("warc"), paths=st.lists(word, min_size=1, max_size=2)),
        some(texts, kind=st.just("jsonl"), paths=st.lists(word, min_size=1, max_size=2)),
    )
    rule = st.one_of(
        some({"sources": st.lists(name, max_size=2)}, measure=st.just("hiragana_fraction"), min=number),
        some({"exact_host": st.booleans()}, hosts=st.lists(word, max_size=2)),
        some({}, filter=word.map(lambda w: f"module:{w}")),
    )
    mixture = st.one_of(some({}, epochs=st.floats(0.001, 4)), some({"strict": st.booleans()}, share=st.floats(0.001, 0.2)))
    tables: dict[str, st.SearchStrategy[object]] = {
        "seed": st.integers(),
        "extract": some(
            {"form": st.sampled_from(["plain", "markdown"]), "min_japanese_score": number, "max_bytes": st.integers(1)}
        ),
        "quality": some(
            {"sources": st.lists(name, max_size=2), "rules": st.lists(rule, max_size=3), "ng_words": st.lists(word, max_size=2)},
            measures=st.dictionaries(st.sampled_from(["mine", "長さ"]), word),
        ),
        "lines": some({"documents": st.integers(2), "share": number, "action": st.sampled_from(["remove", "report"])}),
        "release": some(
            {"edits": st.dictionaries(name, st.lists(word, max_size=2)), "prepend_title": st.lists(name, max_size=2)},
            mixture=st.dictionaries(st.sampled_from(["web", "wiki"]), mixture),
        ),
    }
    names = ("web", "wiki", "books_2")
    sources = st.tuples(source, source, source).map(
        lambda found: [one | {"name": n} for one, n in zip(found, names, strict=True)]
    )
    return some(tables, name=st.just("x"), sources=sources)
