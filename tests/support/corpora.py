"""Small inputs that tests build corpora from, written by warcio and by hand, and what a build holds."""

from __future__ import annotations

import bz2
import io
import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

SENTENCES = [
    "朝の市場には近くの漁港から届いた魚がならび、店の人たちは大きな声で客を呼んでいる。",
    "この町の古い図書館は、明治のころに建てられた洋館をそのまま使っている。",
    "山道をしばらく登ると、谷の向こうに小さな滝が見えてきた。",
    "祖母は毎年秋になると、庭の柿をむいて軒先に干していた。",
    "新しい橋が開通してから、隣の島まで車でわずか十分で行けるようになった。",
    "雨の日には、駅前の喫茶店で本を読みながら電車を待つことにしている。",
    "彼は若いころに船で世界をめぐり、各地の歌を集めて帰ってきたという。",
    "味噌を仕込むときは、大豆をゆっくり煮てからていねいにつぶすのがこつである。",
    "夏の夜、川べりでは蛍が飛びかい、子どもたちが静かにそれを追いかけていた。",
    "研究者たちは十年にわたって湖の水を調べ、魚の数が少しずつ戻っていることを確かめた。",
    "窓から見える公園では、朝早くから多くの人が体操をしている。",
    "その店のうどんは麺が太く、だしの香りがとてもよい。",
    "冬になると雪が深く積もるので、家々の屋根は急な角度に作られている。",
    "手紙には、来月の祭りに合わせて帰ると書いてあった。",
    "職人は一枚の板から舟の形を切り出し、何度も鉋をかけて仕上げていく。",
    "古い地図を広げると、いまは畑になっている場所に大きな池があったことがわかる。",
    "音楽会の最後に、会場の全員で昔から伝わる歌を合唱した。",
    "電車の窓に広がる田園の景色は、季節ごとにまったく違う表情を見せる。",
    "料理の本にはない工夫を、母は自分の手帳にこまかく書きとめていた。",
    "火山の灰が積もった土地では、さつまいもや茶がよく育つ。",
    "子どものころに聞いた昔話を、いまでは孫に語って聞かせている。",
    "博物館の新しい展示では、江戸時代の人々の暮らしを道具から知ることができる。",
    "港の灯台は百年以上も前から、沖を行く船を見守ってきた。",
    "この祭りでは、若者たちが重いみこしをかついで急な石段をかけのぼる。",
    "星を見るなら、街の明かりが届かない高原まで出かけるのがいちばんだ。",
    "毎朝パンを焼く香りが通りに流れ、学校へ向かう子どもたちの足を止める。",
    "工場の跡地には木が植えられ、いまでは鳥の集まる静かな林になった。",
    "旅の途中で出会った老人は、村に伝わる踊りの由来を教えてくれた。",
]


def prose(seed: int, sentences: int = 13) -> str:
    """Paragraphs of Japanese prose, another order for each seed."""
    chosen = random.Random(seed).sample(SENTENCES, min(sentences, len(SENTENCES)))
    numbered = [f"{sentence[:-1]}（{seed}の{place}）。" if place % 4 == 0 else sentence for place, sentence in enumerate(chosen)]
    return "\n".join("".join(numbered[i : i + 4]) for i in range(0, len(numbered), 4))


def html(text: str, title: str = "題", lang: str = "ja") -> str:
    paragraphs = "".join(f"<p>{line}</p>\n" for line in text.split("\n"))
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<nav><a href='/'>トップ</a> <a href='/map'>サイトマップ</a></nav><article><h1>{title}</h1>\n{paragraphs}</article></body></html>"
    )


ENGLISH = f"<html lang=en><title>Fox</title><body>{'<p>The quick brown fox jumps over the lazy dog, then rests.</p>' * 12}"


@dataclass(frozen=True)
class Response:
    url: str
    body: bytes
    date: str = "2024-12-01T00:00:00Z"
    status: str = "200 OK"
    content_type: str = "text/html; charset=utf-8"


def page(number: int, text: str | None = None, date: str = "2024-12-01T00:00:00Z", host: str = "www.example") -> Response:
    body = html(prose(number) if text is None else text, f"{number}番目の話")
    return Response(f"https://{host}/{number}", body.encode(), date)


