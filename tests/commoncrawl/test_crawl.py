"""Only the wanted records of a crawl are fetched, each as it was, once; the ids are those of the whole files."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from support.corpora import make_recipe, page, write_warc
from support.crawls import FOLDER, TABLE, Row, make_crawl, write_index
from support.loopback import Web, web_server
from warcio.archiveiterator import ArchiveIterator

from corpus_builder import Query, Recipe, Serial, build, crawl, plan
from corpus_builder.commands.main import main
from corpus_builder.commoncrawl.picks import ranges
from corpus_builder.errors import InputError, StageError
from corpus_builder.store.dataset import read_table

pytestmark = pytest.mark.usefixtures("impatient")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row]]:
    root = tmp_path_factory.mktemp("crawl")
    return root, make_crawl(root)


@pytest.fixture
def web(made: tuple[Path, list[Row]]):
    with web_server(made[0]) as server:
        yield server


def index_of(web: Web) -> list[str]:
    return [f"{web.url}/{TABLE}/subset=warc/part-{part:05}.parquet" for part in range(2)]


def of_warcs(web: Web) -> list:
    """Requests for bytes of WARCs; the one byte that tells a version aside."""
    return [request for request in web.seen if request.path.endswith(".warc.gz") and request.end != 1]


def members(path: Path) -> dict[int, bytes]:
    """The compressed records of a fetched WARC by their offset in the crawl's own file."""
    content = path.read_bytes()
    table = pq.read_table(f"{path}.records.parquet").to_pylist()
    assert sum(row["length"] for row in table) == len(content)
    return {row["original_offset"]: content[row["offset"] : row["offset"] + row["length"]] for row in table}


def japanese(rows: list[Row]) -> list[Row]:
    return [row for row in rows if "jpn" in (row.languages or "")]


def held(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.glob("*.warc.gz*"))}


def test_the_wanted_records_come_verbatim_and_nothing_else(made, web: Web, tmp_path: Path) -> None:
    root, rows = made
    plans = []
    done = crawl(index_of(web), tmp_path / "out", base=web.url, gap_bytes=100, say=plans.append)
    assert (done.fetched_records, done.refused, done.retries) == (24, (), 0)
    for path in sorted((root / FOLDER).iterdir()):
        content, wanted = path.read_bytes(), [row for row in japanese(rows) if row.warc.endswith(path.name)]
        fetched = members(tmp_path / "out" / path.name)
        head = fetched.pop(0)
        assert content.startswith(head)
        assert b"isPartOf: CC-MAIN-2024-51" in gzip.decompress(head)
        assert fetched == {row.offset: content[row.offset : row.offset + row.length] for row in wanted}
        with (tmp_path / "out" / path.name).open("rb") as file:  # any reader of WARCs takes it
            urls = [record.rec_headers.get_header("WARC-Target-URI") for record in ArchiveIterator(file)]
        assert urls == [None, *(row.url for row in wanted)]
    (plan,) = plans
    assert plan == done.plan
    assert (plan.records, plan.warcs, plan.done_warcs) == (24, 3, 0)
    assert plan.whole_bytes == sum(path.stat().st_size for path in (root / FOLDER).iterdir())
    asked = of_warcs(web)
    assert (len(asked), sum(request.sent for request in asked)) == (plan.to_fetch_requests, plan.to_fetch_bytes)
    assert (done.requests, done.fetched_bytes) == (plan.to_fetch_requests, plan.to_fetch_bytes)
    assert plan.to_fetch_bytes == plan.record_bytes + 3 * 4096
    assert 0.5 < plan.saved < 1
    assert plan.saved == 1 - plan.to_fetch_bytes / plan.whole_bytes


def test_records_that_lie_close_share_a_request(made, web: Web, tmp_path: Path) -> None:
    apart = crawl(index_of(web), tmp_path / "apart", base=web.url, gap_bytes=0)
    close = crawl(index_of(web), tmp_path / "close", base=web.url, gap_bytes=1 << 20)
    assert (apart.requests, close.requests) == (3 + 24, 3 + 3)
    assert close.fetched_bytes > apart.fetched_bytes
    assert held(tmp_path / "apart") == held(tmp_path / "close")


