"""Both engines give every task's outcome once, and go on after a task that fails or a worker that dies."""

import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from corpus_builder.engine import Done, Failure, Ray, Serial
from corpus_builder.errors import RecipeError


@pytest.fixture
def ray_engine(local_ray):
    engine = Ray(workers=2)
    engine.carry([sys.modules[__name__]])
    yield engine
    engine.close()


@pytest.fixture(params=["serial", "ray"])
def engine(request):
    return Serial() if request.param == "serial" else request.getfixturevalue("ray_engine")


def halve(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number // 2


def outcomes(engine, work, tasks):
    return sorted(engine.map(work, tasks), key=lambda outcome: outcome.index)


def test_every_task_has_one_outcome(engine):
    found = outcomes(engine, halve, list(range(40)))
    assert [outcome.index for outcome in found] == list(range(40))
    assert [outcome.value for outcome in found if isinstance(outcome, Done)] == list(range(20))
    assert [str(outcome.error) for outcome in found if isinstance(outcome, Failure)] == [f"{n} is odd" for n in range(1, 40, 2)]


def test_no_tasks_no_outcomes(engine):
    assert outcomes(engine, halve, []) == []


class Stubborn(Exception):
    def __init__(self, one, two):
        super().__init__("cannot be unpickled")


def raise_stubborn(_: int) -> int:
    raise Stubborn(1, 2)


def test_an_error_that_cannot_travel_comes_back_as_its_words(engine):
    (found,) = outcomes(engine, raise_stubborn, [0])
    assert isinstance(found, Failure)
    assert "cannot be unpickled" in str(found.error)
    assert "raise_stubborn" in found.trace


def die_once(path: str) -> str:
    if not Path(path).exists():
        Path(path).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "alive"


def die(_: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def test_a_task_whose_worker_died_is_tried_again(ray_engine, tmp_path):
    assert outcomes(ray_engine, die_once, [str(tmp_path / "died")]) == [Done(0, "alive")]


def test_a_task_that_kills_every_worker_fails_alone(ray_engine):
    (found,) = outcomes(ray_engine, die, [0])
    assert isinstance(found, Failure)
    assert "the worker died" in str(found.error)


def test_the_users_modules_travel_by_value(tmp_path, monkeypatch, local_ray):
    """A worker of a cluster has no file of the user's module; only the driver has it."""
    (tmp_path / "only_here.py").write_text(
        textwrap.dedent(
            """
            SCALE = 3
            def triple(number):
                return SCALE * number
            """
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here

    engine = Ray(workers=2)
    engine.carry([only_here])
    try:
        travelling = outcomes(engine, only_here.triple, [5])
    finally:
        engine.close()
        del sys.modules["only_here"]
    assert travelling == [Done(0, 15)]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:port", "ray://127.0.0.1:1"])
def test_an_address_where_no_cluster_is_gives_a_sentence_at_once(address):
    with pytest.raises(RecipeError, match=f"No Ray cluster takes work at {address} .*ray start --head"):
        list(Ray(address=address).map(str, [1]))
