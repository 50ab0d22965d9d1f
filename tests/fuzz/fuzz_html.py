"""Fuzz the way from a page's bytes to its text: it ends as text or as a known reason, the same both times.

make fuzz SECONDS_EACH=300      or: python tests/fuzz/fuzz_html.py CORPUS_DIRECTORY -max_total_time=300
"""

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent)]

with atheris.instrument_imports(include=["corpus_builder.pages"]):
    from corpus_builder.pages.page import PageSettings, PageText, read_page, storable
    from corpus_builder.reasons import REASONS
from seeds import as_kept, sow  # noqa: E402

from corpus_builder.sources.warc import Page, read_warc  # noqa: E402

SETTINGS = PageSettings(min_japanese_score=0.0)
TYPES = ("text/html", "text/html; charset=shift_jis", "text/html; charset=euc-jp", "application/xhtml+xml; charset=iso-2022-jp")


def one_input(octets: bytes) -> None:
    """The first byte chooses the Content-Type; the rest is the body."""
    if not octets:
        return
    content_type = TYPES[octets[0] % len(TYPES)]
    with as_kept(octets):
        found = read_page(octets[1:], content_type=content_type, status=200, settings=SETTINGS)
        assert found == read_page(octets[1:], content_type=content_type, status=200, settings=SETTINGS)
        if isinstance(found, PageText):
            assert found.text == storable(found.text) != ""
        else:
            assert found.reason in REASONS, found


if __name__ == "__main__":
    sample = HERE.parent.parent / "data" / "samples" / "web-sample.warc.gz"
    pages = [item for item in read_warc(sample) if isinstance(item, Page) and 0 < len(item.body) < 20_000]
    sow(sys.argv, {f"page-{page.number}": b"\0" + page.body for page in pages})
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
