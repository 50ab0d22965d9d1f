"""A page that kills the process costs that page: the other results are the same, whatever the engine."""

import ctypes
import mmap
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from support.corpora import page, write_warc

from corpus_builder.engine import Done, Engine, Ray, Serial, guard
from corpus_builder.engine.guard import Crash, Reading, guarded
from corpus_builder.errors import InputError, StageError
from corpus_builder.pages.page import PageSettings
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.sources.input_file import InputFile
from corpus_builder.stages.extract import Extract
from corpus_builder.store.dataset import Dataset, read_table
from corpus_builder.store.receipt import Receipt
from corpus_builder.store.run import _make
from corpus_builder.store.stats import stats_from_json


def work(unit: int) -> str:
    if unit % 1000 == 7:
        os.abort()
    if unit % 1000 == 8:
        ctypes.string_at(0)
    if unit == 9:
        os._exit(3)
    return f"did {unit}"


def crashed(unit: int, crash: Crash) -> str:
    return f"{unit} {crash.how} {crash.endless}"


def done(units: list[int]) -> list[str]:
    return list(guarded(lambda: iter(units), work, crashed))


def test_nothing_odd() -> None:
    assert done(list(range(1000, 1007)) * 30) == [f"did {n}" for n in list(range(1000, 1007)) * 30]
    assert done([]) == []


@pytest.mark.parametrize("before", [0, 1, 63, 64, 65, 200])
def test_what_kills_the_process_is_blamed_alone(before: int) -> None:
    units = [*range(2000, 2000 + before)]
    units = [unit for unit in units if unit % 1000 not in (7, 8)]
    found = done([*units, 7, 8, 1, 8, 9, *units])
    expected = ["7 SIGABRT False", "8 SIGSEGV False", "did 1", "8 SIGSEGV False", "9 exit code 3 False"]
    assert found == [f"did {n}" for n in units] + expected + [f"did {n}" for n in units]


def test_a_unit_that_survives_a_fresh_process_is_not_blamed() -> None:
    worked: list[int] = []

    def fails_late(unit: int) -> int:
        worked.append(unit)
        if len(worked) > 40:  # as a library would whose memory an earlier page has damaged
            os.abort()
        return unit

    assert list(guarded(lambda: iter(range(100)), fails_late, lambda unit, crash: -unit)) == list(range(100))


def spin(unit: int) -> int:
    while unit == 5:
        pass
    return unit


def test_an_endless_loop_ends_by_its_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CPU_SECONDS", 0)
    found = list(guarded(lambda: iter(range(9)), spin, lambda unit, crash: (unit, crash)))
    assert found == [0, 1, 2, 3, 4, (5, Crash("SIGXCPU", endless=True)), 6, 7, 8]


def test_errors_are_raised_here_with_their_trace() -> None:
    def units() -> Iterator[int]:
        yield 1
        raise InputError("There is no such file.")

    def refuse(unit: int) -> int:
        raise KeyError(unit)

    with pytest.raises(InputError, match=r"^There is no such file\.") as found:
        list(guarded(units, lambda unit: unit, lambda unit, crash: 0))
    assert "in units" in found.value.__notes__[0]
    with pytest.raises(KeyError, match=r"^1\n"):
        list(guarded(units, refuse, lambda unit, crash: 0))
    with pytest.raises(RuntimeError, match="SystemExit: 5"):
        list(guarded(units, lambda unit: sys.exit(5), lambda unit, crash: 0))


def test_a_kill_from_outside_is_nobodys_fault() -> None:
    with pytest.raises(StageError, match=r"was killed .SIGKILL., most often because memory ran out"):
        list(guarded(lambda: iter([1]), lambda unit: os.kill(os.getpid(), signal.SIGKILL), lambda unit, crash: 0))


def test_a_process_that_the_work_forks_does_not_speak_for_it() -> None:
    def forks(unit: int) -> tuple[int, int]:
        own = os.getpid()
        if os.fork() and unit % 2:
            os.wait()
        elif os.getpid() != own and unit % 3 == 0:
            raise ValueError("of the forked process")
        return unit, os.getpid()

    found = list(guarded(lambda: iter(range(150)), forks, lambda unit, crash: (-1, -1)))
    assert [unit for unit, _ in found] == list(range(150))
    assert len({process for _, process in found}) == 1


def test_a_process_that_the_work_forked_and_left_does_not_hold_up_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "LOOK_SECONDS", 0.05)
    reading, writing = os.pipe()

    def leaves_one(unit: int) -> int:
        if unit == 5:
            if not os.fork():
                os.write(writing, b"%d " % os.getpid())
                signal.alarm(20)
                signal.pause()  # and holds the guard's pipe open, as a pool of processes does
            os.abort()
        return unit

    assert list(guarded(lambda: iter(range(10)), leaves_one, lambda unit, crash: -unit)) == [0, 1, 2, 3, 4, -5, 6, 7, 8, 9]
    os.close(writing)
    left = [int(pid) for pid in os.read(reading, 100).split()]
    os.set_blocking(reading, False)
    with pytest.raises(BlockingIOError):  # nobody has closed the other end: a forked process still lives
        os.read(reading, 1)
    os.close(reading)
    for pid in left:
        os.kill(pid, signal.SIGKILL)


