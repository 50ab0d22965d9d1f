"""How the work on an input grows with the input: inputs made of repeated pieces, at n, 2n and 4n.

A `Case` is `before + repeated * n + after`, for one `Subject` (a reader).  Two measures: the calls of functions, which are
the same on every machine but do not see what happens within one call, and the CPU time of the process, the least of some tries.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from make_zoo import ARC, PAGE, arc_info, arc_page, chunked, deflated, gz, http, page, segment, zstd

from corpus_builder.errors import CorpusError
from corpus_builder.japanese.detectors import DEFAULT, named_detector
from corpus_builder.pages.charset import decode
from corpus_builder.pages.page import PageSettings, read_page
from corpus_builder.sources.http import parse_response
from corpus_builder.sources.jsonl import read_jsonl
from corpus_builder.sources.record import Broken
from corpus_builder.sources.warc import read_warc
from corpus_builder.sources.wikipedia import read_wikipedia
from corpus_builder.sources.wikitext import wikitext_to_text

TIMES = 4
MOST = 2.0
"""Of what is linear the work at 4n is four times that at n, of what is quadratic sixteen times: reported is what is above 4 * MOST."""


@dataclass(frozen=True)
class Subject:
    """A reader, and the pieces that its inputs are made of; `wrap` makes an input of them."""

    name: str
    work: Callable[[bytes], object]
    pieces: tuple[bytes, ...]
    befores: tuple[bytes, ...] = (b"",)
    afters: tuple[bytes, ...] = (b"",)
    wrap: Callable[[bytes], bytes] = bytes


@dataclass(frozen=True)
class Case:
    """A family of inputs."""

    subject: Subject
    repeated: bytes
    before: bytes = b""
    after: bytes = b""

    def content(self, size: int) -> bytes:
        """The input that repeats its pieces up to about `size` bytes."""
        return self.subject.wrap(self.before + self.repeated * max(size // len(self.repeated), 1) + self.after)

    def __str__(self) -> str:
        return f"{self.subject.name}: {self.before[:2000]!r} + {self.repeated!r} * n + {self.after[:2000]!r}"


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, in Python and from Python, generators resumed included."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def cpu_seconds(work: Callable[[], object], tries: int = 3) -> float:
    """The least CPU time of some tries: other processes can only add to it."""
    found = []
    for _ in range(tries):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def growth(case: Case, size: int, measure: Callable[[Callable[[], object]], float]) -> tuple[float, float]:
    """The work on about `size` bytes, and how many times as much it is on TIMES as many pieces."""
    less, more = (measure(partial(case.subject.work, case.content(n))) for n in (size, TIMES * size))
    return less, more / max(less, 1e-4)  # finer than that no clock is


def grows(case: Case, size: int = 4000, largest: int = 1 << 18) -> str | None:
    """A sentence where the CPU time grows faster than the input; the size is doubled until it takes long enough to be measured."""
    while size < largest and cpu_seconds(partial(case.subject.work, case.content(size)), 1) < 0.01:
        size *= 2
    less, times = growth(case, size, partial(cpu_seconds, tries=1))
    if less * times < 0.05 or times <= TIMES * MOST:
        return None
    less, times = growth(case, size, cpu_seconds)  # again, and the least of some: a machine may have hiccups
    return (
        f"{less:.3f} s for {size:,} bytes, {times:.0f} times as much for {TIMES} times as many: {case}"
        if times > TIMES * MOST
        else None
    )


def drained(reader: Callable[[Path], Iterable[object]], suffix: str, content: bytes) -> None:
    """Read a file that holds `content` from end to end."""
    with tempfile.NamedTemporaryFile(suffix=suffix, prefix="growth-") as file:
        file.write(content)
        file.flush()
        with suppress(CorpusError):  # a sentence is an answer, too
            deque(reader(Path(file.name)), maxlen=0)


def response(headers: str, truncated: bool, body: bytes) -> None:
    with suppress(Broken):
        parse_response(http(b"", headers), body, truncated)


def octets(*pieces: str) -> tuple[bytes, ...]:
    return tuple(piece.encode() for piece in pieces)


def each_byte(content: bytes) -> bytes:
    return b"".join(gz(bytes([octet])) for octet in content)


TINY = b"WARC/1.0\r\nWARC-Type:x\r\nContent-Length:0\r\n\r\n\r\n\r\n"
LONG = page(1, length=10**8)
HEADS = (
    b"WARC/1.0\r\n",
    b"WARC-Type: response\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 99999\r\n",
    b"\r\n",
    b"\n",
    b"x",
)
NUMBERS = b"http://a.example/ 192.0.2.1 20081104142103 text/html 5\n"
STORED = b"\x00\x05\x00\xfa\xffWARC/"  # a block of deflate that is not the last
ZSTD_HEAD, LZ4_HEAD = b"\x28\xb5\x2f\xfd\x00\x58", b"\x04\x22\x4d\x18\x60\x70\x73"
PLAIN = (
    *HEADS,
    TINY,
    LONG,
    page(1),
    page(1, length=300),
    segment(1, b"x", "<a>"),
    segment(2, b"x", "<a>"),
    segment(3, b"x", "<a>"),
)
ARCS = (
    *octets("http://a ", "12345678901234 ", "http:", " ", "\n", "x", "\r"),
    NUMBERS,
    *ARC,
    arc_page(1, length=300),
    arc_page(1, length=10**6),
)
MEMBERS = (
    gz(b""),
    gz(b"\r\n"),
    gz(b"W"),
    gz(TINY),
    gz(LONG),
    gz(page(1)),
    gz(TINY * 9),
    gz(page(1)[:60]),
    gz(page(1)[60:]),
    gz(page(1))[:-4],
)
MEMBERS += (
    b"\x1f\x8b\x08",
    b"\x1f\x8b\x08\0\0\0\0\0\0\3",
    b"\x1f\x8b\x08\0\0\0\0\0\0\3" + STORED,
    STORED,
    b"\0",
    b"\xff",
    gz(page(1, length=900)),
)
EMPTY_FRAME = b"\x28\xb5\x2f\xfd\x20\x00\x01\x00\x00"
FRAMES = (EMPTY_FRAME, zstd(TINY), zstd(LONG), zstd(page(1)), zstd(page(1, length=900)), zstd(TINY * 9), zstd(page(1))[:-3])
FRAMES += (ZSTD_HEAD, b"\0\0\0", b"\x28\0\0WARC/", b"\xff", b"\xfc\xff\x0f", b"\x5d\x2a\x4d\x18\0\0\0\0")
BLOCKS = (LZ4_HEAD, b"\5\0\0\x80WARC/", b"\xff\xff\x3f\x80", b"\xf0", b"\xff", b"\0", b"\0\0\0\0", b"\1\0\0\x80x")
BODIES = (
    gz(b""),
    gz(b"a" * 99),
    b"1\r\nx\r\n",
    b"1;",
    b" ",
    b"\r\n",
    b"0",
    b"\x1f\x8b",
    EMPTY_FRAME,
    zstd(b"a" * 99),
    b"<p>",
    deflated(b"a" * 99, 15),
)
BODIES += (chunked(gz(b"")), b"\x00", b"\xff", b"\x0b\x02\x80")
WIKITEXT = octets(
    *(
        "[",
        "]",
        "[[",
        "]]",
        "{",
        "}",
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{|",
        "|}",
        "|",
        "||",
        "|-",
        "!",
        "=",
        "==",
        "'",
        "''",
        "'''",
        "<",
        ">",
        "/>",
        "</",
    ),
    *(
        "<ref",
        "<ref>",
        "</ref>",
        "<ref name=",
        "<nowiki>",
        "<nowiki",
        "</nowiki>",
        "<!--",
        "-->",
        "<div",
        "<div>",
        "</div>",
        "<b",
        "b>",
        "<i x=",
        '"',
    ),
    *(
        "<table>",
        "<math>",
        "</math>",
        "<poem>",
        "<br>",
        "<li>",
        "<gallery>",
        "<pre>",
        "<syntaxhighlight>",
        "__",
        "A",
        "//",
        "http://",
        "https://a",
        "ftp:",
    ),
    *(
        "mailto:",
        "&",
        "&#",
        "&amp;",
        ";",
        ":",
        "*",
        "#",
        "\n",
        "\n\n",
        "----",
        "-{",
        "}-",
        "\x01",
        "\x02",
        " ",
        "\t",
        "\u3000",
        "（",
        "）",
        "、",
        "・",
        "a",
        "港",
    ),
    *("lang-en|", "ruby|", "File:", "Category:", "#REDIRECT [[", "{{aimai", "~~~~", "\\", "\u200b", "\ud7ff"),
)
HEAD = b'<mediawiki xml:lang="ja"><siteinfo><base>https://ja.wikipedia.org/wiki/x</base></siteinfo>\n'
ARTICLE = "<page><title>港</title><ns>0</ns><id>1</id><revision><id>1</id><text>港の話。</text></revision></page>\n"
DUMP = octets(
    *(
        "<page>",
        "</page>",
        "<page",
        "</page",
        "<pag",
        "<title>",
        "</title>",
        "<ns>",
        "x",
        "</ns>",
        "<id>",
        "9",
        "</id>",
        "<revision>",
        "</revision>",
    ),
    *(
        "<text>",
        "</text>",
        "<a/>",
        "<a>",
        "</a>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&",
        "\n",
        "<logitem/>",
        ARTICLE,
        "<",
        ">",
        '<a b="',
        "'",
    ),
)
HTML = octets(
    *(
        "<p>",
        "</p>",
        "<b>",
        "<div>",
        "</div>",
        "<table>",
        "<td>",
        "<a href=x>",
        "</a>",
        "<!--",
        "-->",
        "<",
        ">",
        "</",
        "<p x='",
        '"',
        "&",
        "&#",
        "&amp;",
    ),
    *(
        "<script>",
        "</script>",
        "<style>",
        "<title>",
        "<h1>",
        "<ul>",
        "<li>",
        "<br>",
        "<pre>",
        "<svg>",
        "<select>",
        "<option>",
        "<form>",
        "<ruby>",
        "<rt>",
    ),
    *(
        "<font>",
        "<i>",
        "<u>",
        "<article>",
        "<main>",
        "<nav>",
        "<iframe>",
        "<noscript>",
        "<textarea>",
        "<![CDATA[",
        "]]>",
        "<?",
        "<!",
        "\x00",
        "\n",
        " ",
    ),
    *(
        "a",
        "港",
        "これは日本語の文章です。",
        "、",
        "。",
        "・",
        "|",
        "/",
        "=",
        "１",
        "…",
        "\u3000",
        "<p id=a class=b>",
        "<span style='x'>",
        "<img src=a>",
    ),
)
TEXTS = octets(
    "a",
    "港",
    "の",
    "これは日本語の文章です。",
    "、",
    "\n",
    " ",
    "\u3000",
    "0",
    "\x00",
    "http://",
    "é",
    "中",
    "한",
    "ア",
    "ｱ",
    "…",
    "😀",
)
SHIFTED = (
    b"\x1b$B",
    b"\x1b(B",
    b"\x82\xa0",
    b"\xa4\xa2",
    b"\xff",
    b"\x81",
    b"\x80",
    b"\xfe\xff",
    b"a",
    b"\xe3\x81\x82",
    b"\xe3\x81",
    b"<meta charset=",
    b"\x0e",
    b"\x8f",
)
LINES = octets(
    '{"text": "',
    '"}',
    "\n",
    "[",
    "]",
    "{",
    "}",
    '"',
    "\\",
    "\\u",
    "1",
    "e9",
    "-",
    ".",
    '"text":',
    ",",
    " ",
    "あ",
    "\x00",
    "null",
    '{"a":',
)
SETTINGS = PageSettings(min_japanese_score=0.0)

SUBJECTS = {
    subject.name: subject
    for subject in (
        Subject("warc", partial(drained, read_warc, ".warc"), PLAIN, (b"", page(1), segment(1, b"x" * 30)), (b"", page(2), b"\r\n" * 5000)),
        Subject("warc in a member", partial(drained, read_warc, ".warc.gz"), PLAIN, (b"", page(1)), (b"", page(2)), gz),
        Subject("warc in bytes", partial(drained, read_warc, ".warc.gz"), PLAIN, (b"", page(1)), (b"", page(2)), each_byte),
        Subject("arc", partial(drained, read_warc, ".arc"), ARCS, (arc_info(), arc_info() + b"http://a 1 "), (b"", b"x\n", b"\n" * 5000)),
        Subject("arc in a member", partial(drained, read_warc, ".arc.gz"), ARCS, (arc_info(), arc_info() + b"http://a 1 "), (b"", b"x\n"), gz),
        Subject("members", partial(drained, read_warc, ".warc.gz"), MEMBERS, (b"", gz(page(1)), each_byte(LONG)), (b"", gz(page(2)))),
        Subject("frames", partial(drained, read_warc, ".warc.zst"), FRAMES, (b"", zstd(page(1))), (b"", zstd(page(2)))),
        Subject("blocks", partial(drained, read_warc, ".warc.lz4"), BLOCKS, (LZ4_HEAD,), (b"", bytes(4))),
        *(
            Subject(f"body {name}", partial(response, header, truncated), BODIES)
            for truncated in (False, True)
            for name, header in {
                f"gzip {truncated}": "Content-Encoding: gzip",
                f"deflate {truncated}": "Content-Encoding: deflate",
                f"br {truncated}": "Content-Encoding: br",
                f"zstd {truncated}": "Content-Encoding: zstd",
                f"chunked {truncated}": "Content-Encoding: gzip\r\nTransfer-Encoding: chunked",
            }.items()
        ),
        Subject("wikitext", lambda content: wikitext_to_text(content.decode("utf-8", "replace"), "題"), WIKITEXT, (b"", b"{{", b"[[", b"<div>"), (b"", b"}}", b"]]", b"-->", b"\n")),
        Subject("dump", partial(drained, read_wikipedia, ".xml"), DUMP, (HEAD, HEAD + b"<page>", HEAD + b"<page><revision><text>"), (b"", ARTICLE.encode() + b"</mediawiki>")),
        Subject("html", lambda content: read_page(content, content_type="text/html", status=200, settings=SETTINGS), HTML, (b"", PAGE.encode()), (b"", "です。".encode())),
        Subject("lines", partial(drained, read_jsonl, ".jsonl"), LINES, (b"", b'{"text": "'), (b"", b'"}')),
        Subject("charset", decode, (*SHIFTED, *TEXTS)),
        Subject("detector", lambda content: named_detector(DEFAULT)(content.decode("utf-8", "replace")), TEXTS),
    )
}  # fmt: skip
