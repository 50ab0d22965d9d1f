"""Names that stand in files are names, not paths: none leads out of its directory, whoever wrote the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpora import make_inputs, make_recipe, prose
from support.crawls import Row, write_index
from support.files import run, tree
from support.loopback import web_server
from support.rows import jsonl

from corpus_builder import Recipe, Serial, build, deduplicate, publish
from corpus_builder.built import Built
from corpus_builder.duplicates.index import add, remove
from corpus_builder.errors import InputError, IntegrityError
from corpus_builder.recipe.inputs import find_inputs
from corpus_builder.store.names import RECEIPT, TABLE_FILE, is_warc_path, stem_of
from corpus_builder.store.receipt import Receipt

TURNS: dict[str, Callable[[str, Path], str]] = {  # what a name is made into, and a file of somebody's that it could mean
    "above": lambda name, mine: f"documents/../../../{mine.name}",
    "absolute": lambda name, mine: str(mine),
    "empty": lambda name, mine: "",
    "nothing after the table": lambda name, mine: "documents/",
    "NUL": lambda name, mine: f"{name}\0",
    "backslash": lambda name, mine: name.replace("/", "\\"),
    "another directory": lambda name, mine: f"receipts/{name.partition('/')[2]}",
    "another shard": lambda name, mine: name.replace("web-a", "web-z"),
    "deeper": lambda name, mine: name.replace("/", "/deeper/"),
    "hidden": lambda name, mine: name.replace("/", "/."),
    "a second suffix too many": lambda name, mine: f"{name}.a.b",
    "a line break": lambda name, mine: f"{name}\n",
}


@pytest.fixture
def copied(built: Built, tmp_path: Path) -> Path:
    """A build and its inputs, beside a file of somebody's."""
    shutil.copytree(built.out.parent, tmp_path / "root")
    (tmp_path / "root" / "mine.txt").write_text("mine")
    return tmp_path / "root"


def edit(path: Path, change: Callable[[Any], None]) -> None:
    value = json.loads(path.read_bytes())
    change(value)
    path.write_text(json.dumps(value))


def turn(table: dict[str, Any], how: str, mine: Path) -> str:
    """Make a receipt's file another one; with that one's size and digest, so that only the name tells."""
    table["path"] = TURNS[how](table["path"], mine)
    table["size_bytes"] = mine.stat().st_size
    return str(table["path"])


@pytest.mark.parametrize("how", TURNS)
def test_a_manifest_names_files_of_its_stage_alone(copied: Path, how: str) -> None:
    out, mine = copied / "out", copied / "mine.txt"
    manifest = out / "extract" / "manifest.json"
    names: list[str] = []
    edit(manifest, lambda value: names.append(turn(value["shards"][1]["tables"]["documents"], how, mine)))
    before = tree(copied)
    for words in (["verify", out], ["why", out, "x"], ["report", out], ["diff", out, out], ["publish", out, "s3://bucket/v1"]):
        said = run(*words, code=5)
        assert f"{manifest} is damaged: it names {names[0]!r}, which is not a file of the shard 'web-a.warc.gz'" in said
        assert "delete it and build again" in said
        assert said.count(str(mine)) == (how == "absolute")  # told as the name, and nothing is to be done to it
    assert tree(copied) == before


@pytest.mark.parametrize("how", TURNS)
def test_a_receipt_that_names_something_else_counts_as_none(copied: Path, how: str) -> None:
    """Its shard is made again; what it named is neither read nor removed."""
    out, mine = copied / "out", copied / "mine.txt"
    receipt = out / "extract" / "receipts" / "web-a.warc.gz.json"
    edit(receipt, lambda value: turn(value["tables"]["documents"], how, mine))
    before = tree(out)
    done = build(make_recipe(copied / "inputs"), out, Serial())
    assert done.verify().problems == ()
    after = tree(out)
    assert {name for name in before | after if before.get(name) != after.get(name)} <= {
        "extract/receipts/web-a.warc.gz.json",  # whole again
        ".cache/inputs.json",
    }
    assert mine.read_text() == "mine"


