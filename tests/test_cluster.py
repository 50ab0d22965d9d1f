"""A cluster of several nodes, made by Ray's own utility on one machine."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from conftest import contents, make_inputs, make_recipe

from corpus_builder import Ray, Serial, build
from corpus_builder.engine import Done


def slow_node_id(_: int) -> str:
    import ray

    time.sleep(0.3)
    return str(ray.get_runtime_context().get_node_id())


def test_work_is_spread_over_the_nodes(cluster):
    engine = Ray(address=cluster.address)
    engine.carry([sys.modules[__name__]])
    try:
        nodes = {outcome.value for outcome in engine.map(slow_node_id, range(12)) if isinstance(outcome, Done)}
    finally:
        engine.close()
    assert len(nodes) == 2


@pytest.mark.slow
def test_a_node_that_is_lost_in_the_middle_changes_nothing(cluster, tmp_path):
    directory = make_inputs(tmp_path / "inputs")
    (directory / "slow_filter.py").write_text("import time\n\ndef slow(doc):\n    time.sleep(0.2)\n    return None\n")
    quality = {"sources": ["web"], "rules": [{"duplicates": True}, {"filter": "slow_filter:slow"}]}
    recipe = make_recipe(directory, quality=quality)
    lost = cluster.add_node(num_cpus=2, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    removal = threading.Timer(3.0, lambda: cluster.remove_node(lost, allow_graceful=False))
    removal.start()
    build(recipe, tmp_path / "cluster", Ray(address=cluster.address))
    removal.join()
    build(recipe, tmp_path / "serial", Serial())
    assert contents(tmp_path / "cluster") == contents(tmp_path / "serial")
