"""Arithmetic over the columns of a document, as a recipe writes it: "edu + 0.5 * rubric.quality - 2 * rubric.adult".

Every operation gives a finite number.  What has no result has a defined one: x / 0 is 0, the logarithm (natural) of 0 or less is that of the
smallest normal float, about -708.4, and results beyond the largest float are cut there.  Comparisons, `and`, `or` and `not` give 1 or
0, and take every number but 0 for true.  Where a column has no value (NaN), neither has what is computed from it, save that
`where(condition, yes, no)` needs a value of the chosen side only; a rule drops a document without a value.  A category is compared with names
by ==, != or `in`; an unknown one equals no name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus_builder.errors import RecipeError

F64 = npt.NDArray[np.float64]
LONGEST, DEEPEST = 2_000, 100  # characters; levels of nesting, of which a sum has one per term
_LARGEST, _SMALLEST = sys.float_info.max, sys.float_info.min

FUNCTIONS = {"min": (2, 99), "max": (2, 99), "abs": (1, 1), "log": (1, 1), "where": (3, 3)}
"""The functions, and how many arguments each takes."""
_BINARY: dict[type[ast.operator], Callable[[F64, F64], F64]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: lambda a, b: np.where(b == 0, 0.0 * a, a / np.where(b == 0, 1.0, b)),
}
_COMPARED: dict[type[ast.cmpop], Callable[[F64, F64], npt.NDArray[np.bool_]]] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
    ast.Eq: np.equal,
    ast.NotEq: np.not_equal,
}


@dataclass(frozen=True)
class Expression:
    """An expression; `inner` are those that it names, which take the place of columns.

    >>> Expression("a / b + (topic in ('料理', '祭り'))").values({"a": np.array([6.0, 1.0]), "b": np.array([4.0, 0.0])}, {"topic": ["料理", ""]}).tolist()
    [2.5, 0.0]
    """

    text: str
    inner: tuple[tuple[str, Expression], ...] = ()

    @cached_property
    def tree(self) -> ast.expr:
        """The parsed text; raises RecipeError if it is anything but such arithmetic."""
        if len(self.text) > LONGEST:
            raise RecipeError(f"an expression has at most {LONGEST:,} characters, this one {len(self.text):,}.")
        try:
            tree = ast.parse(self.text.strip(), mode="eval").body
            _check(tree, DEEPEST)
        except SyntaxError as error:
            raise RecipeError(f"{self.text[:60]!r} is not arithmetic: {error.msg}.") from error
        except (RecursionError, MemoryError, ValueError) as error:
            raise RecipeError(f"{self.text[:60]!r} is nested too deeply, or holds a character that it may not.") from error
        return tree

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns and expressions that the text names, each once."""
        return tuple(dict.fromkeys(_names(self.tree)))

    @cached_property
    def columns(self) -> frozenset[str]:
        """The columns that it reads, also through the expressions that it names."""
        inner = dict(self.inner)
        return frozenset(column for name in self.names for column in (inner[name].columns if name in inner else (name,)))

    @property
    def identity(self) -> list[Any]:
        """Everything besides the columns that its values depend on."""
        return [self.text, [[name, expression.identity] for name, expression in self.inner]]

    def check_kinds(self, is_category: Callable[[str], bool]) -> None:
        """Raise RecipeError if a category is used as a number, or a number compared with a name."""
        inner = dict(self.inner)
        _check_kinds(self.tree, lambda name: name not in inner and is_category(name))

    def values(self, numbers: Mapping[str, F64], labels: Mapping[str, Sequence[str]]) -> F64:
        """Its value for each document, from columns of equal length.  (n,) float64, finite; NaN where a column has no value."""
        inner = dict(self.inner)
        size = len(next(iter((*numbers.values(), *labels.values())), ()))

        def column(name: str) -> F64:
            if name in inner:
                return inner[name].values(numbers, labels)
            return np.clip(np.asarray(numbers[name], dtype=np.float64), -_LARGEST, _LARGEST)

        with np.errstate(all="ignore"):
            return np.broadcast_to(_value(self.tree, column, labels), (size,)).astype(np.float64)


def _name(node: ast.expr) -> str | None:
    """The name that a node stands for: `edu`, `rubric.quality`."""
    if isinstance(node, ast.Attribute):
        above = _name(node.value)
        return f"{above}.{node.attr}" if above else None
    return node.id if isinstance(node, ast.Name) else None


def _strings(node: ast.expr) -> list[str] | None:
    """The names of categories that a node lists: "science", or ("science", "news")."""
    parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    found = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return found if found and len(found) == len(parts) else None


def _of_category(node: ast.Compare) -> tuple[str, bool, list[str]] | None:
    """The column, whether it is to be among the names, and the names, of a comparison of a category."""
    if len(node.ops) != 1 or not isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
        return None
    name, names = _name(node.left), _strings(node.comparators[0])
    if name is None and isinstance(node.ops[0], ast.Eq | ast.NotEq):
        name, names = _name(node.comparators[0]), _strings(node.left)
    return (name, isinstance(node.ops[0], ast.Eq | ast.In), names) if name and names else None


