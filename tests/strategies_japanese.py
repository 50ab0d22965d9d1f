"""Hypothesis strategies for texts that look Japanese, with everything that is awkward about them."""

from hypothesis import strategies as st

LETTERS = "あいうえおのにはをがですますアイウエオンー日本語東京都新聞々〇〻𠮷髙㈱①"
MARKS = "、，。．！？!?・…「」『』（）：〜ー―"
SPACES = " \t\n\r\u00a0\u3000\u2028\x85\x1c\x00"
OTHERS = "abcXYZ0129ｱｲｳｶﾞ한국中国é\u0301😀\ud800\udfff\U0003ffff\U0010ffff"


def japanese_text(max_size: int = 200) -> st.SearchStrategy[str]:
    """Texts of Japanese letters with marks and breaks, repeated pieces, and now and then anything at all."""
    plain = st.text(st.sampled_from(LETTERS + MARKS + "\n"), max_size=max_size)
    odd = st.text(st.one_of(st.sampled_from(LETTERS + MARKS + SPACES + OTHERS), st.characters()), max_size=max_size)
    repeated = st.builds(
        lambda piece, times: piece * times, st.text(st.sampled_from("あい。\n…ー日"), max_size=12), st.integers(0, 20)
    )
    return st.one_of(plain, odd, repeated, st.lists(repeated, max_size=4).map("".join))
