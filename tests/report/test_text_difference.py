"""What differs is shown, short, and nothing is shown of what is the same."""

from hypothesis import given
from support.strategies import japanese_text

from corpus_builder.report.text_difference import SHOWN, WIDTH, differences


@given(japanese_text(80), japanese_text(80))
def test_any_two_texts_have_short_differences(ours, theirs):
    found = differences(ours, theirs)
    assert bool(found) == (ours != theirs)
    assert len(found) <= SHOWN + 1
    assert all(len(line) <= WIDTH + 4 for line in found)


def test_a_long_line_is_cut_around_the_place_where_it_parts():
    before = "".join(chr(0x4E00 + number) for number in range(500))
    after = before[:200] + "変" + before[201:]
    assert differences(before, after) == (f"- …{before[190:250]}…", f"+ …{after[190:250]}…")


def test_many_differences_are_counted():
    assert differences("\n".join(map(str, range(20))), "\n".join("x" * 20))[-1] == "and 32 more lines"
