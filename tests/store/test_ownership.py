"""What a user owns stays: only what we made is overwritten or removed, in directories that are ours, and inputs are kept apart from outputs."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.corpora import RULES, make_recipe, prose
from support.crawls import make_crawl
from support.files import lasting, run, tree
from support.rows import jsonl

from corpus_builder import Serial, build, deduplicate, plan
from corpus_builder.built import Built
from corpus_builder.errors import InputError, StageError
from corpus_builder.recipe.inputs import keep_inputs_apart
from corpus_builder.store.dataset import Dataset, Shard
from corpus_builder.store.ownership import MARK, alone_in, check_owned, clear_stages

RECIPE = '[[sources]]\nname = "texts"\nkind = "jsonl"\npaths = ["texts.jsonl"]\n'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs, and one directory of each kind that was made from them."""
    root = tmp_path_factory.mktemp("made")
    jsonl(root / "texts.jsonl", [{"id": f"t{n}", "text": prose(n)} for n in (1, 2, 3, 1)])
    (root / "recipe.toml").write_text(f'name = "tiny"\n{RECIPE}')
    (root / "crawled").mkdir()
    make_crawl(root / "crawled", warcs=1, pages=6)
    for words in commands(root).values():
        run(*words)
    return root


def commands(root: Path) -> dict[str, list[object]]:
    """A command for each kind of directory, which stands at the place of its name."""
    return {
        "build": ["build", root / "recipe.toml", "--engine", "serial", "--out", root / "build"],
        "dedup": ["dedup", root / "texts.jsonl", "--engine", "serial", "--out", root / "dedup"],
        "index": ["index", "add", root / "index", root / "dedup"],
        "crawl": ["crawl", root / "crawled" / "cc-index", "--base", root / "crawled", "--out", root / "crawl"],
    }


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "copy", symlinks=True)
    for name in (
        "crawl/crawl.json",
        "build/report.html",
        "build/.cache/inputs.json",
        "dedup/.cache/inputs.json",
        "dedup/.cache/files.json",
    ):
        path = tmp_path / "copy" / name  # what tells where the inputs lie
        path.write_bytes(path.read_bytes().replace(bytes(made), bytes(tmp_path / "copy")))
    return tmp_path / "copy"


# Whose directory is it?

FOREIGN = {
    "build": ["extract/thesis.txt", "release/corpus/mine.parquet", "build.json", "report.html", ".lock", ".scratch/mine", MARK],
    "dedup": ["dedup/kept/mine.jsonl", "sign/mine.npy", "dedup.json", ".cache/files.json"],
    "index": ["parts/mine/manifest.json", "removed/mine.npy", "index.json", ".lock"],
    "crawl": ["selection/mine.parquet", "parts/a.part", "crawl.json", "mine.warc.gz", ".bashrc"],
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, found in FOREIGN.items() for name in found])
def test_a_directory_of_somebody_elses_is_refused_and_stays_as_it_is(copy: Path, kind: str, name: str) -> None:
    shutil.rmtree(copy / kind)
    mine = copy / kind / name
    mine.parent.mkdir(parents=True)
    mine.write_text('{"format": "mine", "kind": "build"}')
    before = tree(copy)
    said = run(*commands(copy)[kind], code=3)
    assert (
        f"{copy / kind} contains files that corpus-builder did not create ({name.split('/')[0]!r}); they are not touched" in said
    )
    assert "Choose a new or an empty directory" in said
    assert tree(copy) == before


