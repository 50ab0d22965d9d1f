"""Writes jawiki-sample.xml.bz2 from wikipedia/*.wiki: a small dump in the format of Wikipedia's pages-articles.xml.bz2.

    python data/samples/build_wikipedia_sample.py [--out jawiki-sample.xml.bz2]

wikipedia/pages.tsv lists the pages in the order of the dump; the texts are original articles, dedicated to the public domain
(CC0 1.0), that follow the markup conventions of the Japanese Wikipedia.  The site is invented.  The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
BASE = "https://ja.hyakka.example/wiki/" + quote("メインページ")
NAMESPACES = {
    -2: "メディア", -1: "特別", 0: "", 1: "ノート", 2: "利用者", 3: "利用者‐会話", 4: "Wikipedia", 5: "Wikipedia‐ノート", 6: "ファイル",
    7: "ファイル‐ノート", 8: "MediaWiki", 9: "MediaWiki‐ノート", 10: "Template", 11: "Template‐ノート", 12: "Help", 13: "Help‐ノート",
    14: "Category", 15: "Category‐ノート", 100: "Portal", 101: "Portal‐ノート", 102: "プロジェクト", 103: "プロジェクト‐ノート",
    828: "モジュール", 829: "モジュール‐ノート",
}  # fmt: skip
_REDIRECT = re.compile(r"^#(?:転送|リダイレクト|REDIRECT)\s*:?\s*\[\[([^\]|#]+)", re.IGNORECASE)
_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Page:
    """A line of wikipedia/pages.tsv, with the text of its file."""

    id: int
    ns: int
    title: str
    revision: int
    timestamp: str
    text: str


def read_pages(folder: Path) -> list[Page]:
    """The pages, in the order of the dump."""
    with (folder / "pages.tsv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Page(
            id=int(line["id"]),
            ns=int(line["ns"]),
            title=line["title"],
            revision=int(line["revision"]),
            timestamp=line["timestamp"],
            text=(folder / line["file"]).read_text(encoding="utf-8").rstrip("\n"),
        )
        for line in lines
    ]


def sha1_base36(text: str) -> str:
    """SHA-1 as written by MediaWiki: 31 digits in base 36."""
    number = int.from_bytes(hashlib.sha1(text.encode(), usedforsecurity=False).digest(), "big")
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits.rjust(31, "0")


def siteinfo() -> str:
    spaces = "".join(
        f'      <namespace key="{key}" case="first-letter">{name}</namespace>\n'
        if name
        else f'      <namespace key="{key}" case="first-letter" />\n'
        for key, name in NAMESPACES.items()
    )
    return f"""\
  <siteinfo>
    <sitename>見本百科</sitename>
    <dbname>jawiki</dbname>
    <base>{BASE}</base>
    <generator>MediaWiki 1.44.0-wmf.20</generator>
    <case>first-letter</case>
    <namespaces>
{spaces}    </namespaces>
  </siteinfo>
"""


def page_xml(page: Page) -> str:
    """One <page>, as in the dumps of 2024 and later."""
    found = _REDIRECT.match(page.text)
    redirect = f"    <redirect title={quoteattr(found[1].strip())} />\n" if found else ""
    digest = sha1_base36(page.text)
    text = escape(page.text, {'"': "&quot;"})
    return f"""\
  <page>
    <title>{escape(page.title)}</title>
    <ns>{page.ns}</ns>
    <id>{page.id}</id>
{redirect}    <revision>
      <id>{page.revision}</id>
      <parentid>{page.revision - 1}</parentid>
      <timestamp>{page.timestamp}</timestamp>
      <contributor>
        <username>見本の編集者</username>
        <id>1</id>
      </contributor>
      <comment>加筆</comment>
      <origin>{page.revision}</origin>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{len(page.text.encode())}" sha1="{digest}" xml:space="preserve">{text}</text>
      <sha1>{digest}</sha1>
    </revision>
  </page>
"""


def dump(folder: Path = HERE / "wikipedia") -> bytes:
    """The whole dump, compressed."""
    start = (
        '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:schemaLocation="http://www.mediawiki.org/xml/export-0.11/ http://www.mediawiki.org/xml/export-0.11.xsd" '
        'version="0.11" xml:lang="ja">\n'
    )
    whole = start + siteinfo() + "".join(map(page_xml, read_pages(folder))) + "</mediawiki>\n"
    return bz2.compress(whole.encode(), 9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE / "jawiki-sample.xml.bz2")
    given = parser.parse_args()
    data = dump()
    given.out.write_bytes(data)
    print(f"{given.out}: {len(data):,} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