def elsewhere(table: dict[str, Any], directory: str) -> dict[str, Any]:
    return table | {"path": f"{directory}/{Path(table['path']).name}"}


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "rows": lambda receipt: receipt["tables"]["documents"].update(rows="many"),
    "size": lambda receipt: receipt["tables"]["documents"].update(size_bytes=-1),
    "digest": lambda receipt: receipt["tables"]["documents"].update(sha256="0"),
    "path": lambda receipt: receipt["tables"]["documents"].update(path=["documents"]),
    "shard": lambda receipt: receipt.update(shard=3),
    "made from": lambda receipt: receipt.update(made_from=None),
    "stats": lambda receipt: receipt.update(stats=[]),
    "tables": lambda receipt: receipt.update(tables=[]),
    "surrogate": lambda receipt: receipt.update(shard="\ud800"),
    "a table above": lambda receipt: receipt["tables"].update(
        {"../../mine": elsewhere(receipt["tables"]["documents"], "../../mine")}
    ),
    "a table in a table": lambda receipt: receipt["tables"].update({"a/b": elsewhere(receipt["tables"]["documents"], "a/b")}),
}


@pytest.mark.parametrize("how", BROKEN)
def test_what_else_is_wrong_in_a_manifest_or_receipt_is_damage_too(copied: Path, how: str) -> None:
    out = copied / "out"
    receipt, manifest = out / "extract" / "receipts" / "web-a.warc.gz.json", out / "extract" / "manifest.json"
    whole = tree(out / "extract")
    edit(manifest, lambda value: BROKEN[how](value["shards"][1]))
    edit(receipt, BROKEN[how])
    assert f"{manifest} is damaged" in run("verify", out, code=5)
    build(make_recipe(copied / "inputs"), out, Serial())
    assert tree(out / "extract") == whole


def test_a_manifest_that_lacks_a_table_is_damage(copied: Path, indexed: Path, tmp_path: Path) -> None:
    manifest = copied / "out" / "release" / "manifest.json"
    edit(manifest, lambda value: value["shards"][0]["tables"].pop("corpus"))
    assert f"{manifest} is damaged: it names no corpus of the shard 'part-00000'; delete it" in run(
        "verify", copied / "out", code=5
    )
    shutil.copytree(indexed / "index", tmp_path / "index")
    (part,) = (tmp_path / "index" / "parts").glob("*/manifest.json")
    edit(part, lambda value: value["shards"][0]["tables"].pop("ids"))
    said = run("index", "remove", tmp_path / "index", "--id", "t2", code=5)
    assert f"{part} is damaged: it names no ids of the shard '000000'; restore it from a copy" in said


@pytest.mark.parametrize("content", ["[" * 100_000, "3", "null", "\ufeff{}", "directory"])
def test_a_manifest_or_receipt_that_is_no_object_is_damage(copied: Path, content: str) -> None:
    out = copied / "out"
    whole = tree(out / "extract")
    for path in (out / "extract" / "manifest.json", out / "extract" / "receipts" / "web-a.warc.gz.json"):
        path.unlink()
        path.mkdir() if content == "directory" else path.write_text(content)
    assert f"{out / 'extract' / 'manifest.json'} " in run("verify", out, code=5)
    if content != "directory":
        build(make_recipe(copied / "inputs"), out, Serial())
        assert tree(out / "extract") == whole


@pytest.mark.parametrize("made", ["a link", "a link to a copy", "a directory"])
def test_what_is_no_file_in_the_place_of_a_table_is_damage(copied: Path, made: str) -> None:
    out = copied / "out"
    path = next((out / "extract" / "documents").glob("web-a*"))
    whole = path.read_bytes()
    mine = copied / "mine.parquet"
    mine.write_bytes(whole if made == "a link to a copy" else b"mine")
    path.unlink()
    path.mkdir() if made == "a directory" else path.symlink_to(mine)
    assert f"{path} is not a plain file" in run("verify", out, code=5)
    if made == "a directory":
        path.rmdir()
    done = build(make_recipe(copied / "inputs"), out, Serial())
    assert done.verify().problems == ()
    assert not path.is_symlink()
    assert path.read_bytes() == whole
    assert mine.read_bytes() == (whole if made == "a link to a copy" else b"mine")


@pytest.mark.parametrize("place", ["extract", "extract/documents"])
def test_what_lies_behind_a_link_is_not_what_was_written(copied: Path, place: str) -> None:
    shutil.move(copied / "out" / place, copied / "elsewhere")
    (copied / "out" / place).symlink_to(copied / "elsewhere")
    before = tree(copied / "elsewhere")
    assert f"{copied / 'out' / place} is a symbolic link" in run("verify", copied / "out", code=5)
    assert tree(copied / "elsewhere") == before


