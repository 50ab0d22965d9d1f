"""Files on servers give the same bytes as files on disk, whatever happens on the way; what cannot be mended is a sentence."""

from __future__ import annotations

import gzip
import inspect
import json
import random
import re
import ssl
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from make_zoo import arc_info, arc_record, http
from support.corpora import make_inputs, make_recipe, page, write_warc
from support.loopback import CuttingProxy, Web, canned, own_certificate, web_server
from support.paths import ZOO

from corpus_builder import Recipe, Serial, build, extracted_lines, plan
from corpus_builder.commands.main import main
from corpus_builder.engine.guard import guarded
from corpus_builder.errors import InputError, MissingExtraError, RecipeError, StageError
from corpus_builder.pages.page import PageSettings
from corpus_builder.recipe.inputs import find_inputs
from corpus_builder.remote import window
from corpus_builder.remote.retries import Patience, Stat, Traffic, read_range
from corpus_builder.remote.window import RangeFile, RemoteBytes, RemoteFile, read_small, remote_stat, store_for
from corpus_builder.sources import members, whole
from corpus_builder.sources.extract_stats import DroppedPages, ExtractStats
from corpus_builder.sources.jsonl import read_jsonl
from corpus_builder.sources.record import ARC
from corpus_builder.sources.warc import Damage, Page, read_warc
from corpus_builder.sources.wikipedia import read_wikipedia

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture
def web(tmp_path: Path):
    (tmp_path / "www").mkdir()
    with web_server(tmp_path / "www") as server:
        yield server


def put(web: Web, name: str, content: bytes) -> str:
    (web.root / name).write_bytes(content)
    return f"{web.url}/{name}"


def tables(out: Path) -> dict[tuple[str, str], bytes]:
    """Every Parquet file of a build by table and shard: all that is made of pages."""
    return {
        (str(path.parent.relative_to(out)), path.name.rsplit(".", 2)[0]): path.read_bytes()
        for path in sorted(out.rglob("*.parquet"))
    }


def remote_recipe(directory: Path, base: str) -> Recipe:
    paths = [f"{base}/{path.name}" for path in sorted(directory.iterdir())]
    return make_recipe(
        directory,
        sources=[
            {"name": "web", "kind": "warc", "paths": [path for path in paths if "web-" in path]},
            {"name": "wikipedia", "kind": "wikipedia", "paths": [path for path in paths if "jawiki" in path]},
        ],
    )


# The same bytes


