"""Every reason why a page, row or document is left out, and the meaning of its numbers.

The report, `why`, docs/reasons.md and the check that a file is readable use this list.  Every reason is in `REASONS`,
is made from a measure's name (`hiragana_fraction_low`), or comes from a user's filter.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PAGE, ARCHIVE, RESPONSE = "pages", "WARC and ARC files", "HTTP responses"
DUMP, ROW, FILE = "Wikipedia dumps", "rows and texts of your own", "any file"
DOCUMENT, RELEASED = "documents", "kept documents"
STRETCH = "bytes skipped"
READ_BEFORE = "of an archive: bytes skipped; of a dump: pages before"
SIMILARITY = "Jaccard similarity, 0 to 1, of its n-grams and those of the text that it matched; none if pairs are not compared"
SIDES: Final = {"low": "below", "high": "above"}
LACKS: Final = "missing"
UNWANTED: Final = "unwanted"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is left out: the `stage` that gives the reason, and the kind of thing that it is given `of`.

    `value` describes what was measured, `threshold` what it was compared with, with their units; "" if there is no such number.
    `unreadable`: the record or file is damaged or of another kind, rather than unwanted.  `no_record`: it is about a file as a
    whole, not one of its records.
    """

    name: str
    stage: str
    of: str
    meaning: str
    value: str = ""
    threshold: str = ""
    unreadable: bool = False
    no_record: bool = False


def _extract(of: str, name: str, meaning: str, value: str = "", threshold: str = "") -> Reason:
    return Reason(name, "extract", of, meaning, value, threshold)


def _unreadable(of: str, name: str, meaning: str, value: str = "", threshold: str = "") -> Reason:
    return Reason(name, "extract", of, meaning, value, threshold, unreadable=True)


def _whole_file(of: str, name: str, meaning: str, value: str = "", threshold: str = "") -> Reason:
    return Reason(name, "extract", of, meaning, value, threshold, no_record=True)


