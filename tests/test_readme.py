"""What README and docs/ show is what happens: their commands, files and Python run, in order, and print what they say."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from urllib.parse import unquote

import click
import pytest
from click.testing import CliRunner
from support.paths import ROOT

from corpus_builder import Recipe
from corpus_builder.commands.main import main

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [*ROOT.glob("*.md"), *(page for folder in ("docs", "data") for page in (ROOT / folder).rglob("*.md"))]
    if page.relative_to(ROOT).parts[:2] not in {("data", "corpus"), ("data", "models"), ("data", "fuzz")}
)
SHOWN = [
    page for page in PAGES if page.startswith(("README", "docs/")) and BLOCK.search((ROOT / page).read_text(encoding="utf-8"))
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that looks like the repository, to build in."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "data").mkdir()
    for name in ("pipelines", "data/samples", "data/words", "data/labels", "data/models"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def agrees(shown: str, printed: str) -> bool:
    """Is the output what is shown, where `...` stands for anything?"""
    pattern = "".join(".*?" if part == "..." else re.escape(part) for part in re.split(r"(\.\.\.)", shown.strip()))
    return re.fullmatch(pattern, printed.strip(), re.DOTALL) is not None


def printed_by(command: str) -> str:
    """What a command prints in a shell, run in this process."""
    # `make corpus` sets up an environment, which the tests have, and then builds; one process is enough for a small sample.
    command = "corpus-builder build pipelines/sample.toml --engine serial" if command == "make corpus" else command
    found = re.fullmatch(r"corpus-builder (.*?)(?: > (\S+))?( \|\| echo \"exit code \$\?\")?", command)
    assert found is not None, f"a test cannot run {command!r}"
    done = CliRunner().invoke(main, shlex.split(found[1]))
    assert done.exit_code == 0 or found[3], done.output
    if found[2]:
        Path(found[2]).write_text(done.stdout, encoding="utf-8")
    return ("" if found[2] else done.stdout) + (f"exit code {done.exit_code}\n" if done.exit_code else "")


def check_options(command: str) -> None:
    """Are there such a command and such options?  It is not run."""
    words, found = shlex.split(command, comments=True), main
    while isinstance(found, click.Group):
        name = words.pop(0)
        found = found.commands[name]
    found.make_context(name, words)


def check_recipe(block: str) -> None:
    """Is this a part of a recipe?"""
    part = tomllib.loads(block)
    least = {"name": "x", "sources": [{"name": "web", "kind": "warc", "paths": ["a.warc.gz"]}]}
    Recipe.of(least | part | ({"quality": {"rules": [{"duplicates": True}]}} if "dedup" in part else {}))


def check_block(language: str, block: str) -> None:
    title = re.match(r"# ([\w.]+)\n", block)
    if language == "console":
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            printed = printed_by(command)
            assert agrees(shown, printed), f"$ {command}\n{printed}"
    elif language == "sh":
        for command in re.findall(r"(?:^|-- ) *corpus-builder (.*)", block.replace("\\\n", " "), re.MULTILINE):
            check_options(command)
    elif title:
        Path(title[1]).write_text(block, encoding="utf-8")
    elif language == "toml":
        check_recipe(block)
    else:
        assert language == "python"
        Path("block.py").write_text(block, encoding="utf-8")
        subprocess.run([sys.executable, "-W", "error", "block.py"], check=True, stdout=subprocess.DEVNULL, timeout=120)


@pytest.mark.parametrize("name", SHOWN)
def test_the_blocks_of_a_page(name: str, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    for language, block in BLOCK.findall((ROOT / name).read_text(encoding="utf-8")):
        check_block(language, block)


def test_pages_with_blocks_are_found() -> None:
    assert {"README.md", "README.ja.md", "docs/your-data.md", "docs/lines.md", "docs/duplicates.md"} <= set(SHOWN)


@pytest.mark.parametrize(
    ("language", "block", "says"),
    [
        ("sh", "corpus-builder dedup FILES --out o --presett japanese  # a comment", "No such option"),
        ("sh", "ray job submit -- \\\n    corpus-builder build", "Missing parameter"),
        ("sh", "corpus-builder bild", "bild"),
        ("toml", "[lines]\ndocument = 3", "did you mean 'documents'"),
        ("console", "$ corpus-builder judge --text あ --filter a.b", "a.b"),
        ("console", "$ corpus-builder measures\nno such measure", "no such measure"),
    ],
)
def test_blocks_that_are_wrong_are_found(
    language: str, block: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Exception, match=re.escape(says)):
        check_block(language, block)


def test_agreement_is_not_always() -> None:
    assert agrees("a\n...\nd", "a\nb\nc\nd\n")
    assert not agrees("a\n...\ne", "a\nb\nc\nd\n")
    assert not agrees("a", "a\nb")


def test_the_generated_documents_are_those_of_the_code(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "docs" / "make_docs.py", tmp_path], check=True)
    written = {page.name: page.read_text(encoding="utf-8") for page in tmp_path.iterdir()}
    assert sorted(written) == ["commands.md", "measures.md", "reasons.md", "recipe.md"]
    for name, text in written.items():
        assert text == (ROOT / "docs" / name).read_text(encoding="utf-8"), "run `make docs`"


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


def test_files_that_pages_name_are_there() -> None:
    files = [
        f"/{path.relative_to(ROOT)}"
        for folder in ("corpus_builder", "benchmarks", "tests", "docs", "data")
        for path in (ROOT / folder).rglob("*.*")
    ]
    gone = {
        (page, name)
        for page in PAGES
        if page != "CHANGELOG.md"
        for name in re.findall(
            r"`([\w/-]+\.(?:py|npz|bin|tsv))`", re.sub(r"^```.*?^```", "", (ROOT / page).read_text(), flags=re.M | re.S)
        )
        if not any(file.endswith(f"/{name}") for file in files)
    }
    assert gone == set()


def test_readme_names_every_room() -> None:
    rooms = {path.parent.name for path in (ROOT / "corpus_builder").glob("*/__init__.py")}
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Development")[2]
    assert set(re.findall(r"`(\w+)/`", table)) - {"corpus_builder"} == rooms
