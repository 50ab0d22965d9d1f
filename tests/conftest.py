"""Small inputs that tests build corpora from, written by warcio and by hand."""

from __future__ import annotations

import bz2
import faulthandler
import io
import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
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


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("seconds_each", "a test that takes longer fails (a slow one: ten times as long)", default="300")


class TooLong(BaseException):
    """No `Exception`, which code under test may catch, and no failure that Hypothesis would try to make smaller."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """No test runs for ever.  One that hangs outside of Python cannot be failed: the process ends, with its traces."""
    seconds = float(item.config.getini("seconds_each")) * (10 if item.get_closest_marker("slow") else 1)

    def late(*_: object) -> None:
        faulthandler.dump_traceback()
        raise TooLong(f"the test took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    faulthandler.dump_traceback_later(2 * seconds, exit=True)
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: one process for each core that there is to run on, though two of them may be one core's threads."""
    return os.cpu_count() or 1


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory):
    """A finished build of `make_inputs`, to be read and not to be changed."""
    from corpus_builder import Serial, build

    root = tmp_path_factory.mktemp("built")
    return build(make_recipe(make_inputs(root / "inputs")), root / "out", Serial())


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """A directory with two WARCs and a Wikipedia dump; page 3 occurs in both WARCs, the newer one in the second."""
    return make_inputs(tmp_path / "inputs")


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


@pytest.fixture
def cluster():
    """Two nodes of one CPU each, made by Ray's own utility on this machine."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    )
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    yield cluster
    import ray

    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="session")
def s3_port():
    """The port of an S3-compatible store."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch):
    """Waiting is short, so that giving up is, too."""
    monkeypatch.setenv("CORPUS_BUILDER_WAIT_SECONDS", "0.01")
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "2")
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, impatient: None):
    """The settings of S3 tools: none of this machine's own, credentials that a test store takes."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(tmp_path / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "no-credentials"),
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def s3(aws: pytest.MonkeyPatch, s3_port: int):
    """A client of the store, which is the endpoint; buckets of earlier tests stay."""
    import boto3

    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    return boto3.client("s3")