_ALL = (
    _extract(PAGE, "http_status", "the server did not answer 200", "the status", "200"),
    _extract(PAGE, "empty_body", "the response has no body"),
    _extract(PAGE, "too_large", "the page has more than max_bytes", "bytes of the body", "max_bytes"),
    _extract(PAGE, "not_html", "the body is not HTML, whatever its headers say; the detail is its Content-Type"),
    _extract(PAGE, "gate_not_japanese", "the bytes contain no kana in any Japanese encoding, or hardly any among other letters"),
    _extract(
        PAGE,
        "undecodable",
        "too many characters do not decode; for text files, set the encoding by the source's `encoding`",
        "share of the characters that do not decode",
        "max_undecodable",
    ),
    _extract(
        PAGE,
        "mojibake",
        "too many letters were decoded wrongly before the page was stored, beyond repair",
        "share of the non-ASCII letters that are broken",
        "max_undecodable",
    ),
    _extract(
        PAGE,
        "too_many_elements",
        "the page has more elements, or blocks of text, than the threshold",
        "elements, if they were counted",
        "max_elements, or the extractor's limit on blocks",
    ),
    _extract(PAGE, "too_deep", "the elements nest deeper than max_depth", "", "max_depth, in elements"),
    _extract(
        PAGE,
        "no_japanese_text",
        "all kana but a few are in scripts, styles or comments",
        "visible kana",
        "the minimum of visible kana",
    ),
    _extract(PAGE, "extraction_empty", "the extractor found no main text"),
    _extract(PAGE, "extraction_failed", "the extractor raised an error; the detail is its class"),
    _extract(PAGE, "extraction_crashed", "the extractor ended the process; the detail is the signal or the exit code"),
    _extract(PAGE, "extraction_endless", "the extractor did not end", "", "seconds of CPU time, far more than any page takes"),
    _extract(PAGE, "not_japanese", "the main text is not Japanese", "the detector's score, 0 to 1", "min_japanese_score"),
    _extract(
        PAGE,
        "not_in_language",
        "the text is not in the source's language; the detail is that language",
        "the detector's score, 0 to 1",
        "min_language_score",
    ),
    _extract(ARCHIVE, "revisit", "the record has no body, as the page had not changed since an earlier visit"),
    _unreadable(ARCHIVE, "not_a_warc", "no record of a WARC or ARC was found in the file", STRETCH),
    _unreadable(ARCHIVE, "warc_damaged", "a stretch of the file cannot be decompressed, or contains no readable record", STRETCH),
    _unreadable(ARCHIVE, "warc_truncated", "the file ends inside a record", STRETCH),
    _unreadable(ARCHIVE, "warc_content_length", "a record is longer or shorter than its Content-Length says", STRETCH),
    _unreadable(ARCHIVE, "warc_record_too_large", "a record has more than 64 MiB", "bytes of its content, or bytes skipped"),
    _unreadable(
        ARCHIVE,
        "warc_segment_missing",
        "a record was split into segments, and not all of them are in the file",
        "bytes of the segments that are there",
    ),
    _whole_file(ARCHIVE, "warc_empty", "the file has no bytes", "0"),
    _whole_file(
        ARCHIVE,
        "records_missing",
        "the file has fewer responses than the source's table of counts says",
        "responses in the file",
        "responses that it should have",
    ),
    _extract(RESPONSE, "http_damaged", "a response does not start with an HTTP status line", "bytes of the response"),
    _extract(
        RESPONSE,
        "http_encoding_broken",
        "the gzip, deflate, Brotli, zstd or chunked encoding of a response's body is broken",
        "bytes of the response",
    ),
    _extract(RESPONSE, "http_body_too_large", "a response's body decodes to more than 64 MiB", "bytes of the response"),
    _extract(FILE, "reading_crashed", "reading the bytes from here on ends the process: what came before is kept", READ_BEFORE),
    _extract(
        FILE,
        "reading_endless",
        "reading the bytes from here on takes more CPU time than any record should: what came before is kept",
        READ_BEFORE,
    ),
    _extract(DUMP, "redirect", "the page is a redirect; the detail is its target"),
    _extract(
        DUMP,
        "not_article",
        "the page is in another namespace than articles: a template, a category, a talk page",
        "number of the namespace",
    ),
    _extract(DUMP, "not_wikitext", "the page's content model is not wikitext; the detail is the model"),
    _extract(DUMP, "disambiguation", "the page is a disambiguation page"),
    _extract(DUMP, "empty_article", "no text is left after removing the markup"),
    _extract(DUMP, "page_damaged", "the page is not well-formed XML, has no number, or is too large"),
    _unreadable(DUMP, "dump_damaged", "the dump ends, or is broken, here: what came before is kept", "pages before"),
    _unreadable(DUMP, "not_a_dump", "the file is not a MediaWiki export", "pages before: none"),
    _extract(ROW, "no_text", "the row or record has no text, or only white space"),
    _unreadable(ROW, "bad_json", "the line is not a JSON object"),
    _unreadable(ROW, "bad_utf8", "the text is not UTF-8"),
    _unreadable(ROW, "line_too_long", "the line is too long", "", "bytes"),
    _unreadable(ROW, "text_too_long", "the text is too long", "characters, if they were counted", "characters"),
    _unreadable(ROW, "damaged_file", "the rest of the file, or of a Parquet row group, cannot be read"),
    _unreadable(FILE, "other_format", 'the file is not what its source says, and the source says unreadable = "report"'),
    _whole_file(FILE, "empty_file", "the file is empty, or has only empty lines"),
    Reason("host_blocked", "decide", DOCUMENT, "the page's host or URL is on a list; the detail is the entry"),
    Reason(
        "host_documents_cap",
        "decide",
        DOCUMENT,
        "the rules keep more documents of its host than hosts.max_documents, and this is none of the best; the detail is the host",
        "documents of the host that the rules keep",
        "max_documents",
    ),
    Reason(
        "host_share_cap",
        "decide",
        DOCUMENT,
        "the rules keep a larger share of documents of its host than hosts.max_share, and this is none of the best; the detail is the host",
        "documents of the host that the rules keep",
        "max_share as a number of documents",
    ),
    Reason("duplicate_url", "decide", DOCUMENT, "a document with the same URL is kept; the detail is its id", SIMILARITY),
    Reason("duplicate_exact", "decide", DOCUMENT, "a document with the same text is kept; the detail is its id", SIMILARITY),
    Reason(
        "duplicate_near",
        "decide",
        DOCUMENT,
        "a document with nearly the same text is kept; the detail is its id",
        SIMILARITY,
        "the minimum similarity, if pairs are verified",
    ),
    Reason(
        "select_below_cut",
        "decide",
        DOCUMENT,
        "it is not in the best share that is selected; the detail is the group of which the share is taken",
        "the score by which documents are ordered",
        "the score of the last document that is selected; an equal one was drawn before it",
    ),
    Reason(
        "select_above_band",
        "decide",
        DOCUMENT,
        "it is better than the band that is selected; the detail is the group of which the band is taken",
        "the score by which documents are ordered",
        "the score of the last document before the band",
    ),
    Reason("select_no_tier", "decide", DOCUMENT, "no tier is for documents of its topic; the detail is the topic", "the score"),
    Reason("tier_dropped", "decide", DOCUMENT, "its tier is released 0 times; the detail is the tier", "the score"),
    Reason(
        "not_drawn",
        "release",
        RELEASED,
        "the mixture or its tier takes only part of such documents, and this one is not in that part",
    ),
    Reason("only_repeated_lines", "release", RELEASED, "all its lines are repeated lines, which are cut"),
    Reason("empty_after_edits", "release", RELEASED, "the recipe's edits leave no text"),
)
REASONS: Final = {reason.name: reason for reason in _ALL}
UNREADABLE: Final = frozenset(reason.name for reason in _ALL if reason.unreadable)
NO_RECORD: Final = frozenset(reason.name for reason in _ALL if reason.no_record)


def duplicate_reason(rule: str) -> str:
    """Why a duplicate is dropped, by the rule that found it: url, exact or near."""
    return f"duplicate_{rule}"


def reason_of(stage: str, name: str, measures: Collection[str] = ()) -> Reason:
    """The meaning of a reason in a table of `stage`; `measures` names the recipe's measures, built-in and its own.

    >>> reason_of("decide", "num_letters_low", ["num_letters"]).meaning
    "the measure num_letters is below the rule's limit"
    >>> reason_of("decide", "too_many_arrows").of
    'documents'
    """
    known = REASONS.get(name)
    if known is not None and known.stage == stage:
        return known
    measure, _, side = name.rpartition("_")
    is_known = measure in measures or measure.partition(".")[0] in measures
    if side == LACKS and is_known:
        return Reason(name, stage, DOCUMENT, f"the measure {measure}, of which a rule has a limit, says nothing of the document")
    if side == UNWANTED and is_known:
        meaning = f"the category {measure} is not one that the rule keeps; the detail is the category"
        return Reason(name, stage, DOCUMENT, meaning, "its probability, 0 to 1")
    if side in SIDES and is_known:
        return Reason(
            name, stage, DOCUMENT, f"the measure {measure} is {SIDES[side]} the rule's limit", measure, "the rule's limit"
        )
    return Reason(
        name, stage, DOCUMENT, "a filter of the recipe dropped it", "what the filter measured", "what the filter compared it with"
    )
