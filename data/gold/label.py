"""Splits pages into numbered blocks for labelling by hand, and writes the gold texts from the numbers that were kept.

    python data/gold/label.py show NAME [--width 60]     the numbered blocks of a page
    python data/gold/label.py text NAME                  its gold text
    python data/gold/label.py write [--pages DIRECTORY]  gold.jsonl, and pages.tar.xz if a directory of pages is given

NAME is the first column of labels.tsv, which has one line per page.  To label a new page, add its line with
an empty `keep` and its file to the directory, look at `show`, and fill in:

keep      the blocks of the main text: `3-17,19,22.1-4` keeps the blocks 3 to 17 and 19, and of block 22 the first four lines,
          where `<br>` or the line breaks of `<pre>` end a line; `-` keeps nothing
comments  likewise, what readers wrote below an article
drop      XPath of inline clutter that is removed before the blocks are numbered (permalinks, edit links)

A block is the text of an element whose children are inline; a table row of short cells is one block.  `<br>` does not split.
Readings (`<rt>`) are left out.  docs/gold.md defines what belongs to the main text.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

from lxml import html

HERE = Path(__file__).resolve().parent
BLOCK_TAGS = """
    address article aside blockquote body caption center dd details dialog dir div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol option p pre search section summary table tbody td tfoot th
    thead title tr ul
