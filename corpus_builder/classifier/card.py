"""The model card: what a model was made from and how good it is, as JSON inside the model's file and as text on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN = 12  # of a long list


def rounded(value: Any) -> Any:
    """A value with its floats to four digits, so that the last bits of a mean do not change a file's digest."""
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return round(value, 4) if isinstance(value, float) else value


def as_text(card: Mapping[str, Any]) -> str:
    """The card, for people."""
    data = card["data"]
    lines = [
        f"{data['texts']:,} labelled texts of {data['hosts']:,} hosts, {data['characters']:,} characters; licences: {_counted(data['licences'])}",
        f"labelled by: {_counted(data['labelled_by'])}; policy: {data['policy']}",
    ]
    if data["bad_rows"]:
        lines.append(f"{data['bad_rows']:,} rows could not be used")
    for name, about in card["properties"].items():
        lines += ["", *_property(name, about)]
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1]) if len(counts) > _SHOWN else list(counts.items())
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return ", ".join(f"{name} {count:,}" for name, count in ordered[:_SHOWN]) + more


def _property(name: str, about: Mapping[str, Any]) -> list[str]:
    lines = [f"{name} ({about['kind']}): {_counted(about['labels'])}"]
    if metrics := about.get("metrics"):
        lines.append(f"  on {metrics['texts']:,} texts by models that saw none of their hosts:")
        if about["kind"] == "binary":
            lines += _binary(metrics)
        elif about["kind"] == "graded":
            areas = ", ".join(f"{grade}: {_number(area)}" for grade, area in metrics["auc_at_least"].items())
            lines.append(f"  mean error {metrics['mae']:.3f}, RMSE {metrics['rmse']:.3f}, right grade {metrics['accuracy']:.3f}")
            lines.append(f"  AUC of at least each grade: {areas}")
        else:
            lines.append(f"  right {metrics['accuracy']:.3f}, mean F1 of the names {metrics['macro_f1']:.3f}")
        for what in ("length", "source", "host"):
            groups = metrics[f"error_by_{what}"]
            shown = ", ".join(f"{group} {one['error']:.2f} of {one['texts']:,}" for group, one in list(groups.items())[:6])
            lines.append(f"  error by {what}{' (the worst)' if what == 'host' else ''}: {shown}")
    if curve := about.get("learning_curve"):
        lines.append("  learning curve: " + ", ".join(f"{point['labels']:,} labels {point['auc']:.3f}" for point in curve))
    return [*lines, f"  {about['more_labels']}"] if "more_labels" in about else lines


def _binary(metrics: Mapping[str, Any]) -> list[str]:
    confusion = metrics["confusion"]
    tops = [
        f"{top['share']:.0%}: {top['precision']:.3f} and {top['recall']:.3f} (cut {top['cut']:.3f})" for top in metrics["top"]
    ]
    return [
        f"  AUC {_number(metrics['auc'])} +- {metrics.get('auc_error', 0.0):.3f}",
        f"  at {metrics['cut']:g}: precision {metrics['precision']:.3f}, recall {metrics['recall']:.3f}; "
        + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in confusion.items()),
        f"  precision and recall of the best {', '.join(tops)}",
    ]


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"