@pytest.mark.parametrize(
    "kind", ["a pipe", "a directory", "a link", "no JSON", "of a later version", "deep", "a kind that is none"]
)
def test_a_mark_that_is_none_of_ours_is_foreign(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    mark = out / MARK
    if kind == "a pipe":
        os.mkfifo(mark)
    elif kind == "a directory":
        mark.mkdir()
    elif kind == "a kind that is none":
        mark.write_text('{"format": "corpus_builder-directory/1", "kind": ["build"]}')
    elif kind == "a link":
        (tmp_path / "mark").write_text('{"format": "corpus_builder-directory/1", "kind": "build"}')
        mark.symlink_to(tmp_path / "mark")
    else:
        later = '{"format": "corpus_builder-directory/1", "kind": "tokens"}'
        mark.write_text({"no JSON": "{", "of a later version": later, "deep": "[" * 100_000}[kind])
    with pytest.raises(InputError, match=r"did not create \('\.corpus_builder'\)"), alone_in(out):
        pass


def test_the_first_of_many_foreign_files_are_named(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / "out" / name).mkdir(parents=True)
    with pytest.raises(InputError, match=r"did not create \('a', 'b' and 2 more\)"), alone_in(tmp_path / "out"):
        pass


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_directory_that_is_empty_but_for_what_systems_put_there_is_taken(copy: Path, kind: str) -> None:
    shutil.rmtree(copy / kind)
    (copy / kind / "lost+found").mkdir(parents=True)
    for name in (".DS_Store", ".gitkeep", "Thumbs.db", ".nfs00000000012a", f".{'0' * 32}.tmp"):
        (copy / kind / name).write_text("system")
    run(*commands(copy)[kind])
    assert json.loads((copy / kind / MARK).read_text())["kind"] == kind
    assert {"lost+found", ".DS_Store", ".gitkeep", "Thumbs.db"} < {path.name for path in (copy / kind).iterdir()}


@pytest.mark.parametrize("kind", FOREIGN)
def test_the_mark_is_the_first_that_is_written(copy: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(copy / kind)
    real, written = os.replace, []

    def replace(source: str, target: str) -> None:
        if Path(target).is_relative_to(copy / kind):
            written.append(str(Path(target).relative_to(copy / kind)))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    run(*commands(copy)[kind])
    assert written[0] == MARK
    assert written.count(MARK) == 1


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_directory_of_an_earlier_version_is_known_by_its_head_and_marked(copy: Path, kind: str) -> None:
    (copy / kind / MARK).unlink()
    before = lasting(copy / kind)
    run(*commands(copy)[kind])
    assert lasting(copy / kind) == before | {MARK: f'{{"format": "corpus_builder-directory/1", "kind": "{kind}"}}\n'.encode()}


BEGUN = {"dedup": ["dedup.json", "dedup"], "index": ["index.json"], "crawl": ["crawl.json", "parts", "receipts"]}


def begin(root: Path, kind: str) -> None:
    """Leave of a directory what a run left that was killed before it wrote the head, in a version without marks."""
    for name in [MARK, *BEGUN[kind]]:
        path = root / kind / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in [*(root / "crawl").glob("*.warc.gz*")] if kind == "crawl" else []:
        path.unlink()


@pytest.mark.parametrize("hidden", [True, False])
@pytest.mark.parametrize("kind", BEGUN)
def test_a_run_of_an_earlier_version_that_broke_off_goes_on(copy: Path, kind: str, hidden: bool) -> None:
    whole = lasting(copy / kind)
    begin(copy, kind)
    if not hidden:
        for path in (copy / kind).glob(".*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    run(*commands(copy)[kind])
    assert {name for name, body in lasting(copy / kind).items() if whole.get(name) != body} <= {".cache/inputs.json"}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("dedup", "sign/keys/mine.npy"),
        ("dedup", "notes"),
        ("dedup", ".bashrc"),
        ("dedup", "sign/receipts/mine.json"),
        ("index", "parts/mine/a.npy"),
        ("index", "removed/mine.npy"),
        ("crawl", "selection/mine.parquet"),
        ("crawl", "mine.warc.gz"),
    ],
)
def test_one_file_of_somebodys_makes_what_has_no_mark_foreign(copy: Path, kind: str, name: str) -> None:
    begin(copy, kind)
    (copy / kind / name).parent.mkdir(parents=True, exist_ok=True)
    (copy / kind / name).write_text("{}")
    before = tree(copy)
    assert "contains files that corpus-builder did not create" in run(*commands(copy)[kind], code=3)
    assert tree(copy) == before


def test_a_log_of_the_run_itself_may_lie_in_the_output(copy: Path) -> None:
    shutil.rmtree(copy / "dedup")
    (copy / "dedup").mkdir()
    words = [sys.executable, "-m", "corpus_builder", *map(str, commands(copy)["dedup"])]
    with (copy / "dedup" / "run.log").open("w") as log:
        assert subprocess.run(words, stdout=log, stderr=subprocess.STDOUT, check=False).returncode == 0
    assert "4 rows" in (copy / "dedup" / "run.log").read_text()
    (copy / "other").mkdir()
    (copy / "other" / "run.log").write_text("of another run")
    words = [copy / "other" if word == copy / "dedup" else word for word in commands(copy)["dedup"]]
    assert "('run.log')" in run(*words, code=3)


def test_a_file_that_goes_while_it_is_looked_at_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda path: ["gone.txt"])
    with pytest.raises(InputError, match=r"did not create \('gone\.txt'\)"):
        check_owned(tmp_path, "build")


