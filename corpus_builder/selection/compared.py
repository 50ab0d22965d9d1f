"""A comparison of two selections as text, as JSON and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import jinja2

from corpus_builder.messages.terminal import harmless
from corpus_builder.selection.agreement import Estimate
from corpus_builder.selection.evaluate import SIDES, Evaluation, Part

NAMES = {"both": "both", "left": "only left", "right": "only right", "neither": "neither"}


def as_json(found: Evaluation) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {"overlap": found.overlap, **asdict(found)}


def as_text(found: Evaluation) -> str:
    """The comparison as lines for a terminal."""
    return "\n".join(_lines(found))


def _lines(found: Evaluation) -> Iterator[str]:
    yield f"left:  {harmless(found.left)}\nright: {harmless(found.right)}\noverlap: {100 * found.overlap:.1f} % of what either keeps"
    if found.quality:
        more = f", {found.strangers:,} more in neither build" if found.strangers else ""
        more += f", {found.bad_rows:,} rows that cannot be used" if found.bad_rows else ""
        yield f"\non {found.labelled:,} labelled documents{more}; good is {harmless(found.good)}; 95 % intervals over hosts"
        yield f"  {'':30}{'precision':>22}{'recall':>22}{'kept':>22}{'AUC':>22}"
        for one in found.quality:
            yield f"  {harmless(one.name):30}" + "".join(
                f"{_shown(value):>22}" for value in (one.precision, one.recall, one.kept, one.auc)
            )
    for by, parts in _tables(found):
        yield f"\n{harmless(by):42}" + "".join(f"{NAMES[side]:>12}" for side in SIDES)
        for part in parts:
            yield f"  {harmless(part.value, 40) or '(none)':40}" + "".join(f"{part.documents[side]:>12,}" for side in SIDES)
    for example in found.examples:
        yield f"\nonly the {example.side} keeps {harmless(example.id)} {harmless(example.url)}, the other drops it as {harmless(example.reason)}\n  {harmless(example.text)}"


def _shown(value: Estimate | None) -> str:
    if value is None or value.value is None:
        return ""
    inner = "" if value.low is None or value.high is None else f" [{_short(value.low)}, {_short(value.high)}]"
    return f"{_short(value.value)}{inner}"


def _short(number: float) -> str:
    """A share with three digits and without its zero, as -.086."""
    return f"{number:.3f}".replace("0.", ".", 1)


def _tables(found: Evaluation) -> list[tuple[str, list[Part]]]:
    """The parts by what they are divided by; what has only one value says nothing, but for all documents."""
    tables: dict[str, list[Part]] = {}
    for part in found.parts:
        tables.setdefault("all documents" if part.by == "all" else part.by, []).append(part)
    return [(by, parts) for by, parts in tables.items() if len(parts) > 1 or by in ("all documents", "host")]


def as_page(found: Evaluation, title: str, notes: Sequence[str] = ()) -> str:
    """The comparison as one HTML file that works offline."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("corpus_builder", "selection"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=lambda value: harmless(value, 1_000) if type(value) is str else value,
    )
    page = environment.get_template("evaluation.html.jinja")
    return page.render(found=found, title=title, notes=notes, tables=_tables(found), n=lambda number: f"{number:,}", e=_shown)