@pytest.mark.parametrize("block_bytes", [8 << 20, 300])
def test_every_file_of_the_zoo_reads_as_from_disk(block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK_BYTES", block_bytes)
    names = sorted(path.name for path in ZOO.iterdir() if path.suffix in (".warc", ".arc", ".gz", ".zst", ".lz4"))
    with web_server(ZOO) as web:
        for name in names:
            assert list(read_warc(f"{web.url}/{name}")) == list(read_warc(ZOO / name)), name


def test_a_window_is_the_bytes_of_the_file_in_bounded_memory(web: Web) -> None:
    content = random.Random(1).randbytes(50_000)
    with_blocks = RemoteBytes(put(web, "file", content), block_bytes=1_000)
    assert len(with_blocks) == len(content)
    for start, end in [(0, 10), (995, 1005), (900, 4_100), (49_990, 60_000), (-10, None), (7, 7), (None, None)]:
        assert with_blocks[start:end] == content[start:end]
    for part in (content[999:1003], content[49_996:], content[:4], b"\x1f\x8b\x08\x00nowhere"):
        for start, end in [(0, 50_000), (500, 50_000), (1_000, 20_000), (999, 1_003), (999, 1_002)]:
            assert with_blocks.find(part, start, end) == content.find(part, start, end)
    file = RemoteFile(with_blocks)
    pieces = []
    while piece := file.read(777):
        pieces.append(piece)
        assert len(with_blocks._held) <= window.BLOCKS
    assert b"".join(pieces) == content
    with_blocks.close()


def test_reading_in_order_asks_for_each_block_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK_BYTES", 70_000)
    where = put(web, "a.warc.gz", b"")
    write_warc(web.root / "a.warc.gz", (page(n) for n in range(200)))
    assert len([item for item in read_warc(where) if isinstance(item, Page)]) == 200
    asked = [request.start for request in web.seen[1:]]
    assert sorted(asked) == sorted(set(asked))
    assert web.bytes_sent == (web.root / "a.warc.gz").stat().st_size + 1  # and the byte that tells the version


def test_a_sound_file_takes_the_shorter_way_and_its_blocks_come_ahead(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK_BYTES", 70_000)
    monkeypatch.setattr(whole, "WINDOW", 20_000)
    monkeypatch.setattr(members, "_Run", None)  # the longer way
    write_warc(web.root / "a.warc.gz", (page(n) for n in range(200)))
    pages = read_warc(f"{web.url}/a.warc.gz")
    while not isinstance(next(pages), Page):
        pass
    until = time.monotonic() + 5
    while len(web.seen) < 3 and time.monotonic() < until:
        time.sleep(0.01)
    assert sorted(request.start for request in web.seen[1:]) == [0, 70_000]
    assert sum(isinstance(item, Page) for item in pages) == 199
    asked = [request.start for request in web.seen[1:]]
    assert sorted(asked) == list(range(0, (web.root / "a.warc.gz").stat().st_size, 70_000))


def test_a_header_of_arc_is_found_whatever_the_length_of_its_address(web: Web) -> None:
    lead = arc_info() + b"x" * 1_000
    header = arc_record(http(b"text"), "http://www.example/" + "a" * 65_500)
    content = lead[:995] + b"\n" + header + arc_record(http(b"text"), "http://www.example/")
    with_blocks = RemoteBytes(put(web, "a.arc", content), block_bytes=1_000)
    found = window.search(ARC.next_line(), with_blocks, 500)
    with_blocks.close()
    assert found == (995, 996 + header.index(b"\n") + 1)


def test_damage_in_the_middle_is_looked_around_as_on_disk(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "BLOCK_BYTES", 20_000)
    local = write_warc(web.root / "a.warc.gz", (page(n) for n in range(100)))
    content = bytearray(local.read_bytes())
    for at in (9_000, 9_001, 30_000, 30_100):
        content[at] ^= 0xFF
    local.write_bytes(content)
    items = list(read_warc(local))
    assert sum(isinstance(item, Damage) for item in items) >= 2
    web.faults.every = ("reset", 9_000)
    assert list(read_warc(f"{web.url}/a.warc.gz")) == items


def test_dumps_and_lines_read_as_from_disk(web: Web) -> None:
    make_inputs(web.root / "inputs")
    dump = web.root / "inputs" / "jawiki.xml.bz2"
    assert list(read_wikipedia(f"{web.url}/inputs/jawiki.xml.bz2")) == list(read_wikipedia(dump))
    lines = "".join(json.dumps({"text": f"{n}番目の文です。"}, ensure_ascii=False) + "\n" for n in range(99)).encode()
    for name, content in {
        "a.jsonl": lines,
        "b.jsonl.gz": gzip.compress(lines, mtime=0),
        "c.jsonl.gz": gzip.compress(lines, mtime=0)[:-30],
    }.items():
        where = put(web, name, content)
        assert list(read_jsonl(where)) == list(read_jsonl(web.root / name))


@pytest.mark.parametrize("name", ["web-a.warc.gz", "jawiki.xml.bz2", "lines.jsonl.gz", "lines.jsonl"])
def test_a_server_that_gives_up_is_an_error_and_no_damage_of_the_file(
    web: Web, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(window, "BLOCK_BYTES", 700)
    make_inputs(web.root / "inputs")
    lines = "".join(json.dumps({"text": random.Random(n).randbytes(99).hex()}) + "\n" for n in range(999)).encode()
    put(web, "inputs/lines.jsonl", lines)
    put(web, "inputs/lines.jsonl.gz", gzip.compress(lines, mtime=0))
    read = {"gz": read_warc, "bz2": read_wikipedia, "jsonl": read_jsonl}[name.rpartition(".")[2]]
    read = read_jsonl if "jsonl" in name else read
    web.faults.planned = [None, None]
    web.faults.every = 404
    with pytest.raises(InputError, match="has no such file"):
        list(read(f"{web.url}/inputs/{name}"))


# Interruptions


def test_a_forked_child_opens_connections_of_its_own(web: Web) -> None:
    where = put(web, "file", bytes(100_000))
    stat = remote_stat(where)
    assert read_small(where) == bytes(100_000)
    ours = set(web.peers)

    def work(_: int) -> bytes:
        return RangeFile(where, stat).read()

    found = guarded(lambda: iter(range(3)), work, lambda _, crash: str(crash).encode())
    assert list(found) == [bytes(100_000)] * 3
    theirs = set(web.peers) - ours
    assert read_small(where) == bytes(100_000)
    assert len(ours) == len(set(web.peers) - theirs) == 2  # the first was given up, as its answer was not read to the end
    assert theirs


@pytest.mark.parametrize("kind", ["reset", "short"])
def test_a_cut_connection_is_resumed_behind_the_last_byte(web: Web, kind: str) -> None:
    content = random.Random(2).randbytes(100_000)
    where = put(web, "file", content)
    stat, traffic = remote_stat(where), Traffic()
    web.seen.clear()
    web.faults.planned = [(kind, 30_000), 503, (kind, 25_000), 429]
    assert b"".join(read_range(store_for(where), where, stat, 10_000, 90_000, traffic)) == content[10_000:90_000]
    sent = [(request.status, request.start, request.end, request.sent) for request in web.seen]
    assert sent == [
        (206, 10_000, 90_000, 30_000),
        (503, None, None, 0),
        (206, 40_000, 90_000, 25_000),
        (429, None, None, 0),
        (206, 65_000, 90_000, 25_000),
    ]
    assert (traffic.requests, traffic.retries, traffic.bytes) == (5, 4, 80_000)
    assert {request.condition for request in web.seen} == {stat.tag}


def test_progress_starts_the_count_of_tries_anew_and_standstill_ends_it(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "3")
    where = put(web, "file", bytes(range(256)) * 40)
    stat, traffic = remote_stat(where), Traffic()
    web.faults.every = ("reset", 1_000)
    assert len(b"".join(read_range(store_for(where), where, stat, 0, stat.size, traffic))) == stat.size
    assert traffic.retries == 10
    web.faults.every = 503
    with pytest.raises(
        InputError, match=r"cannot be read: the server answered 503, 3 times in a row\. Check the network"
    ) as caught:
        b"".join(read_range(store_for(where), where, stat, 0, stat.size, Traffic()))
    assert "CORPUS_BUILDER_TRIES" in str(caught.value)


def test_a_slow_server_is_waited_for_and_a_silent_one_is_not(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.4")
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    where = put(web, "file", bytes(10_000))
    stat = remote_stat(where)
    web.faults.planned = [("slow", 0.2)]
    assert RangeFile(where, stat).read() == bytes(10_000)
    web.faults.planned = [("slow", 1.0)]  # too long a pause: the rest comes by another request
    assert RangeFile(where, stat).read() == bytes(10_000)
    web.faults.every = "silent"
    started = time.monotonic()
    with pytest.raises(InputError, match=r"the server sent nothing for 0\.4 s, 2 times in a row"):
        remote_stat(where)
    assert time.monotonic() - started < 3


def test_waits_double_are_bounded_and_not_the_same_for_all() -> None:
    limits = Patience()
    waits = [[limits.wait(failures) for _ in range(50)] for failures in range(1, 12)]
    for number, some in enumerate(waits):
        longest = min(0.5 * 2**number, 30.0)
        assert longest / 2 <= min(some) < max(some) <= longest


def test_closing_ends_what_is_under_way_at_once(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_WAIT_SECONDS", "20")
    file = RemoteBytes(put(web, "file", bytes(100_000)), block_bytes=50_000)
    web.faults.every = 500
    file.ahead(0)
    while len(web.seen) < 2:
        time.sleep(0.01)
    file.close()
    for thread in file._threads._threads:
        thread.join(5)
        assert not thread.is_alive()


# Versions


def test_a_file_that_changes_is_an_error_and_never_a_mixture(web: Web) -> None:
    where = put(web, "file", bytes(20_000))
    file = RemoteBytes(where, block_bytes=10_000)
    assert file[:10] == bytes(10)
    put(web, "file", b"1" * 20_000)
    with pytest.raises(InputError, match="changed while it was being read: its ETag or length is different now"):
        file[10_000:10_010]
    put(web, "file", b"1" * 5_000)
    with pytest.raises(InputError, match="changed while it was being read"):
        file[10_000:10_010]
    file.close()


@pytest.mark.parametrize(("etags", "tag"), [("weak", r'W/"[0-9a-f]{32}"'), ("", r"\w\w\w, \d\d .* GMT")])
def test_weak_tags_and_dates_tell_versions_too(tmp_path: Path, etags: str, tag: str) -> None:
    (tmp_path / "file").write_bytes(bytes(20_000))
    with web_server(tmp_path, etags=etags) as web:
        stat = remote_stat(f"{web.url}/file")
        assert re.fullmatch(tag, stat.tag)
        assert RangeFile(f"{web.url}/file", stat).read() == bytes(20_000)
        (tmp_path / "file").write_bytes(bytes(19_999) + b"1" * (1 if etags else 2))  # dates are told to the second
        with pytest.raises(InputError, match="changed while it was being read"):
            RangeFile(f"{web.url}/file", stat).read()


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"ranges": False}, "does not support ranged requests"),
        ({"etags": "", "dates": False}, "sends neither ETag nor Last-Modified"),
    ],
)
def test_servers_that_files_cannot_be_streamed_from(tmp_path: Path, how: dict[str, object], says: str) -> None:
    (tmp_path / "file").write_bytes(bytes(10))
    (tmp_path / "empty").write_bytes(b"")
    with web_server(tmp_path, **how) as web:
        with pytest.raises(InputError, match=f"{says}.*download it and name the local file instead"):
            remote_stat(f"{web.url}/file")
        assert remote_stat(f"{web.url}/empty").size == 0
        assert read_small(f"{web.url}/file") == bytes(10)


def test_names_and_redirects(web: Web) -> None:
    where = put(web, "あ b.warc.gz", bytes(300))
    assert remote_stat(where).size == 300
    assert RangeFile(where).read() == bytes(300)
    with canned(302, {"Location": f"{web.url}/%E3%81%82%20b.warc.gz"}, b"") as elsewhere:
        assert RangeFile(f"{elsewhere}/moved", remote_stat(where)).read() == bytes(300)
    with (
        canned(302, {"Location": "/again"}, b"") as around,
        pytest.raises(InputError, match=r"/again cannot be read: it redirects more than 5 times"),
    ):
        remote_stat(f"{around}/again")


# Refusals


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (403, "refuses access (status 403); check the URL, and whether the server blocks"),
        (404, "has no such file (status 404); check the URL"),
        (401, "refuses access (status 401); it requires a login"),
        (418, "does not serve it (status 418); check the URL in a browser"),
    ],
)
def test_refusals_are_sentences_at_once(web: Web, status: int, says: str) -> None:
    where = put(web, "file", b"x")
    web.faults.every = status
    with pytest.raises(InputError) as caught:
        remote_stat(f"{where}?secret=1")
    assert says in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(web.seen) == 1