def test_what_was_written_into_scratch_as_an_output_stays(copy: Path) -> None:
    out = copy / "build" / ".scratch"
    done = deduplicate([copy / "texts.jsonl"], out, Serial())
    before = tree(out)
    recipe = (copy / "recipe.toml").read_text()
    (copy / "recipe.toml").write_text(f"{recipe}[dedup]\npreset = 'japanese'\n[[quality.rules]]\nduplicates = true\n")
    run(*commands(copy)["build"])
    assert done.kept == 3
    assert {name: body for name, body in tree(out).items() if name in before} == before


@pytest.mark.parametrize("marked", [True, False])
@pytest.mark.parametrize("kind", FOREIGN)
def test_kinds_do_not_mix(copy: Path, kind: str, marked: bool) -> None:
    meant = {"build": "a build", "dedup": "deduplicated files", "index": "an index", "crawl": "a crawl"}
    for other in FOREIGN:
        if not marked:
            (copy / other / MARK).unlink()
    before = tree(copy)
    for other in set(FOREIGN) - {kind}:
        words = [copy / other if word == copy / kind else word for word in commands(copy)[kind]]
        said = run(*words, code=3)
        assert f"{copy / other} holds {meant[other]}, and {meant[kind]} would mix with it" in said
    assert tree(copy) == before


@pytest.mark.parametrize("place", ["HTTPS://h.example/x", "S3://bucket/x", "Sftp:/h.example/x"])
def test_a_url_is_no_directory_in_whatever_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    monkeypatch.chdir(tmp_path)
    jsonl(tmp_path / "texts.jsonl", [{"text": prose(1)}])
    said = run("dedup", "texts.jsonl", "--engine", "serial", "--out", place, code=3)
    assert "is not a directory: a dedup is written to disk" in said
    assert [path.name for path in tmp_path.iterdir()] == ["texts.jsonl"]


def test_an_output_that_is_no_directory_is_a_sentence(copy: Path) -> None:
    (copy / "file").write_text("mine")
    for words in (commands(copy)["build"], commands(copy)["dedup"]):
        assert "cannot be written" in run(*words[:-1], copy / "file", code=3)
    assert (copy / "file").read_text() == "mine"


def test_a_lock_never_empties_a_file(tmp_path: Path) -> None:
    with alone_in(tmp_path / "out"):
        (tmp_path / "out" / ".lock").write_text("still here")
    with alone_in(tmp_path / "out"), pytest.raises(StageError, match="Another build is writing"), alone_in(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / ".lock").read_text() == "still here"


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_disk_without_locks_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """There is no such disk here, so the call is one that answers as they do."""

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    says = rf"The file system of .* cannot lock files \({os.strerror(code)}\).*choose a directory on another one"
    with pytest.raises(InputError, match=says), alone_in(tmp_path / "out"):
        pass


