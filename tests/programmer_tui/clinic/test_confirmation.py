"""Rule C4: the confirmation cannot be given by a bounce, a burst, a held key, a paste or a click."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_prone import error_prone

from programmer_tui.clinic.clinical_format import MassUnit
from programmer_tui.clinic.confirm_gate import (
    MOUSE,
    ConfirmGate,
    GatePhase,
    open_gate,
    paste_gate,
    press_gate,
    view_gate,
)
from programmer_tui.clinic.entry_state import Key

EXPECTED_NG = 5_400_000
KEYS = [*"0123456789.,yY ", "f9", MOUSE, "tab", "space", *Key]


def press_all(gate: ConfirmGate, keys: list[str], gap_ms: int, start_ms: int = 0) -> tuple[ConfirmGate, int]:
    """The gate after `keys`, one each `gap_ms`, and the time of the last."""
    now = start_ms
    for key in keys:
        now += gap_ms
        gate = press_gate(gate, key, now)
    return gate, now


def matched() -> tuple[ConfirmGate, int]:
    return press_all(open_gate(EXPECTED_NG, MassUnit.MG), [*"5.4"], 200)


def armed() -> tuple[ConfirmGate, int]:
    gate, now = matched()
    return press_gate(gate, "f9", now + 200), now + 200


@pytest.mark.parametrize("wait_ms", [1_000, 3_000, 10_000])
@pytest.mark.parametrize("key", ["y", "Y"])
def test_typed_value_f9_a_second_of_silence_and_y_confirm(key: str, wait_ms: int) -> None:
    gate, now = armed()
    assert view_gate(gate, now + wait_ms).ready
    assert press_gate(gate, key, now + wait_ms).confirmed


@given(st.integers(0, 500), st.lists(st.sampled_from(KEYS), max_size=60))
def test_no_burst_with_gaps_up_to_half_a_second_confirms(gap_ms: int, keys: list[str]) -> None:
    gate, _ = press_all(open_gate(EXPECTED_NG, MassUnit.MG), [*"5.4", "f9", *keys], gap_ms)
    assert not gate.confirmed


@given(
    st.lists(st.tuples(st.sampled_from([*"5.4y", "f9", *Key, " ", MOUSE]), st.integers(0, 999)), max_size=60)
)
def test_without_a_second_of_silence_nothing_confirms(pressed: list[tuple[str, int]]) -> None:
    gate, now = matched()
    for key, gap in [("f9", 100), *pressed]:
        now += gap
        gate = press_gate(gate, key, now)
        assert not gate.confirmed


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 12_000)), max_size=40))
def test_whatever_is_pressed_only_the_whole_sequence_confirms(pressed: list[tuple[str, int]]) -> None:
    """Confirmed means: the value typed, F9, a quiet second, and Y within ten seconds of F9."""
    gate, now = open_gate(EXPECTED_NG, MassUnit.MG), 0
    history: list[tuple[str, int]] = []
    for key, gap in [*((digit, 300) for digit in "5.4"), *pressed]:
        now += gap
        history.append((key, now))
        gate = press_gate(gate, key, now)
        if gate.confirmed:
            assert key in {"y", "Y"}
            assert now - history[-2][1] >= 1_000
            last_f9 = max(at_ms for pressed_key, at_ms in history if pressed_key == "f9")
            assert now - last_f9 <= 10_000
            assert gate.entry.text == "5.4"
            return


@pytest.mark.parametrize("key", [Key.ENTER, " ", "space", MOUSE, "f2", "tab"])
def test_enter_space_and_the_mouse_do_nothing(key: str) -> None:
    gate, now = armed()
    gate = press_gate(gate, key, now + 1_500)
    assert not gate.confirmed
    assert gate.phase is GatePhase.ARMING
    assert not press_gate(gate, "y", now + 1_600).confirmed
    assert press_gate(gate, "y", now + 2_500).confirmed


@pytest.mark.parametrize(("wait_ms", "word"), [(0, "Too early"), (999, "Too early"), (10_001, "Too late")])
def test_y_at_the_wrong_time_disarms(wait_ms: int, word: str) -> None:
    gate, now = armed()
    gate = press_gate(gate, "y", now + wait_ms)
    assert gate.phase is GatePhase.MATCHED
    assert word in gate.message
    assert not press_gate(gate, "y", now + wait_ms + 2_000).confirmed


def test_y_before_f9_counts_for_nothing() -> None:
    gate, now = matched()
    gate = press_gate(gate, "y", now + 5_000)
    assert (gate.phase, gate.entry.text) == (GatePhase.MATCHED, "5.4")
    assert "F9" in gate.message


@pytest.mark.parametrize("keys", [[*"5.40"], [*"5.400"]])
def test_the_same_number_written_otherwise_matches(keys: list[str]) -> None:
    gate, _ = press_all(open_gate(EXPECTED_NG, MassUnit.MG), keys, 200)
    assert gate.phase is GatePhase.MATCHED


@pytest.mark.parametrize("text", ["", "5", "54", "5.", "5.41", "5,4", "4.8", "0.54"])
def test_f9_without_the_new_dose_does_not_arm(text: str) -> None:
    gate, now = press_all(open_gate(EXPECTED_NG, MassUnit.MG), [*text, "f9"], 200)
    assert gate.phase is GatePhase.TYPING
    assert "Type the new daily dose" in gate.message
    assert not press_gate(gate, "y", now + 2_000).confirmed


@pytest.mark.parametrize("key", [Key.BACKSPACE, Key.DELETE, "1"])
def test_a_change_of_the_typed_value_disarms(key: str) -> None:
    gate, now = armed()
    gate = press_gate(gate, key, now + 1_500)
    assert gate.phase is GatePhase.TYPING
    assert not press_gate(gate, "y", now + 3_000).confirmed


def test_esc_disarms_first_and_clears_then() -> None:
    gate, now = armed()
    gate = press_gate(gate, Key.ESCAPE, now + 1_500)
    assert (gate.phase, gate.entry.text) == (GatePhase.MATCHED, "5.4")
    gate = press_gate(gate, Key.ESCAPE, now + 2_000)
    assert (gate.phase, gate.entry.text) == (GatePhase.TYPING, "")


def test_the_value_is_neither_prefilled_nor_pasted_nor_stepped() -> None:
    gate = open_gate(EXPECTED_NG, MassUnit.MG)
    assert (gate.entry.text, gate.entry.was) == ("", None)
    assert paste_gate(gate, 0).entry.text == ""
    near, now = press_all(gate, [*"5.399"], 200)
    assert press_gate(near, Key.UP, now + 200).entry.text == "5.399"


def test_a_paste_breaks_the_silence() -> None:
    gate, now = armed()
    gate = paste_gate(gate, now + 1_500)
    assert not press_gate(gate, "y", now + 1_600).confirmed


def test_a_confirmed_gate_stays_as_it_is() -> None:
    gate, now = armed()
    gate = press_gate(gate, "y", now + 2_000)
    assert press_gate(gate, Key.ESCAPE, now + 3_000) == paste_gate(gate, now + 3_000) == gate


def test_the_gate_says_what_comes_next() -> None:
    gate, now = armed()
    texts = [view_gate(gate, now + wait_ms) for wait_ms in (0, 999, 1_000, 9_001, 10_001)]
    assert [view.ready for view in texts] == [False, False, True, True, False]
    assert "Wait 1 s" in texts[0].text
    assert "(9 s left)" in texts[2].text
    assert "(1 s left)" in texts[3].text
    assert "Press F9 again" in texts[4].text
    assert all(error_prone(view.text) == [] for view in texts)
    assert "Type the new daily dose" in view_gate(open_gate(EXPECTED_NG, MassUnit.MG), 0).text
