"""Rules E1 to E14: what keys do to a dose field."""

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_prone import error_prone

from programmer_tui.clinic.entry import give_reason, leave, paste, press, start_entry
from programmer_tui.clinic.entry_grammar import NumberFormat, base_to_number, number_to_base, parse_number
from programmer_tui.clinic.entry_state import EntrySpec, EntryState, Key, Phase
from programmer_tui.clinic.limit_range import LimitRange

MG = 1_000_000
SPEC = EntrySpec("Daily dose", "mg/day", MG, NumberFormat(digits=4, decimals=3))
LIMITED = EntrySpec(
    "Daily dose",
    "mg/day",
    MG,
    NumberFormat(digits=4, decimals=3),
    LimitRange(hard_min=MG // 2, soft_min=MG, soft_max=15 * MG, hard_max=25 * MG),
)
GRAMMAR = re.compile(r"(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?")
SLOWLY_MS = 200

keys = st.one_of(st.sampled_from([*"0123456789.,-+eE _", *Key, "tab", "f9"]), st.characters(codec="utf-8"))


def typed(spec: EntrySpec, text: str, was: int | None = None) -> EntryState:
    """A field after `text` was typed slowly, one key each 200 ms."""
    state = start_entry(spec, was)
    for place, key in enumerate(text):
        state = press(state, key, place * SLOWLY_MS)
    return state


def then(state: EntryState, *more: str) -> EntryState:
    """The field after more slow keys."""
    for key in more:
        at_ms = state.log[-1].at_ms + SLOWLY_MS if state.log else 0
        state = press(state, key, at_ms)
    return state


@given(
    st.one_of(st.text(max_size=8), st.text("0123456789.", max_size=9), st.from_regex(GRAMMAR, fullmatch=True))
)
def test_exactly_the_grammar_is_accepted(text: str) -> None:
    """E1: what Enter accepts is what the grammar allows, to the character."""
    state = then(typed(SPEC, text), Key.ENTER)
    if GRAMMAR.fullmatch(text):
        assert state.accepted == Fraction(text) * MG
    else:
        assert state.accepted is None


@given(st.lists(st.tuples(keys, st.integers(0, 500)), max_size=25))
def test_what_is_shown_is_what_was_typed_and_what_is_accepted_is_what_is_shown(
    pressed: list[tuple[str, int]],
) -> None:
    """Whatever is pressed: a value is accepted only with a shown text of the grammar, and only by Enter."""
    state, now = start_entry(SPEC, 4_800_000), 0
    for key, gap in pressed:
        now += gap
        before = state
        state = press(state, key, now)
        if state.accepted is not None:
            assert GRAMMAR.fullmatch(state.text)
            assert state.accepted == Fraction(state.text) * MG
            assert before.accepted == state.accepted or key == Key.ENTER
        if state.phase is Phase.ERROR:
            assert state.message
            assert state.caret is not None
            assert not GRAMMAR.fullmatch(state.text)
        assert state.held in {state.was, state.accepted}
    assert len(state.log) == sum(len(key) == 1 or key in set(Key) for key, _ in pressed)


@pytest.mark.parametrize(
    ("text", "badge", "caret", "word"),
    [
        ("1,5", "NOT A NUMBER", 1, "Use '.' as decimal point"),
        ("1.2.3", "NOT A NUMBER", 3, "one '.' only"),
        (".5", "NOT A NUMBER", 0, "0 before the point"),
        ("05", "NOT A NUMBER", 1, "leading 0"),
        ("-5", "NOT A NUMBER", 0, "no sign"),
        ("1 5", "NOT A NUMBER", 1, "space"),
        ("12o", "NOT A NUMBER", 2, "'o' is not accepted"),
        ("1e2", "NOT A NUMBER", 1, "'e' is not accepted"),
        ("1_0", "NOT A NUMBER", 1, "'_' is not accepted"),
        ("٣", "NOT A NUMBER", 0, "is not accepted"),
        ("1.2345", "TOO MANY DECIMALS", 5, "At most 3 decimals"),
        ("12345", "TOO MANY DIGITS", 4, "At most 4 digits"),
    ],
)
def test_a_wrong_key_is_shown_and_locks_the_field(text: str, badge: str, caret: int, word: str) -> None:
    """E2, E3: nothing is dropped, cut off or repaired."""
    state = typed(SPEC, text)
    assert (state.phase, state.badge, state.caret) == (Phase.ERROR, badge, caret)
    assert word in state.message
    locked = then(state, *"7.5", Key.ENTER, Key.UP)
    assert (locked.phase, locked.text, locked.typed) == (Phase.ERROR, state.text, None)


def test_the_keys_after_a_wrong_one_are_not_added() -> None:
    state = typed(SPEC, "1,5")
    assert state.text == "1,"
    state = then(state, Key.BACKSPACE, ".", "5", Key.ENTER)
    assert state.accepted == 1_500_000


@pytest.mark.parametrize(
    ("way_out", "text", "phase"),
    [(Key.BACKSPACE, "1", Phase.TYPING), (Key.DELETE, "", Phase.EMPTY), (Key.ESCAPE, "", Phase.EMPTY)],
)
def test_three_keys_lead_out_of_an_error(way_out: Key, text: str, phase: Phase) -> None:
    state = then(typed(SPEC, "1,"), way_out)
    assert (state.text, state.phase) == (text, phase)


def test_a_control_character_is_made_visible() -> None:
    state = typed(SPEC, "1\x07")
    assert state.text == "1\N{REPLACEMENT CHARACTER}"
    assert state.phase is Phase.ERROR


@pytest.mark.parametrize(("text", "phase"), [("", Phase.EMPTY), ("5.", Phase.INCOMPLETE)])
def test_an_unfinished_number_cannot_be_accepted(text: str, phase: Phase) -> None:
    """E4."""
    state = then(typed(SPEC, text), Key.ENTER)
    assert (state.phase, state.accepted, state.text) == (phase, None, text)
    assert state.message


@pytest.mark.parametrize("gap_ms", [0, 1, 39, 40])
def test_a_bounced_digit_waits_for_a_second_word(gap_ms: int) -> None:
    """E5: 36 must not become 366."""
    state = press(typed(SPEC, "36"), "6", SLOWLY_MS + gap_ms)
    assert (state.phase, state.text, state.typed) == (Phase.REPEAT_SUSPECT, "36", None)
    assert "press 6 again to keep '366'" in state.message
    assert then(state, Key.ENTER).phase is Phase.REPEAT_SUSPECT
    assert then(state, "6").text == "366"
    assert then(state, Key.BACKSPACE).text == "36"
    assert then(state, Key.DELETE).text == ""


def test_another_digit_does_not_settle_a_bounce() -> None:
    state = press(typed(SPEC, "36"), "6", SLOWLY_MS + 20)
    assert then(state, "7").text == "36"
    assert then(state, "7", "6", Key.ENTER).accepted == 366 * MG


def test_a_digit_pressed_twice_by_a_person_is_typed_twice() -> None:
    state = press(typed(SPEC, "36"), "6", SLOWLY_MS + 41)
    assert (state.phase, state.text) == (Phase.TYPING, "366")


def test_a_held_digit_stays_suspect() -> None:
    state = start_entry(SPEC, None)
    for at_ms in range(0, 1_000, 33):
        state = press(state, "9", at_ms)
    assert (state.phase, state.text) == (Phase.REPEAT_SUSPECT, "9")


def test_the_bounce_check_can_be_turned_off() -> None:
    spec = EntrySpec("Daily dose", "mg/day", MG, NumberFormat(4, 3), bounce_ms=0)
    state = press(press(start_entry(spec, None), "6", 0), "6", 0)
    assert state.text == "66"


def test_the_old_value_stands_beside_a_blank_entry_and_comes_back() -> None:
    """E6."""
    state = start_entry(SPEC, 4_800_000)
    assert (state.text, state.was, state.held) == ("", 4_800_000, 4_800_000)
    accepted = then(typed(SPEC, "5.4", was=4_800_000), Key.ENTER)
    assert accepted.held == 5_400_000
    back = then(accepted, Key.ESCAPE)
    assert (back.phase, back.held) == (Phase.EMPTY, 4_800_000)
    assert "4.8 mg/day kept" in back.message


def test_paste_is_refused_with_a_word() -> None:
    """E7."""
    state = paste(typed(SPEC, "5"), 9_999)
    assert (state.text, state.phase) == ("5", Phase.TYPING)
    assert "refused" in state.message
    assert state.log[-1].key == "paste"


def test_value_and_change_are_there_after_each_key() -> None:
    """E8."""
    seen = [
        (state.typed, state.change) for state in (typed(SPEC, "5.4"[:n], was=2_700_000) for n in range(4))
    ]
    assert seen == [(None, ""), (5_000_000, "+85.2 %"), (None, ""), (5_400_000, "x2")]


@pytest.mark.parametrize(
    ("key", "text"), [(Key.UP, "4.801"), (Key.DOWN, "4.799"), (Key.PAGE_UP, "4.81"), (Key.PAGE_DOWN, "4.79")]
)
def test_step_keys_move_by_the_resolution(key: Key, text: str) -> None:
    """E9: from the old value in a blank field, and the result still waits for Enter."""
    state = then(start_entry(LIMITED, 4_800_000), key)
    assert (state.text, state.phase) == (text, Phase.TYPING)


@pytest.mark.parametrize(
    ("start", "key", "end", "word"),
    [
        ("24.995", Key.PAGE_UP, "25", "upper limit 25 mg/day"),
        ("0.505", Key.PAGE_DOWN, "0.5", "lower limit 0.5"),
    ],
)
def test_step_keys_stop_at_the_limits_with_a_word(start: str, key: Key, end: str, word: str) -> None:
    state = then(typed(LIMITED, start), key)
    assert state.text == end
    assert word in state.message
    assert then(state, key).text == end


@given(
    st.integers(0, 9_999_999),
    st.lists(st.sampled_from([Key.UP, Key.DOWN, Key.PAGE_UP, Key.PAGE_DOWN]), max_size=30),
)
def test_step_keys_never_wrap_around_nor_leave_the_limits_by_themselves(start: int, steps: list[Key]) -> None:
    state = typed(LIMITED, base_to_number(start * 1_000, MG))
    for key in steps:
        before = state.typed
        state = then(state, key)
        assert before is not None
        assert state.typed is not None
        up = key in {Key.UP, Key.PAGE_UP}
        assert state.typed >= before if up else state.typed <= before
        if MG // 2 <= before <= 25 * MG:
            assert MG // 2 <= state.typed <= 25 * MG


def test_steps_from_a_value_off_the_grid_reach_the_grid() -> None:
    assert then(start_entry(SPEC, 5_399_760), Key.UP).text == "5.4"
    assert then(start_entry(SPEC, 5_399_760), Key.DOWN).text == "5.399"


def test_there_is_no_step_from_nothing() -> None:
    state = then(start_entry(SPEC, None), Key.UP)
    assert (state.text, state.phase) == ("", Phase.EMPTY)
    assert "Type one" in state.message


@pytest.mark.parametrize(
    ("was", "text"), [(4_800_000, "24"), (4_800_000, "0.96"), (480_000, "4.8"), (0, "5")]
)
def test_out_by_ten_asks_for_a_reason_within_the_limits(was: int, text: str) -> None:
    """E10."""
    state = then(typed(SPEC, text, was=was), Key.ENTER)
    assert state.needs_reason
    assert "Check the point" in state.message


@pytest.mark.parametrize("text", ["23.999", "0.961", "4.8"])
def test_smaller_changes_are_accepted_at_once(text: str) -> None:
    assert then(typed(SPEC, text, was=4_800_000), Key.ENTER).phase is Phase.ACCEPTED


@pytest.mark.parametrize(
    ("text", "word"),
    [("15.001", "above the usual range (limit 15 mg/day)"), ("0.999", "below the usual range")],
)
def test_a_soft_limit_needs_a_reason(text: str, word: str) -> None:
    """E11, and a second Enter is no reason."""
    state = then(typed(LIMITED, text), Key.ENTER)
    assert state.phase is Phase.OUT_OF_SOFT
    assert word in state.message
    state = then(state, Key.ENTER, Key.ENTER)
    assert state.accepted is None
    assert give_reason(state, "  ", 9_000).accepted is None
    accepted = give_reason(state, "tolerant patient", 9_000)
    assert (accepted.phase, accepted.reason) == (Phase.ACCEPTED, "tolerant patient")


@pytest.mark.parametrize(
    ("text", "word"), [("25.001", "above the hard limit 25"), ("0", "below the hard limit 0.5")]
)
def test_a_hard_limit_cannot_be_passed(text: str, word: str) -> None:
    """E11, and neither Enter nor a reason helps."""
    state = then(typed(LIMITED, text), Key.ENTER)
    assert state.phase is Phase.OUT_OF_HARD
    assert word in state.message
    state = give_reason(then(state, Key.ENTER), "because", 9_000)
    assert (state.accepted, state.held) == (None, None)


@pytest.mark.parametrize("text", ["15", "25", "1", "0.5"])
def test_a_limit_belongs_to_the_range(text: str) -> None:
    state = then(typed(LIMITED, text), Key.ENTER)
    assert state.phase is not Phase.OUT_OF_HARD


def test_typing_goes_on_after_a_limit() -> None:
    state = then(typed(LIMITED, "30"), Key.ENTER, Key.BACKSPACE, Key.ENTER)
    assert state.accepted == 3 * MG


def test_every_key_is_kept_with_its_time() -> None:
    """E13: what was typed, not only the result."""
    state = then(typed(SPEC, "1,"), Key.BACKSPACE, "2", Key.ENTER)
    assert [(stroke.at_ms, stroke.key, stroke.text, stroke.phase) for stroke in state.log] == [
        (0, "1", "1", Phase.TYPING),
        (200, ",", "1,", Phase.ERROR),
        (400, "backspace", "1", Phase.TYPING),
        (600, "2", "12", Phase.TYPING),
        (800, "enter", "12", Phase.ACCEPTED),
    ]


@pytest.mark.parametrize("text", ["5", "5.", "5.4"])
def test_leaving_never_accepts_a_half_typed_value(text: str) -> None:
    """E14: it is kept, named, and blocks until it is cleared or corrected."""
    state = leave(typed(SPEC, text, was=MG), "alarm", 9_000)
    assert (state.phase, state.text, state.typed, state.held) == (Phase.INCOMPLETE, text, None, MG)
    assert f"'{text}' was typed but not accepted (alarm)" in state.message
    stuck = then(state, "7", ".", Key.ENTER, Key.UP)
    assert (stuck.text, stuck.accepted) == (text, None)
    assert then(stuck, Key.DELETE, "3", Key.ENTER).accepted == 3 * MG


@pytest.mark.parametrize("state", [typed(SPEC, ""), typed(SPEC, "1,"), then(typed(SPEC, "5"), Key.ENTER)])
def test_leaving_changes_nothing_where_nothing_is_half_typed(state: EntryState) -> None:
    assert leave(state, "timeout", 9_000) == state


def test_an_accepted_value_takes_no_more_digits() -> None:
    state = then(typed(SPEC, "5"), Key.ENTER, "0", Key.ENTER)
    assert state.accepted == 5 * MG
    assert then(state, Key.BACKSPACE, "6", Key.ENTER).accepted == 6 * MG


def test_keys_of_the_screen_are_left_alone() -> None:
    state = typed(SPEC, "5")
    assert press(state, "tab", 9_000) is state
    assert press(state, "f9", 9_000) is state


@given(st.lists(st.tuples(keys, st.integers(0, 300)), max_size=20))
def test_no_message_is_written_in_an_error_prone_way(pressed: list[tuple[str, int]]) -> None:
    state, now = start_entry(LIMITED, 4_800_000), 0
    for key, gap in pressed:
        now += gap
        state = press(state, key, now)
        quoted = re.sub(r"'[^']*'", "", state.message.replace("'''", "''"))
        assert error_prone(quoted) == []


def test_decimals_finer_than_the_base_unit_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="decimals"):
        EntrySpec("Dose", "mcg", 1_000, NumberFormat(4, 4))


@given(st.integers(0, 10**12))
def test_a_value_and_its_text_are_the_same(value: int) -> None:
    assert number_to_base(base_to_number(value, MG), MG) == value


def test_a_value_without_decimal_text_is_refused() -> None:
    with pytest.raises(ValueError, match="decimal"):
        base_to_number(1, 3)
    with pytest.raises(ValueError, match="finer"):
        number_to_base("0.25", 10)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1,5", "character 2: ',' is not accepted"),
        ("5.", "not finished"),
        ("", "not finished"),
        ("1.2345", "3 decimals"),
    ],
)
def test_a_whole_text_obeys_the_same_grammar(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=re.escape(word)):
        parse_number(text, SPEC.form, MG)
    assert parse_number("5.4", SPEC.form, MG) == 5_400_000