@settings(deadline=None, max_examples=40)
@given(st.text(min_size=1, max_size=60).map(lambda text: text * 3))
def test_whatever_a_shard_is_called_its_files_have_names_of_ours(shard: str) -> None:
    name = f"{stem_of(shard)}.01234567.parquet"
    assert TABLE_FILE.fullmatch(name)
    assert RECEIPT.fullmatch(f"{stem_of(shard)}.json")
    assert "/" not in name
    assert len(name) <= 200


def test_a_receipt_that_was_written_is_read(built: Built) -> None:
    for manifest in built.manifests.values():
        for receipt in manifest.receipts:
            assert Receipt.from_json(json.loads(json.dumps(receipt.as_json()))) == receipt


# An index

BAD_IN_INDEX: dict[str, Callable[[dict[str, Any], Path], Any]] = {
    "a directory above": lambda part, mine: part.update(directory="../../mine"),
    "an absolute directory": lambda part, mine: part.update(directory=str(mine)),
    "no directory": lambda part, mine: part.update(directory=""),
    "a directory of a name of its own": lambda part, mine: part.update(directory="part-mine"),
    "a removal above": lambda part, mine: part["removed"].update(texts=[["../../mine/rows.npy", ""]]),
    "a removal of a name of its own": lambda part, mine: part["removed"].update(texts=[["rows.npy", ""]]),
    "an origin that is none": lambda part, mine: part.update(origin="../mine"),
}


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("indexed")
    for name, seeds in {"first": (1, 2), "second": (3, 4)}.items():
        texts = jsonl(root / f"{name}.jsonl", [{"id": f"t{n}", "text": prose(n)} for n in seeds])
        deduplicate([texts], root / name, Serial(), index=root / "index" if name == "second" else None)
        if name == "first":
            add(root / "index", root / name)
            remove(root / "index", ids=["t1"])
    deduplicate([root / "second.jsonl"], root / "second", Serial(), index=root / "index")
    return root


@pytest.mark.parametrize("how", BAD_IN_INDEX)
def test_an_index_names_parts_and_removals_of_its_own_alone(indexed: Path, tmp_path: Path, how: str) -> None:
    root = tmp_path / "root"
    shutil.copytree(indexed, root)
    shutil.copytree(next((root / "index" / "parts").iterdir()), root / "mine")
    shutil.copy(next((root / "index" / "removed").iterdir()), root / "mine" / "rows.npy")
    edit(root / "index" / "index.json", lambda value: BAD_IN_INDEX[how](value["parts"][0], root / "mine"))
    before = tree(root)
    for words in (
        ["index", "show", root / "index"],
        ["index", "verify", root / "index"],
        ["index", "remove", root / "index", "--id", "t2"],
        ["index", "compact", root / "index"],
        ["index", "add", root / "index", root / "second"],
        ["dedup", root / "second.jsonl", "--index", root / "index", "--engine", "serial", "--out", root / "third"],
    ):
        said = run(*words, code=5)
        assert f"{root / 'index' / 'index.json'} is damaged (it names '" in said
        assert "which is not a file of an index); restore it from a copy of the index" in said
    assert tree(root) == before


def test_the_name_of_a_part_is_a_string(indexed: Path, tmp_path: Path) -> None:
    shutil.copytree(indexed / "index", tmp_path / "index")
    edit(tmp_path / "index" / "index.json", lambda value: value["parts"][0].update(name=["first"]))
    for words in (["show"], ["remove", "--id", "t2"]):
        said = run("index", words[0], tmp_path / "index", *words[1:], code=5)
        assert f"{tmp_path / 'index' / 'index.json'} is damaged (the name of a part is ['first']); restore it" in said