def test_servers_that_are_not_there_or_cannot_be_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    with pytest.raises(
        InputError, match=r"http://127\.0\.0\.1:9/a cannot be read: the connection failed \(.*refused\), 2 times in a row"
    ):
        remote_stat("http://127.0.0.1:9/a")
    with pytest.raises(InputError, match=r"http://no-such-host\.invalid/a cannot be read: the connection failed"):
        remote_stat("http://no-such-host.invalid/a")
    for place in ("http:///a", "http://[::1/a"):
        with pytest.raises(InputError, match=r"names no host|is not a valid URL"):
            remote_stat(place)
    with web_server(tmp_path) as web:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*own_certificate(tmp_path))
        web.socket = context.wrap_socket(web.socket, server_side=True)
        with pytest.raises(InputError, match=r"cannot be trusted \(.*SSL_CERT_FILE"):
            remote_stat(web.url.replace("http:", "https:") + "/a")


def test_settings_that_cannot_be_meant(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("soon", "0", "-1", "inf"):
        monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", value)
        with pytest.raises(RecipeError, match=f"CORPUS_BUILDER_TIMEOUT_SECONDS = '{value}' is not a positive number"):
            remote_stat(put(web, "file", b"x"))


# Builds


def test_a_build_from_a_server_is_the_build_from_disk_through_resets_and_refusals(web: Web, tmp_path: Path) -> None:
    inputs = make_inputs(web.root / "inputs")
    local = build(make_recipe(inputs), tmp_path / "local", Serial())
    web.faults.planned = [503, *[("reset", 700), ("short", 1_300), 503, ("reset", 2_000)] * 3]
    remote = build(remote_recipe(inputs, f"{web.url}/inputs"), tmp_path / "remote", Serial())
    assert web.faults.planned == []
    assert tables(tmp_path / "remote") == tables(tmp_path / "local")
    for stage in ("measure", "sign", "match", "decide", "release"):
        manifest = f"{stage}/manifest.json"
        assert (tmp_path / "remote" / manifest).read_bytes() == (tmp_path / "local" / manifest).read_bytes()
    assert remote.verify().problems == local.verify().problems == ()


def test_a_rerun_fetches_nothing_and_a_changed_file_runs_one_shard(web: Web, tmp_path: Path) -> None:
    inputs = make_inputs(web.root / "inputs")
    recipe = remote_recipe(inputs, f"{web.url}/inputs")
    build(recipe, tmp_path / "out", Serial())
    web.seen.clear()
    build(recipe, tmp_path / "out", Serial())
    assert (len(web.seen), web.bytes_sent) == (3, 3)
    write_warc(inputs / "web-b.warc.gz", [page(77)])
    assert next(one.todo for one in plan(recipe, tmp_path / "out")) == (("web-b.warc.gz", "input changed"),)


def test_a_build_that_is_cut_off_goes_on_where_it_stopped(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = make_inputs(web.root / "inputs")
    build(make_recipe(inputs), tmp_path / "local", Serial())
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "2")
    recipe = remote_recipe(inputs, f"{web.url}/inputs")
    web.faults.planned = [None, None, None, None, None, ("reset", 900), ("reset", 500), 503, 503]
    with pytest.raises(
        StageError, match=r"1 of 3 shards of the stage 'extract' failed(.|\n)*the server answered 503, 2 times in a row"
    ):
        build(recipe, tmp_path / "remote", Serial())
    web.seen.clear()
    build(recipe, tmp_path / "remote", Serial())
    assert len({request.path for request in web.seen if request.start or request.sent > 1}) == 1
    assert tables(tmp_path / "remote") == tables(tmp_path / "local")


def test_a_page_that_crashes_a_remote_read_costs_one_page(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extractor = "import os\nfrom corpus_builder.pages.extract import Extracted\ndef f(html, url):\n"
    extractor += "    if '3番目' in html: os.abort()\n    return Extracted('', 'これは日本語の文章です。')\n"
    (tmp_path / "aborts_at_three.py").write_text(extractor)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(window, "BLOCK_BYTES", 3_000)
    local = write_warc(web.root / "a.warc.gz", (page(n) for n in range(8)))
    settings = PageSettings(extractor="aborts_at_three:f")
    web.faults.planned = [None, None, ("reset", 700), 503]
    found = list(extracted_lines(f"{web.url}/a.warc.gz", settings))
    assert found == list(extracted_lines(local, settings))
    assert [line["reason"] for line in found] == [None] * 3 + ["extraction_crashed"] + [None] * 4


@pytest.mark.parametrize("name", ["sound.arc.gz", "version_2.arc", "texts.warc.wet.gz", "segments.warc.gz", "sound.warc.zst"])
def test_extract_takes_urls_of_every_archive(name: str) -> None:
    with web_server(ZOO) as web:
        found = [
            CliRunner().invoke(main, ["extract", where], catch_exceptions=False).stdout
            for where in (f"{web.url}/{name}", str(ZOO / name))
        ]
    assert found[0] == found[1] != ""


def test_counts_lie_on_a_server_too(web: Web, tmp_path: Path) -> None:
    write_warc(web.root / "web.warc.gz", [page(1), page(2)])
    counts = put(web, "counts.csv", b"warc_filename,n\ncrawl-data/web.warc.gz,5\n")
    source = {"name": "web", "kind": "warc", "paths": [f"{web.url}/web.warc.gz"], "counts": counts}
    recipe = make_recipe(tmp_path, sources=[source], quality={"rules": []}, dedup=None, release={})
    found = build(recipe, tmp_path / "out", Serial())
    assert next(iter(found.manifests["extract"].stats(ExtractStats).values())).dropped == {"records_missing": DroppedPages(1, 0)}
    web.faults.planned = [404]  # what the recipe names is opened before the first input
    with pytest.raises(InputError, match=r"counts\.csv cannot be read: the server has no such file"):
        build(recipe, tmp_path / "again", Serial())


def test_extract_takes_urls(web: Web) -> None:
    make_inputs(web.root / "inputs")
    lines = {
        where: CliRunner().invoke(main, ["extract", where], catch_exceptions=False).stdout
        for where in (f"{web.url}/inputs/web-a.warc.gz", str(web.root / "inputs" / "web-a.warc.gz"))
    }
    assert len(set(lines.values())) == 1
    assert next(iter(lines.values())).count("\n") == 10


# What a recipe names


def recipe_of(directory: Path, *paths: str, **more: str) -> Recipe:
    return Recipe.of({"name": "r", "sources": [{"name": "web", "kind": "warc", "paths": paths, **more}]}, base=directory)


def test_lists_of_files(web: Web, tmp_path: Path) -> None:
    lines = "crawl-data/a.warc.gz\n\n# a comment\ncrawl-data/b.warc.gz\nhttps://other.example/c.warc.gz\n"
    where = put(web, "warc.paths.gz", gzip.compress(lines.encode(), mtime=0))
    (tmp_path / "some.paths").write_text(lines)
    names = ["crawl-data/a.warc.gz", "crawl-data/b.warc.gz"]
    for listed in (where, "some.paths", "*.paths"):
        for base in ("https://data.example/", "https://data.example", "s3://commoncrawl/"):
            found = [place for _, _, place in find_inputs(recipe_of(tmp_path, listed, base=base))]
            assert found == [*(f"{base.rstrip('/')}/{name}" for name in names), "https://other.example/c.warc.gz"]
    with pytest.raises(RecipeError, match=r'relative paths .*; say what they are relative to, for example base = "https://data'):
        list(find_inputs(recipe_of(tmp_path, where)))
    make_inputs(tmp_path / "here")
    (tmp_path / "local.paths").write_text("here/web-a.warc.gz\n")
    (found,) = find_inputs(recipe_of(tmp_path, "local.paths", base="."))
    assert found == ("web", "warc", str(tmp_path / "here" / "web-a.warc.gz"))


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "names no file"), (b"\x1f\x8b\x08zzz", "cannot be read"), (b"\xff\xfe", "must be text")]
)
def test_lists_that_cannot_be_read(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "bad.paths").write_bytes(content)
    with pytest.raises(InputError, match=says):
        list(find_inputs(recipe_of(tmp_path, "bad.paths", base="https://data.example")))


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        (["ftp://host/a.warc.gz"], "only paths, https://, http:// and s3:// are supported"),
        (["https://host/*.warc.gz"], "a web server cannot be asked for a list"),
        (["https://host/crawl/"], "names no file"),
        (["https://host/1/a.warc.gz?k=1", "https://host/1/a.warc.gz?k=2"], "have the same name"),
    ],
)
def test_paths_that_cannot_be_meant(tmp_path: Path, paths: list[str], says: str) -> None:
    with pytest.raises(InputError) as caught:
        list(find_inputs(recipe_of(tmp_path, *paths)))
    assert says in str(caught.value)