def write_warc(path: Path, responses: Iterable[Response]) -> Path:
    """A WARC in Common Crawl's form."""
    with path.open("wb") as file:
        writer = WARCWriter(file, gzip=True)
        info = writer.create_warcinfo_record(path.name, {"software": "tests", "isPartOf": "CC-MAIN-2024-51"})
        info.rec_headers.replace_header("WARC-Record-ID", "<urn:uuid:00000000-0000-0000-0000-000000000000>")
        info.rec_headers.replace_header("WARC-Date", "2024-12-01T00:00:00Z")
        writer.write_record(info)
        for number, response in enumerate(responses):
            http = StatusAndHeaders(response.status, [("Content-Type", response.content_type)], protocol="HTTP/1.1")
            writer.write_record(
                writer.create_warc_record(
                    response.url,
                    "response",
                    payload=io.BytesIO(response.body),
                    http_headers=http,
                    warc_headers_dict={
                        "WARC-Date": response.date,
                        "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0001-{number:012}>",
                        "WARC-Identified-Payload-Type": "text/html",
                    },
                )
            )
    return path


def write_wikipedia(path: Path, articles: Iterable[tuple[int, str, str]]) -> Path:
    """A MediaWiki export of (page id, title, wikitext)."""
    pages = "".join(
        f"<page><title>{title}</title><ns>0</ns><id>{number}</id><revision><id>{number}1</id>"
        f"<timestamp>2025-03-01T00:00:00Z</timestamp><model>wikitext</model><format>text/x-wiki</format>"
        f'<text bytes="{len(text)}" xml:space="preserve">{text}</text></revision></page>'
        for number, title, text in articles
    )
    path.write_bytes(
        bz2.compress(
            (
                '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ja"><siteinfo>'
                "<sitename>Wikipedia</sitename><dbname>jawiki</dbname><base>https://ja.wikipedia.org/wiki/メインページ</base>"
                f'<namespaces><namespace key="0" case="first-letter" /></namespaces></siteinfo>{pages}</mediawiki>'
            ).encode()
        )
    )
    return path


RULES = [
    {"duplicates": True},
    {"measure": "num_japanese_letters", "min": 200},
    {"measure": "hiragana_fraction", "min": 0.2},
]


def make_inputs(directory: Path) -> Path:
    directory.mkdir()
    odd = [
        Response("https://www.example/en", ENGLISH.encode()),
        Response("https://www.example/gone", b"<html><body>gone</body></html>", status="404 Not Found"),
        Response("https://www.example/logo", b"\x89PNG\r\n\x1a\n" + bytes(64), content_type="image/png"),
        Response("https://www.example/short", html("とても短いページです。これだけです。ほかには何もありません。").encode()),
    ]
    write_warc(directory / "web-a.warc.gz", [*(page(n) for n in range(6)), *odd])
    newer = page(3, date="2024-12-09T00:00:00Z", host="mirror.example")
    write_warc(directory / "web-b.warc.gz", [newer, *(page(n) for n in range(10, 14))])
    wiki = [(5, "港町", f"'''港町'''（みなとまち）は、港を中心とする町である。\n\n{prose(50)}"), (9, "転送", "#転送 [[港町]]")]
    write_wikipedia(directory / "jawiki.xml.bz2", wiki)
    return directory


def make_recipe(directory: Path, **changes):
    """The recipe of the tests over `inputs`, with some top-level tables changed."""
    from corpus_builder import Recipe

    value = {
        "name": "tiny",
        "sources": [
            {"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]},
            {"name": "wikipedia", "kind": "wikipedia", "paths": ["jawiki.xml.bz2"]},
        ],
        "dedup": {"bands": 14, "rows": 8},
        "quality": {"sources": ["web"], "rules": RULES},
        "release": {"prepend_title": ["wikipedia"], "edits": {"web": ["normalize_punctuation_v1"]}, "part_characters": 4_000},
    }
    return Recipe.of(value | changes, base=directory)


def contents(out: Path) -> dict[str, bytes]:
    """Every file of a build or a deduplication that a reader may open, but for the report."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(out).parts) and path.name != "report.html"
    }


def killed_again_and_again(command: list[object], out: Path, receipts: int, most: int) -> Iterator[None]:
    """Run a command until it comes through: kill -9 as soon as it has written some more receipts, at most so many times.

    Yields after each kill.
    """
    for kills in itertools.count():
        wanted = receipt_count(out) + receipts
        with subprocess.Popen(
            list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        ) as process:
            while process.poll() is None and (kills == most or receipt_count(out) < wanted):
                time.sleep(0.005)
            if process.returncode is not None:
                assert process.returncode == 0, process.stderr.read()
                return
            os.killpg(process.pid, signal.SIGKILL)
        yield


def receipt_count(out: Path) -> int:
    """How many receipts there are, while another process may move directories away."""
    names = (name for folder, _, files in os.walk(out) if folder.endswith("receipts") for name in files)
    return sum(name.endswith(".json") for name in names)
