"""Nothing stale: build, change one thing, build again in the same directory; equal to a build that never saw the thing before.

The list of things is made from the recipe's models and from the arguments of `deduplicate`: one that is new needs a case here.
Each case must change the bytes of some table, or say that it does not: where a change shows nowhere, nothing could be stale.
"""

from __future__ import annotations

import copy
import inspect
import json
import shutil
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import BaseModel
from support.classifiers import load_counter, write_counter
from support.corpora import SENTENCES, Response, contents, html, page, prose, write_warc, write_wikipedia

from corpus_builder import Recipe, Serial, build, deduplicate
from corpus_builder.built import Built
from corpus_builder.duplicates.index import add, remove
from corpus_builder.extractor.model import SHIPPED, load_model
from corpus_builder.japanese import detect
from corpus_builder.japanese.train_language_model import train
from corpus_builder.pipeline import STAGES, stages_of
from corpus_builder.quality.measures import MEASURES
from corpus_builder.recipe import running
from corpus_builder.recipe.inputs import input_files
from corpus_builder.release.edits import EDITS
from corpus_builder.sources.commoncrawl import SUFFIX
from corpus_builder.store.dataset import Stage

# ---- The base: small, with everything in it


TEMPLATE = "この記事は港町新聞の会員だけが最後まで読むことのできる限定の記事です。\n会員になると、すべての記事を最後まで読むことができます。"
FOOTER = "プライバシーポリシー"
FILTERS = """
from corpus_builder import Drop
from stale_words import WORDS

def words(doc):
    return Drop("own_words", value=1.0) if any(word in doc.text for word in WORDS) else None

def other(doc):
    return Drop("own_other") if "滝" in doc.text else None
"""
COUNTS = """
def harbours(doc):
    return float(doc.text.count("港"))

def mountains(doc):
    return float(doc.text.count("山"))
"""


def write_inputs(folder: Path) -> None:
    """Two WARCs, a dump, rows, and every list that the base's recipe names."""
    folder.mkdir()
    texts = [prose(n, 9) for n in range(8)]
    ends = [f"{text}\n{FOOTER}\n{TEMPLATE}" if n < 5 else text for n, text in enumerate(texts)]
    pages = [page(n, text, f"2024-12-0{1 + n % 5}T00:00:00Z", f"{'abc'[n % 3]}.example.jp") for n, text in enumerate(ends)]
    ruby = html(prose(20, 9)).replace("。", "と<ruby>図書館<rt>としょかん</rt></ruby>では言う。", 2)
    table = html(prose(25, 9)).replace(
        "</article>", f"<table><tr><td>{prose(26, 3)}</td><td>{prose(27, 3)}</td></tr></table></article>"
    )
    half = html(prose(21, 5) + "\n" + "The quick brown fox jumps over the lazy dog in the old town. " * 3)
    broken = html(prose(22, 9)).encode() + b"\xff" * 3
    odd = [
        Response("https://a.example.jp/ruby", ruby.encode()),
        Response("https://b.example.jp/half", half.encode()),
        Response("https://c.example.jp/broken", broken),
        Response("https://ads.blocked.example/shop/1", html(prose(23, 9)).encode()),
        Response("https://table.example.jp/", table.encode()),
        Response("https://deep.example.jp/", html(prose(24, 9)).replace("<article>", "<div>" * 40 + "<article>").encode()),
    ]
    write_warc(folder / "web-a.warc.gz", [*pages, *odd])
    middle = prose(70, 12).replace("\n", "")
    chain = [middle, SENTENCES[3] + middle[45:], middle[:-45] + SENTENCES[5]]  # the two newer ones match the oldest alone
    again = [page(100 + n, text, f"2024-11-0{1 + n}T00:00:00Z", "mirror.example.jp") for n, text in enumerate(chain)]
    same_url = Response("https://a.example.jp/0", html(prose(40, 9).replace("、", "，")).encode(), "2024-12-20T00:00:00Z")
    write_warc(folder / "web-b.warc.gz", [*again, same_url, page(3, ends[3], "2024-12-30T00:00:00Z", "mirror.example.jp")])
    write_warc(folder / "more.warc.gz", [page(60)])
    wiki = [
        (5, "港町", f"'''港町'''は、港を中心とする町である。\n\n{prose(50, 9)}"),
        (6, "山村", f"'''山村'''は村である。\n\n{prose(51, 9)}"),
    ]
    write_wikipedia(folder / "wiki.xml.bz2", wiki)
    rows = [{"text": text, "url": f"https://r.example.jp/{n}", "date": f"2024-10-0{n + 1}"} for n, text in enumerate(texts[:2])]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    (folder / "counts.txt").write_text("web-a.warc.gz\t15\nweb-b.warc.gz\t5\n")
    (folder / "ng.txt").write_text("味噌\n柿\n")
    (folder / "hosts.txt").write_text("blocked.example\n")
    (folder / "footer.txt").write_text(f"{FOOTER}\n")
    for name, entry in (("adult", "c.example.jp"), ("games", "mirror.example.jp"), ("shopping", "b.example.jp/half")):
        (folder / "ut1" / name).mkdir(parents=True)
        (folder / "ut1" / name / ("urls" if "/" in entry else "domains")).write_text(f"{entry}\n")
    (folder / "stale_filters.py").write_text(FILTERS)
    (folder / "stale_counts.py").write_text(COUNTS)
    (folder / "stale_words.py").write_text("WORDS = ['星を見るなら']\n")
    write_counter(folder / "ports.json", ("ports", "binary", "港"))
    write_counter(folder / "towns.json", ("towns", "category", ["港", "山"]))
    write_counter(folder / "other.json", ("ports", "binary", "山"))
    (folder / "ja.lm").write_bytes(train([prose(30, 9)]).to_bytes())
    write_models(folder)


