"""What the README shows is what happens: its commands, files and Python run, in order, and print what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
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


@pytest.mark.parametrize("name", ["commands.md", "measures.md"])
def test_the_generated_documents_are_those_of_the_code(name: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "make_docs.py", tmp_path], check=True)
    assert (tmp_path / name).read_text() == (ROOT / "docs" / name).read_text(), "run `make docs`"


@pytest.mark.parametrize(
    "name", ["README.md", "README.ja.md", "data/README.md", "data/words/README.md", "docs/minhash.md", "docs/duplicates.md"]
)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}, target
