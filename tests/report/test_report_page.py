"""The report is one file that needs no network and shows every reason and every threshold."""

import re
from html.parser import HTMLParser
from pathlib import Path

from support.corpora import make_recipe

from corpus_builder import Serial, build
from corpus_builder.built import Built
from corpus_builder.quality.catalogue import OF_PAGES
from corpus_builder.quality.histograms import bin_edges, histogram
from corpus_builder.quality.measures import MEASURES
from corpus_builder.quality.rules import Threshold
from corpus_builder.reasons import REASONS
from corpus_builder.report.charts import BASE, TOP, WIDTH, lay_out
from corpus_builder.report.funnel import funnels
from corpus_builder.report.page import render, write_report
from corpus_builder.report.why import why


class Resources(HTMLParser):
    """What a browser would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [
            str(value) for name, value in attrs if name in ("src", "srcset", "data") or (tag == "link" and name == "href")
        ]
        if tag not in ("meta", "br", "line", "rect", "path", "link", "hr", "col"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                raise AssertionError(f"</{tag}> closes another element")


def test_nothing_is_fetched_and_all_is_closed(built: Built) -> None:
    page = Resources()
    page.feed(render(built.manifests, built.recipe))
    page.close()
    assert page.fetched == []
    assert page.open == []


def test_every_step_of_every_funnel_is_there(built: Built) -> None:
    text = render(built.manifests, built.recipe)
    rows = re.findall(r"<tr.*?</tr>", text, re.DOTALL)
    shown = [re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", row)).strip() for row in rows]
    for funnel in funnels(built.manifests, built.recipe.source_names):
        for step in funnel.steps:
            size = f" {step.size:,} {step.unit}" if step.unit else ""
            assert [row for row in shown if row.startswith(f"{step.label} {step.pages:,} ") and row.endswith(size)], step
    assert REASONS["not_html"].meaning in text
    assert "num_japanese_letters &gt;= 200" in text
    assert why(built.manifests, built.recipe, "https://www.example/logo")[0].id in text  # an example to look at


def test_text_from_pages_cannot_become_markup(built: Built) -> None:
    recipe = built.recipe.model_copy(update={"name": "<script>alert(1)</script>"})
    text = render(built.manifests, recipe)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_a_half_built_report(built: Built) -> None:
    half = {"extract": built.manifests["extract"]}
    assert "Japanese documents" in render(half, built.recipe)


def test_a_build_that_is_read_from_its_directory_has_the_same_report(inputs: Path, tmp_path: Path) -> None:
    (inputs / "own_measure.py").write_text("def a_count(doc):\n    return 1.0\n\ndef z_count(doc):\n    return 1.0\n")
    own = {"z_own": "own_measure:z_count", "a_own": "own_measure:a_count"}
    rules = [{"measure": "num_letters", "min": 10}, {"measure": "hiragana_fraction", "min": 0.2}]
    recipe = make_recipe(inputs, dedup=None, quality={"measures": own, "rules": rules})
    done = build(recipe, tmp_path / "out", Serial())
    text = render(done.manifests, done.recipe)
    again = Built.open(done.out)
    assert render(again.manifests, again.recipe) == text
    assert render(build(recipe, tmp_path / "out", Serial()).manifests, recipe) == text
    shown = re.findall(r"Histogram of (\w+)", text)
    of_pages = [info.name for info in OF_PAGES.measures]
    others = [name for name in (*MEASURES, *of_pages) if name not in ("num_letters", "hiragana_fraction")]
    assert re.findall(r"<summary>(.*) \((\d+)\)</summary>", text)[-2:] == [("Pages", "2"), ("This recipe", "2")]
    assert shown == ["num_letters", "hiragana_fraction", *others, "a_own", "z_own"]


def test_writing_twice_gives_the_same_bytes(built: Built) -> None:
    first = write_report(built.manifests, built.recipe, built.out).read_bytes()
    assert write_report(built.manifests, built.recipe, built.out).read_bytes() == first
    assert not re.search(rb"/tmp/|/home/", first)


def test_bars_lie_in_the_plot_and_those_beyond_the_limit_are_marked() -> None:
    import numpy as np

    values = np.array([0.0, 0.1, 0.15, 0.3, 0.5, 1.0])
    laid = lay_out("hiragana_fraction", histogram("hiragana_fraction", values), [Threshold("hiragana_fraction", min=0.2)])
    assert laid.documents == 6
    assert [bar.dropped for bar in laid.bars] == [True, True, True, False, False, False]
    assert all(0 <= bar.x <= WIDTH and TOP <= bar.y <= BASE and bar.y + bar.height == BASE for bar in laid.bars)
    assert [round(mark.x / WIDTH, 6) for mark in laid.limits] == [0.2]


def test_bins_hold_every_number() -> None:
    import numpy as np

    values = np.array([-1e300, -3.0, 0.0, 0.4, 1.0, 7.0, 1e300, np.nan, np.inf])
    counted = histogram("num_letters", values)
    assert sum(counted.values()) == 7
    for value in (-3.0, 0.4, 7.0):
        (bin_,) = histogram("num_letters", np.array([value]))
        low, high = bin_edges("num_letters", int(bin_))
        assert low <= value <= high