def write_models(folder: Path) -> None:
    """Models that judge otherwise than the shipped ones."""
    model = load_model(SHIPPED)
    replace(model, output_bias=model.output_bias - 1.5).save(folder / "strict.npz")
    detector = detect.shipped()
    (folder / "strict.bin").write_bytes(replace(detector, weights=-(detector.weights // 2)).to_bytes())


BASE: dict[str, Any] = {
    "name": "stale",
    "sources": [
        {"name": "web", "kind": "warc", "paths": ["web-a.warc.gz"], "counts": "counts.txt"},
        {"name": "mirror", "kind": "warc", "paths": ["web-b.warc.gz"]},
        {"name": "wikipedia", "kind": "wikipedia", "paths": ["wiki.xml.bz2"]},
        {"name": "rows", "kind": "jsonl", "paths": ["rows.jsonl"]},
    ],
    "dedup": {"bands": 14, "rows": 8},
    "lines": {"documents": 2, "share": 0.1},
    "quality": {
        "ng_words": ["ng.txt"],
        "measures": {"own": "stale_counts:harbours"},
        "classifiers": {"ports": {"model": "ports.json"}, "towns": {"model": "towns.json"}},
        "rules": [
            {"duplicates": True},
            {"measure": "num_letters", "min": 50},
            {"measure": "own", "max": 90},
            {"measure": "ng_fraction", "max": 0.9},
            {"hosts": ["hosts.txt"]},
            {"filter": "stale_filters:words"},
        ],
    },
    "release": {
        "edits": {"web": ["normalize_punctuation_v1", "trim_footer_v1"]},
        "footer_keywords": "footer.txt",
        "prepend_title": ["wikipedia"],
        "part_characters": 3_000,
    },
}
RULE = "quality.rules.1"
DETECTOR = Path(detect.__file__).with_name("detector.bin")

Change = Callable[[dict[str, Any], Path], object]


def put(where: str, value: Any) -> Change:
    """Set what stands at a path of the recipe."""

    def change(recipe: dict[str, Any], folder: Path) -> None:
        *above, last = where.split(".")
        for name in above:
            recipe = recipe[int(name)] if isinstance(recipe, list) else recipe.setdefault(name, {})
        recipe[int(last) if isinstance(recipe, list) else last] = value

    return change


def write(name: str, text: str) -> Change:
    """Write a file of the inputs anew."""

    def change(recipe: dict[str, Any], folder: Path) -> None:
        (folder / name).write_text(text)

    return change


def copied(source: Path, name: str) -> Change:
    """Put another file in the place of one of the inputs."""

    def change(recipe: dict[str, Any], folder: Path) -> None:
        shutil.copyfile(source, folder / name)

    return change


def run(*changes: Change) -> Change:
    """Several changes."""

    def change(recipe: dict[str, Any], folder: Path) -> None:
        for one in changes:
            one(recipe, folder)

    return change


@dataclass(frozen=True)
class Case:
    """One change, after another one that makes room for it; `same` where it must not show in any table."""

    change: Change
    before: Change | None = None
    same: bool = False


def trafilatura(recipe: dict[str, Any], folder: Path) -> None:
    put("extract.extractor", "trafilatura")(recipe, folder)


def copied_model(recipe: dict[str, Any], folder: Path) -> None:
    """Another language model in the place of the one that the recipe names."""
    (folder / "ja.lm").write_bytes(train([prose(31, 9)]).to_bytes())


def with_records(recipe: dict[str, Any], folder: Path) -> None:
    """The table that makes a WARC one of a crawl."""
    table = pa.table({"offset": pa.array([0], pa.int64()), "original_offset": pa.array([70_000], pa.int64())})
    pq.write_table(table, folder / f"web-b.warc.gz{SUFFIX}")


def without_dedup(recipe: dict[str, Any], folder: Path) -> None:
    del recipe["quality"]["rules"][0], recipe["dedup"]


def duplicates_last(recipe: dict[str, Any], folder: Path) -> None:
    recipe["quality"]["rules"].append(recipe["quality"]["rules"].pop(0))


def renamed(recipe: dict[str, Any], folder: Path) -> None:
    recipe["sources"][1]["name"] = "other"


def an_index(recipe: dict[str, Any], folder: Path) -> None:
    """An index of the documents of another build, of which some are like those of the base."""
    write_warc(
        folder / "old.warc.gz", [page(2, prose(2, 9), "2024-12-30T00:00:00Z"), page(6, prose(6, 9), "2020-01-01T00:00:00Z")]
    )
    sources = [{"name": "old", "kind": "warc", "paths": ["old.warc.gz"]}]
    value = {"name": "old", "sources": sources, "dedup": recipe["dedup"], "quality": {"rules": [{"duplicates": True}]}}
    build(Recipe.of(value, base=folder), folder / "old", Serial())
    add(folder / "index", folder / "old", engine=Serial())


def listed(recipe: dict[str, Any], folder: Path) -> None:
    (folder / "all.paths").write_text("web-b.warc.gz\n")
    recipe["sources"][1] |= {"paths": ["all.paths"], "base": "."}


def moved_base(recipe: dict[str, Any], folder: Path) -> None:
    (folder / "moved").mkdir()
    shutil.copy2(folder / "more.warc.gz", folder / "moved" / "web-b.warc.gz")
    recipe["sources"][1]["base"] = "moved"


def last_rule(measure: str, **limits: Any) -> Change:
    return lambda recipe, _: recipe["quality"]["rules"].append({"measure": measure, **limits})


def select(**said: Any) -> Change:
    """A selection of documents by their number of letters."""
    return put("select", {"score": "num_letters", **said})


def tiers(**of_best: Any) -> Change:
    """Two tiers, and what the first says beside its name."""
    return select(topic="towns", tiers=[{"name": "best", **of_best}, {"name": "rest", "top": 0.9}])


def worth(recipe: dict[str, Any], folder: Path) -> None:
    recipe["quality"]["expressions"] = {"worth": "half - 100", "half": "num_letters / 2"}
    last_rule("worth", min=80)(recipe, folder)


similar = put("dedup", {"similarity": 0.8})
with_index = run(an_index, put("dedup.index", "index"))
UT1 = {"ut1": "ut1", "ut1_categories": ["adult"]}

ROWS = [
    {
        "text": prose(n, 9),
        "body": prose(n + 20, 9),
        "id": f"i{n}",
        "u": f"https://u.example/{n}",
        "t": "別の題",
        "d": "2024-11-01",
        "n": n,
    }
    for n in (60, 61)
] + [{"text": "The quick brown fox jumps over the lazy dog, then rests. " * 9, "body": prose(90, 9)}]
rich = run(
    write("rich.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS)),
    put("sources.3.paths", ["rich.jsonl"]),
)
with_text = run(
    write("t.txt", f"{prose(60, 9)}\n\n{prose(61, 9)}\n\n{prose(62, 9)}"),
    put("sources.3", {"name": "rows", "kind": "text", "paths": ["t.txt"]}),
)
with_damage = run(write("bad.jsonl", "no json\n"), put("sources.3.paths", ["*.jsonl"]), put("sources.3.unreadable", "report"))


def in_english(recipe: dict[str, Any], folder: Path) -> None:
    """Any model with the label will do."""
    import fasttext

    lines = [f"__label__en {line}" for line in ("the fox rests", "over the lazy dog", "a quick brown fox")]
    (folder / "train.txt").write_text("\n".join([*(line for line in lines * 9), *(f"__label__ja {s}" for s in SENTENCES)]))
    settings = {"minn": 1, "maxn": 3, "dim": 8, "epoch": 25, "lr": 0.5, "thread": 1, "verbose": 0}
    fasttext.train_supervised(str(folder / "train.txt"), **settings).save_model(str(folder / "lid.bin"))
    recipe["sources"][3] |= {"language": "en", "detector": "fasttext:lid.bin"}


CASES: dict[str, list[Case]] = {
    # where pages come from
    "Recipe.name": [Case(put("name", "other"), same=True)],
    "Recipe.seed": [Case(put("seed", 5))],
    "Recipe.base": [],  # not a field of the file; tests/test_pipeline.py builds in another place
    "Recipe.sources": [Case(lambda recipe, _: recipe["sources"].pop(3))],
    "Source.name": [Case(renamed)],
    "Source.kind": [Case(put("sources.1.kind", "commoncrawl"), with_records)],
    "Source.paths": [Case(put("sources.1.paths", ["web-b.warc.gz", "more.warc.gz"]))],
    "Source.base": [Case(moved_base, listed)],
    "Source.counts": [Case(write("counts.txt", "web-a.warc.gz\t20\n")), Case(put("sources.1.counts", "counts.txt"), same=True)],
    "Source.text": [Case(put("sources.3.text", "body"), rich)],
    "Source.id": [Case(put("sources.3.id", "u"), rich)],
    "Source.url": [Case(put("sources.3.url", "u"), rich)],
    "Source.title": [Case(put("sources.3.title", "t"), rich)],
    "Source.date": [Case(put("sources.3.date", "d"), rich)],
    "Source.extra": [Case(put("sources.3.extra", ["n"]), rich), Case(put("sources.3.extra", []), rich)],
    "Source.document": [Case(put("sources.3.document", "paragraph"), with_text)],
    "Source.encoding": [Case(put("sources.3.encoding", "utf-8"), with_text, same=True)],
    "Source.language": [Case(put("sources.3.language", "none"), rich), Case(in_english, rich)],
    "Source.detector": [Case(put("sources.3.detector", "ngrams:strict.bin"), rich)],
    "Source.min_language_score": [Case(put("sources.3.min_language_score", 0.0), rich)],
    "Source.unreadable": [Case(put("sources.3.paths", ["rows.jsonl"]), with_damage)],
    # from bytes to text
    "Extract.extractor": [
        Case(trafilatura),
    ],
    "Extract.form": [Case(put("extract.form", "markdown"))],
    "Extract.readings": [Case(put("extract.readings", True))],
    "Extract.model": [Case(put("extract.model", "strict.npz")), Case(copied(SHIPPED, "strict.npz"), put("extract.model", "strict.npz"))],
    "Extract.detector": [
        Case(put("extract.detector", "ngrams:strict.bin")),
        Case(copied(DETECTOR, "strict.bin"), put("extract.detector", "ngrams:strict.bin")),
    ],
    "Extract.min_japanese_score": [Case(put("extract.min_japanese_score", 0.999))],
    "Extract.max_bytes": [Case(put("extract.max_bytes", 1_300))],
    "Extract.max_elements": [Case(put("extract.max_elements", 30), trafilatura), Case(put("extract.max_elements", 30), same=True)],
    "Extract.max_depth": [Case(put("extract.max_depth", 30), trafilatura), Case(put("extract.max_depth", 30), same=True)],
    "Extract.max_undecodable": [Case(put("extract.max_undecodable", 0.0))],
    # numbers and rules
    "Quality.sources": [Case(put("quality.sources", ["wikipedia"]))],
    "Quality.ng_words": [Case(write("ng.txt", "味噌\n星\n")), Case(put("quality.ng_words", ["hosts.txt"]))],
    "Quality.ng_variants": [Case(put("quality.ng_variants", True), write("ng.txt", "サツマイモ\n"))],
    "Quality.word_measures": [Case(put("quality.word_measures", True))],
    "Quality.language_model": [
        Case(put("quality.language_model", "ja.lm")),
        Case(copied_model, put("quality.language_model", "ja.lm")),
    ],
    "Quality.measures": [
        Case(put("quality.measures.own", "stale_counts:mountains")),
        Case(put("quality.measures.second", "stale_counts:mountains")),
        Case(write("stale_counts.py", COUNTS.replace('count("港")', 'count("町")'))),
    ],
    "Quality.classifiers": [Case(put("quality.classifiers.second", {"model": "ports.json"}))],
    "Classifier.label": [Case(put("quality.classifiers.ports.label", "山"))],
    "Classifier.model": [
        Case(put("quality.classifiers.ports.model", "other.json")),
        Case(lambda _, folder: write_counter(folder / "ports.json", ("ports", "binary", "山"))),
    ],
    "Quality.rules": [
        Case(put("quality.rules", BASE["quality"]["rules"][::-1])),
        Case(last_rule("host.documents", max=4)),
        Case(put("quality.rules.6", {"measure": "host.own.p90", "max": 2}), last_rule("host.documents", max=4)),
        Case(put("quality.rules.1.min", 400), last_rule("host.kept", min=0.9)),
    ],
    "Rule.measure": [Case(put(RULE, {"measure": "num_japanese_letters", "min": 300}))],
    "Rule.min": [Case(put(f"{RULE}.min", 330))],
    "Rule.max": [Case(put(f"{RULE}.max", 330))],
    "Rule.above": [Case(put(RULE, {"measure": "num_letters", "above": 330}))],
    "Rule.below": [Case(put(RULE, {"measure": "num_letters", "below": 330}))],
    "Quality.expressions": [
        Case(put("quality.expressions.worth", "half - 80"), worth),
        Case(put("quality.expressions.half", "num_letters / 4"), worth),
        Case(put("quality.expressions.other", "num_letters"), same=True),
    ],
    "Rule.any_of": [Case(put("quality.rules.6.any_of", ["港"]), last_rule("towns", any_of=["港", "山"]))],
    "Rule.none_of": [Case(put("quality.rules.6.none_of", ["港"]), last_rule("towns", none_of=["山"]))],
    "Rule.hosts": [
        Case(write("hosts.txt", "a.example.jp\n")),
        Case(write("hosts.txt", "# the same host, said otherwise\nblocked.example  # a shop\n"), same=True),
        Case(put("quality.rules.4", {"hosts": ["ng.txt"]})),
    ],
    "Rule.ut1": [
        Case(put("quality.rules.4", UT1)),
        Case(write("ut1/adult/domains", "a.example.jp\n"), put("quality.rules.4", UT1)),
        Case(write("ut1/global_usage", "NAME: adult\nDEFAULT_TYPE: white\nNAME: games\nDEFAULT_TYPE: black\n"),
             put("quality.rules.4", UT1 | {"ut1_categories": ["adult", "games"]})),
    ],
    "Rule.ut1_categories": [Case(put("quality.rules.4.ut1_categories", ["games"]), put("quality.rules.4", UT1))],
    "Rule.exact_host": [Case(put("quality.rules.4.exact_host", True))],
    "Rule.host_suffixes": [Case(put("quality.rules.4.host_suffixes", ["mirror.example.jp"]))],
    "Rule.filter": [
        Case(put("quality.rules.5.filter", "stale_filters:other")),
        Case(write("stale_filters.py", FILTERS.replace("value=1.0", "value=2.0"))),
        Case(write("stale_words.py", "WORDS = ['古い地図']\n")),
    ],
    "Rule.duplicates": [
        Case(lambda recipe, _: recipe["quality"]["rules"].append(recipe["quality"]["rules"].pop(0))),
        Case(lambda recipe, _: recipe["quality"]["rules"].insert(0, recipe["quality"]["rules"].pop()), duplicates_last),
        Case(without_dedup),
    ],
    "Rule.sources": [Case(put("quality.rules.4.sources", ["mirror"])), Case(put("quality.rules.0.sources", ["web", "rows"]))],
    # duplicates
    "Dedup.preset": [Case(put("dedup", {"preset": "swallow"}))],
    "Dedup.ngram": [Case(put("dedup.ngram", 3))],
    "Dedup.bands": [Case(put("dedup.bands", 20))],
    "Dedup.rows": [Case(put("dedup.rows", 4))],
    "Dedup.similarity": [Case(put("dedup.similarity", 0.6), similar)],
    "Dedup.recall": [Case(put("dedup.recall", 0.7), similar)],
    "Dedup.bytes_per_document": [Case(put("dedup.bytes_per_document", 120), similar)],
    "Dedup.seed": [Case(put("dedup.seed", 9))],
    "Dedup.keep": [
        Case(put("dedup.keep", "oldest")),
        Case(put("dedup.keep", "longest")),
        Case(put("dedup.keep", "first:mirror,web")),
        Case(put("dedup.keep", "largest:own")),
        Case(write("stale_counts.py", COUNTS.replace('count("港")', 'count("町")')), put("dedup.keep", "largest:own")),
    ],
    "Dedup.sources": [Case(put("dedup.sources", ["web"]))],
    "Dedup.url": [Case(put("dedup.url", True))],
    "Dedup.verify": [Case(put("dedup.verify", 0.97))],
    "Dedup.verify_by": [Case(put("dedup.verify_by", "text"), put("dedup.verify", 0.6))],
    "Dedup.groups": [Case(put("dedup.groups", "components"))],
    "Dedup.index": [
        Case(put("dedup.index", "index"), an_index),
        Case(lambda _, folder: remove(folder / "index", urls=["https://www.example/2"]), with_index),
    ],
    "Dedup.indexed": [Case(put("dedup.indexed", "compete"), with_index)],
    # what is selected
    "Select.score": [Case(put("select.score", "hiragana_fraction"), select(top=0.5)), Case(put("select.score", "ports"), select(top=0.5))],
    "Select.top": [Case(put("select.top", 0.3), select(top=0.6)), Case(put("quality.rules.1.min", 330), select(top=0.6))],
    "Select.band": [Case(put("select.band", [0.3, 1.0]), select(band=[0.1, 0.9]))],
    "Select.min": [Case(put("select.min", 350), select(min=320))],
    "Select.by": [
        Case(put("select.by", "characters"), select(top=0.45)),
        Case(put("select.by", "num_japanese_letters"), select(top=0.45, by="own")),
    ],
    "Select.per": [Case(put("select.per", "source"), select(top=0.3)), Case(put("select.per", "crawl"), select(top=0.3, per="source"))],
    "Select.topic": [Case(put("select.topic", "towns"), select(top=0.5), same=True)],
    "Select.sources": [Case(put("select.sources", ["web"]), select(top=0.3))],
    "Select.max_epochs": [Case(put("select.max_epochs", 3), select(top=0.3), same=True)],
    "Select.tiers": [Case(tiers(top=0.3), select(top=0.3))],
    "Tier.name": [Case(put("select.tiers.0.name", "first"), tiers(top=0.3))],
    "Tier.top": [Case(put("select.tiers.0.top", 0.6), tiers(top=0.3))],
    "Tier.band": [Case(tiers(band=[0.2, 0.5]), tiers(band=[0.1, 0.5]))],
    "Tier.min": [Case(put("select.tiers.0.min", 300), tiers(min=350))],
    "Tier.score": [Case(put("select.tiers.0.score", "hiragana_fraction"), tiers(top=0.3))],
    "Tier.topics": [Case(put("select.tiers.0.topics", ["山"]), tiers(topics=["港"]))],
    "Tier.repeat": [Case(put("select.tiers.0.repeat", 2), tiers(top=0.3)), Case(put("select.tiers.0.repeat", 0), tiers(top=0.3))],
    # repeated lines
    "Lines.scope": [Case(put("lines", {"documents": 9, "scope": "both", "hosts": 2}), put("lines", {"documents": 9}))],
    "Lines.documents": [Case(put("lines.documents", 3))],
    "Lines.share": [Case(put("lines.share", 0.9))],
    "Lines.hosts": [Case(put("lines.hosts", 5), put("lines", {"scope": "corpus", "hosts": 2}))],
    "Lines.where": [Case(put("lines.where", "anywhere"))],
    "Lines.edge": [Case(put("lines.edge", 1))],
    "Lines.action": [Case(put("lines.action", "report"))],
    "Lines.sources": [Case(put("lines.sources", ["mirror"]))],
    # hosts
    "Hosts.by": [Case(put("hosts.by", "domain"), put("hosts", {"measures": ["own"]}))],
    "Hosts.max_documents": [Case(put("hosts.max_documents", 1), put("hosts", {"max_documents": 2}))],
    "Hosts.max_share": [Case(put("hosts.max_share", 0.3), put("hosts", {"max_share": 0.2}))],
    "Hosts.score": [Case(put("hosts.score", "kana_fraction"), put("hosts", {"max_documents": 1}))],
    "Hosts.sources": [Case(put("hosts.sources", ["wikipedia"]), put("hosts", {"max_documents": 1}))],
    "Hosts.measures": [Case(put("hosts.measures", ["own", "kana_fraction"]), put("hosts", {"measures": ["own"]}))],
    # the corpus
    "Release.edits": [Case(put("release.edits.web", ["normalize_punctuation_v1"])), Case(put("release.edits.mirror", ["normalize_punctuation_v1"]))],
    "Release.footer_keywords": [Case(write("footer.txt", "港町\n"))],
    "Release.prepend_title": [Case(put("release.prepend_title", ["web"]))],
    "Release.mixture": [Case(put("release.mixture.wikipedia", {"epochs": 2}))],
    "Release.part_characters": [Case(put("release.part_characters", 1_500))],
    "Mixture.epochs": [Case(put("release.mixture.web.epochs", 0.2), put("release.mixture.web", {"epochs": 0.8}))],
    "Mixture.share": [Case(put("release.mixture.wikipedia.share", 0.1), put("release.mixture.wikipedia", {"share": 0.2}))],
    "Mixture.strict": [
        Case(put("release.mixture.wikipedia.strict", True), put("release.mixture.wikipedia", {"share": 0.1}), same=True),
    ],
    "Mixture.max_epochs": [
        Case(put("release.mixture.web.max_epochs", 3), put("release.mixture.web", {"epochs": 1.5}), same=True),
        Case(put("release.mixture.wikipedia.max_epochs", 2), put("release.mixture.wikipedia", {"share": 0.9})),
    ],
}  # fmt: skip


def fields_of(model: type[BaseModel]) -> Iterator[str]:
    """The fields of a model and of those that it is made of; a field that is nothing but one more model is its fields."""
    for name, about in model.model_fields.items():
        inner = [part for part in parts_of(about.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        for part in inner:
            yield from fields_of(part)
        if not inner or typing.get_origin(about.annotation) not in (None, typing.Union, type(int | None)):
            yield f"{model.__name__}.{name}"


def parts_of(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in typing.get_args(annotation):
        yield from parts_of(part)


def test_every_field_of_a_recipe_has_a_case() -> None:
    assert sorted(CASES) == sorted(fields_of(Recipe))


@cache
def base_of(folder: Path, before: Change | None) -> tuple[Path, dict[str, Any]]:
    """Inputs and a build of the base, made once for all cases that begin there, and its recipe."""
    root = folder / f"base-{base_of.cache_info().misses}"
    root.mkdir()
    write_inputs(root / "inputs")
    recipe = copy.deepcopy(BASE)
    if before is not None:
        before(recipe, root / "inputs")
    build(Recipe.of(recipe, base=root / "inputs"), root / "out", Serial())
    return root, recipe


@pytest.fixture(scope="module", autouse=True)
def counters() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "load_classifier", load_counter)
        yield


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield tmp_path_factory.mktemp("bases")
    base_of.cache_clear()


def tables(out: Path) -> dict[str, bytes]:
    """What stands in the files that are no receipts: by stage and shard, whatever names the files have."""
    found = {name: content for name, content in contents(out).items() if not name.endswith(".json")}
    return {f"{Path(name).parent}/{name.rpartition('/')[2].rsplit('.', 2)[0]}": content for name, content in found.items()}


# Those that go by the same digest as others of this list; so are all but the first case of a field.  By default they are planned, not built.
SLOW = [
    "Select.band",
    "Select.per",
    "Select.sources",
    "Tier.top",
    "Tier.band",
    "Tier.min",
    "Tier.topics",
    "Rule.max",
    "Rule.above",
    "Rule.below",
    "Rule.exact_host",
    "Rule.ut1_categories",
    "Extract.readings",
    "Extract.max_bytes",
    "Extract.min_japanese_score",
    "Dedup.preset",
    "Dedup.ngram",
    "Dedup.bands",
    "Dedup.recall",
    "Dedup.bytes_per_document",
    "Dedup.seed",
    "Lines.documents",
    "Lines.share",
    "Lines.hosts",
    "Lines.edge",
    "Lines.where",
    "Mixture.share",
    "Recipe.sources",
]
PLACES = [(name, place) for name, cases in CASES.items() for place in range(len(cases))]
BUILT = [(name, place) for name, place in PLACES if name not in SLOW and place == 0]
IDS = [pytest.param(*one, id="-".join(map(str, one)), marks=[pytest.mark.slow] * (one not in BUILT)) for one in PLACES]


@pytest.mark.parametrize(("name", "place"), [one for one in PLACES if one not in BUILT and not CASES[one[0]][one[1]].same])
def test_what_would_be_stale_is_planned_anew(name: str, place: int, bases: Path, tmp_path: Path) -> None:
    """The first half of what the next test shows of a change: that shards are known not to be made of it."""
    case = CASES[name][place]
    root, recipe = base_of(bases, case.before)
    shutil.copytree(root, tmp_path / "all", copy_function=shutil.copy2)
    inputs, out = tmp_path / "all" / "inputs", tmp_path / "all" / "out"
    recipe = copy.deepcopy(recipe)
    assert stands(Recipe.of(recipe, base=inputs), out)
    case.change(recipe, inputs)
    assert not stands(Recipe.of(recipe, base=inputs), out)


def stands(recipe: Recipe, out: Path) -> bool:
    """Is every shard made of what the recipe would make it of?"""
    manifests = Built.open(out).manifests
    return all(
        stage.name in manifests
        and planned(stage, manifests) == [(receipt.shard, receipt.made_of) for receipt in manifests[stage.name].receipts]
        for stage in stages_with_inputs(recipe, out)
    )


@pytest.mark.parametrize(("name", "place"), IDS)
def test_nothing_of_a_recipe_is_stale(name: str, place: int, bases: Path, tmp_path: Path) -> None:
    case = CASES[name][place]
    root, recipe = base_of(bases, case.before)
    shutil.copytree(root, tmp_path / "all", copy_function=shutil.copy2)
    recipe = copy.deepcopy(recipe)
    case.change(recipe, tmp_path / "all" / "inputs")
    changed = Recipe.of(recipe, base=tmp_path / "all" / "inputs")
    again = build(changed, tmp_path / "all" / "out", Serial())
    fresh = build(changed, tmp_path / "fresh", Serial())
    assert Built.open(again.out).manifests == {
        name: replace(manifest, root=again.out / name) for name, manifest in fresh.manifests.items()
    }
    expected = contents(fresh.out)
    there = {name.partition("/")[0] for name in expected}  # stages that the recipe no longer has may stay, if nobody opens them
    assert {name: content for name, content in contents(again.out).items() if name.partition("/")[0] in there} == expected
    assert (tables(fresh.out) == tables(root / "out")) == case.same


# ---- The code's own versions


VERSIONS: list[tuple[str, str, Any]] = [  # the stage that is made anew, what is changed, to what
    ("sign", "corpus_builder.duplicates.sign.SPECIFICATION", "minhash/99"),
    ("extract", "corpus_builder.pages.extract.JAPANESE_VERSION", 99),
    ("measure", "corpus_builder.stages.measure.MEASURES", {"num_letters": MEASURES["num_letters"]}),
    ("release", "corpus_builder.release.edits.EDITS", dict.fromkeys(EDITS, 99)),
]


def stages_with_inputs(recipe: Recipe, out: Path) -> list[Stage]:
    extract, others = stages_of(recipe, out)
    return [replace(extract, inputs=tuple(input_files(recipe, out, Serial(), progress=False))), *others]


def planned(stage: Any, manifests: Any) -> list[tuple[str, str]]:
    return [(shard.name, shard.made_of) for shard in stage.plan(manifests)]


def everything(recipe: dict[str, Any], folder: Path) -> None:
    select(top=0.9)(recipe, folder)
    put("dedup.keep", "largest:own")(recipe, folder)
    duplicates_last(recipe, folder)
    put("hosts", {})(recipe, folder)


def test_another_version_of_a_stage_makes_all_of_it_anew(bases: Path) -> None:
    root, recipe = base_of(bases, everything)
    done = Built.open(root / "out")
    loaded = Recipe.of(recipe, base=root / "inputs")
    stages = stages_with_inputs(loaded, root / "out")
    assert [stage.name for stage in stages] == [kind.name for kind in STAGES]
    for stage in stages:
        before = planned(stage, done.manifests)
        assert before == [(receipt.shard, receipt.made_of) for receipt in done.manifests[stage.name].receipts]
        object.__setattr__(stage, "version", 99)
        after = planned(stage, done.manifests)
        assert [name for name, _ in after] == [name for name, _ in before]
        assert not set(after) & set(before), stage.name


@pytest.mark.parametrize(("stage", "name", "value"), VERSIONS, ids=[name for _, name, _ in VERSIONS])
def test_another_version_of_what_a_stage_uses_makes_it_anew(
    bases: Path, monkeypatch: pytest.MonkeyPatch, stage: str, name: str, value: Any
) -> None:
    root, recipe = base_of(bases, everything)
    done = Built.open(root / "out")
    loaded = Recipe.of(recipe, base=root / "inputs")
    (one,) = [one for one in stages_with_inputs(loaded, root / "out") if one.name == stage]
    before = planned(one, done.manifests)
    monkeypatch.setattr(name, value)
    assert not set(planned(one, done.manifests)) & set(before)


# ---- The same for rows


OLD = [{"text": prose(2, 9), "date": "2024-12-30"}, {"text": prose(6, 9), "date": "2020-01-01"}]
SETTINGS: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {  # an argument -> what the base has, what it is changed to
    "preset": [({}, {"preset": "swallow"})],
    "ngram": [({}, {"ngram": 3})],
    "bands": [({}, {"bands": 20})],
    "rows": [({}, {"rows": 4})],
    "similarity": [({"similarity": 0.8}, {"similarity": 0.6})],
    "recall": [({"similarity": 0.8}, {"similarity": 0.8, "recall": 0.7})],
    "bytes_per_document": [({"similarity": 0.8}, {"similarity": 0.8, "bytes_per_document": 120})],
    "seed": [({}, {"seed": 9})],
    "keep": [({}, {"keep": keep}) for keep in ("oldest", "longest", "largest:size", "first:b*,a*")],
    "text": [({}, {"text": "title"})],
    "id": [({}, {"id": "url"})],
    "date": [({}, {"date": "later"})],
    "source": [({"keep": "first:x,y"}, {"keep": "first:x,y", "source": "who"})],
    "url": [({}, {"url": True})],
    "url_column": [({"url": True}, {"url": True, "url_column": "title"})],
    "verify": [({}, {"verify": 0.97})],
    "verify_by": [({"verify": 0.6}, {"verify": 0.6, "verify_by": "text"})],
    "groups": [({}, {"groups": "components"})],
    "index": [({}, {"index": "index"})],
    "indexed": [({"index": "index"}, {"index": "index", "indexed": "compete"})],
}
NOT_IN_THE_BYTES = {"files", "out", "engine", "task_memory_bytes", "progress"}


def write_rows(folder: Path) -> None:
    folder.mkdir()
    middle = prose(70, 12).replace("\n", "")
    chain = [middle, SENTENCES[3] + middle[45:], middle[:-45] + SENTENCES[5]]
    near = [prose(1, 9), prose(1, 9).replace("。", "、", 1), prose(3, 9), prose(3, 9), prose(2, 9), prose(6, 9)]
    for name, texts in (("a", [*near, *chain]), ("b", [prose(1, 9) + "終。", prose(3, 9), prose(4, 9)])):
        rows = [
            {
                "id": f"{name}{n}",
                "text": text,
                "title": "同じ題" if n in (0, 2) else f"題{n}",
                "url": f"https://r.example.jp/{n}",
                "date": f"2024-10-{n + 10}",
                "later": f"2024-11-{40 - n}",
                "size": -n,
                "who": "yx"[n % 2],
            }
            for n, text in enumerate(texts)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    (folder / "old.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in OLD))


def without_duplicates(folder: Path, out: Path, how: dict[str, Any]) -> None:
    if "index" in how:
        how = how | {"index": folder / "index"}
        if not (folder / "index").exists():
            deduplicate([folder / "old.jsonl"], folder / "old", Serial())
            add(folder / "index", folder / "old", engine=Serial())
    deduplicate([folder / "a.jsonl", folder / "b.jsonl"], out, Serial(), **how)


def test_every_setting_of_dedup_has_a_case() -> None:
    assert sorted([*SETTINGS, *NOT_IN_THE_BYTES]) == sorted(inspect.signature(deduplicate).parameters)


@pytest.mark.parametrize("case", [case for cases in SETTINGS.values() for case in cases], ids=str)
def test_nothing_of_dedup_is_stale(case: tuple[dict[str, Any], dict[str, Any]], bases: Path, tmp_path: Path) -> None:
    before, after = case
    write_rows(tmp_path / "rows")
    without_duplicates(tmp_path / "rows", tmp_path / "out", before)
    old = tables(tmp_path / "out")
    without_duplicates(tmp_path / "rows", tmp_path / "out", after)
    without_duplicates(tmp_path / "rows", tmp_path / "fresh", after)
    stale = {name for name in contents(tmp_path / "out") if name.startswith("superseded")} - set(contents(tmp_path / "fresh"))
    assert {name: content for name, content in contents(tmp_path / "out").items() if name not in stale} == contents(
        tmp_path / "fresh"
    )
    assert tables(tmp_path / "fresh") != old


def test_other_rows_are_not_stale(bases: Path, tmp_path: Path) -> None:
    write_rows(tmp_path / "rows")
    without_duplicates(tmp_path / "rows", tmp_path / "out", {})
    (tmp_path / "rows" / "b.jsonl").write_text(json.dumps({"text": prose(4, 9)}) + "\n")
    without_duplicates(tmp_path / "rows", tmp_path / "out", {})
    without_duplicates(tmp_path / "rows", tmp_path / "fresh", {})
    assert contents(tmp_path / "out") == contents(tmp_path / "fresh")
