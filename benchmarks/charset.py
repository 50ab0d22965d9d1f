"""Charsets and the gate on Japanese pages in every encoding, compared with charset-normalizer and chardet in one run."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from benchmarks.material import japanese_pages, other_pages, real_other_pages
from corpus_builder.document import Drop
from corpus_builder.pages.charset import codec_of, decode
from corpus_builder.pages.gate import gate
from corpus_builder.pages.page import PageSettings, read_page

CODECS = {
    "Shift_JIS (cp932)": "cp932",
    "EUC-JP": "euc_jp",
    "ISO-2022-JP": "iso2022_jp_ext",
    "UTF-8": "utf-8",
    "UTF-16, little-endian": "utf-16-le",
    "UTF-16, big-endian": "utf-16-be",
}
SIZES = (None, 8192, 4096, 1024, 512)
SLOW = 120  # pages per cell for the other tools, which take milliseconds per page
HEAD = """<!-- Written by `make tables`. -->
# How well pages are decoded, and what the gate costs

Japanese pages ({pages}) without their declarations, re-encoded (letters that an encoding lacks become numeric entities) and decoded from
their bytes alone. A piece of 8 kB or less is cut out of the page at a random offset, possibly inside a character (UTF-16: at an even
offset). A result is right if the encoding is, or the text is the same. The other tools are run on 120 of the pages.
"""
GATE = """## The gate

Results of `gate` on the same pages, and on pages in other languages (Debian's manuals, in the usual encodings of such pages; {real} real pages of
other languages). It must not drop pages that the later steps would keep; each foreign page that passes costs a decoding and a parsing.
"""
MOJIBAKE = """## Text that was decoded wrongly before it was stored