"""
UNREAD_TAGS = "script style noscript template head rt rp rtc textarea select svg iframe object audio video canvas"
BLOCKS, UNREAD = frozenset(BLOCK_TAGS.split()), frozenset(UNREAD_TAGS.split())
CELLS_MAX_CHARS = 300  # a longer row is taken to be page layout


def blocks(page: str, drop: str = "") -> list[tuple[str, str]]:
    """The page's text blocks in document order, as (where, text).

    >>> blocks("<body><p>一<br>二</p><ul><li>三<ruby>四<rt>よん</rt></ruby></ul>")
    [('body>p', '一\\n二'), ('ul>li', '三四')]
    """
    tree = html.document_fromstring(page.encode(), parser=html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True))
    for node in tree.xpath(drop) if drop else []:
        node.drop_tree()
    found: list[tuple[str, str]] = []
    pieces: list[str] = []

    def end(where: str) -> None:
        if text := tidy("".join(pieces)):
            found.append((where, text))
        pieces.clear()

    def walk(node: html.HtmlElement, above: str) -> None:
        if not isinstance(node.tag, str) or node.tag in UNREAD:
            return
        is_block = node.tag in BLOCKS
        where = place(node) if is_block else above
        if node.tag == "tr" and is_row(node):
            end(above)
            cells = [tidy("".join(words(cell))) for cell in node]
            pieces.append("\t".join(cell for cell in cells if cell))
            end(where)
            return
        if is_block:
            end(above)
        if node.tag == "br":
            pieces.append("\v")
        pieces.append(raw(node.text, node))
        for child in node:
            walk(child, where)
            if is_block and isinstance(child.tag, str) and child.tag in BLOCKS:
                end(where)
            pieces.append(raw(child.tail, node))
        if is_block:
            end(where)

    walk(tree, "html")
    end("html")
    return found


def raw(text: str | None, node: html.HtmlElement) -> str:
    """Keep line breaks only where they are significant, in `<pre>`; a vertical tab stands for these."""
    if not text:
        return ""
    in_pre = node.tag == "pre" or any(above.tag == "pre" for above in node.iterancestors())
    return text.replace("\n", "\v") if in_pre else text


def words(node: html.HtmlElement) -> Iterator[str]:
    if not isinstance(node.tag, str) or node.tag in UNREAD:
        return
    yield "\v" if node.tag == "br" else raw(node.text, node)
    for child in node:
        yield from words(child)
        yield raw(child.tail, node)


def is_row(row: html.HtmlElement) -> bool:
    inside = [node.tag for cell in row for node in cell.iterdescendants() if isinstance(node.tag, str)]
    return not BLOCKS & set(inside) and inside.count("br") < 3 and len("".join(words(row))) <= CELLS_MAX_CHARS


def tidy(text: str) -> str:
    lines = [re.sub(r"[ \t\r\n\f\N{NO-BREAK SPACE}]+", " ", line).strip(" ") for line in text.split("\v")]
    return "\n".join(line for line in lines if line.strip())


def place(node: html.HtmlElement) -> str:
    """The location of a block: its tag and its two nearest ancestors, with id or first class."""
    near = [node, *node.iterancestors()][:3]
    names = []
    for one in reversed(near[: 2 if node.tag in ("p", "li", "dd", "dt") else 1]):
        mark = one.get("id") or (one.get("class") or "").split(" ")[0]
        names.append(f"{one.tag}{'.' + mark[:18] if mark else ''}")
    return ">".join(names)


def kept(found: list[tuple[str, str]], keep: str) -> str:
    """The gold text of the blocks that the annotator kept.

    >>> kept([("p", "一"), ("p", "二\\n三\\n四"), ("p", "五")], "0,1.2-3")
    '一\\n三\\n四'
    """
    texts = []
    for part in [] if keep == "-" else keep.split(","):
        number, _, lines = part.partition(".")
        first, last = span(number)
        if last >= len(found):
            raise ValueError(f"Block {last} of {part!r} does not exist: the page has the blocks 0 to {len(found) - 1}.")
        for _, text in found[first : last + 1]:
            start, stop = span(lines) if lines else (1, len(text))
            texts.append("\n".join(text.split("\n")[start - 1 : stop]))
    return "\n".join(texts)


def span(numbers: str) -> tuple[int, int]:
    first, _, last = numbers.partition("-")
    return int(first), int(last or first)


def show(found: list[tuple[str, str]], width: int) -> Iterator[str]:
    before = ""
    for number, (where, text) in enumerate(found):
        flat = text.replace("\n", " / ")
        short = flat if len(flat) <= width + 14 else f"{flat[:width]} …{len(flat) - width}… {flat[-10:]}"
        yield f"{number} [{where}] {short}" if where != before else f"{number} {short}"
        before = where


def labels() -> list[dict[str, str]]:
    with (HERE / "labels.tsv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def packed() -> dict[str, bytes]:
    with tarfile.open(HERE / "pages.tar.xz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def pack(pages: dict[str, bytes]) -> None:
    """Write a reproducible archive: the same pages give the same bytes (with the same liblzma), sorted, without file times, owners and modes."""
    with tarfile.open(HERE / "pages.tar.xz", "w:xz", format=tarfile.USTAR_FORMAT, preset=9) as tar:
        for name, body in sorted(pages.items()):
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))


def blocks_of(row: dict[str, str], body: bytes) -> list[tuple[str, str]]:
    return blocks(body.decode(row["charset"], "replace"), row["drop"])


def gold(row: dict[str, str], body: bytes) -> dict[str, object]:
    found = blocks_of(row, body)
    try:
        text, comments = kept(found, row["keep"]), kept(found, row["comments"] or "-")
    except ValueError as error:
        raise ValueError(f"{row['name']} in labels.tsv: {error}") from error
    facts = {key: row[key] for key in ("name", "kind", "host", "split", "licence", "source", "charset")}
    return {**facts, "written": row["source"] == "written", "text": text, "comments": comments}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["show", "text", "write"])
    parser.add_argument("name", nargs="?")
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--width", type=int, default=60)
    args = parser.parse_args()
    rows = labels()
    pages = {row["name"]: (args.pages / row["name"]).read_bytes() for row in rows} if args.pages else packed()
    if args.what == "write":
        if args.pages:
            pack(pages)
        lines = [json.dumps(gold(row, pages[row["name"]]), ensure_ascii=False) + "\n" for row in rows]
        (HERE / "gold.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")
        return
    row = next((row for row in rows if row["name"] == args.name), None)
    if row is None:
        raise SystemExit(f"labels.tsv has no page {args.name!r}; its first column lists the names.")
    found = blocks_of(row, pages[row["name"]])
    print("\n".join(show(found, args.width)) if args.what == "show" else kept(found, row["keep"]))


if __name__ == "__main__":
    main()
