"""A test that does not end is failed, with what it was doing, and the next one runs."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st


def test_endless():
    while True:
        try:
            time.sleep(1)
        except Exception:
            pass


@given(st.integers())
def test_endless_property(number):
    while True:
        pass


@pytest.fixture
def waiting():
    time.sleep(60)


def test_in_a_fixture(waiting):
    pass


@pytest.mark.slow
def test_slow_ones_may_take_longer():
    time.sleep(1.5)


def test_quick():
    time.sleep(0.001)
"""


def test_a_test_that_does_not_end_is_failed(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nseconds_each = 1\nmarkers = slow\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-p",
        "no:cacheprovider",
        "-q",
        "-rA",
        "--tb=line",
        "test_some.py",
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False)
    verdicts = sorted(
        line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED", "ERROR"))
    )
    assert verdicts == [
        "ERROR test_some.py::test_in_a_fixture",
        "FAILED test_some.py::test_endless",
        "FAILED test_some.py::test_endless_property",
        "PASSED test_some.py::test_quick",
        "PASSED test_some.py::test_slow_ones_may_take_longer",
    ]
    assert done.stdout.count("conftest.TooLong: the test took") >= 3
    assert f'File "{tmp_path / "test_some.py"}", line 12 in test_endless' in done.stdout  # what it was doing
