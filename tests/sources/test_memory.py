"""Reading takes bounded memory, whatever a record claims to be or unfolds to."""

import gzip
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from fastwarc.stream_io import BrotliWriter, ZstdWriter
from make_zoo import framed, gz, http, page, record

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from Linux's /proc")

MEBIBYTES = 400  # the package and its libraries take 40; a record, its member and its body may have 64 each

READ = """
import re, sys
from pathlib import Path
from corpus_builder.sources.warc import Damage, read_warc
for item in read_warc(sys.argv[1]):
    print(item.reason if isinstance(item, Damage) else type(item).__name__)
print(int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10)  # ru_maxrss begins with the parent's
"""


READ_DUMP = READ.replace(
    "warc import Damage, read_warc", "wikipedia import Skipped as Damage, read_wikipedia as read_warc"
).replace("item.reason", "item.drop.reason")


def read(path: Path, program: str = READ) -> list[str]:
    """What another process finds in a file; its peak memory is checked."""
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True)
    *found, peak = done.stdout.split()
    assert int(peak) < MEBIBYTES, f"{peak} MiB"
    return found


def zeros(mebibytes: int, before: bytes, window: int) -> bytes:
    """`before` and many zeros, deflated without being held in memory."""
    stream = zlib.compressobj(1, zlib.DEFLATED, window)
    return stream.compress(before) + b"".join(stream.compress(bytes(1 << 20)) for _ in range(mebibytes)) + stream.flush()


def test_a_claim_of_ten_gigabytes(tmp_path: Path) -> None:
    claim = page(2, length=10 << 30)
    for name, content in {"plain.warc": page(1) + claim, "packed.warc.gz": gz(page(1)) + gz(claim)}.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert read(path) == ["Page", "warc_truncated" if name == "plain.warc" else "warc_content_length"]


def test_ten_gigabytes_that_are_there(tmp_path: Path) -> None:
    path = tmp_path / "sparse.warc"
    start = len(page(1)) + page(2, length=10 << 30).index(b"HTTP")
    with path.open("wb") as file:
        file.write(page(1) + page(2, length=10 << 30)[: start - len(page(1))])
        file.truncate(start + (10 << 30))
        file.seek(start + (10 << 30))
        file.write(b"\r\n\r\n" + page(3))
    assert read(path) == ["Page", "warc_record_too_large", "Page"]


def test_a_member_that_unfolds_to_a_gigabyte(tmp_path: Path) -> None:
    path = tmp_path / "bomb.warc.gz"
    head = page(2, length=1100 << 20)
    head = head[: head.index(b"HTTP")]
    path.write_bytes(gz(page(1)) + zeros(1100, head, 31) + gz(page(3)))
    assert read(path) == ["Page", "warc_record_too_large", "Page"]


def test_a_member_whose_trailer_claims_gigabytes(tmp_path: Path) -> None:
    path = tmp_path / "claim.warc.gz"
    path.write_bytes(gz(page(1)) + gz(page(2))[:-4] + b"\xff\xff\xff\xef" + gz(page(3)))
    assert read(path) == ["Page", "warc_damaged", "Page"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_a_body_that_unfolds_to_half_a_gigabyte(tmp_path: Path, encoding: str) -> None:
    mebibytes = bytes(256 << 20)
    made = {
        "gzip": lambda: zeros(512, b"", 31),
        "deflate": lambda: zeros(512, b"", 15),
        "br": lambda: framed(BrotliWriter, [mebibytes]),
        "zstd": lambda: framed(ZstdWriter, [mebibytes]),
    }[encoding]()
    path = tmp_path / "body.warc.gz"
    bomb = record("response", http(made, f"Content-Encoding: {encoding}"), "https://www.example/2")
    path.write_bytes(gzip.compress(page(1), mtime=0) + gzip.compress(bomb, mtime=0) + gzip.compress(page(3), mtime=0))
    assert read(path) == ["Page", "http_body_too_large", "Page"]


def test_a_bomb_in_a_bomb(tmp_path: Path) -> None:
    path = tmp_path / "layers.warc.gz"
    body = gz(zeros(512, b"", 31))
    bomb = record("response", http(body, "Content-Encoding: gzip, gzip"), "https://www.example/2")
    path.write_bytes(gz(page(1)) + gz(bomb) + gz(page(3)))
    assert read(path) == ["Page", "http_body_too_large", "Page"]


def test_the_largest_record_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.warc.gz"
    large = record(
        "response", http(gzip.compress(os.urandom(60 << 20), 0, mtime=0), "Content-Encoding: gzip"), "https://www.example/2"
    )
    path.write_bytes(gz(page(1)) + gzip.compress(large, 0, mtime=0) + gz(page(3)))
    assert read(path) == ["Page", "Page", "Page"]


def test_segments_without_an_end(tmp_path: Path) -> None:
    path = tmp_path / "segments.warc.gz"
    piece = bytes(8 << 20)
    fields = ["WARC-Segment-Number: 1\r\nWARC-Record-ID: <a>"]
    fields += [f"WARC-Segment-Number: {place}\r\nWARC-Segment-Origin-ID: <a>" for place in range(2, 41)]
    kinds = ["response", *["continuation"] * 39]
    path.write_bytes(
        b"".join(gz(record(kind, piece, extra=extra)) for kind, extra in zip(kinds, fields, strict=True)) + gz(page(3))
    )
    found = read(path)
    assert found.count("OtherRecord") == 39
    assert found.count("warc_segment_missing") == 1 + 39 - 8
    assert found[-1] == "Page"


def open_records(number: int, size: int) -> bytes:
    """First segments with headers of `size` bytes that nothing follows."""
    extra = f"X: {'x' * size}\r\nWARC-Segment-Number: 1\r\nWARC-Record-ID: "
    return b"".join(gz(record("response", b"", extra=f"{extra}<{n}>")) for n in range(number))


@pytest.mark.slow
def test_first_segments_with_long_headers(tmp_path: Path) -> None:
    path = tmp_path / "headers.warc.gz"
    path.write_bytes(open_records(8000, 60_000))  # 480 MB of headers
    assert read(path) == ["warc_segment_missing"] * 8000


@pytest.mark.parametrize(
    ("before", "repeated", "times", "after", "found"),
    [
        (b"", b"<logitem><id>1</id></logitem>" * 1000, 2000, b"", ["Article"]),
        (b"", b"x" * (1 << 20), 450, b"", ["Article"]),
        (b"<page>", b"<a/>" * 10_000, 1500, b"</page>", ["page_damaged", "Article"]),
        (b"<page><a", b" b=''" * 10_000, 1000, b"/></page>", ["page_damaged", "Article"]),
        (b"<page><text>", b"x" * (1 << 20), 450, b"", ["page_damaged", "Article"]),
        (b"", b"<page>" * 100_000, 200, b"", ["page_damaged", "page_damaged", "Article"]),
    ],
    ids=["elements", "text", "elements in a page", "attributes", "no end", "starts"],
)
def test_a_dump_whose_elements_are_no_pages(
    tmp_path: Path, before: bytes, repeated: bytes, times: int, after: bytes, found: list[str]
) -> None:
    path = tmp_path / "jawiki.xml.gz"
    last = "<page><title>港</title><ns>0</ns><id>1</id><revision><text>港の話。</text></revision></page></mediawiki>"
    with gzip.open(path, "wb", 1) as file:
        file.write(b"<mediawiki>" + before)
        for _ in range(times):
            file.write(repeated)
        file.write(after + last.encode())
    assert read(path, READ_DUMP) == found
