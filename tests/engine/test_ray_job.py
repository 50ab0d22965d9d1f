"""A build as a Ray job, submitted with the file that is shipped for it, with a filter that no worker has installed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.corpora import contents, make_inputs
from support.paths import ROOT

from corpus_builder import Recipe, Serial, build
from corpus_builder.store.dataset import read_table

SHIPPED = ROOT / "pipelines" / "ray_job.yaml"
BIN = Path(sys.executable).parent
TOKEN = "a" * 64
ENVIRONMENT = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": TOKEN}
RECIPE = """
name = "job"
[[sources]]
name = "web"
kind = "warc"
paths = ["inputs/web-*.warc.gz"]
[[quality.rules]]
filter = "island_filter:no_islands"
"""
FILTER = """
from corpus_builder import Document, Drop

def no_islands(doc: Document) -> Drop | None:
    return Drop("island", doc.text.count("島"), 0) if "島" in doc.text else None
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def dashboard(tmp_path: Path) -> Iterator[str]:
    """A cluster of its own, with the server that takes jobs and the agent that runs them."""
    port, jobs, agent = free_port(), free_port(), free_port()
    command = ["start", "--head", "--block", "--num-cpus=2", f"--port={port}", "--dashboard-host=127.0.0.1"]
    command += [f"--dashboard-port={jobs}", f"--dashboard-agent-listen-port={agent}"]
    command += ["--object-store-memory=100000000", "--disable-usage-stats"]
    with (tmp_path / "head.log").open("w") as log:
        head = subprocess.Popen(
            [BIN / "ray", *command], stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True, cwd=tmp_path
        )
    try:
        deadline = time.monotonic() + 120
        while not (answers(jobs, "/api/version") and answers(agent, "/api/local_raylet_healthz")):
            assert head.poll() is None, (tmp_path / "head.log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "head.log").read_text()
            time.sleep(0.2)
        yield f"http://127.0.0.1:{jobs}"
    finally:
        head.terminate()  # it alone: it ends the others
        try:
            head.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(head.pid, signal.SIGKILL)
            head.wait()


def answers(port: int, path: str) -> bool:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError:
        return False
    return True


@pytest.mark.slow
def test_a_submitted_job_gives_the_bytes_of_a_serial_run(tmp_path: Path, dashboard: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    make_inputs(work / "inputs")
    (work / "job.toml").write_text(RECIPE)
    (work / "island_filter.py").write_text(FILTER)
    job = ["job", "submit", "--address", dashboard, "--runtime-env", SHIPPED, "--working-dir", work, "--"]
    job += ["corpus-builder", "build", "job.toml", "--out", tmp_path / "job", "--address", "auto"]
    found = subprocess.run([BIN / "ray", *job], env=ENVIRONMENT, capture_output=True, text=True, timeout=240, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    serial = build(Recipe.load(work / "job.toml"), tmp_path / "serial", Serial())
    reasons = [
        row["reason"]
        for receipt in serial.manifests["decide"].receipts
        for row in read_table(serial.manifests["decide"].path(receipt, "decisions")).to_pylist()
    ]
    assert reasons.count("island") > 0
    assert contents(tmp_path / "job") == contents(tmp_path / "serial")
