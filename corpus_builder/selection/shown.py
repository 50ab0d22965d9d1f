"""What another recipe would keep, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from corpus_builder.messages.terminal import harmless
from corpus_builder.selection.nearest import Near
from corpus_builder.selection.whatif import Amount, WhatIf

HOSTS_SHOWN, CUTS_SHOWN = 10, 20
IDS = 60


def as_json(found: WhatIf) -> dict[str, Any]:
    """The result as JSON values; tokens only where the build counts them."""
    value = {
        "changes": found.changes,
        "notes": found.notes,
        **{name: getattr(found, name) for name in ("before", "after", "gained", "lost")},
        "sources": {source: _fates(found, source) for source in sorted({flow.source for flow in found.flows})},
        "reasons": {name: {"before": found.amount(name), "after": found.amount(None, name)} for name in found.reasons},
        "flows": found.flows,
        "hosts": found.hosts,
        "overlap": found.overlap,
        "dropped_by": found.dropped_by,
        "tiers": found.tiers,
        "cuts": found.cuts,
        "margins": found.margins,
    }
    shown: dict[str, Any] = _plain(value, found.has_tokens)
    return shown


def _plain(value: Any, tokens: bool) -> Any:
    if isinstance(value, Amount):
        return {name: one for name, one in asdict(value).items() if tokens or name != "tokens"}
    if isinstance(value, dict):
        return {name: _plain(one, tokens) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, tokens) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name), tokens) for name in value.__dataclass_fields__}
    return value


def _fates(found: WhatIf, source: str) -> dict[str, Amount]:
    pairs = {"before": ("", None), "after": (None, ""), "gained": ("*", ""), "lost": ("", "*")}
    return {name: found.amount(before, after, source) for name, (before, after) in pairs.items()}


def as_text(found: WhatIf) -> str:
    """The result as lines for a terminal."""
    return "\n".join(_lines(found))


def _lines(found: WhatIf) -> Iterator[str]:
    yield f"What if {'; '.join(map(harmless, found.changes)) or 'nothing changed'}?"
    yield from (f"  ! {note}" for note in found.notes)
    head = f"{'documents':>12} {'characters':>16}" + (f" {'tokens':>16}" if found.has_tokens else "")
    yield f"\n{'':26}{head}"
    for name in ("before", "after", "gained", "lost"):
        yield f"{name:26}{_amount(getattr(found, name), found.has_tokens)}"
    sources = sorted({flow.source for flow in found.flows})
    for source in sources if len(sources) > 1 else ():
        fates = _fates(found, source)
        yield f"\n{harmless(source)}"
        for name in ("before", "gained", "lost"):
            yield f"  {name:24}{_amount(fates[name], found.has_tokens)}"
    yield f"\n{'dropped, by reason':44}{'before':>12} {'after':>12}"
    for name in found.reasons:
        yield f"  {harmless(name):42}{found.amount(name).documents:>12,} {found.amount(None, name).documents:>12,}"
    if found.tiers:
        yield f"\n{'tiers':44}{'before':>12} {'after':>12}"
        for tier in found.tiers:
            yield f"  {harmless(tier.tier):42}{tier.before.documents:>12,} {tier.after.documents:>12,}"
    for cut in found.cuts[:CUTS_SHOWN]:
        where = " ".join(harmless(part) for part in (cut.tier, cut.group) if part)
        value = "everything" if cut.value is None else f"down to {cut.value:.6g}"
        taken = "" if cut.taken is None else f", {cut.taken:,} of {cut.documents:,} documents"
        yield f"  select{f' {where}' if where else ''}: {value}{taken}"
    yield f"\n{'rules':44}{'drops':>12} {'gives reason':>13} {'alone':>12}"
    for one in found.overlap:
        also = f"   also {', '.join(f'{harmless(rule)} ({count:,})' for rule, count in one.also)}" if one.also else ""
        yield f"  {harmless(one.rule):42}{one.drops:>12,} {one.first:>13,} {one.alone:>12,}{also}"
    several = sum(found.dropped_by[2:])
    if len(found.dropped_by) > 1:
        yield f"  {found.dropped_by[1]:,} documents are dropped by one rule alone, {several:,} by several"
    if found.hosts:
        yield f"\n{'hosts that change most':44}{'gained':>12} {'lost':>12}"
        for host in found.hosts[:HOSTS_SHOWN]:
            yield f"  {harmless(host.host) or '(no host)':42}{host.gained.documents:>12,} {host.lost.documents:>12,}"
        if len(found.hosts) > HOSTS_SHOWN:
            yield f"  and {len(found.hosts) - HOSTS_SHOWN:,} more hosts (--json lists them)"
    for margin in found.margins:
        for title, documents in (("kept", margin.kept), ("dropped", margin.dropped)):
            if documents:
                yield f"\nnearest to {harmless(margin.rule)}, {title}"
                yield from map(_near, documents)


def _amount(amount: Amount, tokens: bool) -> str:
    return f"{amount.documents:>12,} {amount.characters:>16,}" + (f" {amount.tokens:>16,}" if tokens else "")


def _near(one: Near) -> str:
    before, after = (harmless(fate) or "kept" for fate in (one.before, one.after))
    moved = "" if before == after else f"   {before} -> {after}"
    return f"  {one.value:>12.6g}  {harmless(one.id, IDS)}  {harmless(one.url)}{moved}"
