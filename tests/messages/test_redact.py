"""Logins and signatures of URLs are in no file that is written and in no line that is shown, and everything works with them."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from support.corpora import ENGLISH, Response, make_inputs, page, write_warc
from support.crawls import Row, write_index
from support.loopback import Web, raw_server, web_server

from corpus_builder import Serial, build, plan
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.errors import StageError
from corpus_builder.messages.redact import without_known_secrets, without_login, without_secrets
from corpus_builder.recipe.models import Recipe
from corpus_builder.remote.places import beside, joined
from corpus_builder.sources.warc import Page, read_warc
from corpus_builder.store.dataset import read_manifest

pytestmark = pytest.mark.usefixtures("impatient")
USER, PASSWORD, SIGNATURE = "usEr/Name", "pa@ss:w?rd#", "5ign4ture%2B"
LOGIN = f"{quote(USER, safe='')}:{quote(PASSWORD, safe='')}"
SECRETS = [
    USER, PASSWORD, *LOGIN.split(":"), SIGNATURE, "5ign4ture+", "t0kenValue", "X-Amz-Signature",
    base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), base64.b64encode(LOGIN.encode()).decode().rstrip("="),
]  # fmt: skip


def found_in(content: str | bytes) -> list[str]:
    content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return [secret for secret in SECRETS if secret.encode() in content]


def swept(directory: Path) -> dict[str, list[str]]:
    """The secrets in every file below a directory, and in the names of the files."""
    paths = [path for path in directory.rglob("*") if path.is_file()]
    assert paths
    return {str(path): found for path in paths if (found := found_in(str(path)) + found_in(path.read_bytes()))}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A server that wants both a login and a signature."""
    make_inputs(tmp_path / "www")
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    with web_server(tmp_path / "www") as server:
        server.admits = lambda path, authorization: authorization == wanted and f"X-Amz-Signature={SIGNATURE}" in path
        yield server


def signed(web: Web, name: str, more: str = "") -> str:
    return f"{web.url.replace('://', f'://{LOGIN}@')}/{name}?X-Amz-Signature={SIGNATURE}&ticket=t0kenValue{more}#part"


def recipe_value(web: Web, more: str = "") -> dict[str, object]:
    return {
        "name": "signed",
        "sources": [
            {
                "name": "web",
                "kind": "warc",
                "paths": [signed(web, "web.paths", more)],
                "base": signed(web, "", more).partition("#")[0],
            },
            {"name": "wikipedia", "kind": "wikipedia", "paths": [signed(web, "jawiki.xml.bz2", more)]},
        ],
    }