def test_a_crash_while_reading_is_no_pages_fault() -> None:
    def units() -> Iterator[int]:
        yield 1
        os.abort()

    with pytest.raises(StageError, match=r"died while reading .SIGABRT."):
        list(guarded(units, lambda unit: unit, lambda unit, crash: 0))


def read_with(reading: Reading, deadly: dict[int, int]) -> list[object]:
    """Units at the offsets 0, 10, 20, ...; reading those in `deadly` ends the process as often as it says."""
    left = mmap.mmap(-1, 100)
    for place, times in deadly.items():
        left[place] = times

    def units() -> Iterator[int | str]:
        for place in range(10):
            if crash := reading.at(10 * place):
                yield f"{crash.how} at {10 * place}"
                continue
            if left[place]:
                left[place] -= 1
                os.abort()
            yield place

    return list(guarded(units, lambda unit: unit, lambda unit, crash: None, reading))


def test_reading_that_kills_twice_at_one_place_costs_what_lies_there() -> None:
    reading = Reading()
    assert read_with(reading, {3: 2, 4: 99, 9: 2}) == [0, 1, 2, "SIGABRT at 30", "SIGABRT at 40", 5, 6, 7, 8, "SIGABRT at 90"]
    assert sorted(reading.broken) == [30, 40, 90]


def test_reading_that_kills_once_costs_nothing() -> None:
    assert read_with(Reading(), {3: 1, 5: 1}) == list(range(10))


def test_reading_without_end_ends_by_its_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "CPU_SECONDS", 0)
    reading = Reading()

    def units() -> Iterator[int]:
        yield 1
        while not reading.at(7):
            while True:
                pass
        yield 2

    assert list(guarded(units, lambda unit: unit, lambda unit, crash: None, reading)) == [1, 2]
    assert reading.broken == {7: Crash("SIGXCPU", endless=True)}


def test_an_extractor_that_always_crashes_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MAX_CRASHES", 3)
    with pytest.raises(StageError, match=r"more than 3 pages crash the extractor .SIGABRT."):
        done([7] * 9)


def test_whoever_stops_listening_leaves_no_process_behind() -> None:
    found = guarded(lambda: iter(range(10**9)), lambda unit: (unit, os.getpid()), lambda unit, crash: (0, 0))
    _, child = next(found)
    found.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


EXTRACTOR = """
import os, signal
from corpus_builder.engine import guard
from corpus_builder.pages.extract import Extracted, trafilatura_extractor
guard.CPU_SECONDS = 0
def extract(html_text, url):
    if "<title>3番目" in html_text:
        os.abort()
    if "<title>5番目" in html_text:
        os.kill(os.getpid(), signal.SIGSEGV)
    while "<title>6番目" in html_text:
        pass
    return trafilatura_extractor(html_text)
def known(html_text, url):
    return None if any(f"<title>{n}番目" in html_text for n in (3, 5, 6)) else trafilatura_extractor(html_text)
"""


def extracted(engine: Engine, directory: Path, extractor: str, name: str) -> Receipt:
    """The receipt of the one shard of a directory's WARC."""
    stage = Extract((InputFile(str(directory / "web.warc.gz"), "web", "warc", ""),), PageSettings(extractor))
    with closing(engine):
        (found,) = engine.map(partial(_make, stage, Dataset(directory / name, "extract", 1)), stage.plan({}))
    assert isinstance(found, Done), found
    return found.value


@pytest.mark.parametrize("engine", ["serial", pytest.param("ray", marks=pytest.mark.slow)])
def test_a_shard_goes_on_after_pages_that_kill_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_ray: None, engine: str
) -> None:
    monkeypatch.setattr(guard, "CPU_SECONDS", guard.CPU_SECONDS)  # the module below changes it
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = f"killing_{engine}"  # imported anew in either test, as importing it changes the limit
    Path(f"{module}.py").write_text(textwrap.dedent(EXTRACTOR))
    write_warc(tmp_path / "web.warc.gz", [page(number) for number in range(12)])
    found = extracted(Serial() if engine == "serial" else Ray(workers=1), tmp_path, f"{module}:extract", "found")
    expected = extracted(Serial(), tmp_path, f"{module}:known", "expected")
    became, asked = (stats_from_json(ExtractStats, receipt.stats) for receipt in (found, expected))
    assert {reason: gone.pages for reason, gone in became.dropped.items()} == {"extraction_crashed": 2, "extraction_endless": 1}
    assert {reason: gone.pages for reason, gone in asked.dropped.items()} == {"extraction_empty": 3}
    assert replace(became, dropped={}) == replace(asked, dropped={})
    assert found.tables["documents"].sha256 == expected.tables["documents"].sha256
    rows = read_table(tmp_path / "found" / found.tables["ledger"].path, ["url", "reason", "detail"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("https://www.example/3", "extraction_crashed", "SIGABRT"),
        ("https://www.example/5", "extraction_crashed", "SIGSEGV"),
        ("https://www.example/6", "extraction_endless", ""),
    ]
