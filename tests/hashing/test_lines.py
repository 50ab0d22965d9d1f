"""What counts as a repeated line: blocks at the edges, lines anywhere, and what is left of a text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.strategies import japanese_text

from corpus_builder.hashing.lines import (
    Repeats,
    candidates,
    host_keys,
    is_telling,
    mixed,
    repeated_rows,
    text_hashes,
    without_lines,
)
from corpus_builder.hashing.minhash import shingle_sets


@settings(deadline=None)  # kernels are compiled at their first call
@given(st.lists(japanese_text(), max_size=6), st.sampled_from(["edges", "anywhere"]), st.integers(1, 4))
def test_candidates_are_solid_lines_of_their_text_and_few_at_an_edge(texts, where, edge):
    found = candidates(texts, Repeats(where=where, edge=edge))
    for document, line in zip(found.document.tolist(), found.line.tolist(), strict=True):
        assert texts[document].split("\n")[line].strip()
    if where == "edges":
        assert all(np.bincount(found.document, minlength=1) <= 2 * edge)


@settings(deadline=None)  # kernels are compiled at their first call
@given(st.lists(japanese_text(), max_size=6))
def test_texts_beside_it_do_not_change_a_texts_candidates(texts):
    together = candidates(texts, Repeats())
    for number, text in enumerate(texts):
        alone = candidates([text], Repeats())
        mine = together.document == number
        assert together.block[mine].tolist() == alone.block.tolist()
        assert together.line[mine].tolist() == alone.line.tolist()


@settings(deadline=None)  # kernels are compiled at their first call
@given(japanese_text(), st.sets(st.integers(0, 20)))
def test_what_is_left_is_the_other_lines(text, lines):
    rest = without_lines(text, sorted(lines))
    stays = [line for number, line in enumerate(text.split("\n")) if number not in lines]
    assert [line for line in rest.split("\n") if line.strip()] == [line for line in stays if line.strip()]
    assert without_lines(text, []) == text
    if lines:
        assert rest == without_lines(rest, [999])


@settings(deadline=None)  # kernels are compiled at their first call
@given(japanese_text(30))
def test_the_hash_of_a_text_is_that_of_a_shingle_as_long(text):
    hashes, _ = shingle_sets([text], max(1, len(text)))
    assert text_hashes([text]).tolist() == (hashes.tolist() if text else [0])


M = (1 << 64) - 1


def mix(x: int) -> int:
    """As docs/minhash.md has it."""
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & M
    x = (x ^ x >> 27) * 0x94D049BB133111EB & M
    return x ^ x >> 31


def hash_of(text: str) -> int:
    value = len(text) * 0x9E3779B97F4A7C15 & M
    for letter in text:
        value = (value ^ ord(letter)) * 0xD6E8FEB86659FD93 & M
        value ^= value >> 32
    return mix(value)


@settings(deadline=None)  # kernels are compiled at their first call
@given(st.text(min_size=1, max_size=9).filter(lambda text: text.strip()), st.text(max_size=9))
def test_the_hashes_are_those_of_the_specification(line, host):
    line = line.replace("\n", "の").strip() or "の"
    hosts = text_hashes([host])
    start, end = 0x6C696E6573746172, 0x6C696E6573656E64
    first = mix(start ^ hash_of("目次"))
    last = mix(end ^ hash_of(line))
    found = candidates([f"目次\n{line}"], Repeats(edge=2))
    assert found.block.tolist() == [first, mix(first ^ hash_of(line)), last, mix(last ^ hash_of("目次"))]
    assert found.keys(hosts).tolist()[0] == mix(first ^ mix(hash_of(host)))
    assert found.corpus_keys().tolist()[0] == mix(first ^ 0x6C696E6573616C6C)
    assert host_keys(hosts).tolist() == [mix(0x6C696E6573686F73 ^ mix(hash_of(host)))]
    anywhere = candidates([line], Repeats(where="anywhere"))
    assert anywhere.block.tolist() == [mix(hash_of(line) ^ 0x6C696E6573616E79)]
    assert mixed(np.zeros(0, np.uint64)).tolist() == []


@pytest.mark.parametrize(
    ("line", "telling"),
    [
        ("戻る", True),
        ("――――――", False),
        ("｝", False),
        ("return 0;", False),
        ("© 2024", False),
        ("Powered by WordPress", True),
        ("", False),
    ],
)
def test_marks_and_short_code_are_not_template_text_alone(line, telling):
    assert is_telling(line) is telling


def test_marks_between_template_lines_go_with_them_and_those_beyond_stay():
    found = candidates(["本文\n――\nシェア\n――"], Repeats(edge=4))
    ends = found.place == 1
    assert found.line[repeated_rows(found, ends)].tolist() == [3, 2, 1, 0]
    assert found.line[repeated_rows(found, ends & (found.line > 0))].tolist() == [3, 2]


def test_a_block_ends_before_an_indented_line():
    found = candidates(["はじめに\n    return 値\nおわりに"], Repeats())
    assert found.line.tolist() == [0, 2]


def test_default_limits_are_those_of_the_documentation():
    assert Repeats() == Repeats("host", 7, 0.2, 20, "edges", 10)
