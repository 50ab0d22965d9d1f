"""Where things lie in this tree."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
CASES = TESTS / "cases"
ZOO = TESTS / "zoo"