def test_plan_refuses_what_build_would_and_writes_nothing(copy: Path) -> None:
    (copy / "mine").mkdir()
    (copy / "mine" / "mine.txt").write_text("mine")
    before = tree(copy)
    for out, says in {
        "mine": "did not create ('mine.txt')",
        "dedup": "holds deduplicated files, and a build would mix",
    }.items():
        assert says in run("plan", copy / "recipe.toml", "--out", copy / out, code=3)
    assert tree(copy) == before
    (copy / "recipe.toml").write_text(f'name = "tiny"\n{RECIPE.replace("texts.jsonl", "build/extract/mine.jsonl")}')
    shutil.copy(copy / "texts.jsonl", copy / "build" / "extract" / "mine.jsonl")
    assert "where this command writes and deletes files" in run("plan", copy / "recipe.toml", "--out", copy / "build", code=3)
    (copy / "empty").mkdir()
    (copy / "recipe.toml").write_text(f'name = "tiny"\n{RECIPE}')
    run("plan", copy / "recipe.toml", "--out", copy / "empty")
    assert tree(copy / "empty") == {}


def test_a_run_that_begins_while_another_does_waits_for_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first has written its mark by the time that the second sees its files."""
    real, out = os.listdir, tmp_path / "out"
    with ExitStack() as first:

        def listed(path: str) -> list[str]:
            if path == out and not (out / ".lock").exists():
                monkeypatch.setattr(os, "listdir", real)
                first.enter_context(alone_in(out))
            return real(path)

        monkeypatch.setattr(os, "listdir", listed)
        with pytest.raises(StageError, match="Another build is writing to"), alone_in(out):
            pass


# What others put into a directory of ours


def strew(out: Path) -> dict[str, bytes]:
    """Files of somebody's in every directory of a build, a deduplication, an index or a crawl."""
    mine = {}
    for directory in (out, *(path for path in out.rglob("*") if path.is_dir())):
        for name in ("notes.txt", "results.parquet", "parts.json", ".hidden.tmp", "all-mine.parquet", "part-mine"):
            path = directory / name
            path.write_bytes(f"mine, {path}".encode())
            mine[str(path.relative_to(out))] = path.read_bytes()
    for name in (
        "extract/mine/web.warc.gz.01234567.parquet",
        "extract/documents/web.01234567.parquet/mine.txt",
        "sign/mine/mine.01234567.npy",
    ):
        path = out / name  # called as we call files, but in a directory that is no table, or a directory
        if path.parents[len(Path(name).parts) - 2].exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"mine")
            mine[name] = b"mine"
    for directory in (out / "extract", out / "sign", out / "parts"):
        if directory.exists():
            path = directory / "mine" / "deeper" / "web.warc.gz.01234567.parquet"
            path.parent.mkdir(parents=True)
            path.write_bytes(b"mine")
            mine[str(path.relative_to(out))] = b"mine"
    return mine


def held(out: Path, names: object) -> dict[str, object]:
    found = tree(out)
    return {name: found.get(name) for name in names}  # type: ignore[attr-defined]


def test_what_others_put_into_a_build_stays_when_every_stage_is_sealed_anew(built: Built, tmp_path: Path) -> None:
    inputs = tmp_path / "inputs"
    shutil.copytree(built.out.parent / "inputs", inputs)
    build(make_recipe(inputs), tmp_path / "out", Serial())
    mine = strew(tmp_path / "out")
    (inputs / "web-b.warc.gz").unlink()  # one shard goes from each stage
    changed = make_recipe(inputs, quality={"sources": ["web"], "rules": RULES[:2]}, seed=3)
    done = build(changed, tmp_path / "out", Serial())
    assert held(tmp_path / "out", mine) == mine
    assert done.verify().problems == ()
    fresh = build(changed, tmp_path / "fresh", Serial())
    ours = {name: body for name, body in tree(tmp_path / "out").items() if name not in mine and isinstance(body, bytes)}
    assert ours == {name: body for name, body in tree(fresh.out).items() if isinstance(body, bytes)}