# S3


def upload(s3, bucket: str, directory: Path, prefix: str = "") -> None:
    s3.create_bucket(Bucket=bucket)
    for path in sorted(directory.iterdir()):
        s3.put_object(Bucket=bucket, Key=prefix + path.name, Body=path.read_bytes())


def test_a_build_from_s3_is_the_build_from_disk_through_resets(s3, s3_port: int, tmp_path: Path, aws: pytest.MonkeyPatch) -> None:
    inputs = make_inputs(tmp_path / "inputs")
    build(make_recipe(inputs), tmp_path / "local", Serial())
    upload(s3, "builds", inputs, "2024/")
    proxy = CuttingProxy(s3_port, [1_000, 100_000, 900, 100, 1_700, 2_000])
    aws.setenv("AWS_ENDPOINT_URL", proxy.url)
    recipe = make_recipe(
        inputs,
        sources=[
            {"name": "web", "kind": "warc", "paths": ["s3://builds/2024/web-?.warc.gz"]},
            {"name": "wikipedia", "kind": "wikipedia", "paths": ["s3://builds/**/jawiki.xml.bz2"]},
        ],
    )
    build(recipe, tmp_path / "remote", Serial())
    proxy.close()
    assert proxy.cuts == []
    assert tables(tmp_path / "remote") == tables(tmp_path / "local")
    s3.put_object(Bucket="builds", Key="2024/web-b.warc.gz", Body=(inputs / "web-a.warc.gz").read_bytes())
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    assert plan(recipe, tmp_path / "remote")[0].todo == (("web-b.warc.gz", "input changed"),)


