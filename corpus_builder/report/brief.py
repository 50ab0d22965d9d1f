"""The funnel in a few lines, as text and as HTML for a notebook."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from corpus_builder.messages.terminal import harmless
from corpus_builder.report.funnel import Funnel, Step

SHOWN = 3
"""Number of reasons of each stage that have a line of their own."""


def shortened(funnel: Funnel) -> Funnel:
    """A funnel with the most frequent reasons of each stage, and one line for all others."""
    return Funnel(funnel.source, tuple(_shortened(funnel.steps)))


def _shortened(steps: tuple[Step, ...]) -> Iterator[Step]:
    for stage in dict.fromkeys(step.stage for step in steps):
        drops = [step for step in steps if (step.stage, step.kind) == (stage, "drop")]
        rest = drops[SHOWN:] if len(drops) > SHOWN + 1 else []
        for step in steps:
            if step.stage != stage or step in rest[1:]:
                continue
            if step in rest[:1]:
                pages, size = sum(one.pages for one in rest), sum(one.size for one in rest)
                yield Step(stage, "drop", f"{len(rest)} other reasons", pages, size, max(one.unit for one in rest))
            else:
                yield step


def as_html(title: str, funnel: Funnel) -> str:
    """A funnel as an HTML table, in the colours of the surrounding page, light or dark."""
    rows = []
    for step in funnel.steps:
        label = escape(harmless(step.label))
        if step.kind == "note":
            rows.append(f'<tr><td colspan="4" style="text-align:left">{label}</td></tr>')
            continue
        share = step.pages / funnel.entered if funnel.entered else 0.0
        name = (
            f"<b>{label}</b>" if step.kind in ("in", "stand") else f'<span style="padding-left:1.5em;opacity:.75">{label}</span>'
        )
        bar = f'<div style="width:{120 * share:.0f}px;height:.8em;background:currentColor;opacity:.35"></div>'
        size = f"{step.size:,} {step.unit}" if step.unit else ""
        cells = [f"{step.pages:,}", f"{100 * share:.1f}&nbsp;%", size]
        rows.append(
            f'<tr><td style="text-align:left">{name}</td>'
            + "".join(f'<td style="text-align:right">{cell}</td>' for cell in cells)
            + f'<td style="text-align:left">{bar}</td></tr>'
        )
    return f'<table style="background:none;color:inherit"><caption style="text-align:left;color:inherit">{escape(harmless(title))}</caption>{"".join(rows)}</table>'