The same pages in UTF-8, read as another code page and encoded as UTF-8 again. If that lost bytes, the page cannot be restored, and is marked
(`mojibake` or `undecodable` in the ledger) instead of being taken for text.
"""


@dataclass(frozen=True)
class Cell:
    right: int
    count: int

    def __str__(self) -> str:
        return f"{100 * self.right / self.count:.1f}" if self.count else "-"


def pieces(pages: Sequence[str], codec: str, size: int | None) -> Iterator[bytes]:
    """Pages in an encoding, or one piece of each, which is not ASCII only."""
    rng = random.Random(f"{codec} {size}")
    for page in pages:
        body = page.encode(codec, "xmlcharrefreplace")
        if size is None:
            yield body
        elif len(body) > size:
            for _ in range(20):
                start = rng.randrange(len(body) - size)
                start -= start % 2 * codec.startswith("utf-16")
                piece = body[start : start + size]
                if b"\x1b$" in piece or any(octet >= 0x80 for octet in piece):
                    yield piece
                    break


def same(found: str, codec: str) -> bool:
    families = ({"euc_jp", "euc_jis_2004"},)
    return found == codec or any({found, codec} <= family for family in families)


def ours(body: bytes) -> str | None:
    return decode(body).charset


def others() -> dict[str, Callable[[bytes], str | None]]:
    found: dict[str, Callable[[bytes], str | None]] = {}
    try:
        import charset_normalizer

        found["charset-normalizer"] = lambda body: getattr(charset_normalizer.from_bytes(body).best(), "encoding", None)
    except ImportError:
        pass
    try:
        import chardet

        found["chardet"] = lambda body: chardet.detect(body)["encoding"]
    except ImportError:
        pass
    return found


def right(body: bytes, codec: str, name: str | None) -> bool:
    """Whether decoding by the named encoding gives the text."""
    found = (codec_of(name) or name) if name else "ascii"
    if same(found, codec):
        return True
    try:
        return body.decode(found, "replace") == body.decode(codec, "replace")
    except LookupError:
        return False


def charset_table(pages: Sequence[str]) -> str:
    tools = {"corpus_builder": ours, **others()}
    heads = ["whole" if size is None else f"{size} bytes" for size in SIZES]
    lines = ["| % right | | " + " | ".join(heads) + " | ms per page |", "|---|---|" + "---:|" * (len(SIZES) + 1)]
    few = random.Random(0).sample(pages, min(SLOW, len(pages)))
    for label, codec in CODECS.items():
        for tool, name_of in tools.items():
            cells, seconds = [], 0.0
            for size in SIZES:
                bodies = list(pieces(pages if tool == "corpus_builder" else few, codec, size))
                started = time.perf_counter()
                names = [name_of(body) for body in bodies]
                seconds = time.perf_counter() - started if size is None else seconds
                count = sum(right(body, codec, name) for body, name in zip(bodies, names, strict=True))
                cells.append(str(Cell(count, len(bodies))))
            per_page = 1000 * seconds / len(pages if tool == "corpus_builder" else few)
            lines.append(f"| {label} | {tool} | " + " | ".join(cells) + f" | {per_page:.2f} |")
    return "\n".join(lines)


def gate_table(pages: Sequence[str], unpacked: Path, extra: Path | None, each: int) -> str:
    lines = ["| pages | encoding | pages | pass | % | µs per page | kB per page |", "|---|---|---:|---:|---:|---:|---:|"]
    for label, codec in CODECS.items():
        bodies = [body for body in pieces(pages, codec, None) if would_be_kept(body)]
        lines.append(gate_row("Japanese, kept by the later steps", label, bodies))
    for language, encoded in other_pages(unpacked, each).items():
        for codec in dict.fromkeys(codec for codec, _ in encoded):
            lines.append(gate_row(language, codec, [body for other, body in encoded if other == codec]))
    if real := real_other_pages(extra):
        lines.append(gate_row("real pages in other languages", "as they are", real))
    return "\n".join(lines)


def would_be_kept(body: bytes) -> bool:
    """Whether a page would become a document without the gate, if all visible text were its main text."""
    with patch("corpus_builder.pages.page.gate", lambda body: None):
        return not isinstance(read_page(body, content_type="", status=200, settings=PageSettings()), Drop)


def gate_row(language: str, encoding: str, bodies: Sequence[bytes]) -> str:
    passed = sum(gate(body) is None for body in bodies)
    best = [1e9] * len(bodies)
    for _ in range(5):
        for place, body in enumerate(bodies):
            started = time.perf_counter()
            gate(body)
            best[place] = min(best[place], time.perf_counter() - started)
    size = sum(map(len, bodies)) / len(bodies) / 1000
    share = 100 * passed / len(bodies)
    return f"| {language} | {encoding} | {len(bodies):,} | {passed:,} | {share:.1f} | {1e6 * sum(best) / len(bodies):.0f} | {size:.0f} |"


def mojibake_table(pages: Sequence[str]) -> str:
    ways: dict[str, Callable[[str], str]] = {
        "ISO-8859-1": lambda text: text.encode().decode("latin-1"),
        "code page 1252, controls in its gaps": western,
        "code page 1252, gaps lost": lambda text: text.encode().decode("cp1252", "replace"),
        "code page 932, broken letters lost": lambda text: text.encode().decode("cp932", "replace"),
        "nothing: correct UTF-8": lambda text: text,
    }
    lines = [
        "| read as | pages | restored exactly | restored in part | marked | left unchanged |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, damage in ways.items():
        counts = dict.fromkeys(("whole", "part", "marked", "left"), 0)
        for page in pages:
            damaged = damage(page)
            found = decode(damaged.encode())
            if found.mojibake > 0.01 or found.undecodable > 0.01:
                counts["marked"] += 1
            elif found.text == damaged:
                counts["left"] += 1
            else:
                counts["whole" if found.text == page else "part"] += 1
        lines.append(f"| {name} | {len(pages):,} | " + " | ".join(f"{count:,}" for count in counts.values()) + " |")
    return "\n".join(lines)


def western(text: str) -> str:
    """UTF-8 as browsers read it if it is declared as ISO-8859-1."""
    return "".join(bytes((octet,)).decode("cp1252", "ignore") or chr(octet) for octet in text.encode())


def run(unpacked: Path, extra: Path | None, most: int) -> str:
    """The tables for docs/charset.md, from at most `most` pages of each kind."""
    by_kind = japanese_pages(unpacked, extra, most)
    pages = [page for kind in by_kind.values() for page in kind]
    return "\n".join(
        [
            HEAD.format(pages=", ".join(f"{len(kind)} of {name}" for name, kind in by_kind.items())),
            charset_table(pages) + "\n",
            GATE.format(real=len(real_other_pages(extra))),
            gate_table(pages, unpacked, extra, most * 3) + "\n",
            MOJIBAKE,
            mojibake_table(pages) + "\n",
        ]
    )
