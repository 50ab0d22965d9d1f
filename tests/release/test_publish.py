"""What is published is what was released, all of it or no manifest, and is sent once."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from support.corpora import make_inputs, make_recipe
from support.loopback import CuttingProxy

from corpus_builder import Serial, build, publish
from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.errors import InputError, IntegrityError


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Built:
    root = tmp_path_factory.mktemp("released")
    return build(make_recipe(make_inputs(root / "inputs"), release={"part_characters": 1_500}), root / "out", Serial())


def objects(s3, bucket: str) -> dict[str, bytes]:
    found = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}


def files(built: Built, prefix: str) -> dict[str, bytes]:
    root = built.out / "release"
    return {
        f"{prefix}/{path.relative_to(root)}": path.read_bytes() for path in [root / "manifest.json", *root.glob("*/*.parquet")]
    }


def test_the_corpus_is_there_and_a_second_run_sends_nothing(s3, released: Built) -> None:
    s3.create_bucket(Bucket="corpora")
    first = publish(released, "s3://corpora/ja/v1/", read_back=True)
    expected = files(released, "ja/v1")
    assert objects(s3, "corpora") == expected
    assert len(expected) > 3
    size = sum(map(len, expected.values()))
    assert (first.files, first.size_bytes, first.sent_files, first.sent_bytes) == (len(expected), size, len(expected), size)
    second = publish(released, "s3://corpora/ja/v1")
    assert (second.files, second.sent_files, second.sent_bytes, second.removed_files) == (len(expected), 0, 0, 0)
    assert objects(s3, "corpora") == expected
    part = next(key for key in expected if key.endswith(".parquet"))
    held = s3.head_object(Bucket="corpora", Key=part, ChecksumMode="ENABLED")
    assert held["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(expected[part]).digest()).decode()


def test_what_stopped_goes_on_and_the_manifest_comes_last(s3, s3_port: int, released: Built, aws: pytest.MonkeyPatch) -> None:
    s3.create_bucket(Bucket="stopped")
    aws.setenv("CORPUS_BUILDER_TRIES", "1")
    aws.setattr(sys.modules["corpus_builder.release.publish"], "AT_A_TIME", 1)
    proxy = CuttingProxy(s3_port, [10_000] * 5 + [50] * 40)
    aws.setenv("AWS_ENDPOINT_URL", proxy.url)
    with pytest.raises(InputError, match=r"the connection failed|cannot be reached"):
        publish(released, "s3://stopped/v1")
    there = objects(s3, "stopped")
    del there["v1/publishing.json"]
    assert 0 < len(there) < len(files(released, "v1"))
    assert "v1/manifest.json" not in there
    proxy.close()
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{s3_port}")
    done = publish(released, "s3://stopped/v1")
    assert done.sent_files == len(files(released, "v1")) - len(there)
    assert objects(s3, "stopped") == files(released, "v1")


def test_connections_that_break_are_mended(s3, s3_port: int, released: Built, aws: pytest.MonkeyPatch) -> None:
    s3.create_bucket(Bucket="mended")
    proxy = CuttingProxy(s3_port, [150, 1, 100, 400, 10_000, 10_000, 120])
    aws.setenv("AWS_ENDPOINT_URL", proxy.url)
    publish(released, "s3://mended/v1", read_back=True)
    proxy.close()
    assert proxy.cuts == []
    assert objects(s3, "mended") == files(released, "v1")


def test_a_newer_corpus_replaces_the_older_and_leaves_other_objects(s3, released: Built, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="newer")
    publish(released, "s3://newer/v1")
    s3.put_object(Bucket="newer", Key="v1/corpus/note.txt", Body=b"mine")
    other = build(make_recipe(make_inputs(tmp_path / "inputs"), seed=7), tmp_path / "out", Serial())
    done = publish(other, "s3://newer/v1")
    assert done.removed_files == len(files(released, "v1")) - 1
    assert objects(s3, "newer") == {**files(other, "v1"), "v1/corpus/note.txt": b"mine"}


def test_damage_here_or_there_is_found(s3, released: Built, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="damage")
    shutil.copytree(released.out, tmp_path / "out")
    built = Built.open(tmp_path / "out")
    publish(built, "s3://damage/v1")
    key = next(key for key in files(built, "v1") if key.endswith(".parquet"))
    s3.put_object(Bucket="damage", Key=key, Body=bytes(len(objects(s3, "damage")[key])))  # same length, other bytes
    assert publish(built, "s3://damage/v1").sent_files == 1
    assert objects(s3, "damage") == files(built, "v1")
    (built.out / "release" / key.removeprefix("v1/")).write_bytes(b"PAR1")
    with pytest.raises(IntegrityError, match=r"part-.* is missing or differs from its manifest"):
        publish(built, "s3://damage/v2")
    assert "v2/manifest.json" not in objects(s3, "damage")


def killed_again_and_again(s3, s3_port: int, released: Built, tmp_path: Path, bucket: str, kills: int) -> set[str]:
    """Publish over an older corpus, kill -9 after so many bytes, again; whenever it dies, what a manifest names is there."""
    s3.create_bucket(Bucket=bucket)
    older = build(make_recipe(make_inputs(tmp_path / "inputs"), seed=7), tmp_path / "older", Serial())
    publish(older, f"s3://{bucket}/v1")
    s3.put_object(Bucket=bucket, Key="v1/corpus/note.txt", Body=b"mine")
    both = {**files(older, "v1"), **files(released, "v1")}
    chance = random.Random(kills)
    command = [sys.executable, "-m", "corpus_builder", "publish", str(released.out), f"s3://{bucket}/v1"]
    killed = 0
    while killed < kills:
        proxy = CuttingProxy(s3_port, [])
        most = chance.randrange(1, 40_000)
        environment = {**os.environ, "AWS_ENDPOINT_URL": proxy.url}
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            while process.poll() is None and proxy.total < most:
                time.sleep(0.001)
            ended = process.poll()
            process.kill()
            assert ended in (None, 0), process.stdout.read()
        proxy.close()
        killed += ended is None
        there = objects(s3, bucket)
        assert there.pop("v1/corpus/note.txt") == b"mine"
        assert ended is None or "v1/publishing.json" not in there
        manifest = json.loads(there["v1/manifest.json"])
        named = [table for shard in manifest["shards"] for table in shard["tables"].values()]
        assert [there[f"v1/{table['path']}"] for table in named] == [both[f"v1/{table['path']}"] for table in named]
        if ended == 0:
            assert there == files(released, "v1")
            s3.delete_object(Bucket=bucket, Key=chance.choice(sorted(there)))
            if "v1/manifest.json" not in objects(s3, bucket):
                publish(older, f"s3://{bucket}/v1")
            publish(released, f"s3://{bucket}/v1") if chance.random() < 0.5 else publish(older, f"s3://{bucket}/v1")
    publish(released, f"s3://{bucket}/v1", read_back=True)
    there = objects(s3, bucket)
    assert {key: body for key, body in there.items() if key in files(released, "v1")} == files(released, "v1")
    return set(there)


def test_killed_at_any_moment_it_goes_on(s3, s3_port: int, released: Built, tmp_path: Path) -> None:
    there = killed_again_and_again(s3, s3_port, released, tmp_path, "killed", 2)
    assert there == {*files(released, "v1"), "v1/corpus/note.txt"}


@pytest.mark.slow
def test_killed_forty_times_it_goes_on(s3, s3_port: int, released: Built, tmp_path: Path) -> None:
    there = killed_again_and_again(s3, s3_port, released, tmp_path, "killed-often", 40)
    assert there == {*files(released, "v1"), "v1/corpus/note.txt"}


class Forgetful(BaseHTTPRequestHandler):
    """A store of the old kind: it keeps objects, knows no digests, and damages what it is told to."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    kept: dict[str, bytes]
    damage = ""

    def log_message(self, *words: object) -> None:
        pass

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.kept[self.path] = body[::-1] if self.damage and self.damage in self.path else body
        self._answer(200, b"")

    def do_GET(self) -> None:
        body = self.kept.get(self.path)
        if body is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif asked := self.headers.get("Range"):
            start, end = (int(one) for one in asked.removeprefix("bytes=").split("-"))
            end = min(end + 1, len(body))
            self._answer(206, body[start:end], {"Content-Range": f"bytes {start}-{end - 1}/{len(body)}"})
        else:
            self._answer(200, body)

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self.kept.pop(self.path, None)
        self._answer(204, b"")

    def _answer(self, status: int, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "ETag": '"one"', **(more or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.mark.parametrize("damage", ["", "part-00001"])
def test_a_store_that_knows_no_digests_is_read_back(aws: pytest.MonkeyPatch, released: Built, damage: str) -> None:
    handler = type("Kept", (Forgetful,), {"kept": {}, "damage": damage})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    aws.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    try:
        if damage:
            with pytest.raises(IntegrityError, match=r"part-00001.* is not what was sent: its digest differs"):
                publish(released, "s3://old/v1")
            assert "/old/v1/manifest.json" not in handler.kept
        else:
            assert publish(released, "s3://old/v1").sent_files == len(files(released, "v1"))
            assert {key.removeprefix("/old/"): body for key, body in handler.kept.items()} == files(released, "v1")
            assert publish(released, "s3://old/v1").sent_files == 0
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("https://host/prefix", "is not a place to publish to; write s3://BUCKET/PREFIX"),
        ("s3://", "is not a place to publish to|names no bucket"),
        ("s3://no-such-bucket-here/v1", "There is no bucket 'no-such-bucket-here'"),
    ],
)
def test_places_that_cannot_be_published_to(s3, released: Built, place: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        publish(released, place)


def test_what_is_not_ours_is_not_overwritten(s3, released: Built) -> None:
    s3.create_bucket(Bucket="others")
    for body in (b"{}", b"no json", json.dumps({"format": "corpus_builder/1", "stage": "extract"}).encode()):
        s3.put_object(Bucket="others", Key="v1/manifest.json", Body=body)
        with pytest.raises(InputError, match="is not the manifest of a corpus; choose another prefix"):
            publish(released, "s3://others/v1")
        assert objects(s3, "others") == {"v1/manifest.json": body}


def test_a_build_is_written_to_a_disk(released: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        InputError, match=r"is not a directory: a build is written to disk\..*`corpus-builder publish` then copies"
    ):
        build(released.recipe, "s3://corpora/build", Serial())
    assert list(tmp_path.iterdir()) == []


def test_the_command(s3, released: Built, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="command")

    def run(*words: object, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["publish", *map(str, words)])
        assert result.exit_code == code, result.output
        return result.output

    assert "s3://command/v1 holds the released corpus: " in run(released.out, "s3://command/v1")
    assert json.loads(run(released.out, "s3://command/v1", "--json", "--read-back"))["sent_files"] == 0
    shutil.copytree(released.out, tmp_path / "out")
    (tmp_path / "out" / "release" / "manifest.json").unlink()
    assert "has no released corpus yet" in run(tmp_path / "out", "s3://command/v2", code=3)
    assert pq.ParquetFile(next((released.out / "release" / "corpus").iterdir())).metadata.num_rows > 0
