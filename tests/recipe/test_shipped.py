"""The recipes in pipelines/ load, say what they miss, and build a small input."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.corpora import page, prose, write_warc, write_wikipedia
from support.paths import ROOT

from corpus_builder import InputError, Labelled, Recipe, Serial, build, train_classifier
from corpus_builder.built import Built
from corpus_builder.classifier.fasttext_training import fit
from corpus_builder.classifier.model import Property

PIPELINES = ROOT / "pipelines"
NAMES = ["sample", "swallow_v1", "swallow_v2", "swallow_v3", "fineweb2_ja", "tiers_ja"]
NEED_MODELS = ["swallow_v2", "swallow_v3", "tiers_ja"]
GRADES = ("quality", "educational", "commercial", "adult", "machine_made", "toxicity", "personal_data")

TOPICS, FORMATS = ("science", "history", "literature", "food"), ("spam", "incomplete", "listing")


def advert(seed: int) -> str:
    return "".join(f"本日限り特価{seed + n}円の送料無料です。今すぐお申し込みください。" for n in range(24))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory like pipelines/ with small inputs and lists, and without models."""
    folder = tmp_path / "pipelines"
    shutil.copytree(PIPELINES, folder, ignore=shutil.ignore_patterns("models", "lists", "warcs", "dumps"))
    (tmp_path / "data").symlink_to(ROOT / "data")
    for name in ("warcs", "dumps", "lists/ut1/adult", "lists/inappropriate-words-ja", "models/edu-classifier"):
        (folder / name).mkdir(parents=True)
    responses = [page(number, prose(number, 15), host=f"www{number}.example") for number in range(20)]
    responses += [page(number, advert(number), host="shop.example") for number in range(20, 24)]
    write_warc(folder / "warcs" / "a.warc.gz", responses)
    write_wikipedia(
        folder / "dumps" / "jawiki-1-pages-articles.xml.bz2",
        [(5, "港町", f"'''港町'''（みなとまち）は町である。\n\n{prose(50)}")],
    )
    for name in ("Offensive", "Sexual", "Sexual_with_bopo", "Sexual_with_mask"):
        (folder / "lists" / "inappropriate-words-ja" / f"{name}.txt").write_text("わるいことば\n", encoding="utf-8")
    (folder / "lists" / "ut1" / "adult" / "domains").write_text("adult.example\n", encoding="utf-8")
    (folder / "lists" / "ut1" / "global_usage").write_text("NAME: adult\nDEFAULT_TYPE: black\n", encoding="utf-8")
    return folder


def train(name: str, folder: Path) -> None:
    """The models that a recipe names, tiny ones."""
    models = folder / "models"
    if name == "swallow_v2":
        for file, kind, values in (("wiki", "category", ("neg", "pos")), ("llm_llama", "graded", ("0", "2"))):
            given = [float(value) if kind == "graded" else value for value in values]
            rows = [
                Labelled(text(seed), {"x": value})
                for seed in range(30)
                for text, value in zip((advert, prose), given, strict=True)
            ]
            fit(rows, Property("x", kind, values), 0).save_model(str(models / "edu-classifier" / f"{file}.bin"))
    elif name == "swallow_v3":
        rows = [Labelled(text(seed), {"keep": keep}) for seed in range(20) for text, keep in ((prose, 1.0), (advert, 0.0))]
        train_classifier(rows, models / "safeguard.model", bits=12)
    elif name == "tiers_ja":
        bad = dict.fromkeys(GRADES, 3.0) | {"quality": 0.0, "educational": 0.0, "topic": "adult"}
        rows = []
        for seed in range(20):
            good = dict.fromkeys(GRADES, 0.0) | {
                "quality": 4.0,
                "educational": 3.0,
                "topic": TOPICS[seed % 4],
                "format": "knowledge",
            }
            rows.append(Labelled(prose(seed), good))
            rows.append(Labelled(advert(seed), bad | {"format": FORMATS[seed % 3]}))
        train_classifier(rows, models / "rubric.model", bits=12)


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_loads_and_comes_back(name: str, tmp_path: Path) -> None:
    recipe = Recipe.load(PIPELINES / f"{name}.toml")
    assert recipe.name == name.replace("_", "-")
    (tmp_path / "written.toml").write_text(recipe.to_toml(), encoding="utf-8")
    assert Recipe.load(tmp_path / "written.toml").said() == recipe.said()


def test_every_shipped_recipe_is_tested() -> None:
    assert {path.stem for path in PIPELINES.glob("*.toml")} == set(NAMES)


@pytest.mark.parametrize("name", NEED_MODELS)
def test_a_model_that_is_missing_is_named_with_what_to_do(name: str, place: Path) -> None:
    with pytest.raises(InputError) as raised:
        build(Recipe.load(place / f"{name}.toml"), place.parent / "out", Serial())
    said = str(raised.value)
    assert str(place / "models") in said
    assert "corpus-builder train-classifier" in said
    assert "the recipe's comments" in said


def built_with_models(name: str, place: Path) -> Built:
    train(name, place)
    done = build(Recipe.load(place / f"{name}.toml"), place.parent / "out", Serial())
    assert done.verify().problems == ()
    return done


def hosts_of(done: Built) -> list[str]:
    return [host for (host,) in done.sql("select host from corpus join documents using (id) order by 1").fetchall()]


def test_swallow_v2_keeps_the_best_tenth_by_either_classifier(place: Path) -> None:
    done = built_with_models("swallow_v2", place)
    hosts = hosts_of(done)
    assert "shop.example" not in hosts
    scores = done.sql(
        "select id, llm, wiki, tier from scores join decisions using (id) where reason in ('', 'select_below_cut')"
    ).fetchall()
    tenth = 2  # of the 20 pages that are not advertising
    llm, wiki = (sorted(row[at] for row in scores)[-tenth] for at in (1, 2))
    assert {tier for *_, tier in scores} <= {"", "llm", "wiki"}
    assert sum(tier == "llm" for *_, tier in scores) == tenth
    assert all(row[1] >= llm for row in scores if row[3] == "llm")
    assert all(row[2] >= wiki for row in scores if row[3] == "wiki")
    assert len(hosts) == sum(tier != "" for *_, tier in scores)


def test_swallow_v3_keeps_the_best_of_what_the_rules_keep(place: Path) -> None:
    hosts = hosts_of(built_with_models("swallow_v3", place))
    assert len(hosts) == 3  # 15 % of the 20 pages that are not advertising
    assert "shop.example" not in hosts


def test_fineweb2_keeps_prose(place: Path) -> None:
    hosts = hosts_of(built_with_models("fineweb2_ja", place))
    assert {f"www{number}.example" for number in range(20)} <= set(hosts)


def test_tiers_repeat_the_best_of_each_topic(place: Path) -> None:
    done = built_with_models("tiers_ja", place)
    tiers = done.sql("select tier, repeat, count(*) from decisions where tier <> '' group by all").fetchall()
    assert {tier: repeat for tier, repeat, _ in tiers} == {"learned": 4, "best": 3, "good": 2, "fair": 1, "rest": 0}
    assert len(hosts_of(done)) == sum(repeat * documents for _, repeat, documents in tiers) + 2  # and two epochs of Wikipedia
    assert "shop.example" not in hosts_of(done)
