"""Families of pages of one template: how many are dropped though none is a copy, as families grow, with and without verification.

A page of a template resembles every other page of it (a shop's products, logs of machines, a form with other names), and copies none.
If all rank the same, the first by place survives, so the pages dropped among the first N rows are those dropped in a corpus of N rows:
one run gives the counts for all sizes.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corpus_builder.deduplication import deduplicate
from corpus_builder.engine import Serial
from corpus_builder.hashing.presets import PRESETS
from corpus_builder.hashing.shingles import jaccard
from corpus_builder.hashing.verification import VERIFY

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
SIMILARITIES = (0.2, 0.3, 0.385, 0.5)
NGRAM = 5
SHINGLES, BLOCKS = 400, 4  # of a page, and the number of blocks that its template is in
LETTERS = np.arange(0x4E00, 0x4E00 + 3_000, dtype=np.uint32)


@dataclass(frozen=True)
class Falls:
    """How many of the first N pages of a family were dropped, for each N of `sizes`; `similarity` is the mean of its pairs."""

    family: str
    similarity: float
    preset: str
    verify: float | bool
    sizes: tuple[int, ...]
    dropped: tuple[int, ...]


def family(pages: int, similarity: float, seed: int = 0) -> Iterator[str]:
    """Pages of one template, any two of which have very nearly this Jaccard similarity of 5-grams.

    >>> one, other = family(2, 0.385)
    >>> len(one), round(jaccard(one, other, 5), 3)
    (404, 0.384)
    """
    rng = np.random.default_rng(seed)
    shared = round(2 * SHINGLES * similarity / (1 + similarity))
    blocks = np.array_split(_letters(rng, shared + BLOCKS * (NGRAM - 1)), BLOCKS)
    own = SHINGLES + NGRAM - 1 - sum(map(len, blocks))
    for _ in range(pages):
        pieces = np.array_split(_letters(rng, own), BLOCKS)
        page = np.concatenate([part for pair in zip(blocks, pieces, strict=True) for part in pair])
        yield page.astype("<u4").tobytes().decode("utf-32-le")


def _letters(rng: np.random.Generator, count: int) -> Any:
    return rng.choice(LETTERS, count)


# A shop


_KINDS = (
    "掃除機",
    "炊飯器",
    "加湿器",
    "電気毛布",
    "扇風機",
    "空気清浄機",
    "電気ケトル",
    "食器洗い機",
    "衣類乾燥機",
    "ホットプレート",
)
_COLOURS = ("白", "黒", "銀", "赤", "青", "薄緑", "焦茶", "桃色")
_PLACES = ("日本", "中国", "台湾", "タイ", "ベトナム", "マレーシア")
_POINTS = (
    "静かに動くので、夜でも気にせずお使いになれます。",
    "お手入れは水で流すだけで、部品はすべて取り外せます。",
    "一人暮らしの部屋にもちょうどよい大きさです。",
    "使わないときは自動で電源が切れ、電気代を抑えます。",
    "新しい羽根の形で、これまでの品より風がよく届きます。",
    "持ち手が大きく、片手で楽に運べます。",
    "お子さまのいたずらを防ぐ鍵が付いています。",
    "時刻を予約しておけば、朝にはもう出来上がっています。",
    "表示が大きく、離れた所からでもよく見えます。",
    "予備の部品と、日本語の説明書が付いてきます。",
    "長く使っていただけるよう、部品は十年間ご用意します。",
    "省エネルギーの基準を満たした品です。",
)
_FOOT = (
    "ご注文から三日以内に発送いたします。送料は全国一律で、五千円以上のお買い上げで無料になります。返品は到着から七日以内に"
    "ご連絡ください。お支払いは各種カード、銀行振込、代金引換をご利用いただけます。"
)


def shop(pages: int, seed: int = 0) -> Iterator[str]:
    """Pages of the products of a shop: one template with other names, prices, numbers and descriptions, similarities of about .2 to .5.

    >>> print(next(shop(1)).splitlines()[0])
    型番AC-67013の電気ケトル(焦茶)
    """
    rng = random.Random(seed)
    for _ in range(pages):
        kind, colour, number = (
            rng.choice(_KINDS),
            rng.choice(_COLOURS),
            f"{rng.choice('ABKMRTX')}{rng.choice('ABCDE')}-{rng.randrange(10**5):05}",
        )
        points = "".join(rng.sample(_POINTS, rng.randint(2, 4)))
        own = "".join(
            rng.choice("あいうえおかきくけこさしすせそたちつてとなにのはひまみもやゆよらりるわを")
            for _ in range(rng.randint(30, 90))
        )
        yield (
            f"型番{number}の{kind}({colour})\n価格 {rng.randrange(2_000, 90_000):,}円(税込)\n"
            f"寸法 幅{rng.randrange(10, 90)}×奥行{rng.randrange(10, 90)}×高さ{rng.randrange(10, 90)}センチ、重さ{rng.uniform(0.3, 30):.1f}キロ\n"
            f"消費電力{rng.randrange(20, 1500)}ワット、{rng.choice(_PLACES)}製\n{points}{own}\n{_FOOT}"
        )


# Measure


def run(
    sizes: Sequence[int] = SIZES,
    presets: Sequence[str] = tuple(PRESETS),
    families: Sequence[float | Literal["shop"]] = (*SIMILARITIES, "shop"),
    directory: Path | None = None,
) -> tuple[Falls, ...]:
    """Deduplicate each family, without and with verification, in a temporary directory."""
    sizes = tuple(sorted(sizes))
    found = []
    with tempfile.TemporaryDirectory(prefix="corpus_builder-families-", dir=directory) as scratch:
        for name in families:
            texts = list(shop(sizes[-1]) if name == "shop" else family(sizes[-1], name))
            path = Path(scratch) / f"{name}.parquet"
            pq.write_table(pa.table({"text": texts}), path)
            mean = _mean_similarity(texts)
            for preset in presets:
                for verify in (False, VERIFY):
                    out = Path(scratch) / f"{name}-{preset}-{verify}"
                    done = deduplicate([path], out, Serial(), preset=preset, verify=verify)
                    rows = np.sort(done.dropped_rows().column("row").to_numpy())
                    dropped = tuple(np.searchsorted(rows, sizes).tolist())
                    found.append(Falls(str(name), mean, preset, verify, sizes, dropped))
    return tuple(found)


def _mean_similarity(texts: Sequence[str]) -> float:
    rng = random.Random(0)
    pairs = [rng.sample(texts, 2) for _ in range(200)]
    return sum(jaccard(one, other, NGRAM) for one, other in pairs) / len(pairs)


def as_text(found: Sequence[Falls]) -> str:
    """The counts as a table in Markdown."""
    sizes = found[0].sizes if found else ()
    lines = [
        f"| family | similarity | preset | verified | {' | '.join(f'{size:,}' for size in sizes)} |",
        "|---" * (4 + len(sizes)) + "|",
    ]
    for one in found:
        counts = " | ".join(f"{count:,}" for count in one.dropped)
        lines.append(f"| {one.family} | {one.similarity:.2f} | {one.preset} | {one.verify or 'no'} | {counts} |")
    return "\n".join(lines)