def test_what_others_put_into_deduplicated_files_an_index_and_a_crawl_stays(copy: Path) -> None:
    mine = {kind: strew(copy / kind) for kind in ("dedup", "index", "crawl")}
    jsonl(copy / "texts.jsonl", [{"id": "n", "text": prose(9)}])
    run(*commands(copy)["dedup"])
    run(*commands(copy)["index"])
    run("index", "remove", copy / "index", "--id", "n")
    run("index", "compact", copy / "index")
    for path in (copy / "crawl" / "selection").glob("all-*"):
        if path.name != "all-mine.parquet":
            path.rename(path.with_name(f"all-{'0' * 16}.parquet"))  # of another selection
    (copy / "crawl" / "selection" / "sort.tmp").mkdir()
    (copy / "crawl" / "selection" / "sort.tmp" / "duckdb_temp_storage_DEFAULT-0.tmp").write_text("of a run that was killed")
    run(*commands(copy)["crawl"])
    ours = {path.name for path in (copy / "crawl" / "selection").iterdir()} - {Path(name).name for name in mine["crawl"]}
    assert len(ours) == 3  # of two index files, and sorted
    assert {kind: held(copy / kind, mine[kind]) for kind in mine} == mine
    assert run("index", "verify", copy / "index") == "All is well.\n"


def test_scratch_is_cleared_of_what_we_wrote_alone(tmp_path: Path) -> None:
    for step in ("spread", "link"):
        dataset = Dataset(tmp_path / ".scratch" / step, step, 1)
        with dataset.writer(Shard("a", {})) as out:
            out.open_file("keys", ".run").write(b"run")
            dataset.seal([out.commit()])
    (tmp_path / ".scratch" / "link" / "keys" / f".{'0' * 32}.tmp").write_bytes(b"")
    mine = tmp_path / ".scratch" / "spread" / "keys" / "mine.run"
    mine.write_bytes(b"mine")
    clear_stages(tmp_path / ".scratch")
    assert tree(tmp_path) == {
        ".scratch": None,
        ".scratch/spread": None,
        ".scratch/spread/keys": None,
        ".scratch/spread/keys/mine.run": b"mine",
    }
    mine.unlink()
    clear_stages(tmp_path / ".scratch")
    assert tree(tmp_path) == {}


def test_a_seal_tells_receipts_from_what_lies_among_them(tmp_path: Path) -> None:
    dataset = Dataset(tmp_path / "measure", "measure", 1)
    for name in ("old", "new"):
        with dataset.writer(Shard(name, {})) as out:
            out.open_file("rows", ".txt").write(b"rows")
            receipt = out.commit()
    mine = {"receipts/mine.json": b'{"shard": "other", "made_from": {}, "tables": {}}', "receipts/list.json": b"[1]"}
    for name, body in mine.items():
        (dataset.root / name).write_bytes(body)
    dataset.seal([receipt])
    ours = {"manifest.json", "receipts/new.json", receipt.tables["rows"].path}
    assert {name for name, body in tree(dataset.root).items() if body is not None} == ours | set(mine)
    assert held(dataset.root, mine) == mine


def test_a_table_that_a_newer_version_does_not_write_goes(tmp_path: Path) -> None:
    for table in ("groups", "keys"):
        dataset = Dataset(tmp_path / "sign", "sign", 1)
        with dataset.writer(Shard("web", {"table": table})) as out:
            out.open_file(table, ".npy").write(b"rows")
            receipt = out.commit()
        dataset.seal([receipt])
    assert {name for name, body in tree(dataset.root).items() if body is not None} == {
        "manifest.json",
        "receipts/web.json",
        receipt.tables["keys"].path,
    }


# Links


