"""Types that users see say what is wrong, and nothing that is right."""

import re
import subprocess
import sys
from pathlib import Path

MISUSE = Path(__file__).parent / "typing_misuse.py"


def test_mypy_finds_each_misuse_and_no_other() -> None:
    lines = MISUSE.read_text(encoding="utf-8").splitlines()
    wanted = {(number, found[1]) for number, line in enumerate(lines, 1) if (found := re.search(r"# error: ([\w-]+)$", line))}
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", MISUSE]
    said = subprocess.run(command, capture_output=True, text=True, cwd=MISUSE.parent.parent, check=False).stdout
    found = {
        (int(line), code) for line, code in re.findall(r"typing_misuse\.py:(\d+): error: .*\[([\w-]+)\]$", said, re.MULTILINE)
    }
    assert found == wanted, said