def test_versions_and_ranges_on_s3(s3) -> None:
    s3.create_bucket(Bucket="versions")
    for key, body in {"file ?#あ": bytes(range(256)) * 99, "empty": b""}.items():
        s3.put_object(Bucket="versions", Key=key, Body=body)
    assert remote_stat("s3://versions/empty").size == 0
    file = RemoteBytes("s3://versions/file ?#あ", block_bytes=5_000)
    assert file[:] == bytes(range(256)) * 99
    s3.put_object(Bucket="versions", Key="file ?#あ", Body=b"1" * len(file))
    with pytest.raises(InputError, match="changed while it was being read"):
        RangeFile(file.place, file.stat).read()
    s3.put_object(Bucket="versions", Key="file ?#あ", Body=b"1")
    with pytest.raises(InputError, match="changed while it was being read"):
        b"".join(read_range(store_for(file.place), file.place, file.stat, 5_000, 6_000, Traffic()))
    file.close()


def test_refusals_of_s3_are_sentences(s3, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="refusals")
    for place, says in {
        "s3://no-such-bucket-here/a": r"There is no bucket 'no-such-bucket-here' at http://127\.0\.0\.1:\d+; check the name and AWS_EN",
        "s3://refusals/absent": "There is no object s3://refusals/absent",
        "s3://Not_a bucket!/a": "is not a valid object name",
        "s3:///a": "names no bucket",
    }.items():
        with pytest.raises(InputError, match=says):
            remote_stat(place)
    with pytest.raises(InputError, match=r"No file matches 's3://refusals/\*\.warc\.gz' of source 'web'"):
        list(find_inputs(recipe_of(tmp_path, "s3://refusals/*.warc.gz")))


