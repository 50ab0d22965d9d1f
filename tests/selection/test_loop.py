"""Once round the loop: with labels of a model behind an endpoint, and with labels from a file, the same on any engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from support.corpora import RULES, contents, make_recipe, page, prose, write_warc
from support.models import chat_server, write_policy
from support.paths import ROOT

from corpus_builder import InputError, Ray, Recipe, RecipeError, Serial, StageError, loop
from corpus_builder.commands.main import main
from corpus_builder.engine.serial import Engine
from corpus_builder.selection import moved
from corpus_builder.selection.loop import Drawing, Loop

SHOP = "本日は全品送料無料のセールです。ポイントもたまり、人気の商品が半額になります。"
SELECT = ['rules[2]={measure="worth.good", min=0.5}']
DRAWING = Drawing(count=40)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Recipe:
    """Forty pages of ten hosts, every other of which is a shop's."""
    directory = tmp_path_factory.mktemp("loop")
    texts = [prose(n, 9) if n % 2 else f"{prose(n, 6)}\n{SHOP}" for n in range(40)]
    for name, first in (("a", 0), ("b", 20)):
        pages = [page(n, texts[n], host=f"h{n % 10}.example") for n in range(first, first + 20)]
        write_warc(directory / f"web-{name}.warc.gz", pages)
    source = {"name": "web", "kind": "warc", "paths": ["web-*.warc.gz"]}
    (directory / "hosts.txt").write_text("blocked.example\n")
    rules = [RULES[1], {"hosts": ["hosts.txt"]}]
    return make_recipe(directory, sources=[source], dedup=None, quality={"rules": rules}, release={})


def labels_of(sample: Path, path: Path) -> Path:
    """The labels of a sample without its texts, by whether it sells."""
    rows = [json.loads(line) for line in sample.read_text().splitlines()]
    kept = ("id", "source", "host", "url")
    lines = [{name: row[name] for name in kept} | {"labels": {"good": int("セール" not in row["text"])}} for row in rows]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
    return path


def once(recipe: Recipe, out: Path, engine: Engine | None = None, **more: object) -> Loop:
    changes = [SELECT[0].replace("worth.good", "worth")]
    return loop(recipe, out, engine or Serial(), drawing=DRAWING, name="worth", select=changes, **more)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def labels(recipe: Recipe, tmp_path_factory) -> Path:
    from corpus_builder import build, sample

    folder = tmp_path_factory.mktemp("labels")
    (folder / "sample.jsonl").write_bytes(sample(build(recipe, folder / "base", Serial()), 40, among="kept").jsonl())
    return labels_of(folder / "sample.jsonl", folder / "labels.jsonl")


def written(out: Path) -> dict[str, int]:
    return {
        str(path.relative_to(out)): path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".parquet", ".model")
    }


