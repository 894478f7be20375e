"""Text fields take what can be seen, by a list that is the same for every version of Python and Unicode."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.messages.text import UNPRINTABLE, first_unprintable, read_text, write_text

SIZE = 16


def listed(character: str) -> bool:
    return any(low <= ord(character) <= high for low, high in UNPRINTABLE)


@given(st.characters())
def test_a_character_is_refused_where_the_list_has_it(character: str) -> None:
    assert (first_unprintable(f"a{character}b") == character) == listed(character)


@pytest.mark.parametrize("pair", UNPRINTABLE)
def test_each_range_of_the_list_is_refused_up_to_its_ends(pair: tuple[int, int]) -> None:
    low, high = pair
    assert first_unprintable(chr(low)) == chr(low)
    assert first_unprintable(chr(high)) == chr(high)


def test_the_ranges_ascend_and_do_not_touch() -> None:
    ends = [end for pair in UNPRINTABLE for end in pair]
    assert ends == sorted(ends)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(UNPRINTABLE))


@pytest.mark.parametrize("text", ["", "Dr. Example", "Ärztin µg ß", "注射", "Жук 𝄞", "e\u0301", "\u0378"])
def test_what_people_write_is_taken(text: str) -> None:
    """Also a character that no Unicode version of today has: a newer peer may have it."""
    assert read_text(write_text(text, SIZE)) == text


@pytest.mark.parametrize(
    "text",
    ["a\nb", "\x7f", "no\u00a0break", "\u202eesrever", "zero\u200bwidth", "\ufeff", "\ue000", "\U000e0041"],
)
def test_what_hides_or_turns_text_round_is_refused_by_both_sides(text: str) -> None:
    with pytest.raises(ValueError, match=r"U\+[0-9A-F]{4}"):
        write_text(text, SIZE)
    with pytest.raises(ValueError, match=r"U\+[0-9A-F]{4}"):
        read_text(text.encode().ljust(SIZE, b"\0"))


@pytest.mark.parametrize(
    "padded", [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"abc\xe2\x82"]
)
def test_octets_that_are_no_utf8_are_refused(padded: bytes) -> None:
    with pytest.raises(ValueError, match="UTF-8"):
        read_text(padded)


@given(st.text(st.characters(codec="utf-8"), max_size=SIZE))
def test_a_text_that_can_be_written_is_read_back(text: str) -> None:
    try:
        padded = write_text(text, SIZE)
    except ValueError:
        assert len(text.encode()) > SIZE or first_unprintable(text) is not None
    else:
        assert len(padded) == SIZE
        assert read_text(padded) == text
