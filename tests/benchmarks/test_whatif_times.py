"""The made-up tables are those of a build, and the times are of changes that change something."""

from __future__ import annotations

from support.paths import ROOT

from benchmarks.whatif import CHANGES, run


def test_every_change_is_timed() -> None:
    found, peak = run(1_500, ROOT / "pipelines" / "sample.toml")
    assert [one.change for one in found] == list(CHANGES)
    assert len({one.before for one in found}) == 1
    assert all(one.after != one.before for one in found[:2])
    assert peak > 0