def test_shops_are_gone_and_the_report_says_so(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    done = once(recipe, tmp_path / "out", labels=[labels])
    texts = [row["text"] for row in done.better.corpus().to_table().to_pylist()]
    assert len(texts) == 20
    assert not any("セール" in text for text in texts)
    assert done.base.corpus().count_rows() == 40
    assert done.evaluation.whole.documents == {"both": 20, "left": 20, "right": 0, "neither": 0}
    assert (done.trained_on + done.held_out, done.held_out > 0) == (40, True)
    by_name = {one.name: one for one in done.evaluation.quality}
    assert by_name["right"].precision.value == 1.0
    assert by_name["left"].precision.value < 1.0
    assert by_name["worth"].auc.value == 1.0
    page_ = done.report.read_text()
    assert "Only the left keeps" in page_
    assert "worth_low" in page_
    hosts = [
        {json.loads(line)["host"] for line in (tmp_path / "out" / f"{part}.jsonl").read_text().splitlines()}
        for part in ("train", "test")
    ]
    assert not hosts[0] & hosts[1]


def test_a_second_run_makes_nothing_again(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    first = once(recipe, tmp_path / "out", labels=[labels])
    before = written(tmp_path / "out")
    again = once(recipe, tmp_path / "out", labels=[labels])
    assert written(tmp_path / "out") == before
    assert again.evaluation == first.evaluation
    assert Recipe.load(first.recipe).quality.classifiers["worth"].model == "worth.model"


def test_what_both_builds_share_is_on_disk_once(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    done = once(recipe, tmp_path / "out", labels=[labels])
    for stage, table in (("extract", "documents"), ("measure", "measures")):
        for ours, theirs in zip(*(one.manifests[stage].paths(table) for one in (done.base, done.better)), strict=True):
            assert ours.samefile(theirs)
    assert done.base.verify().problems == done.better.verify().problems == ()


@pytest.mark.slow
def test_the_same_bytes_on_another_engine(recipe: Recipe, labels: Path, tmp_path: Path, local_ray: None) -> None:
    for name, engine in (("serial", Serial()), ("ray", Ray(2))):
        once(recipe, tmp_path / name, engine, labels=[labels])
    ours, theirs = (contents(tmp_path / name) for name in ("serial", "ray"))
    assert ours == theirs
    assert (tmp_path / "serial/report.html").read_bytes() == (tmp_path / "ray/report.html").read_bytes()
    assert {"recipe.toml", "worth.model", "better/release/manifest.json", "train.jsonl"} <= set(ours)


@pytest.mark.usefixtures("impatient")
def test_a_model_labels_and_is_asked_once(recipe: Recipe, tmp_path: Path) -> None:
    policy = write_policy(tmp_path)
    policy.write_text(policy.read_text().replace("max_characters = 40", "max_characters = 4000"))
    with chat_server() as chat:
        chat.answer = lambda text: json.dumps({"good": int("セール" not in text), "kind": "news"})
        more = {"policy": policy, "model": "m", "property": "good"}
        with pytest.raises((StageError, InputError)):
            once(recipe, tmp_path / "out", **more)  # nobody to ask, and nothing kept
        before = written(tmp_path / "out")
        done = once(recipe, tmp_path / "out", endpoint=chat.url, **more)
        assert len(chat.asked) == 40
        after = written(tmp_path / "out")
        assert {name: after[name] for name in before} == before
        again = once(recipe, tmp_path / "out", endpoint=chat.url, **more)
        assert len(chat.asked) == 40
    assert done.evaluation == again.evaluation == once(recipe, tmp_path / "out", **more).evaluation
    assert done.evaluation.whole.documents["both"] == 20


@pytest.mark.slow
@pytest.mark.usefixtures("impatient")
def test_the_sample_corpus_goes_round(tmp_path: Path) -> None:
    """The recipe of `make corpus`, against a model that likes no manuals, and then the best half by characters."""
    policy = write_policy(tmp_path)
    policy.write_text(policy.read_text().replace("max_characters = 40", "max_characters = 4000"))
    words = [
        "loop",
        str(ROOT / "pipelines" / "sample.toml"),
        "--out",
        str(tmp_path / "out"),
        "--engine",
        "serial",
        "--count",
        "250",
    ]
    more = [
        "--policy",
        str(policy),
        "--model",
        "m",
        "--property",
        "good",
        "--set",
        "select.top=0.5",
        "--set",
        "select.by=characters",
    ]
    with chat_server() as chat:
        chat.answer = lambda text: json.dumps({"good": int("サーバ" not in text and "Debian" not in text), "kind": "news"})
        done = CliRunner().invoke(main, [*words, *more, "--endpoint", chat.url, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["evaluation"]
    left, right, difference, score = found["quality"]
    assert score["auc"]["value"] > 0.5
    assert right["precision"]["value"] > left["precision"]["value"]
    assert difference["precision"]["value"] == pytest.approx(right["precision"]["value"] - left["precision"]["value"])
    whole = found["parts"][0]
    assert 0 < whole["documents"]["both"] < whole["documents"]["both"] + whole["documents"]["left"]
    assert Recipe.load(tmp_path / "out" / "recipe.toml").select.score == "edu"


def test_labels_come_from_one_side(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    for more in ({}, {"labels": [labels], "policy": "rubric"}):
        with pytest.raises(RecipeError, match="either from files"):
            once(recipe, tmp_path / "out", **more)
    with pytest.raises(InputError, match="--property names"):
        once(recipe, tmp_path / "out", labels=[labels], property="bad")


def test_grades_want_to_be_told_which_are_good(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    graded = tmp_path / "graded.jsonl"
    graded.write_text(labels.read_text().replace('"good": 1', '"good": 4') + '{"id": "nobody", "labels": {"good": 1}}\n')
    lines: list[str] = []
    with pytest.raises(InputError, match=r"one is 4: say which are good, as with --good 'good>=4'"):
        once(recipe, tmp_path / "out", labels=[graded], say=lines.append)
    assert not (tmp_path / "out" / "worth.model").exists()
    assert any(line.startswith("1 rows cannot be used, and are left out. The first: ") for line in lines)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"name": "../outside"}, "not a plain name"),
        ({"select": ["select.top=2"]}, "less than or equal to 1"),
        ({"select": ["slect"]}, "slect"),
    ],
)
def test_a_second_recipe_that_is_wrong_is_told_before_the_first_build(
    recipe: Recipe, labels: Path, tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    with pytest.raises(RecipeError, match=words):
        loop(recipe, tmp_path / "in" / "out", Serial(), labels=[labels], **more)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "The labels say clarity, depth, educational, topic; --property names"),
        ({"property": "education"}, "--property names"),
        ({"property": "educational"}, "one is 5: say which are good, as with --good 'educational>=5'"),
        (
            {"property": "educational", "good": "education>=3"},
            "No document has a label for 'education'; --good names one of clarity",
        ),
    ],
)
def test_a_policy_that_is_not_enough_is_told_before_anything_is_asked(
    recipe: Recipe, tmp_path: Path, more: dict[str, str], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        loop(recipe, tmp_path / "in" / "out", Serial(), policy="educational", model="m", **more)
    assert not any(tmp_path.iterdir())


def test_a_copy_that_was_killed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are no links, half a copy is never taken for a file."""
    old, new = tmp_path / "base", tmp_path / "better"
    (old / "extract").mkdir(parents=True)
    (old / "extract" / "a.parquet").write_bytes(b"1234")

    def no_links(*paths: object) -> None:
        raise OSError("no links here")

    def killed(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:2])
        raise KeyboardInterrupt

    monkeypatch.setattr(moved.os, "link", no_links)
    with monkeypatch.context() as patch:
        patch.setattr(moved.shutil, "copy2", killed)
        with pytest.raises(KeyboardInterrupt):
            moved.begin_with(old, new)
    moved.begin_with(old, new)
    assert contents(new) == contents(old) == {"extract/a.parquet": b"1234"}


def test_functions_of_ones_own_are_refused(labels: Path, recipe: Recipe, tmp_path: Path) -> None:
    own = recipe.model_copy(update={"quality": recipe.quality.model_copy(update={"measures": {"own": len}})})
    with pytest.raises(RecipeError, match="functions of your own"):
        once(own, tmp_path / "out", labels=[labels])


def test_the_command_goes_round(recipe: Recipe, labels: Path, tmp_path: Path) -> None:
    path = recipe.base / "recipe.toml"
    path.write_text(recipe.to_toml())
    words = ["loop", str(path), "--out", str(tmp_path / "out"), "--labels", str(labels), "--engine", "serial", "--count", "40"]
    done = CliRunner().invoke(main, [*words, "--set", 'rules[2]={measure="edu", min=0.5}', "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["evaluation"]["parts"][0]["documents"] == {"both": 20, "left": 20, "right": 0, "neither": 0}
    assert Path(found["report"]).is_file()
    assert "4 of 6: a classifier" in done.stderr
