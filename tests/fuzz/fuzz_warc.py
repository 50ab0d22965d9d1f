"""Fuzz the reader of archives: no input crashes or hangs it, and every byte is accounted for.

make fuzz SECONDS_EACH=300      or: python tests/fuzz/fuzz_warc.py CORPUS_DIRECTORY -max_total_time=300
"""

import gzip
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

with atheris.instrument_imports(include=["corpus_builder.sources"]):
    from corpus_builder.sources import http, members, record, warc, whole
from seeds import as_kept, sow  # noqa: E402
from support.accounts import check  # noqa: E402
from support.strategies import Archive, packed  # noqa: E402

SUFFIXES = (".warc.gz", ".warc", ".arc.gz", ".arc", ".warc.zst", ".warc.lz4")
PLACE = Path(tempfile.mkdtemp(prefix="fuzz-")) / "input"

for module in (http, members, record, warc, whole):  # small limits, so that small inputs reach them
    for name in ("MAX_RECORD_BYTES", "MAX_BODY_BYTES"):
        if hasattr(module, name):
            setattr(module, name, 1 << 20)


def one_input(octets: bytes) -> None:
    """The first byte chooses the file's name, its highest bit whether the rest is the file, or what the file's one member holds."""
    if len(octets) < 2:
        return
    suffix = SUFFIXES[octets[0] % 128 % len(SUFFIXES)]
    path = PLACE.with_name(f"input{suffix}")
    content = (
        packed(octets[1:], suffix[suffix.rindex(".") :].replace(".warc", "").replace(".arc", ""))
        if octets[0] & 128
        else octets[1:]
    )
    with as_kept(octets):
        check(Archive(suffix, content), path)
        assert list(warc.read_warc(path)), "nothing was said of the file"


def unpacked(content: bytes) -> bytes:
    """What a file holds, or nothing where it is damaged."""
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error):
        return b""


if __name__ == "__main__":
    zoo = HERE.parent / "zoo"
    kinds = {suffix: bytes([place]) for place, suffix in enumerate(SUFFIXES)}
    seeds = {
        path.name: kinds[suffix] + path.read_bytes()
        for path in sorted(zoo.iterdir())
        for suffix in SUFFIXES
        if path.name.endswith(suffix) and path.stat().st_size < 20_000
    }
    plain = [path for path in sorted(zoo.iterdir()) if path.name.endswith("arc.gz") and unpacked(path.read_bytes())]
    seeds |= {f"plain-{path.name}": bytes([1 + 2 * (".arc" in path.name)]) + unpacked(path.read_bytes()) for path in plain}
    seeds |= {f"member-{path.name}": bytes([128 + 2 * (".arc" in path.name)]) + unpacked(path.read_bytes()) for path in plain}
    sow(sys.argv, seeds)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
