"""The small changes that can be made to a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.In: "not in", ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is",
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "//", ast.FloorDiv: "*", ast.Mod: "+", ast.LShift: ">>", ast.RShift: "<<",
    ast.BitAnd: "|", ast.BitOr: "&",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One change of one file; known by the line that it changes, so that it stays the same when lines above it move."""

    path: str
    line: str
    what: str
    source: str = field(repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.path} | {self.line} | {self.what}"


def changes_of(path: str, source: str) -> Iterator[Change]:
    """Every change that can be made to a module's functions.

    >>> [change.what for change in changes_of("m.py", "def f(a):\\n    return a < 2\\n")]
    ['`a < 2` to `a <= 2`', '`2` to `3`']
    """
    octets = source.encode()
    starts = [0]
    for line in octets.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    lines = source.splitlines()

    def place(node: ast.AST) -> tuple[int, int]:
        first = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return first, starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def change(node: ast.AST, new: str) -> Iterator[Change]:
        first, last = place(node)
        made = (octets[:first] + new.encode() + octets[last:]).decode()
        try:
            ast.parse(made)
        except SyntaxError:
            return
        shown = [" ".join(text.split())[:70] for text in (octets[first:last].decode(), new)]
        yield Change(path, lines[node.lineno - 1].strip(), f"`{shown[0]}` to `{shown[1]}`", made)  # type: ignore[attr-defined]

    tree = ast.parse(source)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            body = function.body[1:] if ast.get_docstring(function) is not None else function.body
            for statement in body:
                for node, new in _of(statement):
                    yield from change(node, new)


def _of(statement: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Nodes of a statement, nested functions aside, and what may stand in their place."""
    waiting = [statement]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.JoinedStr | ast.Raise):
            if isinstance(node, ast.Raise):
                yield node, "pass"
            continue
        yield from _at(node)
        waiting += [child for child in ast.iter_child_nodes(node) if not _is_annotation(node, child)]


def _is_annotation(parent: ast.AST, child: ast.AST) -> bool:
    return isinstance(parent, ast.AnnAssign) and child is parent.annotation


def _at(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield node, f"{ast.unparse(node.left)} {_COMPARISONS[type(node.ops[0])]} {ast.unparse(node.comparators[0])}"
    elif isinstance(node, ast.Compare):
        for place in range(len(node.ops)):
            words = [ast.unparse(node.left)]
            for number, (operator, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
                turned = _COMPARISONS[type(operator)]
                words += [turned if number == place else _SIGNS[type(operator)], ast.unparse(right)]
            yield node, " ".join(words)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS and not _is_text(node):
        yield node, f"({ast.unparse(node.left)} {_OPERATORS[type(node.op)]} {ast.unparse(node.right)})"
    elif isinstance(node, ast.BoolOp):
        other = " or " if isinstance(node.op, ast.And) else " and "
        yield node, f"({other.join(f'({ast.unparse(value)})' for value in node.values)})"
        for left_out in range(len(node.values)):
            kept = [value for number, value in enumerate(node.values) if number != left_out]
            joint = " and " if isinstance(node.op, ast.And) else " or "
            yield node, f"({joint.join(f'({ast.unparse(value)})' for value in kept)})"
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, f"({ast.unparse(node.operand)})"
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield node, str(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield node, str(node.value + 1)
    elif isinstance(node, ast.IfExp):
        yield node, f"({ast.unparse(node.body)})"
        yield node, f"({ast.unparse(node.orelse)})"
    elif isinstance(node, ast.Expr | ast.AugAssign | ast.Continue | ast.Break) or (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)
    ):
        yield node, "pass"
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place in range(len(node.keys)):
            rest = [number for number in range(len(node.keys)) if number != place]
            yield node, ast.unparse(ast.Dict([node.keys[n] for n in rest], [node.values[n] for n in rest]))
    elif isinstance(node, ast.Call):
        for place in range(len(node.keywords)):
            rest = [keyword for number, keyword in enumerate(node.keywords) if number != place]
            yield node, ast.unparse(ast.Call(node.func, node.args, rest))
        if isinstance(node.func, ast.Name) and node.func.id == "digest_of" and node.args and isinstance(node.args[0], ast.List):
            parts = node.args[0].elts
            for place in range(len(parts)):
                left = ast.List([part for number, part in enumerate(parts) if number != place], ast.Load())
                yield node, ast.unparse(ast.Call(node.func, [left], node.keywords))
    elif isinstance(node, ast.comprehension):
        for test in node.ifs:
            yield test, "True"


_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
    ast.In: "in", ast.NotIn: "not in", ast.Is: "is", ast.IsNot: "is not",
}  # fmt: skip


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str | bytes))
        for side in (node.left, node.right)
    )