@pytest.mark.parametrize(
    ("kind", "place"),
    [(kind, place) for kind, places in {
        "build": ["extract", "extract/documents", "release", "release/receipts", "superseded", ".scratch", ".cache", ".failures"],
        "dedup": ["sign", "dedup", "dedup/kept", ".scratch"],
        "index": ["parts", "removed"],
        "crawl": ["parts", "receipts", "selection"],
    }.items() for place in places],
)  # fmt: skip
def test_a_link_in_the_place_of_a_directory_of_ours_is_refused(copy: Path, kind: str, place: str) -> None:
    for above in [copy / kind / place]:
        if above.exists():
            shutil.rmtree(above)
    (copy / "mine" / "deeper").mkdir(parents=True)
    for name in ("mine.txt", "texts.jsonl.01234567.parquet", f".{'0' * 32}.tmp", "manifest.json", "deeper/a.01234567.npy"):
        (copy / "mine" / name).write_text("mine")
    (copy / kind / place).symlink_to(copy / "mine")
    if kind == "build":
        (copy / "recipe.toml").write_text(
            f'name = "tiny"\nseed = 5\n{RECIPE}[quality]\nrules = [{{measure = "num_letters", min = 1}}]\n'
        )
    before = tree(copy / "mine")
    if kind == "index":
        shutil.copytree(copy / "dedup", copy / "again")
        words: list[object] = ["index", "add", copy / "index", copy / "again", "--name", "again"]
    else:
        words = commands(copy)[kind]
    said = run(*words, code=3)
    assert f"{copy / kind / place} is a symbolic link, to '{copy / 'mine'}'" in said
    assert tree(copy / "mine") == before


def test_the_directory_itself_may_be_a_link(copy: Path) -> None:
    """Whoever names it means what it leads to; a disk is often changed that way."""
    shutil.move(copy / "build", copy / "larger-disk")
    (copy / "build").symlink_to(copy / "larger-disk")
    before = lasting(copy / "larger-disk")
    run(*commands(copy)["build"])
    assert lasting(copy / "larger-disk") == before
    (copy / "mine").mkdir()
    (copy / "mine" / "mine.txt").write_text("mine")
    (copy / "build").unlink()
    (copy / "build").symlink_to(copy / "mine")
    assert "did not create ('mine.txt')" in run(*commands(copy)["build"], code=3)
    assert tree(copy / "mine") == {"mine.txt": b"mine"}


def test_a_link_to_a_file_is_replaced_and_its_target_stays(copy: Path) -> None:
    for name in ("build.json", "report.html", "extract/manifest.json", "extract/receipts/texts.jsonl.json"):
        path = copy / "build" / name
        target = copy / f"mine-{path.name}"
        shutil.move(path, target)
        path.symlink_to(target)
    before = {path.name: path.read_bytes() for path in copy.glob("mine-*")}
    (copy / "recipe.toml").write_text(f'name = "other"\nseed = 5\n{RECIPE}')
    jsonl(copy / "texts.jsonl", [{"id": "n", "text": prose(9)}])
    run(*commands(copy)["build"])
    assert {path.name: path.read_bytes() for path in copy.glob("mine-*")} == before
    assert not any(path.is_symlink() for path in (copy / "build").rglob("*"))


# Inputs


def spellings(path: Path) -> dict[str, Callable[[Path], Path]]:
    """Ways to name a file that lies in an output."""

    def link(root: Path) -> Path:
        (root / "link").symlink_to(path.parent)
        return root / "link" / path.name

    def linked_file(root: Path) -> Path:
        (root / path.name).symlink_to(path)
        return root / path.name

    return {
        "plain": lambda root: path,
        "dots": lambda root: path.parent / ".." / path.parent.name / path.name,
        "link": link,
        "linked file": linked_file,
    }


@pytest.mark.parametrize("how", ["plain", "dots", "link", "linked file"])
def test_an_input_that_lies_in_the_output_is_refused(copy: Path, how: str) -> None:
    mine = copy / "build" / "extract" / "mine.jsonl"
    shutil.copy(copy / "texts.jsonl", mine)
    kept = next((copy / "dedup" / "dedup" / "kept").iterdir())
    for path, words in {
        mine: ["build", copy / "recipe.toml", "--engine", "serial", "--out", copy / "build"],
        kept: ["dedup", "INPUT", "--engine", "serial", "--out", copy / "dedup"],
    }.items():
        (copy / how).mkdir(exist_ok=True)
        named = spellings(path)[how](copy / how)
        (copy / "recipe.toml").write_text(f'name = "tiny"\n{RECIPE.replace("texts.jsonl", str(named))}')
        before = tree(copy)
        said = run(*(named if word == "INPUT" else word for word in words), code=3)
        assert f"is inside {words[-1]}, where this command writes and deletes files; move it" in said
        assert tree(copy) == before
        shutil.rmtree(copy / how)


