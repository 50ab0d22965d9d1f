"""The command line: what programs read is JSON, what goes wrong is a sentence with an exit code."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.corpora import html, make_inputs, prose

from corpus_builder.built import Built
from corpus_builder.commands.main import main
from corpus_builder.quality.catalogue import INFOS
from corpus_builder.quality.measures import MEASURES

RECIPE = """
name = "tiny"

[[sources]]
name = "web"
kind = "warc"
paths = ["inputs/web-*.warc.gz"]

[dedup]
bands = 14
rows = 8

[[quality.rules]]
duplicates = true

[[quality.rules]]
measure = "num_japanese_letters"
min = 200
"""


def run(*words: str | Path, code: int = 0, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, [str(word) for word in words], input=stdin)
    assert result.exit_code == code, result.output
    return result


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    make_inputs(tmp_path / "inputs")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return tmp_path / "tiny.toml"


def test_a_build_from_recipe_to_verdict(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    printed = run("build", recipe, "--out", out, "--engine", "serial").stdout
    assert "= released                                  10   66.7 %" in printed
    assert f"corpus-builder why {out} URL-OR-ID" in printed
    again = json.loads(run("build", recipe, "--out", out, "--engine", "serial", "--json").stdout)
    assert again["funnels"][0]["accounted"] is True
    assert Path(again["report"]).is_file()
    assert all(not one["todo"] for one in json.loads(run("plan", recipe, "--out", out, "--json").stdout)["stages"])
    assert run("plan", recipe, "--out", out).stdout.count("nothing to do") == 6
    assert "All is well" in run("verify", out).stdout
    assert json.loads(run("verify", out, "--json").stdout)["documents"] == 10
    (story,) = json.loads(run("why", out, "https://www.example/3", "--json").stdout)
    assert story["survivor"]["url"] == "https://mirror.example/3"
    assert "survivor" in run("why", out, "https://www.example/3").stdout
    assert json.loads(run("report", out, "--json").stdout)["funnels"] == again["funnels"]
    assert "The builds are the same" in run("diff", out, out).stdout


def test_plan_shows_which_duplicates_will_be_found(recipe: Path, tmp_path: Path) -> None:
    words = ["plan", recipe, "--out", tmp_path / "out"]
    printed = run(*words).stdout
    assert "Duplicates: 5-grams, 14 bands of 8 rows (112 values)" in printed
    assert "\n  0.80   92.35 %\n" in printed
    assert "Forecast" not in printed
    found = json.loads(run(*words, "--documents", "1e6", "--json").stdout)
    assert [one["stage"] for one in found["stages"]][:2] == ["extract", "measure"]
    assert (found["dedup"]["bands"], found["dedup"]["rows"]) == (14, 8)
    assert found["dedup"]["forecast"]["shuffled_bytes"] == 1_000_000 * (14 + 1) * 24
    assert found["dedup"]["curve"][6] == {"similarity": 0.8, "probability": pytest.approx(0.9235, abs=1e-4)}


def test_plan_without_a_recipe_is_curve_and_forecast_alone() -> None:
    printed = run("plan", "--preset", "japanese", "--documents", "1.3e8", "--memory", "1024").stdout
    assert printed.startswith("Duplicates: 5-grams, 20 bands of 7 rows (140 values)")
    assert "Forecast for 130,000,000 documents of 1,000 characters, 1,024 MiB a task" in printed
    assert "over 194 partitions of the documents and 194 buckets of keys" in printed
    assert set(json.loads(run("plan", "--similarity", "0.9", "--json").stdout)) == {"dedup"}


def test_builds_that_part_end_in_one(recipe: Path, tmp_path: Path) -> None:
    run("build", recipe, "--out", tmp_path / "a", "--engine", "serial")
    recipe.write_text(RECIPE.replace("200", "10"))
    run("build", recipe, "--out", tmp_path / "b", "--engine", "serial")
    assert "num_japanese_letters_low -> kept" in run("diff", tmp_path / "a", tmp_path / "b", code=1).stdout
    assert json.loads(run("diff", tmp_path / "a", tmp_path / "b", "--json", code=1).stdout)["parted_at"] == "decide"


def test_data_that_was_changed_ends_in_five(built: Built, tmp_path: Path) -> None:
    shutil.copytree(built.out, tmp_path / "out")
    next((tmp_path / "out" / "release").rglob("*.parquet")).write_bytes(b"PAR1")
    assert "part-" in run("verify", tmp_path / "out", code=5).stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["build", "absent.toml"], 2, "absent.toml"),
        (["plan", "absent.toml"], 2, "absent.toml"),
        (["plan", "tiny.toml", "--preset", "swallow"], 2, "The recipe says how texts are hashed; leave --preset out"),
        (["plan", "--characters", "30"], 2, "--characters goes with --documents; add it, for example --documents 1e8"),
        (["plan", "--preset", "x"], 2, "Unknown preset 'x' (presets: swallow, fineweb, japanese)"),
        (["build", "tiny.toml", "--engine", "serial", "--workers", "3"], 3, "--engine serial runs in this process"),
        (["report", "nowhere"], 3, "There is no build in nowhere"),
        (["why", "nowhere", "x"], 3, "There is no build in nowhere"),
        (["verify", "nowhere"], 3, "There is no build in nowhere"),
        (["diff", "nowhere", "elsewhere"], 3, "There is no build in nowhere"),
        (["extract", "absent.warc.gz"], 3, "There is no file absent.warc.gz"),
        (["extract", "absent.html"], 3, "absent.html cannot be read"),
        (["measure", "absent.jsonl"], 3, "There is no file absent.jsonl"),
        (["bench", "absent.warc.gz"], 3, "There is no file absent.warc.gz"),
        (["judge", "--text", "x"], 2, "Give either --recipe or --filter"),
        (["judge", "--text", "x", "--filter", "no_such_module:f"], 2, "no_such_module"),
        (["judge", "--text", "x", "--filter", "json:loads"], 4, "json:loads failed on the document 'text': TypeError: "),
        (["nonsense"], 2, "No such command"),
    ],
)
def test_errors_are_sentences(recipe: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int, says: str) -> None:
    monkeypatch.chdir(recipe.parent)
    result = run(*words, code=code)
    assert says in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('measure = "num_japanese_letters"', 'measure = "num_japanese_leters"', "did you mean 'num_japanese_letters'?"),
        ("min = 200", "mim = 200", "mim"),
        ("bands = 14", "bands = 0", "dedup.bands"),
        ("[dedup]", "[dedupe]", "did you mean 'dedup'?"),
        ('name = "tiny"', "name = tiny", "line 2"),
        ("inputs/web-*.warc.gz", "inputs/wob-*.warc.gz", "wob-"),
    ],
)
def test_a_wrong_recipe_is_a_sentence(recipe: Path, before: str, after: str, says: str) -> None:
    recipe.write_text(RECIPE.replace(before, after))
    result = run("build", recipe, "--engine", "serial", "--out", recipe.parent / "out", code=3 if "wob" in after else 2)
    assert says in result.stderr
    assert "Traceback" not in result.output


def test_extract_prints_what_the_pipeline_sees(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(html(prose(1), "一").encode("cp932"))
    (tmp_path / "b.html").write_bytes(b"<p>English")
    make_inputs(tmp_path / "inputs")
    warc = tmp_path / "inputs" / "web-b.warc.gz"
    lines = [json.loads(line) for line in run("extract", tmp_path / "a.html", tmp_path / "b.html", warc).stdout.splitlines()]
    assert [line["verdict"] for line in lines] == ["document", "dropped", *["document"] * 5]
    assert (lines[0]["charset"], lines[0]["text"]) == ("cp932", f"一\n{prose(1)}")
    assert (lines[1]["reason"], lines[1]["text"]) == ("gate_not_japanese", None)
    assert lines[2]["url"] == "https://mirror.example/3"
    only = run("extract", "--text-only", tmp_path / "a.html", tmp_path / "b.html").stdout.splitlines()
    assert len(only) == 1


def test_measure_reads_and_writes_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": "猫", "text": "猫である。"}\n{"text": ""}\n{"id": 3, "text": "ねこ"}\n')
    lines = [json.loads(line) for line in run("measure", path).stdout.splitlines()]
    assert [line["id"] for line in lines][0::2] == ["猫", "3"]
    assert lines[0]["measures"]["hiragana_fraction"] == 0.6
    assert set(lines[0]["measures"]) == set(MEASURES)


def test_judge_reads_standard_input_and_files(recipe: Path, tmp_path: Path) -> None:
    assert "Dropped: num_japanese_letters_low" in run("judge", "--recipe", recipe, stdin="短い文。").stdout
    (tmp_path / "long.txt").write_text(prose(1))
    assert "Kept." in run("judge", "--recipe", recipe, tmp_path / "long.txt").stdout
    (one,) = json.loads(run("judge", "--recipe", recipe, "--text", "短", "--json").stdout)
    assert one["drop"]["reason"] == "num_japanese_letters_low"


def test_measures_are_listed_with_unit_and_source() -> None:
    listed = json.loads(run("measures", "--json").stdout, parse_constant=pytest.fail)  # Infinity is no JSON
    assert [info["name"] for info in listed] == list(INFOS)
    assert all(info["definition"] and info["unit"] and info["source"] for info in listed)
    assert {(row["low"], row["high"]) for row in listed} == {(0, 1), (0, None), (1, None)}
    text = run("measures").stdout
    assert text.count("Source:") == len(INFOS)
    assert "hiragana_fraction  (fraction, 0 to 1, float64)" in text


def test_help_names_every_command_by_what_one_does_first_and_every_exit_code() -> None:
    text = run("--help").stdout
    listed = re.findall(r"^  ([a-z-]+) +[A-Z]", text.partition("Build a corpus")[2], re.MULTILINE)
    assert listed == list(main.commands) == [name for names in main.headings.values() for name in names]
    assert listed[:3] == ["build", "report", "why"]
    assert "..." not in text.partition("Build a corpus")[2]
    assert "6 an optional package is missing" in text


def test_help_of_a_long_command_has_headings() -> None:
    headings = re.findall(r"^(\S.*):$", run("dedup", "--help").stdout, re.MULTILINE)
    assert headings == [
        "Options",
        "The columns of the files",
        "How texts are hashed",
        "What counts as a duplicate",
        "Which row survives",
        "The machine (the output's bytes are the same on any)",
    ]


def program(*words: str, **how: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "corpus_builder", *words], text=True, timeout=120, check=False, **how)  # type: ignore[call-overload, no-any-return]


def test_no_bar_where_there_is_no_terminal(recipe: Path, tmp_path: Path) -> None:
    found = program("build", str(recipe), "--out", str(tmp_path / "o"), "--engine", "serial", capture_output=True)
    assert found.returncode == 0
    assert found.stderr == ""


def test_a_reader_that_goes_away_is_no_error(recipe: Path) -> None:
    warc = recipe.parent / "inputs" / "web-a.warc.gz"
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        found = program("extract", *[str(warc)] * 30, stdout=pipe, stderr=subprocess.PIPE)
    assert "Traceback" not in found.stderr


def test_an_empty_corpus_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / "web-a.warc.gz").write_bytes(b"no archive")
    (tmp_path / "tiny.toml").write_text(RECIPE.replace('kind = "warc"', 'kind = "warc"\nunreadable = "report"'))
    result = run("build", tmp_path / "tiny.toml", "--out", tmp_path / "out", "--engine", "serial", code=7)
    assert result.stderr.endswith("the corpus is empty: of 1 pages that were read, none was kept; most went as not_a_warc (1).\n")
    assert "not_a_warc" in result.stdout


def test_plan_leaves_nothing_behind(tmp_path: Path) -> None:
    make_inputs(tmp_path / "inputs")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    run("plan", tmp_path / "tiny.toml", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [["verify"], ["report"], ["why", "-"], ["diff", "x"], ["index", "show"], ["crawl", "--out", "x"], ["build"]]
)
def test_a_name_that_is_too_long_is_a_sentence(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "n" * 300
    place = 2 if words[0] == "index" else 1
    result = CliRunner().invoke(main, [*words[:place], name, *words[place:]])
    assert result.exit_code in (2, 3)
    assert "File name too long" in result.output
    assert "Traceback" not in result.output