def test_a_second_run_asks_for_no_warc(web: Web, tmp_path: Path) -> None:
    first = crawl(index_of(web), tmp_path / "out", base=web.url)
    before = held(tmp_path / "out")
    web.seen.clear()
    second = crawl(index_of(web), tmp_path / "out", base=web.url)
    assert [request.path for request in web.seen] == [f"/{TABLE}/subset=warc/part-{part:05}.parquet" for part in range(2)]
    assert web.bytes_sent == 2  # the versions of the index files
    assert (second.plan.done_warcs, second.plan.to_fetch_requests, second.requests) == (3, 0, 0)
    assert second.plan.records == first.plan.records
    assert held(tmp_path / "out") == before


def test_interruptions_are_mended_and_counted(web: Web, tmp_path: Path) -> None:
    crawl(index_of(web), tmp_path / "calm", base=web.url)
    crawl(index_of(web), tmp_path / "rough", base=web.url, plan_only=True)
    web.faults.planned = [*[None] * 5, ("reset", 300), 503, *[None] * 8, ("short", 100), 503, ("reset", 200), 429, ("reset", 700)]
    done = crawl(index_of(web), tmp_path / "rough", base=web.url, gap_bytes=0, workers=1)
    assert web.faults.planned == []
    assert (done.requests, done.retries) == (27 + 7, 7)
    assert held(tmp_path / "rough") == held(tmp_path / "calm")


KILLED = """
import sys
from corpus_builder import crawl
crawl(sys.argv[3:], sys.argv[1], base=sys.argv[2], gap_bytes=0, workers=1)
"""


def test_a_killed_run_goes_on_behind_the_last_record(made, web: Web, tmp_path: Path) -> None:
    _, rows = made
    index = index_of(web)
    crawl(index, tmp_path / "whole", base=web.url, gap_bytes=0)
    crawl(index, tmp_path / "out", base=web.url, plan_only=True)
    web.seen.clear()
    web.faults.planned = [*[None] * 5, *[None] * 14, ("slow", 30)]  # versions; one WARC and half of the next; then it hangs
    env = os.environ | {"CORPUS_BUILDER_TIMEOUT_SECONDS": "60"}
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path / "out"), web.url, *index], env=env)
    try:
        deadline = time.monotonic() + 30
        while web.faults.planned and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.2)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    assert web.faults.planned == []
    before = {(request.path, request.start) for request in of_warcs(web)[:-1]}
    assert len(list((tmp_path / "out").glob("*.warc.gz"))) == 1
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 1
    web.seen.clear()
    done = crawl(index, tmp_path / "out", base=web.url, gap_bytes=0)
    after = [(request.path, request.start) for request in of_warcs(web)]
    assert len(before) == 14
    assert not before & set(after)
    assert before | set(after) == {(f"/{row.warc}", row.offset) for row in japanese(rows)} | {(f"/{row.warc}", 0) for row in rows}
    assert done.requests == done.plan.to_fetch_requests == len(after) == 13
    assert done.fetched_bytes == done.plan.to_fetch_bytes
    assert held(tmp_path / "out") == held(tmp_path / "whole")
    assert list((tmp_path / "out" / "parts").iterdir()) == []