def test_an_output_in_a_directory_that_is_read_as_a_whole_is_refused(copy: Path) -> None:
    (copy / "texts").mkdir()
    shutil.move(copy / "texts.jsonl", copy / "texts")
    (copy / "spelled").symlink_to(copy / "texts")
    before = tree(copy)
    for given in (copy / "texts", copy / "spelled", copy / "texts" / ".." / "texts"):
        for out in (copy / "texts" / "out", copy / "texts", copy / "spelled" / "a" / "b"):
            said = run("dedup", given, "--engine", "serial", "--out", out, code=3)
            assert f"{out} is inside {given}, where every file is an input" in said
    said = run(
        "crawl", copy / "crawled" / "cc-index", "--base", copy / "crawled", "--out", copy / "crawled" / "cc-index" / "out", code=3
    )
    assert "where every file is an input" in said
    assert tree(copy) == before


def test_a_crawls_own_files_are_not_fetched_over_themselves(copy: Path) -> None:
    """The base of the crawl is where the output lies: a WARC would be read and replaced by itself."""
    warc = next((copy / "crawled" / "crawl-data").rglob("*.warc.gz"))
    before = tree(copy / "crawled" / "crawl-data")
    out = warc.parent
    said = run("crawl", copy / "crawled" / "cc-index", "--base", copy / "crawled", "--out", out, code=3)
    assert "contains files that corpus-builder did not create" in said
    (out / MARK).write_bytes((copy / "crawl" / MARK).read_bytes())
    said = run("crawl", copy / "crawled" / "cc-index", "--base", copy / "crawled", "--out", out, code=3)
    assert f"The input {warc} is inside {out}" in said
    assert (
        tree(copy / "crawled" / "crawl-data")[str(warc.relative_to(copy / "crawled" / "crawl-data"))]
        == before[str(warc.relative_to(copy / "crawled" / "crawl-data"))]
    )


@pytest.mark.parametrize("edit", [{"whole_bytes": None}, {"whole_bytes": "9"}, {"refused": [5]}, {"refused": 5}, {"sha512": ""}])
def test_a_receipt_of_a_crawl_that_is_damaged_counts_as_none(copy: Path, edit: dict[str, object]) -> None:
    whole = lasting(copy / "crawl")
    (receipt,) = (copy / "crawl" / "receipts").iterdir()
    receipt.write_text(json.dumps(json.loads(receipt.read_bytes()) | edit))
    assert "1 WARCs" in run(*commands(copy)["crawl"])
    assert {name for name, body in lasting(copy / "crawl").items() if whole.get(name) != body} == set()