def as_toml(value: dict[str, object]) -> str:
    sources = "".join("[[sources]]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in one.items()) for one in value["sources"])
    return f'name = "{value["name"]}"\n{sources}[dedup]\n[[quality.rules]]\nduplicates = true\n'


def put_lists(web: Web) -> None:
    (web.root / "web.paths").write_text(f"web-a.warc.gz\n{signed(web, 'web-b.warc.gz')}\n")


def test_a_build_over_signed_urls_holds_none_of_it(web: Web, tmp_path: Path) -> None:
    put_lists(web)
    out = tmp_path / "out"
    (tmp_path / "signed.toml").write_text(as_toml(recipe_value(web)))
    commands = [
        ["-v", "plan", tmp_path / "signed.toml", "--out", out],
        ["-v", "build", tmp_path / "signed.toml", "--out", out, "--engine", "serial"],
        ["-v", "build", tmp_path / "signed.toml", "--out", out, "--engine", "serial", "--json"],
        ["plan", tmp_path / "signed.toml", "--out", out, "--json"],
        ["report", out], ["verify", out], ["why", out, "https://www.example/1"], ["diff", out, out],
        ["index", "add", tmp_path / "index", out],
        ["-v", "extract", signed(web, "web-a.warc.gz")],
    ]  # fmt: skip
    for command in commands:
        result = CliRunner().invoke(main, list(map(str, command)))
        assert result.exit_code == 0, result.output
        assert found_in(result.output) == [], command
        if "build" in command:
            assert swept(out) == {}
    assert swept(out) == swept(tmp_path / "index") == {}
    stored = json.loads((out / "build.json").read_bytes())["recipe"]["sources"]
    assert [one["paths"] for one in stored] == [[f"{web.url}/web.paths"], [f"{web.url}/jawiki.xml.bz2"]]
    assert stored[0]["base"] == f"{web.url}/"
    assert f"{web.url}/web.paths" in (out / "report.html").read_text()
    assert Built.open(out).verify().problems == ()


def test_what_is_logged_by_a_process_of_its_own_holds_none_of_it(web: Web, tmp_path: Path) -> None:
    put_lists(web)
    (tmp_path / "signed.toml").write_text(as_toml(recipe_value(web)))
    web.faults.planned = [None] * 5 + [("reset", 300), 503]
    command = [sys.executable, "-m", "corpus_builder", "-v", "build", "signed.toml", "--out", "out", "--engine", "serial"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=100)
    assert "corpus_builder.remote.retries: http://127.0.0.1" in done.stderr
    assert re.search(r"web-b\.warc\.gz: \d+ requests, \d of them retries", done.stderr)
    assert found_in(done.stdout + done.stderr) == []


def test_a_url_that_is_signed_anew_is_the_same_input(web: Web, tmp_path: Path) -> None:
    put_lists(web)
    build(Recipe.of(recipe_value(web)), tmp_path / "out", Serial())
    before = {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json")}
    again = Recipe.of(recipe_value(web, "&X-Amz-Date=later"))
    assert all(not one.todo for one in plan(again, tmp_path / "out"))
    build(again, tmp_path / "out", Serial())
    assert {path: path.read_bytes() for path in (tmp_path / "out").rglob("*.json")} == before
    manifest = read_manifest(tmp_path / "out" / "extract")
    assert manifest is not None
    assert [receipt.shard for receipt in manifest.receipts] == ["jawiki.xml.bz2", "web-a.warc.gz", "web-b.warc.gz"]


FAULTS: list[tuple[str, object]] = [
    ("a refusal", 403), ("a login", 401), ("nothing there", 404), ("too busy", 503), ("teapot", 418), ("reset", ("reset", 0)),
    ("silence", "silent"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "fault"), FAULTS)
@pytest.mark.parametrize("late", [False, True])
def test_a_build_that_fails_tells_none_of_it(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, fault: object, late: bool
) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "1")
    monkeypatch.setenv("CORPUS_BUILDER_TIMEOUT_SECONDS", "0.3")
    put_lists(web)
    (tmp_path / "signed.toml").write_text(as_toml(recipe_value(web)))
    web.faults.planned, web.faults.every = [None] * (4 if late else 0), fault
    result = CliRunner().invoke(
        main, ["build", str(tmp_path / "signed.toml"), "--out", str(tmp_path / "out"), "--engine", "serial"]
    )
    assert result.exit_code == (4 if late else 3), result.output
    assert web.url in result.output
    assert found_in(result.output) == []
    if late:
        assert "Traceback" in (tmp_path / "out" / ".failures" / "extract.txt").read_text()
        assert swept(tmp_path / "out") == {}


def test_an_error_of_others_within_a_stage_tells_none_of_it(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray, urllib3 and filters word their errors themselves; the traces of a stage hold them, with all that came before."""
    put_lists(web)

    def fails(*words: object) -> object:
        try:
            raise OSError(
                f"Max retries exceeded with url: /web-a.warc.gz?X-Amz-Signature={SIGNATURE}&ticket=t0kenValue (caused by 1)"
            )
        except OSError as error:
            raise ValueError(f"cannot read {signed(web, 'web-a.warc.gz')!r}") from error

    monkeypatch.setattr("corpus_builder.stages.extract.pages_of", fails)
    with pytest.raises(StageError, match=r"ValueError: cannot read 'http://127\.0\.0\.1:\d+/web-a\.warc\.gz'") as caught:
        build(Recipe.of(recipe_value(web)), tmp_path / "out", Serial())
    assert found_in(str(caught.value)) == []
    assert swept(tmp_path / "out") == {}
    assert "with url: /web-a.warc.gz (caused by 1)" in (tmp_path / "out" / ".failures" / "extract.txt").read_text()


def test_commands_that_are_given_urls_for_paths_tell_none_of_it(web: Web, tmp_path: Path) -> None:
    where = signed(web, "web-a.warc.gz")
    place = f"s3://{LOGIN}@bucket/prefix?X-Amz-Signature={SIGNATURE}"
    commands: list[list[object]] = [
        ["verify", where], ["report", where], ["why", where, "x"], ["diff", where, where], ["plan", where], ["build", where],
        ["dedup", where, "--out", tmp_path / "d"], ["dedup", tmp_path, "--out", where], ["measure", where], ["judge", "--recipe", where],
        ["index", "add", tmp_path / "i", where], ["index", "show", where], ["train-extractor", where, "--out", where], ["bench", where],
        ["extract", signed(web, "no.html")], ["extract", where.replace("http", "ftp")], ["extract", f"http://me:{PASSWORD}@h/a"],
        ["extract", place], ["publish", where, place], ["crawl", place, "--out", tmp_path / "c"], ["crawl", where, "--out", where],
        ["crawl", signed(web, "jawiki.xml.bz2"), "--out", tmp_path / "c"], ["crawl", where, "--out", tmp_path / "c", "--base", place],
        ["build", tmp_path / "x.toml", "--out", place], ["verify", tmp_path / "x", where], ["judge", "--text", "a", f"--{where}"],
    ]  # fmt: skip
    for number, paths in enumerate(
        ([where, 3], where, [place], [where.replace("http", "hdfs")], [signed(web, "*.gz")], [where, where])
    ):
        (tmp_path / f"{number}.toml").write_text(
            as_toml({"name": "x", "sources": [{"name": "web", "kind": "warc", "paths": paths}]})
        )
        commands.append(["build", tmp_path / f"{number}.toml", "--out", tmp_path / "o", "--engine", "serial"])
    for command in commands:
        result = CliRunner().invoke(main, list(map(str, command)))
        assert result.exit_code != 0, command
        assert result.output
        assert found_in(result.output) == [], (command, result.output)
        assert "Traceback" not in result.output, (command, result.output)


def test_a_published_corpus_holds_none_of_it(web: Web, tmp_path: Path, s3: object) -> None:
    put_lists(web)
    built = build(Recipe.of(recipe_value(web)), tmp_path / "out", Serial())
    s3.create_bucket(Bucket="shared")
    result = CliRunner().invoke(main, ["-v", "publish", str(built.out), "s3://shared/v1"])
    assert result.exit_code == 0, result.output
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="shared")["Contents"]]
    assert len(keys) == 3
    for key in keys:
        assert found_in(key) + found_in(s3.get_object(Bucket="shared", Key=key)["Body"].read()) == []


def test_a_crawl_over_signed_urls_holds_none_of_it_and_goes_on_when_they_are_signed_anew(web: Web, tmp_path: Path) -> None:
    responses = [page(n) if n % 2 else Response(f"https://en.example/{n}", ENGLISH.encode()) for n in range(6)]
    warc = write_warc(web.root / "a.warc.gz", responses)
    items = [item for item in read_warc(warc) if isinstance(item, Page)]
    ends = [*(item.number for item in items[1:]), warc.stat().st_size]
    rows = [
        Row(item.url, "www.example", "jpn" if n % 2 else "eng", 200, "text/html", "a.warc.gz", item.number, end - item.number)
        for n, (item, end) in enumerate(zip(items, ends, strict=True))
    ]
    write_index(web.root / "index.parquet", rows)
    out = tmp_path / "crawl"

    def run(more: str = "", code: int = 0) -> str:
        base = signed(web, "", more).partition("#")[0]
        result = CliRunner().invoke(main, ["-v", "crawl", signed(web, "index.parquet", more), "--base", base, "--out", str(out)])
        assert result.exit_code == code, result.output
        assert found_in(result.output) == []
        return result.output

    web.faults.planned = [None] * 6 + [403] * 9
    run(code=4)
    web.faults.planned = []
    assert "fetched: 3 records" in run()
    assert swept(out) == {}
    assert json.loads((out / "crawl.json").read_bytes())["base"] == f"{web.url}/"
    assert "fetched: 0 records in 0 requests" in run("&X-Amz-Date=later")
    assert "read by an earlier run" in run("&X-Amz-Date=later")
    write_index(
        web.root / "signed.parquet",
        [Row("https://a.example/", "a.example", "jpn", 200, "text/html", signed(web, "a.warc.gz"), 0, 9)],
    )
    result = CliRunner().invoke(main, ["crawl", signed(web, "signed.parquet"), "--out", str(tmp_path / "other")])
    assert result.exit_code == 3
    assert found_in(result.output) == []
    assert swept(tmp_path / "other") == {}


def test_a_proxy_of_the_environment_is_told_by_nobody(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORPUS_BUILDER_TRIES", "1")
    with raw_server(lambda send, request: send(b"HTTP/1.1 407 Proxy\r\nContent-Length: 0\r\n\r\n")) as proxy:
        for scheme in ("http", "https"):
            monkeypatch.setenv(f"{scheme}_proxy", proxy.url.replace("://", f"://{LOGIN}@"))
            result = CliRunner().invoke(main, ["-v", "extract", f"{scheme}://a.example/b.warc.gz?X-Amz-Signature={SIGNATURE}"])
            assert result.exit_code == 3
            assert found_in(result.output) == [], result.output


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("https://u:p@h/a", "https://h/a"),
        ("https://u:p/x@h/a", "https://h/a"),
        ("https://u:p?x@h/a", "https://h/a"),
        ("https://u:p#x@h/a?b=1", "https://h/a"),
        ("https://token@h", "https://h"),
        ("https://[::1]:80/a?b", "https://[::1]:80/a"),
        ("https://h:8080/@u/x#f", "https://h:8080/@u/x"),
        ("HTTPS://U:P@H/", "HTTPS://H/"),
        ("s3://k:s/x+=@b/k", "s3://b/k"),
        ("s3://b/w?.[0-9]*", "s3://b/w?.[0-9]*"),
        ("s3://b/k?versionId=1", "s3://b/k"),
        ("hdfs://u:p@h/x", "hdfs://h/x"),
        ("data/a?b=1", "data/a?b=1"),
    ],
)
def test_urls_without_logins(text: str, bare: str) -> None:
    assert without_login(text) == bare
    assert without_login(bare) == bare
    if text != "data/a?b=1":
        assert without_secrets(f"see {text}, or {text!r}.") == f"see {bare}, or {bare!r}."


@pytest.mark.parametrize("place", ["sftp://me:{}@h/x", "hf://{}@h/x", "ABFS://me:{}@h/x?sig={}", "webdavs:/me:{}@h/x"])
def test_urls_of_any_scheme_lose_their_logins_as_paths_too(place: str) -> None:
    """Options that are paths turn // into /."""
    url = place.replace("{}", "t0kenValue")
    for command in (["build", url], ["verify", url], ["diff", url, url], ["index", "show", url], ["index", "add", url, url]):
        result = CliRunner().invoke(main, command)
        assert result.exit_code in (2, 3)
        assert found_in(result.output) == [], result.output


def test_pages_keep_their_queries_in_sentences() -> None:
    assert without_known_secrets("no page https://a.example/?id=3&page=2 here") == "no page https://a.example/?id=3&page=2 here"
    assert without_known_secrets("https://u:p@a.example/?id=3&sig=x&Token=y.") == "https://a.example/?id=3&sig=…&Token=…"


def test_files_below_and_beside_a_signed_place() -> None:
    assert joined("https://h/b/?sig=1", "/a.warc.gz") == "https://h/b/a.warc.gz?sig=1"
    assert joined("s3://b/p", "a.warc.gz") == "s3://b/p/a.warc.gz"
    assert beside("data/a?.warc.gz", ".x") == "data/a?.warc.gz.x"
