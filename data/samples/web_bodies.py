"""The bodies of the sample's pages: from Debian packages, from pages/, or generated; re-encoded according to web-sample.tsv."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from build_web_sample import Row

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Package:
    """A Debian package: its version, the folder that paths in web-sample.tsv start from, and its licence as an SPDX expression."""

    version: str
    folder: str
    licence: str


PACKAGES = {
    "apache2-doc": Package("2.4.71-1~deb12u1", "usr/share/doc/apache2-doc/manual", "Apache-2.0"),
    "fontforge-doc": Package("1:20230101~dfsg-1.1~deb12u1", "usr/share/doc/fontforge/old", "BSD-3-Clause"),
    "debian-handbook": Package("11.20220922", "usr/share/doc/debian-handbook/html", "CC-BY-SA-3.0"),
    "debian-faq-ja": Package("11.1", "usr/share/doc/debian/FAQ/ja", "LicenseRef-debian-faq"),
    "debian-reference-ja": Package("2.100", "usr/share/debian-reference", "LicenseRef-debian-reference"),
    "debmake-doc": Package("1.17-7", "usr/share/doc/debmake-doc/html", "MIT"),
}


class PlanError(Exception):
    """A line of web-sample.tsv is invalid."""


def body_of(row: Row, unpacked: Path) -> bytes:
    """The body of a page without transfer encodings.

    Options: `site=NAME` puts the page into sites/NAME.html, `meta=NAME` changes the charset that the page declares
    (`meta=none` removes it), `verbatim` keeps the file's bytes, whatever their encoding, `lang=none` removes the lang attributes,
    `bom` adds a byte order mark, `spoil` makes a share of the bytes undecodable.
    """
    if row.file == "-":
        return b""
    if row.origin == "original" and row.file.startswith("made/"):
        return MADE[row.file.removeprefix("made/")]()
    data = _source(row, unpacked).read_bytes()
    if row.charset == "-" or "verbatim" in row.options:
        return data
    text = data.decode("utf-8").replace("\r\n", "\n")
    before = text
    if name := row.options.get("site"):
        text = _in_site(text, name, row.url)
    if meta := row.options.get("meta"):
        text = _declare(text, meta)
    if row.options.get("lang") == "none":
        text = re.sub(r"""(<html\b[^>]*?)(?:\s+(?:xml:)?lang=["'][^"']*["'])+""", r"\1", text, count=1, flags=re.IGNORECASE)
    if row.origin != "original" and (text != before or row.charset != "utf_8"):
        text = _with_notice(text, row)
    body = text.encode(row.charset, "xmlcharrefreplace")
    if "bom" in row.options:
        body = b"\xef\xbb\xbf" + body
    return _spoiled(body) if "spoil" in row.options else body


def _source(row: Row, unpacked: Path) -> Path:
    if row.origin == "original":
        return HERE / row.file
    if row.origin not in PACKAGES:
        raise PlanError(f"{row.url}: there is no package {row.origin!r} in PACKAGES.")
    return unpacked / row.origin / PACKAGES[row.origin].folder / row.file


def _with_notice(text: str, row: Row) -> str:
    package = PACKAGES[row.origin]
    change = " and framed" if "site" in row.options else ""
    notice = (
        f"<!-- Changed for the sample of corpus_builder: re-encoded{change}. Original: {row.file} "
        f"of {row.origin} {package.version}, {package.licence}. See NOTICE. -->"
    )
    at = text.lower().rfind("</body>")
    return text + notice if at < 0 else text[:at] + notice + text[at:]


_META = re.compile(r"<meta\b[^>]*charset[^>]*>\n?", re.IGNORECASE)
_XML = re.compile(r'^<\?xml[^>]*encoding="[^"]*"[^>]*\?>\n?')


def _declare(text: str, name: str) -> str:
    """The page with another declared charset, or none."""
    if name == "none":
        return _META.sub("", _XML.sub("", text))
    text = _XML.sub(f'<?xml version="1.0" encoding="{name}"?>\n', text)
    declared = f'<meta http-equiv="Content-Type" content="text/html; charset={name}">'
    if _META.search(text):
        return _META.sub(declared + "\n", text, count=1)
    return re.sub(r"(<head[^>]*>)", rf"\1{declared}", text, count=1, flags=re.IGNORECASE)


def _in_site(text: str, name: str, url: str) -> str:
    """The page's content in the frame of another site."""
    frame = (HERE / "sites" / f"{name}.html").read_text(encoding="utf-8")
    title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
    body = re.search(r"<body[^>]*>(.*)</body>", text, re.IGNORECASE | re.DOTALL)
    content = re.sub(r"<script\b.*?</script>", "", body[1] if body else text, flags=re.IGNORECASE | re.DOTALL)
    for mark, value in (("@TITLE@", title[1].strip() if title else ""), ("@URL@", html.escape(url)), ("@CONTENT@", content)):
        frame = frame.replace(mark, value)
    return frame


def _spoiled(body: bytes) -> bytes:
    """The body with every sixteenth non-ASCII byte replaced by one that is invalid there in all Japanese encodings."""
    seen = 0
    spoiled = bytearray(body)
    for at, octet in enumerate(body):
        if octet >= 0x80:
            seen += 1
            if seen % 16 == 0:
                spoiled[at] = 0xFF
    return bytes(spoiled)


def _page(title: str, inner: str) -> bytes:
    return f'<!DOCTYPE html>\n<html lang="ja"><head><meta charset="utf-8"><title>{title}</title></head><body>\n{inner}\n</body></html>\n'.encode()


def _parts_list(rows: int) -> bytes:
    """A long table of parts: a page that a crawler cuts off."""
    lines = [
        f"<tr><td>部品番号 {number:05d}</td><td>六角ボルト 長さ{10 + number % 90}mm</td><td>在庫は{number * 7 % 400}個です。</td></tr>"
        for number in range(rows)
    ]
    return _page("在庫一覧", "<h1>在庫一覧</h1>\n<table>\n" + "\n".join(lines) + "\n</table>")


def _deep() -> bytes:
    depth = 400
    return _page(
        "入れ子のページ",
        "<div>" * depth + "<p>ここはとても深いところです。枠の中に枠があり、そのまた中に枠があります。</p>" + "</div>" * depth,
    )


def _calendar() -> bytes:
    cells = "".join(f"<td><a href='/{year}/{day}'>{day}</a></td>" for year in range(1960, 2025) for day in range(1, 366))
    return _page(
        "六十五年の暦",
        f"<h1>六十五年の暦</h1><p>日にちを選んでください。その日にあったことを調べられます。</p><table><tr>{cells}</tr></table>",
    )


def _halves() -> bytes:
    """A page whose top is Shift_JIS and whose included bottom is UTF-8: neither decodes all of it."""
    top = (
        "<html><head><title>掲示板</title></head><body><h1>みんなの掲示板</h1><p>"
        + "今日は天気がよいので、みんなで公園に行きました。" * 30
    )
    bottom = "</p><p>" + "書き込みはこちらからどうぞ。いつでもお待ちしています。" * 40 + "</p></body></html>"
    return top.encode("cp932") + bottom.encode("utf-8")


MADE: dict[str, Callable[[], bytes]] = {
    "parts": lambda: _parts_list(12_000),
    "parts-huge": lambda: _parts_list(90_000),
    "deep": _deep,
    "calendar": _calendar,
    "halves": _halves,
    "empty": lambda: b"",
    "blank": lambda: b"\n\n  \n",
}