def test_patterns_of_s3(s3, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="patterns")
    keys = [
        "2024/a/w1.warc.gz",
        "2024/a/w2.warc.gz",
        "2024/a/deep/w3.warc.gz",
        "2024/b/w4.warc.gz",
        "2024/b/w5.txt",
        "2025/a/w6.warc.gz",
    ]
    for key in keys:
        s3.put_object(Bucket="patterns", Key=key, Body=b"")
    for pattern, numbers in {
        "2024/a/*.warc.gz": "12",
        "2024/a/w[2-9].warc.gz": "2",
        "2024/*/w?.warc.gz": "124",
        "2024/**/*.warc.gz": "1234",
        "**/w6.warc.gz": "6",
        "20*/a/*": "126",
    }.items():
        found = [place for _, _, place in find_inputs(recipe_of(tmp_path, f"s3://patterns/{pattern}"))]
        assert "".join(sorted(re.findall(r"/w(\d)", " ".join(found)))) == numbers, pattern


REFUSAL = "<?xml version='1.0'?><Error><Code>{}</Code><Message>No.</Message>{}</Error>"


@pytest.mark.parametrize(
    ("status", "code", "more", "says"),
    [
        (
            400,
            "AuthorizationHeaderMalformed",
            "<Region>eu-west-3</Region>",
            r"another region \(eu-west-3\).*set AWS_DEFAULT_REGION=eu-w",
        ),
        (301, "PermanentRedirect", "", "is in another region than the one requested; set AWS_DEFAULT_REGION"),
        (403, "InvalidAccessKeyId", "", r"refuses the credentials that were found .*\(InvalidAccessKeyId\); set AWS_PROFILE"),
        (503, "SlowDown", "", "the store answered SlowDown, 2 times in a row"),
        (400, "Odd", "", "refuses the request for s3://some-bucket/a"),
    ],
)
def test_what_other_stores_refuse(aws: pytest.MonkeyPatch, status: int, code: str, more: str, says: str) -> None:
    aws.setenv("CORPUS_BUILDER_TRIES", "2")
    with canned(status, {"Content-Type": "application/xml"}, REFUSAL.format(code, more).encode()) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(InputError, match=says):
            remote_stat("s3://some-bucket/a")


