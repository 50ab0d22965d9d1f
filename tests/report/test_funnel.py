"""Every page that entered is in the funnel once: kept, or in a drop."""

from dataclasses import replace

from corpus_builder.built import Built
from corpus_builder.report.funnel import Funnel, Step, as_json, as_text, funnels, records
from corpus_builder.stages.release import ReleaseStats


def test_each_page_stands_in_one_place(built: Built) -> None:
    web, wikipedia, every = funnels(built.manifests, built.recipe.source_names)
    assert [(step.kind, step.label, step.pages) for step in web.steps] == [
        ("in", "pages read", 15),
        ("drop", "gate_not_japanese", 1),
        ("drop", "http_status", 1),
        ("drop", "not_html", 1),
        ("stand", "Japanese documents", 12),
        ("drop", "duplicate_exact", 1),
        ("drop", "num_japanese_letters_low", 1),
        ("stand", "kept", 10),
        ("stand", "released", 10),
    ]
    assert [(step.label, step.pages) for step in wikipedia.steps] == [
        ("pages read", 2),
        ("redirect", 1),
        ("Japanese documents", 1),
        ("kept", 1),
        ("released", 1),
    ]
    assert [(step.size > 0, step.unit) for step in web.steps if step.kind == "drop"] == [
        (True, "bytes"), (True, "bytes"), (True, "bytes"), (True, "characters"), (True, "characters"),
    ]  # fmt: skip
    assert [(step.label, step.size, step.unit) for step in wikipedia.steps[:2]] == [("pages read", 0, ""), ("redirect", 0, "")]
    assert every.source == "all"
    assert every.entered == 17
    assert all(funnel.accounted for funnel in (web, wikipedia, every))


def test_a_page_that_went_astray_is_noticed(built: Built) -> None:
    web = funnels(built.manifests, built.recipe.source_names)[0]
    short = replace(web, steps=tuple(step for step in web.steps if step.label != "duplicate_exact"))
    assert web.accounted
    assert not short.accounted


def test_a_build_that_is_half_way_shows_what_it_has(built: Built) -> None:
    half = {name: built.manifests[name] for name in ("extract", "measure")}
    web = funnels(half, ["web"])[0]
    assert web.steps[-1].label == "Japanese documents"
    assert web.accounted


def test_text_and_json() -> None:
    steps = (Step("extract", "in", "pages read", 4, 0, ""), Step("extract", "drop", "not_html", 1, 2_000, "bytes"))
    assert as_text(Funnel("web", steps)) == (
        "web\n"
        "  pages read                                   4  100.0 %\n"
        "    - not_html                                 1   25.0 %           2,000 bytes"
    )
    assert as_json(Funnel("web", steps))["steps"][1] == {
        "stage": "extract",
        "kind": "drop",
        "label": "not_html",
        "pages": 1,
        "size": 2_000,
        "unit": "bytes",
    }
    assert as_text(Funnel("nothing", (Step("extract", "in", "pages read", 0, 0, ""),))).endswith("–")


def test_records_that_are_no_pages_are_counted_too(built: Built) -> None:
    assert records(built.manifests) == {"response": 15, "warcinfo": 2}
    assert (
        sum(
            p.released["wikipedia"].documents
            for p in built.manifests["release"].stats(ReleaseStats).values()
            if "wikipedia" in p.released
        )
        == 1
    )