def _parts(node: ast.expr) -> list[ast.expr]:
    """The nodes whose numbers a node combines; raises RecipeError for one that is not arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool) and abs(value) <= _LARGEST:
            return []
        case ast.Name() | ast.Attribute() if _name(node):
            return []
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
            return [left, right]
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() | ast.Not(), operand=operand):
            return [operand]
        case ast.BoolOp(values=values):
            return list(values)
        case ast.Compare() if _of_category(node):
            return []
        case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARED for op in ops):
            return [left, *others]
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            least, most = FUNCTIONS[name]
            if not least <= len(args) <= most:
                wanted = str(least) if least == most else f"at least {least}"
                raise RecipeError(f"{ast.unparse(node)!r}: {name} takes {wanted} numbers.")
            return list(args)
    raise RecipeError(
        f"{ast.unparse(node)[:60]!r} is not allowed; an expression has numbers, names of columns, + - * /, comparisons, and, or, not, and "
        f"{', '.join(FUNCTIONS)}; categories are compared with names in quotation marks."
    )


def _check(node: ast.expr, levels: int) -> None:
    if not levels:
        raise RecursionError
    for part in _parts(node):
        _check(part, levels - 1)


def _names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Compare) and (found := _of_category(node)):
        return [found[0]]
    if name := _name(node):
        return [name]
    return [name for part in _parts(node) for name in _names(part)]


def _check_kinds(node: ast.expr, is_category: Callable[[str], bool]) -> None:
    if isinstance(node, ast.Compare) and (found := _of_category(node)):
        if not is_category(found[0]):
            raise RecipeError(f"{ast.unparse(node)!r} compares the number {found[0]} with a name.")
    elif (name := _name(node)) and is_category(name):
        raise RecipeError(f"{name} is a category, not a number; compare it with a name: {name} == '...'.")
    for part in _parts(node):
        _check_kinds(part, is_category)


def _value(node: ast.expr, column: Callable[[str], F64], labels: Mapping[str, Sequence[str]]) -> F64:
    if isinstance(node, ast.Compare) and (found := _of_category(node)):
        name, wanted, names = found
        return np.array([(label in names) == wanted for label in labels[name]], dtype=np.float64)
    if (one := _name(node)) is not None:
        return column(one)
    if isinstance(node, ast.Constant):
        return np.float64(node.value)  # type: ignore[return-value, arg-type]  # it takes part like an array
    parts = [_value(part, column, labels) for part in _parts(node)]
    unknown = np.isnan(sum(0.0 * part for part in parts))
    if isinstance(node, ast.BinOp):
        return np.clip(_BINARY[type(node.op)](*parts), -_LARGEST, _LARGEST)
    if isinstance(node, ast.UnaryOp):
        if isinstance(node.op, ast.Not):
            return np.where(unknown, np.nan, parts[0] == 0)
        return -parts[0] if isinstance(node.op, ast.USub) else parts[0]
    if isinstance(node, ast.BoolOp):
        every = np.logical_and if isinstance(node.op, ast.And) else np.logical_or
        true = parts[0] != 0
        for part in parts[1:]:
            true = every(true, part != 0)
        return np.where(unknown, np.nan, true)
    if isinstance(node, ast.Compare):
        holds: npt.NDArray[np.bool_] = np.ones_like(parts[0], dtype=np.bool_)
        for op, left, right in zip(node.ops, parts, parts[1:], strict=False):
            holds = np.logical_and(holds, _COMPARED[type(op)](left, right))
        return np.where(unknown, np.nan, holds)
    return _called(ast.unparse(node.func), parts)  # type: ignore[attr-defined]  # `_parts` refuses everything else


def _called(name: str, parts: list[F64]) -> F64:
    if name == "where":
        return np.where(np.isnan(parts[0]), np.nan, np.where(parts[0] != 0, parts[1], parts[2]))
    if name == "abs":
        return np.abs(parts[0])
    if name == "log":
        return np.log(np.maximum(parts[0], _SMALLEST))
    found = parts[0]
    for part in parts[1:]:
        found = np.minimum(found, part) if name == "min" else np.maximum(found, part)
    return found


def linked(texts: Mapping[str, str]) -> dict[str, Expression]:
    """Expressions by name, each with those that it names; raises RecipeError for one that is wrong, or that needs itself."""
    found: dict[str, Expression] = {}

    def link(name: str, above: tuple[str, ...]) -> Expression:
        if name in above:
            raise RecipeError(f"{' -> '.join((*above[above.index(name) :], name))}: an expression cannot need itself.")
        if name not in found:
            inner = [one for one in Expression(texts[name]).names if one in texts]
            found[name] = Expression(texts[name], tuple((one, link(one, (*above, name))) for one in inner))
        return found[name]

    for name in texts:
        try:
            link(name, ())
        except RecipeError as error:
            raise RecipeError(f"quality.expressions.{name}: {error}") from None
    return found