@pytest.mark.parametrize("frames", range(400, 432, 8))
def test_a_redirect_without_end_is_another_region_wherever_the_stack_ends(aws: pytest.MonkeyPatch, frames: int) -> None:
    """boto3 asks for the bucket's region, is redirected, and asks again: the stack may end while a request is sent, too."""
    limit = sys.getrecursionlimit()
    with canned(301, {"Content-Type": "application/xml"}, REFUSAL.format("PermanentRedirect", "").encode()) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        sys.setrecursionlimit(len(inspect.stack(0)) + frames)
        try:
            with pytest.raises(InputError, match="is in another region than the one requested"):
                remote_stat("s3://some-bucket/a")
        finally:
            sys.setrecursionlimit(limit)


def test_no_credentials_are_an_anonymous_request(aws: pytest.MonkeyPatch) -> None:
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    with canned(403, {}, REFUSAL.format("AccessDenied", "").encode()) as url:
        aws.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(InputError, match=r"refuses an anonymous request, as no credentials were found, .*set AWS_PROFILE"):
            remote_stat("s3://some-bucket/a")
    aws.setenv("AWS_PROFILE", "absent")
    with pytest.raises(InputError, match=r"S3 cannot be used: .*absent.*Check the AWS profile"):
        remote_stat("s3://some-bucket/a")


