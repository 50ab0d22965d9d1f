"""What the README shows is what happens: its commands, files and Python run, in order, and print what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from support.paths import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like the repository, to build in."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "data").mkdir()
    for name in ("pipelines", "data/samples", "data/words"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def agrees(shown: str, printed: str) -> bool:
    """Is the output what is shown, where `...` stands for anything?"""
    pattern = "".join(".*?" if part == "..." else re.escape(part) for part in re.split(r"(\.\.\.)", shown.strip()))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def run(command: str, folder: Path) -> str:
    # `make corpus` sets up an environment, which the tests have, and then builds; one process is enough for a small sample.
    command = "corpus-builder build pipelines/sample.toml --engine serial" if command == "make corpus" else command
    done = subprocess.run(
        command, shell=True, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_blocks_of_the_readme(name: str, checkout: Path) -> None:
    ran = {"console": 0, "python": 0, "toml": 0}
    for language, block in BLOCK.findall((ROOT / name).read_text(encoding="utf-8")):
        ran[language] = ran.get(language, 0) + 1
        title = re.match(r"# ([\w.]+)\n", block)
        if language == "console":
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, shown = part.partition("\n")
                printed = run(command, checkout)
                assert agrees(shown, printed), f"$ {command}\n{printed}"
        elif title:
            (checkout / title[1]).write_text(block, encoding="utf-8")
        elif language == "python":
            (checkout / "block.py").write_text(block, encoding="utf-8")
            run(f"{sys.executable} -W error block.py", checkout)
    assert min(ran["console"], ran["python"], ran["toml"]) > 0


def test_agreement_is_not_always() -> None:
    assert agrees("a\n...\nd", "a\nb\nc\nd\n")
    assert not agrees("a\n...\ne", "a\nb\nc\nd\n")
    assert not agrees("a", "a\nb")


@pytest.mark.parametrize("name", ["commands.md", "measures.md", "reasons.md", "recipe.md"])
def test_the_generated_documents_are_those_of_the_code(name: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "make_docs.py", tmp_path], check=True)
    assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), "run `make docs`"


PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [*ROOT.glob("*.md"), *(page for folder in ("docs", "data") for page in (ROOT / folder).rglob("*.md"))]
    if page.relative_to(ROOT).parts[:2] not in {("data", "corpus"), ("data", "models"), ("data", "fuzz")}
)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?[^)]*\)|^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)|(?:href|src)=\"([^\"]+)\"", re.MULTILINE)


def links(text: str) -> list[str]:
    """The relative links and pictures of a page; what stands in code is none, and other sites are not asked."""
    text = re.sub(r"^(```|~~~).*?^\1|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    found = ["".join(groups) for groups in LINK.findall(text)]
    return [target for target in found if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings as web sites of repositories make them: a second heading of the same words ends in -1."""
    found: set[str] = set()
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()).strip().replace(" ", "-")
        same = sum(re.fullmatch(rf"{re.escape(words)}(-\d+)?", one) is not None for one in found)
        found.add(f"{words}-{same}" if same else words)
    return found


def broken_links(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    broken = []
    for target in links(text):
        path, _, anchor = target.partition("#")
        found = (page.parent / unquote(path)).resolve() if path else page
        if not found.exists() or (anchor and unquote(anchor) not in anchors(found.read_text(encoding="utf-8"))):
            broken.append(target)
    return broken


def test_links_lead_somewhere() -> None:
    assert {"README.md", "README.ja.md", "data/gold/README.md", "docs/commands.md", "docs/lines.md"} <= set(PAGES)
    assert {name: broken for name in PAGES if (broken := broken_links(ROOT / name))} == {}


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n## 二 つ目: `x`\n## One\n[a](#one) [b](#二-つ目-x) [c](page.md#one-1) [d](https://other.example/) `[no](link)`\n"
        "[e](#two) [f](gone.md) ![g](gone.png) [h](page.md#one-2)\n[i]: gone.txt\n```\n# Three\n[no](link)\n```\n[j](#three)\n"
    )
    assert broken_links(page) == ["#two", "gone.md", "gone.png", "page.md#one-2", "gone.txt", "#three"]
