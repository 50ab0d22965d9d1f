"""The report: one HTML file that works offline."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from corpus_builder.duplicates.summary import duplicates_in
from corpus_builder.messages.redact import shareable
from corpus_builder.messages.terminal import as_json, harmless
from corpus_builder.quality.catalogue import GROUPS, INFOS
from corpus_builder.quality.histograms import add_histogram
from corpus_builder.quality.rules import Threshold
from corpus_builder.reasons import reason_of
from corpus_builder.recipe.models import Recipe
from corpus_builder.recipe.part import as_data
from corpus_builder.report import charts
from corpus_builder.report.funnel import funnels, records
from corpus_builder.report.hosts import shown, top_hosts
from corpus_builder.report.lines import repeated_lines
from corpus_builder.report.mixture import capped
from corpus_builder.report.selected import asked, cuts, tied
from corpus_builder.report.tables import examples
from corpus_builder.sources.extract_stats import ExtractStats
from corpus_builder.stages.measure import MeasureStats
from corpus_builder.stages.release import ReleaseStats
from corpus_builder.stages.score import ScoreStats
from corpus_builder.store.dataset import Manifest
from corpus_builder.store.files import write_atomically

EXAMPLES = 3
EXAMPLE_SHARDS = 50
"""Examples are taken from at most this many shards, so that the report of a large corpus does not read all of it."""


def write_report(manifests: Mapping[str, Manifest], recipe: Recipe, out: Path) -> Path:
    """Write OUT/report.html from the manifests; stages that are not sealed yet are left out."""
    path = out / "report.html"
    write_atomically(path, render(manifests, recipe).encode())
    return path


def render(manifests: Mapping[str, Manifest], recipe: Recipe) -> str:
    """The report as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("corpus_builder", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_shown,
    )
    found = funnels(manifests, recipe.source_names, capped(manifests, recipe))
    found_charts = _charts(manifests, recipe)
    return environment.get_template("page.html.jinja").render(
        recipe=recipe,
        funnels=found,
        widest=max((funnel.entered for funnel in found), default=0) or 1,
        released=_released(manifests, recipe),
        cuts=cuts(manifests, recipe),
        tied=tied(manifests, recipe),
        selects=asked(recipe.select) if recipe.select else "",
        duplicates=duplicates_in(manifests, recipe),
        repeated=repeated_lines(manifests, recipe) if recipe.lines else None,
        hosts=top_hosts(manifests),
        shown_of_host=shown,
        records=records(manifests),
        charts=found_charts,
        folded=_folded(found_charts),
        plot={"width": charts.WIDTH, "height": charts.HEIGHT, "base": charts.BASE, "top": charts.TOP},
        examples=_examples(manifests),
        reason=partial(reason_of, measures=recipe.quality.measure_names),
        definitions={name: info.definition for name, info in INFOS.items()},
        recipe_json=escape(as_json(shareable(as_data(recipe)), indent=2)),
    )


def _shown(value: Any) -> Any:
    """A value made harmless for the page; markup stays as it is."""
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _released(manifests: Mapping[str, Manifest], recipe: Recipe) -> list[dict[str, Any]]:
    """Per source: distinct documents, documents with copies, characters and their share."""
    if "release" not in manifests:
        return []
    rows = []
    for source in recipe.source_names:
        parts = [part.released[source] for part in manifests["release"].stats(ReleaseStats).values() if source in part.released]
        counts = {name: sum(getattr(part, name) for part in parts) for name in ("distinct", "documents", "characters")}
        rows.append({"source": source} | counts)
    total = sum(row["characters"] for row in rows) or 1
    return [row | {"share": row["characters"] / total} for row in rows]


def _charts(manifests: Mapping[str, Manifest], recipe: Recipe) -> list[charts.Histogram]:
    """A histogram of every measure with a rule, over the documents that the rule judges; then of the others, in the order of
    the catalogue, with the user's own last."""
    if "measure" not in manifests:
        return []
    extract = manifests["extract"].stats(ExtractStats)
    rules: dict[str, list[Threshold]] = {}
    judged: dict[str, set[str]] = {}
    for rule in recipe.quality.rules:
        if rule.measure is not None and not rule.of_category and not recipe.quality.on_hosts(rule.measure):
            rules.setdefault(rule.measure, []).append(rule.threshold)
            judged.setdefault(rule.measure, set()).update(recipe.judged_by(rule))
    totals: dict[str, dict[int, int]] = {name: {} for name in rules}
    for shard, stats in manifests["measure"].stats(MeasureStats).items():
        for name, counts in stats.histograms.items():
            if extract[shard].source in judged.get(name, set(recipe.source_names)):
                add_histogram(totals.setdefault(name, {}), counts)
    scored = manifests["score"].stats(ScoreStats) if "score" in manifests else {}
    fractions = {name for scores in scored.values() for name in scores.fractions}
    for shard, scores in scored.items():
        for name, counts in scores.histograms.items():
            if extract[shard.partition("/")[2]].source in judged.get(name, set(recipe.source_names)):
                add_histogram(totals.setdefault(name, {}), counts)
    shown = [*rules, *(name for name in (*INFOS, *sorted(totals)) if name in totals and name not in rules)]
    return [
        charts.lay_out(name, totals[name], rules.get(name, ()), name in fractions)
        for name in dict.fromkeys(shown)
        if totals[name]
    ]


def _folded(found: list[charts.Histogram]) -> list[tuple[str, list[charts.Histogram]]]:
    """The histograms of measures that no rule uses, by group of the catalogue; those that only this build has come last."""
    group_of = {info.name: group.name for group in GROUPS for info in group.measures}
    by: dict[str, list[charts.Histogram]] = {}
    for one in found:
        if not one.rules:
            by.setdefault(group_of.get(one.measure, "this recipe"), []).append(one)
    return list(by.items())


def _examples(manifests: Mapping[str, Manifest]) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Stages, reasons, and a few dropped pages for each."""
    return [
        (stage, reason, rows)
        for stage, table in (("extract", "ledger"), ("decide", "decisions"))
        if stage in manifests
        for reason, rows in examples(manifests[stage].paths(table)[:EXAMPLE_SHARDS], EXAMPLES).items()
    ]
