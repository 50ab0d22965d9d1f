"""The table of hosts for people and programs: the command, and the section of the report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.hosts import RULES, recipe, write_rows

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.commands.main import main


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("hosts")
    return build(recipe(write_rows(folder / "in", 40), RULES, hosts={}), folder / "out", Serial())


def run(done: Built, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["hosts", str(done.out), *options])
    assert result.exit_code == code, result.output
    return result.output


def table(done: Built, by: str, descending: bool = True) -> list[dict[str, Any]]:
    rows = sorted(done.hosts().to_table().to_pylist(), key=lambda row: row["host"])
    return sorted(rows, key=lambda row: row[by], reverse=descending)


@pytest.mark.parametrize("options", [["--by", "kept"], ["--by", "num_letters.p50", "--ascending"], []], ids=str)
def test_json_and_csv_are_the_table_in_order(done: Built, options: list[str]) -> None:
    by = options[1] if options else "documents"
    wanted = table(done, by, "--ascending" not in options)
    assert [json.loads(line) for line in run(done, "--json", *options).splitlines()] == wanted
    found = list(csv.DictReader(io.StringIO(run(done, "--csv", *options))))
    cells = [{name: " ".join(value) if name == "examples" else str(value) for name, value in row.items()} for row in wanted]
    assert found == cells


def test_people_see_the_first_ones(done: Built) -> None:
    lines = run(done, "--limit", "2", "--by", "num_letters").splitlines()
    wanted = table(done, "num_letters")
    assert lines[0].split() == ["host", "documents", "kept", "duplicate_fraction", "characters", "num_letters"]
    assert [line.split()[0] for line in lines[1:3]] == [row["host"] for row in wanted[:2]]
    assert lines[3] == f"and {len(wanted) - 2} more (--csv or --json prints all)"
    assert len(lines) == 4


def test_what_cannot_be_shown_is_a_sentence(done: Built, tmp_path: Path) -> None:
    assert "did you mean 'kept'" in run(done, "--by", "keptt", code=3)
    assert "not both" in run(done, "--csv", "--json", code=2)
    folder = write_rows(tmp_path / "in", 20)
    assert "no table [hosts]" in run(build(recipe(folder, RULES), tmp_path / "out", Serial()), code=3)


def test_the_report_shows_the_hosts_with_the_most_documents(done: Built) -> None:
    text = done.report().read_text(encoding="utf-8")
    section = text.partition("<h2>Hosts</h2>")[2].partition("<h2>")[0]
    rows = table(done, "documents")
    assert [part.partition("</code>")[0] for part in section.split('class="host"><code>')[1:]] == [row["host"] for row in rows]
    assert f"{100 * rows[0]['kept']:.1f} %" in section
