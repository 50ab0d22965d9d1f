"""Fixtures that tests of several rooms share, and the time that a test may take."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from support.corpora import make_inputs, make_recipe


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


LONGEST = [
    "test_staleness.py",
    "duplicates/test_search_at_scale.py",
    "test_readme.py",
    "sources/test_memory.py",
    "test_pipeline.py",
    "test_deduplication.py",
    "engine/test_cluster.py",
    "store/test_names.py",
    "release/test_publish.py",
    "stages/test_repeated_lines.py",
]
"""Of these one can take as long as all that is left: they begin, so that at the end no process waits long for another."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file run in one process, the longest files first; those that share a Ray run before all, in the same process."""
    place = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    shares_ray = {item: "local_ray" in getattr(item, "fixturenames", ()) for item in items}
    items.sort(key=lambda item: (not shares_ray[item], place.get(item.path, len(place))))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("ray" if shares_ray[item] else str(item.path)))


@pytest.fixture(scope="session", autouse=True)
def no_wait_for_the_disk() -> Iterator[None]:
    """Most of the time of builds this small; what has to be synced, and when, is asked of the calls (store/test_durability.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)  # which knows an open file, too
        yield


@pytest.fixture(scope="session")
def _ray_ends() -> Iterator[None]:
    yield
    stop_ray()


def stop_ray() -> None:
    if ray := sys.modules.get("ray"):
        ray.shutdown()


@pytest.fixture
def local_ray(_ray_ends: None) -> None:
    """A Ray with two workers that runs until the tests end: an engine joins what runs already, and leaves it running."""
    from corpus_builder import Ray

    assert [done.value for done in Ray(2).map(abs, [-1])] == [1]


@pytest.fixture(scope="module")
def no_ray() -> Iterator[None]:
    """No Ray before and after: a test starts one of its own."""
    stop_ray()
    yield
    stop_ray()


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


@pytest.fixture
def cluster(no_ray: None):
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


@pytest.fixture(scope="session")
def llama() -> Iterator[str]:
    """The URL of a server with a small language model."""
    from support.llama import llama_server

    with llama_server() as url:
        yield url


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
