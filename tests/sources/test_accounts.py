"""Every byte of a file is accounted for: what is handed out and what is reported cover it, and nothing twice."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from support.accounts import check
from support.paths import ZOO
from support.strategies import Archive, archive_bytes

from corpus_builder.sources.warc import read_warc


@settings(deadline=None, max_examples=200)
@given(archive_bytes())
def test_every_byte_is_accounted_for(tmp_path_factory, archive: Archive) -> None:
    check(archive, tmp_path_factory.getbasetemp() / f"any{archive.suffix}")


@settings(deadline=None, max_examples=200)
@given(archive_bytes())
def test_no_archive_raises_and_the_same_comes_out_again(tmp_path_factory, archive: Archive) -> None:
    path = tmp_path_factory.getbasetemp() / f"again{archive.suffix}"
    path.write_bytes(archive.content)
    found = list(read_warc(path))
    assert found == list(read_warc(path))
    assert found


@pytest.mark.parametrize(
    "name", sorted(path.name for path in ZOO.iterdir() if path.suffix in (".warc", ".arc", ".gz", ".zst", ".lz4"))
)
def test_every_byte_of_the_zoo_is_accounted_for(tmp_path: Path, name: str) -> None:
    suffix = name[name.index(".") :]
    check(Archive(suffix, (ZOO / name).read_bytes()), tmp_path / f"any{suffix}")
