"""Every reason that the package gives is explained, and every explanation is of a reason that it gives."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

import corpus_builder
from corpus_builder.built import Built
from corpus_builder.hashing.matching import PHASES
from corpus_builder.reasons import LACKS, NO_RECORD, REASONS, SIDES, UNREADABLE, UNWANTED, Reason, reason_of
from corpus_builder.sources.http import MAX_BODY_BYTES
from corpus_builder.sources.record import MAX_RECORD_BYTES

PLACES = {"Drop": 0, "Broken": 0, "Unreadable": 0, "Damage": 2, "_end": 0}
"""What is given a reason, and the place of the reason among its arguments."""

MODULES = {path: ast.parse(path.read_text()) for path in Path(corpus_builder.__path__[0]).rglob("*.py")}
Names = dict[str, list[ast.expr]]


def assigned(tree: ast.AST) -> Names:
    """What is assigned to each name below a node, returned by each function, and put into a column called reason."""
    found: Names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                pairs = [(target, node.value)]
                if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                    pairs = list(zip(target.elts, node.value.elts, strict=True))
                for one, value in pairs:
                    name = one.value if isinstance(one, ast.Subscript) else one
                    name = name.attr if isinstance(name, ast.Attribute) else getattr(name, "id", "")
                    found.setdefault(name, []).append(value)
        elif isinstance(node, ast.NamedExpr):
            found.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).extend(
                one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value is not None
            )
    return found


EVERYWHERE = assigned(
    ast.Module([node for tree in MODULES.values() for node in tree.body if isinstance(node, ast.Assign | ast.FunctionDef)], [])
)


def given() -> Iterator[tuple[Path, ast.expr, Names]]:
    """Every expression that says why something is left out, and what the names in its module stand for."""
    for path, tree in MODULES.items():
        names = assigned(tree)
        yield from ((path, value, names) for value in names.get("reason", ()))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in PLACES and (call.args or call.keywords):
                keywords = [keyword.value for keyword in call.keywords if keyword.arg == "reason"]
                yield path, (call.args[PLACES[name]] if len(call.args) > PLACES[name] else keywords[0]), names


def strings(value: ast.expr, names: Names) -> set[str]:
    """The strings, or patterns of them, that an expression may be; what only hands on a reason is none."""
    found, passed, waiting = set(), set(), [value]
    while waiting:
        match waiting.pop():
            case ast.Constant(value=str(text)) if text:
                found.add(re.escape(text))
            case ast.JoinedStr(values=parts):
                found.add("".join(re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+" for part in parts))
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case ast.Tuple(elts=parts):
                waiting += parts
            case ast.Subscript(slice=ast.Constant(value=str())):
                pass  # a column of what was said before
            case ast.Subscript(value=ast.Name(id=name)) | ast.Name(id=name) | ast.Call(func=ast.Name(id=name)):
                if name not in passed:
                    passed.add(name)
                    waiting += names.get(name, EVERYWHERE.get(name, ()))
    return found


def test_every_reason_that_is_given_is_explained_and_no_other() -> None:
    found, unknown = set(), []
    for path, value, names in given():
        for pattern in strings(value, names):
            matching = {name for name in REASONS if re.fullmatch(pattern, name)}
            measured = any(re.fullmatch(pattern, f"measure_{side}") for side in (*SIDES, LACKS, UNWANTED))
            if not matching and not measured:
                unknown.append((path.name, pattern))
            found |= set() if measured else matching
    assert unknown == []
    assert found == set(REASONS)


def test_a_reason_has_its_stage_and_says_what_its_numbers_are() -> None:
    assert {reason.stage for reason in REASONS.values()} == {"extract", "decide", "release"}
    assert {name for name in REASONS if name.startswith("duplicate_")} == {f"duplicate_{phase}" for phase in PHASES}
    for name, limit in (("warc_record_too_large", MAX_RECORD_BYTES), ("http_body_too_large", MAX_BODY_BYTES)):
        assert f"{limit >> 20} MiB" in REASONS[name].meaning
    assert {
        *("bad_json", "bad_utf8", "line_too_long", "text_too_long", "damaged_file", "other_format", "not_a_dump", "dump_damaged"),
        *("not_a_warc", "warc_damaged", "warc_truncated", "warc_content_length", "warc_record_too_large", "warc_segment_missing"),
    } == UNREADABLE
    assert {"empty_file", "warc_empty", "records_missing"} == NO_RECORD


def test_a_measures_reason_and_a_users_own_are_told_apart() -> None:
    of_measure = reason_of("decide", "num_letters_high", ["num_letters"])
    assert of_measure == Reason(
        "num_letters_high",
        "decide",
        "documents",
        "the measure num_letters is above the rule's limit",
        "num_letters",
        "the rule's limit",
    )
    own = "a filter of the recipe dropped it"
    assert [reason_of("decide", name).meaning for name in ("num_letters_high", "no_text", "too_many_arrows")] == [own] * 3
    assert reason_of("extract", "no_text") is REASONS["no_text"]


def test_every_reason_in_the_tables_of_a_build_is_explained(built: Built) -> None:
    tables = [("extract", "ledger"), ("decide", "decisions"), ("release", "ledger")]
    rows = [
        (stage, row)
        for stage, table in tables
        for path in built.manifests[stage].paths(table)
        for row in pq.read_table(path).to_pylist()
    ]
    measures = built.recipe.quality.measure_names
    explained = {(stage, row["reason"]): reason_of(stage, row["reason"], measures) for stage, row in rows if row["reason"]}
    assert explained
    assert [name for _, name in explained if name not in REASONS and name.rpartition("_")[0] not in measures] == []
    for stage, row in rows:
        if row["reason"]:
            reason = explained[stage, row["reason"]]
            assert row["value"] is None or reason.value, row
            assert row["threshold"] is None or reason.threshold, row