def test_a_crawl_goes_on_however_its_places_are_spelled(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(copy)
    before = (copy / "crawl" / "crawl.json").read_bytes()
    for index, base in [("crawled/cc-index/", "./crawled/"), ("../copy/crawled/cc-index", copy / "crawled")]:
        assert "fetched: 0 records" in run("crawl", index, "--base", base, "--out", "crawl/")
    said = run("crawl", "crawled/cc-index", "--base", "crawled/crawl-data", "--out", "crawl", code=3)
    assert "holds the records of another index, base or query" in said
    assert (copy / "crawl" / "crawl.json").read_bytes() == before


@pytest.mark.parametrize("suffix", ["", ".records.parquet"])
def test_a_crawl_overwrites_no_warc_that_it_did_not_fetch(copy: Path, suffix: str) -> None:
    (warc,) = (copy / "crawl").glob("*.warc.gz")
    whole = tree(copy / "crawl")
    (copy / "crawl" / "receipts" / f"{warc.name}.json").unlink()
    path = warc.with_name(warc.name + suffix)
    path.write_bytes(b"mine")
    said = run(*commands(copy)["crawl"], code=4)
    assert f"{path} already exists without a receipt of this program, so it is not overwritten" in said
    assert path.read_bytes() == b"mine"
    path.unlink()
    run(*commands(copy)["crawl"])
    assert {name for name, body in tree(copy / "crawl").items() if whole.get(name) != body and "selection/" not in name} == set()
    (copy / "crawl" / "receipts" / f"{warc.name}.json").unlink()  # as a run leaves it that is killed just before
    run(*commands(copy)["crawl"])
    assert {name for name, body in tree(copy / "crawl").items() if whole.get(name) != body and "selection/" not in name} == set()


@pytest.mark.parametrize("pattern", ["**/*json*", "**/texts*", "../copy/in/*/*/*/*.parquet"])
def test_a_pattern_that_would_take_the_output_for_input_is_refused_before_anything_is_written(copy: Path, pattern: str) -> None:
    (copy / "in" / "a" / "b" / "c").mkdir(parents=True)
    shutil.copy(copy / "texts.jsonl", copy / "in" / "a" / "b" / "c" / "texts.parquet" if "parquet" in pattern else copy / "in")
    (copy / "texts.jsonl").unlink()
    (copy / "recipe.toml").write_text(f'name = "tiny"\n{RECIPE.replace("texts.jsonl", pattern)}')
    shutil.rmtree(copy / "dedup")
    shutil.rmtree(copy / "build")
    before = tree(copy)
    out = copy / "in" / "out"
    said = run("build", copy / "recipe.toml", "--engine", "serial", "--out", out, code=3)
    assert f"{pattern!r} of source 'texts' matches what is written to {out}" in said
    assert tree(copy) == before


@pytest.mark.parametrize("pattern", ["**/*.jsonl", "*/texts.jsonl*", "../copy/in/*/*/*.jsonl"])
def test_a_pattern_that_meets_nothing_of_the_output_is_taken(copy: Path, pattern: str) -> None:
    (copy / "in" / "a" / "b").mkdir(parents=True)
    shutil.copy(copy / "texts.jsonl", copy / "in" / "a" / "b" / "texts.jsonl")
    recipe = make_recipe(
        copy / "in", sources=[{"name": "t", "kind": "jsonl", "paths": [pattern]}], quality={}, dedup=None, release={}
    )
    places = [("t", "jsonl", str(copy / "in" / "a" / "b" / "texts.jsonl"))]
    assert keep_inputs_apart(recipe, copy / "in" / "out", places) is None


def test_plan_and_build_agree_on_a_directory_that_is_not_there_yet(copy: Path) -> None:
    recipe = make_recipe(
        copy, sources=[{"name": "texts", "kind": "jsonl", "paths": ["texts.jsonl"]}], quality={}, dedup=None, release={}
    )
    assert all(one.todo for one in plan(recipe, copy / "new") if not one.note)
    assert not (copy / "new").exists()
    assert deduplicate([copy / "texts.jsonl"], copy / "new", Serial()).kept == 3


def test_a_model_is_not_written_over_what_it_is_trained_on(tmp_path: Path) -> None:
    (tmp_path / "texts").write_text(f"{prose(1)}\n")
    (tmp_path / "link").symlink_to("texts")
    for words in (
        ["train-detector", "--japanese", tmp_path / "texts", "--other", tmp_path / "link", "--out", tmp_path / "texts"],
        ["train-detector", "--japanese", tmp_path / "texts", "--other", tmp_path / "texts", "--out", tmp_path / "link"],
        ["train-extractor", tmp_path / "texts", "--out", tmp_path / "texts"],
    ):
        assert "is an input, and would be overwritten; choose another file with --out" in run(*words, code=3)
    assert (tmp_path / "texts").read_text() == f"{prose(1)}\n"