def test_a_public_bucket_needs_no_credentials(s3, aws: pytest.MonkeyPatch) -> None:
    s3.create_bucket(Bucket="public")
    s3.put_object(Bucket="public", Key="a", Body=b"for all", ACL="public-read")
    s3.put_object(Bucket="public", Key="private", Body=b"for some")
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    assert read_small("s3://public/a") == b"for all"
    with pytest.raises(InputError, match=r"refuses an anonymous request, as no credentials were found, for s3://public/private"):
        read_small("s3://public/private")


def test_stores_that_are_not_there_or_never_answer(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws.setenv("CORPUS_BUILDER_TRIES", "2")
    aws.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.4")
    aws.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9 cannot be reached .*2 times in a row"):
        remote_stat("s3://some-bucket/a")
    started = time.monotonic()
    with web_server(tmp_path) as web:
        web.faults.every = "silent"
        aws.setenv("AWS_ENDPOINT_URL", web.url)
        with pytest.raises(InputError, match=r"sent nothing for 0\.4 s, 2 times in a row"):
            remote_stat("s3://some-bucket/a")
    assert time.monotonic() - started < 5
    aws.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(InputError, match=r"S3 cannot be used: .*nonsense"):
        remote_stat("s3://some-bucket/a")


def test_without_the_extra_s3_names_it_and_https_works(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    from corpus_builder.remote import s3

    monkeypatch.setitem(sys.modules, "boto3", None)
    s3._boto3.cache_clear()
    try:
        with pytest.raises(MissingExtraError, match=r"pip install 'corpus-builder\[remote\]'"):
            remote_stat("s3://some-bucket/a")
        assert remote_stat(put(web, "file", b"x")) == Stat(1, remote_stat(f"{web.url}/file").tag)
    finally:
        s3._boto3.cache_clear()