def test_a_part_of_an_index_names_its_own_files_alone(indexed: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    shutil.copytree(indexed, root)
    (root / "mine.npy").write_bytes(b"mine")
    (manifest,) = (root / "index" / "parts").glob("*/manifest.json")
    edit(manifest, lambda value: value["shards"][0]["tables"]["keys"].update(path="../../../mine.npy"))
    for words in (["show"], ["verify"], ["remove", "--id", "t2"], ["compact"]):
        said = run("index", words[0], root / "index", *words[1:], code=5)
    assert f"{manifest} is damaged: it names '../../../mine.npy'" in said
    assert "restore it from a copy" in said
    assert (root / "mine.npy").read_bytes() == b"mine"


# A crawl

BAD_WARCS = [
    "../mine.warc.gz",
    "crawl-data/../../mine.warc.gz",
    "/etc/mine.warc.gz",
    "",
    "a//b.warc.gz",
    "./a.warc.gz",
    "a/./b.warc.gz",
    "crawl-data/",
    "a.warc.gz\0",
    "a\0b.warc.gz",
    "a\\b.warc.gz",
    "..\\mine.warc.gz",
    "https://elsewhere.example/a.warc.gz",
    "s3://bucket/a.warc.gz",
    "file:///etc/a.warc.gz",
    "a%2e%2e/b.warc.gz",
    "a.warc.gz?x=1",
    "a.warc.gz#x",
    "crawl.json",
    ".corpus_builder",
    ".lock",
    ".hidden.warc.gz",
    "parts",
    "selection/receipts",
    "a.warc.gz.records.parquet",
    "a.warc.gz\n",
    "a\x1b[31m.warc.gz",
    "x" * 190 + ".warc.gz",
]


def test_only_relative_paths_of_warcs_are_taken() -> None:
    assert [name for name in BAD_WARCS if is_warc_path(name)] == []
    assert [is_warc_path(name) for name in (None, 3, b"a.warc.gz")] == [False, False, False]
    good = [
        "a.warc.gz",
        "plain.warc",
        "2008/1/a_2.arc.gz",
        "crawl-data/CC-MAIN-2013-20/segments/1368696381249/warc/CC-MAIN-20130516092621-00000-ip-10-60-113-184.ec2.internal.warc.gz",
    ]
    assert [name for name in good if not is_warc_path(name)] == []


@pytest.mark.parametrize(
    "name", ["../mine.warc.gz", "ABSOLUTE", "", "crawl.json", "a\0.warc.gz", "https://elsewhere.example/a.warc.gz", None]
)
def test_a_crawls_index_names_warcs_below_the_base_alone(tmp_path: Path, name: str | None) -> None:
    mine = tmp_path / "mine.warc.gz"
    mine.write_bytes(b"mine")
    rows = [Row("https://a.jp/", "a.jp", "jpn", 200, "text/html", str(mine) if name == "ABSOLUTE" else name or "", 0, 4)]
    (tmp_path / "base").mkdir()
    write_index(tmp_path / "i.parquet", rows)
    if name is None:
        table = pq.read_table(tmp_path / "i.parquet")
        place = table.schema.get_field_index("warc_filename")
        pq.write_table(table.set_column(place, "warc_filename", pa.nulls(1, pa.string())), tmp_path / "i.parquet")
    said = run("crawl", tmp_path / "i.parquet", "--base", tmp_path / "base", "--out", tmp_path / "out", code=3)
    assert f"The index {tmp_path / 'i.parquet'} names a WARC {str(mine) if name == 'ABSOLUTE' else str(name)!r}" in said
    assert "nothing is fetched from it" in said
    assert {path.name for path in (tmp_path / "out").iterdir()} == {".corpus_builder", ".lock", "selection"}
    assert [path for path in (tmp_path / "out" / "selection").iterdir() if path.suffix == ".parquet"] == []
    assert mine.read_bytes() == b"mine"


def test_a_selection_that_was_edited_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine.warc.gz").write_bytes(b"mine")
    write_index(tmp_path / "i.parquet", [Row("https://a.jp/", "a.jp", "jpn", 200, "text/html", "w/a.warc.gz", 0, 4)])
    (tmp_path / "base" / "w").mkdir(parents=True)
    (tmp_path / "base" / "w" / "a.warc.gz").write_bytes(b"none")
    words = ["crawl", tmp_path / "i.parquet", "--base", tmp_path / "base", "--out", tmp_path / "out"]
    run(*words, "--plan-only")
    (selection,) = (tmp_path / "out" / "selection").glob("all-*")
    rows = pq.read_table(selection)
    pq.write_table(rows.set_column(0, rows.schema.field(0), [["../../mine.warc.gz"]]), selection)
    said = run(*words, code=5)
    assert (
        f"{selection} is damaged: it names '../../mine.warc.gz', which is not a WARC; delete it and run the same command again"
        in said
    )
    selection.unlink()
    run(*words, code=4)  # it is no WARC, but it is asked for


@pytest.mark.parametrize("suffix", ["part", "records"])
def test_a_link_in_the_place_of_what_is_fetched_is_refused(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    write_index(tmp_path / "i.parquet", [Row("https://a.jp/", "a.jp", "jpn", 200, "text/html", "a.warc.gz", 0, 4)])
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "a.warc.gz").write_bytes(b"none")
    words = ["crawl", tmp_path / "i.parquet", "--base", tmp_path / "base", "--out", tmp_path / "out"]
    run(*words, code=4)
    (part,) = (tmp_path / "out" / "parts").iterdir()
    part.unlink()
    part.with_suffix(f".{suffix}").symlink_to(tmp_path / "mine")
    assert "is a symbolic link" in run(*words, code=4)
    assert (tmp_path / "mine").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "line", ["../mine.warc.gz", "a/../../mine.warc.gz", "/etc/mine.warc.gz", "a//b.warc.gz", "./a.warc.gz", "a\\b.warc.gz"]
)
def test_a_list_names_files_below_its_base(tmp_path: Path, line: str) -> None:
    """One that lies elsewhere, no files of this machine; one of the user's may name them by absolute paths."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "warc.paths").write_text(f"{line}\n")
    with web_server(tmp_path / "www") as web:
        for base in (str(tmp_path), web.url):
            listed = {"name": "web", "kind": "warc", "paths": [f"{web.url}/warc.paths"], "base": base}
            with pytest.raises(
                InputError,
                match=r"warc\.paths of source 'web' names .*relative paths below its base without '\.\.'; correct the list",
            ):
                list(find_inputs(Recipe.of({"name": "r", "sources": [listed]}, base=tmp_path)))
        said = run("crawl", tmp_path / "www" / "warc.paths", "--base", tmp_path, "--out", tmp_path / "out", code=3)
        assert "or relative paths below the base without '..'" in said
    if line.startswith("/"):
        mine = {"name": "web", "kind": "warc", "paths": ["www/warc.paths"]}
        with pytest.raises(InputError, match=r"/etc/mine\.warc\.gz .* does not exist"):
            list(find_inputs(Recipe.of({"name": "r", "sources": [mine]}, base=tmp_path)))


def test_why_reads_no_other_file_than_the_row_was_of(tmp_path: Path) -> None:
    texts = jsonl(tmp_path / "texts.jsonl", [{"id": "a", "text": prose(1)}, {"id": "b", "text": f"{prose(1)}終。"}])
    done = deduplicate([texts], tmp_path / "out", Serial())
    (lost,) = done.dropped_rows().column("loser").to_pylist()
    assert done.why(lost)[0].differences
    (tmp_path / "mine").mkdir()
    jsonl(tmp_path / "mine" / "mine.jsonl", [{"text": "a secret"}, {"text": "another secret"}])
    edit(
        tmp_path / "out" / ".cache" / "files.json",
        lambda value: value["files"].update({"texts.jsonl": str(tmp_path / "mine" / "mine.jsonl")}),
    )
    assert "secret" not in run("why", tmp_path / "out", lost)


@pytest.mark.parametrize(
    "content", ["5", "null", "[[", '{"files": 5, "text": "text"}', '{"files": {"texts.jsonl": {}}, "text": []}']
)
def test_what_is_kept_beside_deduplicated_files_may_be_damaged(tmp_path: Path, content: str) -> None:
    texts = jsonl(tmp_path / "texts.jsonl", [{"id": "a", "text": prose(1)}, {"id": "b", "text": f"{prose(1)}終。"}])
    done = deduplicate([texts], tmp_path / "out", Serial())
    (lost,) = done.dropped_rows().column("loser").to_pylist()
    for name in ("files.json", "inputs.json"):
        (tmp_path / "out" / ".cache" / name).write_text(content)
    assert "duplicate_near" in run("why", tmp_path / "out", lost)
    state = json.dumps({f"{texts}|{texts.stat().st_size}|{texts.stat().st_mtime_ns}": {"a": 1}})
    for kept in (content, state):
        (tmp_path / "out" / ".cache" / "inputs.json").write_text(kept)
        assert deduplicate([texts], tmp_path / "out", Serial()).dropped_rows() == done.dropped_rows()


@pytest.mark.parametrize("minhash", ["[]", '{"ngram": []}', '{"n": 5}', "5"])
def test_a_head_of_deduplicated_files_that_is_damaged_is_told(tmp_path: Path, minhash: str) -> None:
    texts = jsonl(tmp_path / "texts.jsonl", [{"id": "a", "text": prose(1)}, {"id": "b", "text": f"{prose(1)}終。"}])
    done = deduplicate([texts], tmp_path / "out", Serial())
    (lost,) = done.dropped_rows().column("loser").to_pylist()
    (tmp_path / "out" / "dedup.json").write_text(
        f'{{"format": "corpus_builder-index/1", "minhash": {minhash}, "keep": "newest"}}'
    )
    assert f"{tmp_path / 'out'} is damaged (" in run("why", tmp_path / "out", lost, code=5)


# The place that is published to


@pytest.mark.parametrize("prefix", ["../v1", "a/../b", "a//b", "./v1", "a\\b", "a\nb"])
def test_a_prefix_is_a_name_too(released: tuple[Built, Built], prefix: str) -> None:
    with pytest.raises(InputError, match="is not a place to publish to: its prefix has an empty segment"):
        publish(released[0], f"s3://bucket/{prefix}")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Built]:
    """Two corpora, of which the second replaces the first."""
    root = tmp_path_factory.mktemp("released")
    inputs = make_inputs(root / "inputs")
    small = {
        "sources": [{"name": "w", "kind": "wikipedia", "paths": ["jawiki.xml.bz2"]}],
        "quality": {},
        "dedup": None,
        "release": {},
    }
    first, second = (build(make_recipe(inputs, seed=seed, **small), root / str(seed), Serial()) for seed in (1, 2))
    return first, second


def objects(s3: Any, bucket: str) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}


@pytest.mark.parametrize("name", ["manifest.json", "publishing.json"])
def test_a_manifest_at_the_place_that_names_something_else_stops_the_publishing(
    s3, released: tuple[Built, Built], name: str
) -> None:
    bucket = f"edited-{name}"
    s3.create_bucket(Bucket=bucket)
    first, second = released
    publish(first, f"s3://{bucket}/v1")
    for key in ("other/corpus/part-00000.01234567.parquet", "v1/notes.txt", "v1/corpus/a.01234567.parquet"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"mine")
    value = json.loads(objects(s3, bucket)["v1/manifest.json"])
    for path in (
        "../other/corpus/part-00000.01234567.parquet",
        "notes.txt",
        "corpus/",
        "corpus/a.01234567.parquet",
        "manifest.json",
        "",
    ):
        value["shards"][0]["tables"]["corpus"]["path"] = path
        s3.put_object(Bucket=bucket, Key=f"v1/{name}", Body=json.dumps(value).encode())
        before = objects(s3, bucket)
        with pytest.raises(InputError, match="is not the manifest of a corpus; choose another prefix"):
            publish(second, f"s3://{bucket}/v1")
        assert objects(s3, bucket) == before, path


def test_an_object_goes_only_where_it_is_what_was_published(s3, released: tuple[Built, Built]) -> None:
    """The manifest names it as a release would, but something else lies there by now."""
    s3.create_bucket(Bucket="replaced")
    first, second = released
    publish(first, "s3://replaced/v1")
    parts = sorted(key for key in objects(s3, "replaced") if key.endswith(".parquet"))
    s3.put_object(Bucket="replaced", Key=parts[0], Body=b"mine")
    done = publish(second, "s3://replaced/v1")
    assert done.removed_files == len(parts) - 1
    expected = {
        f"v1/{path.relative_to(second.out / 'release')}": path.read_bytes()
        for path in (second.out / "release").glob("*/*.parquet")
    }
    expected["v1/manifest.json"] = (second.out / "release" / "manifest.json").read_bytes()
    assert objects(s3, "replaced") == expected | {parts[0]: b"mine"}


def test_a_file_behind_a_link_is_not_published(s3, released: tuple[Built, Built], tmp_path: Path) -> None:
    s3.create_bucket(Bucket="linked")
    shutil.copytree(released[0].out, tmp_path / "out")
    path = next((tmp_path / "out" / "release" / "corpus").iterdir())
    os.rename(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match="is missing or differs from its manifest"):
        publish(Built.open(tmp_path / "out"), "s3://linked/v1")
    there = objects(s3, "linked")
    assert not [key for key in there if key.startswith("v1/corpus/") or key == "v1/manifest.json"]
