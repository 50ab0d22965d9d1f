"""A cluster of several machines, made by Ray's own utility on one: those that are not as the driver's are named and not used."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.corpora import contents, make_inputs, make_recipe

import corpus_builder
from corpus_builder import Ray, Serial, build
from corpus_builder.engine import Done, Failure
from corpus_builder.errors import StageError

SMALL = {"object_store_memory": 80 << 20}


def ids() -> set[str]:
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory, no_ray: None):
    """Two machines that are fit, one whose package has another line, and one with a disk of its own below `shared`."""
    import ray
    from ray.cluster_utils import Cluster

    root, before = tmp_path_factory.mktemp("cluster"), Path.cwd()
    (root / "shared").mkdir()
    shutil.copytree(Path(corpus_builder.__file__).parent, root / "other" / "corpus_builder")
    with (root / "other" / "corpus_builder" / "document.py").open("a") as file:
        file.write("# a line more\n")
    os.chdir(root)  # Ray lets workers look for packages in the driver's directory first
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, **SMALL})
    cluster.add_node(num_cpus=1, **SMALL)
    cluster.add_node(num_cpus=1, **SMALL, env_vars={"PYTHONPATH": str(root / "other")})
    mount = ["unshare", "-m", "sh", "-c", f"mount -t tmpfs tmpfs {root}/shared && exec "]
    alone = None
    if subprocess.run([*mount[:-1], f"{mount[-1]} true"], check=False, capture_output=True).returncode == 0:  # as root alone
        start = (
            f"{Path(sys.executable).parent}/ray start --address={cluster.address} --num-cpus=1 --object-store-memory={80 << 20}"
        )
        with (root / "alone.log").open("w") as log:
            alone = subprocess.Popen([*mount[:-1], f"{mount[-1]} {start} --block --disable-usage-stats"], stdout=log, stderr=log)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    deadline = time.monotonic() + 120
    while len(ids()) < 3 + (alone is not None):
        assert alone is None or alone.poll() is None, (root / "alone.log").read_text()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    yield SimpleNamespace(cluster=cluster, root=root, shared=root / "shared", alone=alone)
    ray.shutdown()
    if alone:
        alone.terminate()
        alone.wait(60)
    cluster.shutdown()
    os.chdir(before)


def node_id(seconds: float) -> str:
    import ray

    time.sleep(seconds)
    return str(ray.get_runtime_context().get_node_id())


def raise_at_first(path: str) -> str:
    """Fail on the machine that comes first, and on it alone."""
    here = node_id(0.0)
    try:
        with open(path, "x") as file:
            file.write(here)
    except FileExistsError:
        pass
    if Path(path).read_text() == here:
        raise OSError(f"the disk of {here} is broken")
    return here


def overlap(directory: str) -> int:
    """How many tasks run at the moment, this one included."""
    mine = Path(directory, f"{os.getpid()}-{time.monotonic()}")
    mine.touch()
    time.sleep(0.1)
    count = len(os.listdir(directory))
    mine.unlink()
    return count


def engine_of(machines: SimpleNamespace, workers: int | None = None) -> Ray:
    engine = Ray(workers, address=machines.cluster.address)
    engine.carry([sys.modules[__name__]])
    return engine


def test_machines_with_another_package_or_disk_are_named_and_not_used(machines, caplog):
    with engine_of(machines) as engine, caplog.at_level(logging.WARNING):
        engine.share(machines.shared)
        found = list(engine.map(node_id, [0.2] * 16))
    assert [outcome for outcome in found if isinstance(outcome, Failure)] == []
    assert len({outcome.value for outcome in found}) == 2
    assert sorted(outcome.index for outcome in found) == list(range(16))
    assert all(f", {outcome.value[:8]})" in outcome.node for outcome in found)
    told = sorted(record.getMessage().split(" is excluded: ")[1] for record in caplog.records)
    version, other = corpus_builder.__version__, machines.root / "other" / "corpus_builder"
    package = f"its package corpus_builder is version {version} with other files ({other}), not this one of version {version}."
    disk = f"it does not see the output directory {machines.shared} (No such file or directory): that must be on a disk that all machines share."
    assert told == ([disk] if machines.alone else []) + [package]
    assert list(machines.shared.iterdir()) == []


def test_a_build_with_a_relative_out_gives_the_bytes_of_a_serial_one(machines, monkeypatch):
    monkeypatch.chdir(machines.shared)
    make_inputs(machines.root / "inputs")
    recipe = make_recipe(machines.root / "inputs")
    with engine_of(machines) as engine:
        build(recipe, "out", engine)
        assert list(engine.map(abs, [-1])) == [Done(0, 1)]  # it is still open
    build(recipe, machines.root / "serial", Serial())
    assert contents(machines.shared / "out") == contents(machines.root / "serial")


def test_what_fails_on_one_machine_is_tried_on_another(machines, tmp_path):
    with engine_of(machines) as engine:
        engine.share(machines.shared)
        (found,) = engine.map(raise_at_first, [str(tmp_path / "first")])
    assert isinstance(found, Done)
    assert found.value != (tmp_path / "first").read_text()


def test_a_failure_names_its_machine(machines):
    with engine_of(machines) as engine:
        engine.share(machines.shared)
        (found,) = engine.map(int, ["seven"])
    assert isinstance(found, Failure)
    assert str(found.error) == "invalid literal for int() with base 10: 'seven'"
    assert found.node.count(",") == 1


def die(_: int) -> None:
    os.kill(os.getpid(), 9)


@pytest.mark.slow
def test_a_worker_that_dies_names_its_machine(machines):
    with engine_of(machines) as engine:
        engine.share(machines.shared)
        (found,) = engine.map(die, [1])
    assert isinstance(found, Failure)
    assert found.node.count(",") == 1


def test_no_more_tasks_run_at_a_time_than_workers(machines, tmp_path):
    with engine_of(machines, workers=1) as engine:
        engine.share(machines.shared)
        found = [outcome.value for outcome in engine.map(overlap, [str(tmp_path)] * 8)]
    assert found == [1] * 8


def test_where_no_machine_is_fit_all_are_named(machines, tmp_path):
    given = tmp_path / "given.txt"
    given.write_text("one")
    with engine_of(machines) as engine:
        engine.share(machines.shared, [given])
        given.write_text("three")
        with pytest.raises(StageError, match="No machine of the cluster can be used") as found:
            list(engine.map(abs, [1, 2, 3]))
    lines = str(found.value).split("\n")
    assert len(lines) == (6 if machines.alone else 5)
    assert sum(f"its input {given} has 5 bytes, not 3" in line for line in lines) == 2


def memory_of_task(_: int) -> float:
    import ray

    return float(ray.get_runtime_context().get_assigned_resources().get("memory", 0))


def test_the_memory_of_a_task_is_reserved_where_a_machine_has_it(machines, caplog):
    with engine_of(machines) as engine, caplog.at_level(logging.WARNING):
        engine.share(machines.shared)
        engine.task_memory_bytes = 64 << 20
        assert list(engine.map(memory_of_task, [0])) == [Done(0, 64 << 20)]
        engine.task_memory_bytes = 1 << 50  # nothing would ever run
        assert list(engine.map(memory_of_task, [0])) == [Done(0, 0)]
    (told,) = (record.getMessage() for record in caplog.records if "MiB" in record.getMessage())
    assert told.startswith("No machine offers Ray the 1,073,741,824 MiB that a task may use (--memory); the most is ")


@pytest.mark.slow
def test_machines_that_join_later_are_used(machines):
    with engine_of(machines) as engine:
        engine.share(machines.shared)
        seen: set[str] = set()
        late = ""
        for outcome in engine.map(node_id, [0.3] * 60):
            seen.add(outcome.value)
            if not late:
                late = machines.cluster.add_node(num_cpus=1, **SMALL).node_id
    machines.cluster.remove_node(next(n for n in machines.cluster.worker_nodes if n.node_id == late))
    assert len(seen) == 3
    assert late in seen


@pytest.mark.slow
def test_a_node_that_is_lost_in_the_middle_changes_nothing(machines, tmp_path):
    directory = make_inputs(tmp_path / "inputs")
    (directory / "slow_filter.py").write_text("import time\n\ndef slow(doc):\n    time.sleep(0.2)\n    return None\n")
    quality = {"sources": ["web"], "rules": [{"duplicates": True}, {"filter": "slow_filter:slow"}]}
    recipe = make_recipe(directory, quality=quality)
    lost = machines.cluster.add_node(num_cpus=2, **SMALL)
    removal = threading.Timer(3.0, lambda: machines.cluster.remove_node(lost, allow_graceful=False))
    removal.start()
    with engine_of(machines) as engine:
        build(recipe, tmp_path / "cluster", engine)
    removal.join()
    build(recipe, tmp_path / "serial", Serial())
    assert contents(tmp_path / "cluster") == contents(tmp_path / "serial")
