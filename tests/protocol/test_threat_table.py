"""OITP/1 section 20 line by line: which test shows that each threat is met. One without a test fails here."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

SHOWN: dict[str, tuple[tuple[str, str], ...]] = {
    "test_framing_damage": (("bit noise", "test_every_single_flipped_bit_of_a_frame_fails_the_crc"),),
    "test_attacks_by_noise": (
        ("bursts", "test_every_burst_as_long_as_the_check_is_caught"),
        ("truncation", "test_every_truncation_of_a_record_is_refused_and_the_whole_one_then_taken"),
        ("merge of frames", "test_two_frames_that_run_into_each_other"),
        ("oversize/undersize", "test_pieces_too_short_or_too_long_are_counted_and_not_answered"),
    ),
    "test_exactly_once": (
        ("drop", "test_a_few_lost_frames_are_made_good_without_anybody_noticing"),
        ("duplicate", "test_an_answer_that_comes_twice_is_taken_once"),
    ),
    "test_attacks_on_the_wire": (
        ("replay: old record", "test_p03_a_command_played_again_in_its_session_is_refused"),
        ("replay: recorded session after reset", "test_p04_a_recorded_visit_is_refused_entirely"),
        ("reorder", "test_p05_records_out_of_order_are_refused"),
        ("reflection", "test_a_frame_of_ours_sent_back_is_not_taken"),
        ("wrong link_id", "test_p11_frames_for_another_link_are_not_heard"),
        ("downgrade (edited HELLO)", "test_p07_an_edited_hello_ends_in_a_refused_and_logged_handshake"),
    ),
    "test_attacks_with_stolen_keys": (
        ("replay: old handshake message 1", "test_an_old_first_message_opens_nothing_after_a_new_discovery"),
        ("KCI note", "test_kci_the_pumps_own_key_lets_nobody_treat_as_a_programmer"),
        ("half-open flood", "test_a_flood_of_half_open_sessions_leaves_one_and_displaces_nobody"),
    ),
    "test_attacks_on_the_pump": (
        ("handshake flood vs battery", "test_p09_a_day_of_handshakes_costs_next_to_no_battery"),
        ("non-codeword opcode", "test_p12_every_opcode_that_is_not_in_the_catalogue_is_refused"),
    ),
    "test_messages_refused": (("non-codeword enum", "test_every_unknown_word_is_a_bad_enumeration"),),
    "test_access_precedence": (("every error precedence pair", "test_the_earlier_of_two_errors_is_told"),),
    "test_therapy_under_attack": (
        ("stale base_version", "test_a_program_changed_meanwhile_is_not_built_upon"),
        ("two programmers", "test_of_two_programmers_the_second_waits_until_the_first_has_left"),
        ("commit with lost answer", "test_a_commit_with_lost_answers_is_done_once_and_known_to_be"),
        (
            "power cut at every journal step",
            "test_a_commit_that_loses_power_at_any_write_is_known_to_the_programmer",
        ),
        ("token reuse", "test_a_token_is_good_for_one_commit"),
        ("arm-token expiry", "test_an_arm_token_is_good_for_a_minute"),
        ("bolus id of someone else", "test_a_bolus_that_somebody_else_armed_cannot_be_started"),
        (
            "patient lockout across reset and clock step",
            "test_the_patients_lockout_outlives_resets_and_clock_steps",
        ),
        (
            "clock step during schedule",
            "test_a_clock_step_while_a_schedule_runs_moves_the_pattern_and_no_volume",
        ),
        ("log wrap during download", "test_a_log_that_wraps_during_its_download_says_what_is_gone"),
        ("epoch change", "test_a_reader_of_another_epoch_is_told"),
        ("alarm storm", "test_an_alarm_storm_stays_bounded_and_does_not_keep_requests_waiting"),
        (
            "session expiry mid-transaction",
            "test_a_session_that_ends_in_the_middle_of_a_transaction_leaves_the_program",
        ),
        ("head lost mid-commit", "test_the_head_lost_while_the_commit_is_answered"),
    ),
    "test_access_matrix": (("role matrix", "test_each_role_may_ask_what_the_matrix_says"),),
}
"""Module of the tests -> threat of the section and a test that shows it is met; most have more."""

THREATS = {threat: (module, test) for module, pairs in SHOWN.items() for threat, test in pairs}

ATTACKS = (*range(1, 15), 15, *range(16, 24))
"""P-01 to P-23 of the safety reference; P-24, privacy at rest, is a matter of the programmer's records."""


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of the tests of a module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


@pytest.mark.parametrize("threat", THREATS)
def test_every_threat_of_the_specification_has_its_test(threat: str) -> None:
    module, name = THREATS[threat]
    assert name in names_in(TESTS / f"{module}.py")


@pytest.mark.parametrize("number", ATTACKS, ids=lambda number: f"P-{number:02}")
def test_every_attack_of_the_safety_reference_has_a_test_of_its_name(number: int) -> None:
    names = {name for path in TESTS.glob("test_attacks_*.py") for name in names_in(path)}
    assert any(f"_p{number:02}_" in name for name in names)


def test_no_threat_and_no_test_stands_here_twice() -> None:
    pairs = [pair for group in SHOWN.values() for pair in group]
    assert len(pairs) == len(THREATS) == len(set(THREATS.values())) == 35