def test_what_a_killed_run_left_is_checked_before_it_is_kept(web: Web, tmp_path: Path) -> None:
    crawl(index_of(web), tmp_path / "whole", base=web.url)
    crawl(index_of(web), tmp_path / "out", base=web.url)
    for number, receipt in enumerate(sorted((tmp_path / "out" / "receipts").iterdir())):
        warc = tmp_path / "out" / receipt.stem
        selection = json.loads(receipt.read_bytes())["selection"]
        content = bytearray(warc.read_bytes())
        content[len(content) * number // 3] ^= 0xFF  # in the head, and in the middle
        (tmp_path / "out" / "parts" / f"{warc.name}.{selection[:8]}.part").write_bytes(content[: len(content) - 7])
        warc.unlink()
    done = crawl(index_of(web), tmp_path / "out", base=web.url)
    assert 3 < done.fetched_records == 24
    assert held(tmp_path / "out") == held(tmp_path / "whole")


# The build


def test_documents_are_those_of_the_whole_warcs(made, web: Web, tmp_path: Path) -> None:
    root, _ = made
    crawl(index_of(web), tmp_path / "out", base=web.url)

    def documents(kind: str, path: str, out: Path) -> list[dict[str, object]]:
        recipe = make_recipe(
            tmp_path, sources=[{"name": "web", "kind": kind, "paths": [path]}], quality={}, dedup=None, release={}
        )
        done = build(recipe, out, Serial())
        assert done.verify().problems == ()
        return [row for path in done.manifests["extract"].paths("documents") for row in read_table(path).to_pylist()]

    some = documents("commoncrawl", "out/*.warc.gz", tmp_path / "some")
    assert len(some) == 24
    assert {row["crawl"] for row in some} == {"CC-MAIN-2024-51"}
    assert some == documents("warc", str(root / FOLDER / "*.warc.gz"), tmp_path / "all")
    with web_server(tmp_path / "out") as served:
        paths = [f"{served.url}/CC-MAIN-{n:05}.warc.gz" for n in range(3)]
        recipe = make_recipe(
            tmp_path, sources=[{"name": "web", "kind": "commoncrawl", "paths": paths}], quality={}, dedup=None, release={}
        )
        done = build(recipe, tmp_path / "served", Serial())
        assert some == [row for path in done.manifests["extract"].paths("documents") for row in read_table(path).to_pylist()]
    plain = documents("warc", "out/*.warc.gz", tmp_path / "plain")  # as plain WARCs: the same pages at their new places
    assert [row["url"] for row in plain] == [row["url"] for row in some]
    assert plain != some


def test_another_table_is_another_input(web: Web, tmp_path: Path) -> None:
    crawl(index_of(web), tmp_path / "out", base=web.url)
    recipe = Recipe.of(
        {"name": "r", "sources": [{"name": "web", "kind": "commoncrawl", "paths": ["out/*.warc.gz"]}]}, base=tmp_path
    )
    build(recipe, tmp_path / "built", Serial())
    assert plan(recipe, tmp_path / "built")[0].todo == ()
    table = tmp_path / "out" / "CC-MAIN-00001.warc.gz.records.parquet"
    rows = pq.read_table(table)
    pq.write_table(rows.set_column(1, "original_offset", pc.add(rows["original_offset"], 1)), table)
    assert plan(recipe, tmp_path / "built")[0].todo == (("CC-MAIN-00001.warc.gz", "input may change"),)


def test_a_warc_without_its_table_is_no_commoncrawl_source(tmp_path: Path) -> None:
    write_warc(tmp_path / "a.warc.gz", [page(1)])
    recipe = Recipe.of({"name": "r", "sources": [{"name": "web", "kind": "commoncrawl", "paths": ["a.warc.gz"]}]}, base=tmp_path)
    with pytest.raises(
        InputError, match=r'There is no table .*a\.warc\.gz\.records\.parquet .*for other WARCs write kind = "warc"'
    ):
        build(recipe, tmp_path / "out", Serial())
    (tmp_path / "a.warc.gz.records.parquet").write_bytes(b"PAR1")
    with pytest.raises(StageError, match=r"records\.parquet cannot be read"):
        build(recipe, tmp_path / "out", Serial())


# The query


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index whose every URL says what it is."""
    root = tmp_path_factory.mktemp("varied")
    rows = [
        ("ja", "example.jp", "jpn", 200, "text/html"),
        ("ja-en", "a.example.jp", "jpn,eng", 200, "application/xhtml+xml"),
        ("en-ja", "www.example.jp", "eng,jpn", 200, "text/html"),
        ("gone", "example.jp", "jpn", 404, "text/html"),
        ("pdf", "example.jp", "jpn", 200, "application/pdf"),
        ("en", "notexample.jp", "eng", 200, "text/html"),
        ("not", "badexample.jp", "jpn", 200, "text/html"),
        ("none", "example.com", None, 200, "text/html"),
    ]
    write_index(
        root / "crawl=A" / "subset=warc" / "part-0.parquet",
        [Row(f"https://{host}/{name}", host, language, status, mime, "w/a.warc.gz", 1000 * n, 10) for n, (name, host, language, status, mime) in enumerate(rows)],
        row_group_size=3,
    )  # fmt: skip
    write_index(
        root / "crawl=B" / "subset=warc" / "part-0.parquet",
        [Row("https://x.jp/b", "x.jp", "jpn", 200, "text/html", "w/b.warc.gz", 0, 10)],
    )
    (root / "w").mkdir()
    for name in ("a", "b"):
        (root / "w" / f"{name}.warc.gz").write_bytes(bytes(9_000))
    return root


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), {"ja", "not", "ja-en", "en-ja", "b"}),
        (Query(mime_types=("text/html",)), {"ja", "not", "en-ja", "b"}),
        (Query(mime_types=()), {"ja", "not", "ja-en", "en-ja", "pdf", "b"}),
        (Query(statuses=()), {"ja", "not", "ja-en", "en-ja", "gone", "b"}),
        (Query(statuses=(404, 500)), {"gone"}),
        (Query(languages=("eng",)), {"en", "ja-en", "en-ja"}),
        (Query(languages=("eng", "jpn")), {"en", "ja", "not", "ja-en", "en-ja", "b"}),
        (Query(languages=()), {"ja", "not", "ja-en", "en-ja", "en", "none", "b"}),
        (Query(languages=(), statuses=(), mime_types=()), {"ja", "not", "ja-en", "en-ja", "gone", "pdf", "en", "none", "b"}),
        (Query(hosts=("example.jp",)), {"ja", "ja-en", "en-ja"}),
        (Query(hosts=("www.example.jp",)), {"en-ja"}),
        (Query(hosts=("a.example.jp", "x.jp")), {"ja-en", "b"}),
        (Query(crawls=("B",)), {"b"}),
    ],
)
def test_queries(varied: Path, tmp_path: Path, query: Query, expected: set[str]) -> None:
    crawl([str(varied)], tmp_path / "out", query, base=str(varied), plan_only=True)
    (selected,) = (tmp_path / "out" / "selection").glob("all-*.parquet")
    assert {row["url"].rpartition("/")[2] for row in pq.read_table(selected).to_pylist()} == expected


def test_the_limit_takes_the_first_and_reads_no_further(varied: Path, tmp_path: Path) -> None:
    assert crawl([str(varied)], tmp_path / "out", Query(limit=3), base=str(varied), plan_only=True).plan.records == 3
    with web_server(varied) as web:
        index = [f"{web.url}/crawl={name}/subset=warc/part-0.parquet" for name in "AB"]
        assert crawl(index, tmp_path / "web", Query(limit=2), base=str(varied), plan_only=True).plan.records == 2
        assert {request.path[:8] for request in web.seen} == {"/crawl=A"}


def test_of_the_index_only_the_columns_and_groups_that_are_needed_are_read(made, tmp_path: Path) -> None:
    _, _rows = made
    many = [
        Row(f"https://{word}{n:04}.example/{os.urandom(150).hex()}", f"{word}{n:04}.example", "jpn" if n % 500 == 7 else "eng", 200, "text/html", f"w/{word}{n}.warc.gz", n, 1)
        for word in ("a", "b", "c")
        for n in range(1000)
    ]  # fmt: skip
    write_index(tmp_path / "index.parquet", many, row_group_size=100)
    with web_server(tmp_path) as web:
        all_hosts = crawl([f"{web.url}/index.parquet"], tmp_path / "all", base=str(tmp_path), plan_only=True).plan
        assert all_hosts.records == 6
        one_host = crawl(
            [f"{web.url}/index.parquet"], tmp_path / "one", Query(hosts=("b0007.example",)), base=str(tmp_path), plan_only=True
        ).plan
        assert one_host.records == 1
    size = (tmp_path / "index.parquet").stat().st_size
    assert all_hosts.index_whole_bytes == one_host.index_whole_bytes == size
    footer = 65_536  # what the reader of Parquet asks for first
    assert all_hosts.index_bytes - footer < (size - footer) * 0.6
    assert one_host.index_bytes - footer < (size - footer) * 0.2
    assert one_host.index_requests < 10


@example(records=[(0, 10), (20, 10), (41, 10)], gap=10, first=0)
@given(
    records=st.lists(
        st.tuples(st.integers(0, 5_000), st.integers(1, 300)), min_size=1, max_size=40, unique_by=lambda one: one[0]
    ),
    gap=st.integers(0, 500),
    first=st.integers(0, 40),
)
def test_ranges_hold_every_record_once_and_no_long_gap(records: list[tuple[int, int]], gap: int, first: int) -> None:
    records.sort()
    offsets, lengths = np.array([o for o, _ in records]), np.array([n for _, n in records])
    found = ranges(offsets, lengths, gap, first)
    assert [n for one in found for n in range(one.first, one.last)] == list(range(first, len(records)))
    wanted = {place for o, n in records[first:] for place in range(o, o + n)}
    for one in found:
        assert one.start == offsets[one.first]
        assert all(one.start <= offsets[n] and offsets[n] + lengths[n] <= one.end for n in range(one.first, one.last))
        run = "".join("x" if place in wanted else "." for place in range(one.start, one.end))
        assert max((len(dots) for dots in re.findall(r"\.+", run)), default=0) <= gap
    for one, other in itertools.pairwise(found):
        assert other.start - one.end > gap


# Other places


def test_index_and_warcs_on_s3_in_lists_and_on_disk(made, s3, web: Web, tmp_path: Path) -> None:
    root, _ = made
    crawl(index_of(web), tmp_path / "web", base=web.url)
    s3.create_bucket(Bucket="commoncrawl")
    for path in root.rglob("*.*"):
        if path.is_file():
            s3.put_object(Bucket="commoncrawl", Key=str(path.relative_to(root)), Body=path.read_bytes())
    crawl([f"s3://commoncrawl/{TABLE}/*/*.parquet"], tmp_path / "s3", base="s3://commoncrawl/")
    crawl([str(root / "cc-index")], tmp_path / "disk", base=str(root))
    (tmp_path / "cc-index-table.paths.gz").write_bytes(
        gzip.compress("".join(f"{TABLE}/subset={s}/part-0000{n}.parquet\n" for s, n in [("robotstxt", 0), ("warc", 0), ("warc", 1)]).encode(), mtime=0)
    )  # fmt: skip
    crawl([str(tmp_path / "cc-index-table.paths.gz")], tmp_path / "list", base=f"{web.url}/")
    assert held(tmp_path / "s3") == held(tmp_path / "disk") == held(tmp_path / "list") == held(tmp_path / "web")


# What goes wrong


def test_a_warc_that_is_missing_does_not_keep_the_others(made, tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / "www")
    lost = tmp_path / "www" / FOLDER / "CC-MAIN-00001.warc.gz"
    content = lost.read_bytes()
    lost.unlink()
    with web_server(tmp_path / "www") as web:
        with pytest.raises(
            StageError, match=r"1 of 3 WARCs were not fetched(.|\n)*CC-MAIN-00001\.warc\.gz: .*status 404.*`base`"
        ):
            crawl(index_of(web), tmp_path / "out", base=web.url)
        assert len(list((tmp_path / "out").glob("*.warc.gz"))) == 2
        lost.write_bytes(content)
        assert crawl(index_of(web), tmp_path / "out", base=web.url).fetched_records == 8


def test_records_that_are_not_where_the_index_says_are_named(made, tmp_path: Path) -> None:
    shutil.copytree(made[0], tmp_path / "www")
    with web_server(tmp_path / "www") as web:
        table = pq.read_table(tmp_path / "www" / TABLE / "subset=warc/part-00001.parquet").to_pylist()
        wanted = [row for row in table if "jpn" in (row["content_languages"] or "")]
        wanted[0]["warc_record_offset"] += 1
        wanted[1]["warc_record_length"] -= 1
        wanted[2]["warc_record_offset"] = 1 << 30
        other = tmp_path / "www" / wanted[3]["warc_filename"]
        wanted[3]["warc_record_offset"] = other.stat().st_size
        wanted[3]["warc_record_length"] = len(gzip.compress(b"no record", mtime=0))
        other.write_bytes(other.read_bytes() + gzip.compress(b"no record", mtime=0))
        pq.write_table(pa.Table.from_pylist(table), tmp_path / "www" / TABLE / "subset=warc/part-00001.parquet")
        done = crawl(index_of(web), tmp_path / "out", base=web.url)
        assert (done.fetched_records, len(done.refused)) == (20, 4)
        says = {row["url"]: next(one for one in done.refused if one.startswith(row["url"] + " ")) for row in wanted[:4]}
        assert [says[row["url"]].partition(": ")[2][:20] for row in wanted[:4]] == [
            "no gzip member (Erro",
            "not one whole gzip m",
            "not one whole gzip m",
            "no WARC record",
        ]
        assert crawl(index_of(web), tmp_path / "out", base=web.url).refused == done.refused
        for path in (tmp_path / "out").glob("*.warc.gz"):
            assert all(gzip.decompress(member).startswith(b"WARC/") for member in members(path).values())


def test_warcs_that_cannot_be_fetched_in_parts(tmp_path: Path) -> None:
    write_index(tmp_path / "i.parquet", [Row("https://a.jp/", "a.jp", "jpn", 200, "text/html", "plain.warc", 10, 10)])
    (tmp_path / "plain.warc").write_bytes(b"WARC/1.0\r\n" * 20)
    with pytest.raises(StageError, match=r"does not begin with a gzip member; only \.warc\.gz files can be fetched in parts"):
        crawl([str(tmp_path / "i.parquet")], tmp_path / "out", base=str(tmp_path))


def test_a_directory_holds_one_query(varied: Path, tmp_path: Path) -> None:
    crawl([str(varied)], tmp_path / "out", Query(limit=1), base=str(varied), plan_only=True)  # nothing is there yet
    with pytest.raises(StageError, match=r"^2 of 2 WARCs were not fetched"):  # its WARCs are no WARCs
        crawl([str(varied)], tmp_path / "out", base=str(varied))
    for query, base in [(Query(statuses=()), str(varied)), (Query(), f"{varied}/w")]:
        with pytest.raises(InputError, match=r"holds the records of another index, base or query \(see .*crawl\.json\)"):
            crawl([str(varied)], tmp_path / "out", query, base=base)


def test_two_warcs_of_one_name_are_an_error(tmp_path: Path) -> None:
    rows = [Row(f"https://a.jp/{n}", "a.jp", "jpn", 200, "text/html", f"{n}/same.warc.gz", 0, 10) for n in range(2)]
    write_index(tmp_path / "i.parquet", rows)
    with pytest.raises(InputError, match=r"two WARCs with the same file name, 0/same\.warc\.gz and 1/same\.warc\.gz"):
        crawl([str(tmp_path / "i.parquet")], tmp_path / "out", base=str(tmp_path))


def test_indexes_that_cannot_be_read(varied: Path, tmp_path: Path) -> None:
    (tmp_path / "text.parquet").write_bytes(b"no table at all, but long enough")
    pq.write_table(pa.table({"url": ["x"]}), tmp_path / "other.parquet")
    for named, says in {
        str(tmp_path / "absent.parquet"): "There is no index file",
        str(tmp_path / "text.parquet"): "cannot be read as Parquet",
        str(tmp_path / "other.parquet"): "has no column 'fetch_status'; crawls before 2018-39",
        "gopher://x/y.parquet": "only paths, https://, http:// and s3:// are supported",
    }.items():
        with pytest.raises(InputError, match=says):
            crawl([named], tmp_path / re.sub(r"\W", "", named), base=str(tmp_path))
    with pytest.raises(InputError, match=r"No record of the index matches: language tlh; status 200; .*--language any"):
        crawl([str(varied)], tmp_path / "none", Query(languages=("tlh",)), base=str(varied))
    with pytest.raises(InputError, match=r"no Parquet index files in .* for C"):
        crawl([str(varied)], tmp_path / "c", Query(crawls=("C",)), base=str(varied))


# The command


def run(*words: object, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["crawl", *map(str, words)])
    assert result.exit_code == code, result.output
    return result.stderr if code else result.stdout


def test_the_command_says_what_it_will_cost_and_does_it(web: Web, tmp_path: Path) -> None:
    words = [*index_of(web), "--out", tmp_path / "out", "--base", web.url, "--gap", "0"]
    said = run(*words, "--plan-only")
    assert re.search(r"^wanted:  24 records \([\d,]+ bytes\) of 3 WARCs \([\d,]+ bytes\)$", said, re.MULTILINE)
    assert re.search(r"^to do:   27 requests, [\d,]+ bytes instead of [\d,]+ \(\d\d\.\d % saved\)$", said, re.MULTILINE)
    assert not list((tmp_path / "out").glob("*.warc.gz"))
    wrong = run(*index_of(web), "--out", tmp_path / "wrong", "--base", f"{web.url}/nowhere/", "--plan-only", code=4)
    assert "3 WARCs cannot be asked for, and are not in the plan" in wrong
    done = json.loads(run(*words, "--json"))
    assert (done["fetched_records"], done["requests"], done["plan"]["to_fetch_requests"]) == (24, 27, 27)
    again = run(*words)
    assert "index:   read by an earlier run\n" in again
    assert "fetched: 0 records in 0 requests" in again
    assert 'kind = "commoncrawl"' in again
    for options, records in {
        ("--limit", 2): 2,
        ("--host", "EN1.example", "--language", "any"): 33,
        ("--mime", "any", "--status", "404"): 0,
    }.items():
        out = tmp_path / options[0].strip("-")
        said = run(*index_of(web), "--out", out, "--base", web.url, "--plan-only", *options, code=0 if records else 3)
        assert f"wanted:  {records} records" in said if records else "No record of the index matches" in said
