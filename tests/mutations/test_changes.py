"""The trial makes the changes that it says, and knows a room for each module."""

import pytest
from changes import changes_of
from rooms import room_of
from support.paths import ROOT


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return a < 2", ["return a <= 2", "return a < 3"]),
        ("return 0 < a <= b", ["return 0 <= a <= b", "return 0 < a < b", "return 1 < a <= b"]),
        ("return a and b", ["return ((a) or (b))", "return ((b))", "return ((a))"]),
        ("return f(a, b=1)", ["return f(a)", "return f(a, b=2)"]),
        ("return digest_of([a, b])", ["return digest_of([b])", "return digest_of([a])"]),
        ("return {'a': b, 'c': d}", ["return {'c': d}", "return {'a': b}"]),
        ("a['b'] = c", ["pass"]),
        ("raise a", ["pass"]),
        ("os.fsync(a)", ["pass"]),
        ("return [b for b in a if b]", ["return [b for b in a if True]"]),
        ("return 'text 1'", []),
        ("return 日本 + 1", ["return (日本 - 1)", "return 日本 + 2"]),
    ],
)
def test_the_changes_of_a_line(line: str, expected: list[str]) -> None:
    source = f'def f(a: int = 1) -> int:\n    """Text, 1 < 2."""\n    {line}\n'
    assert [change.source for change in changes_of("m.py", source)] == [source.replace(line, one) for one in expected]


def test_every_module_but_commands_has_tests() -> None:
    names = [str(path.relative_to(ROOT / "corpus_builder")) for path in (ROOT / "corpus_builder").rglob("*.py")]
    without = {name for name in names if not room_of(name, ROOT)}
    assert {name for name in without if not name.startswith("commands/") and "__" not in name} == {"document.py", "errors.py"}
