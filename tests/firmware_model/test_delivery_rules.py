"""The table of delivery rules, walked through all its circumstances, with and without a bolus."""

from dataclasses import replace
from itertools import product

import pytest

from firmware_model.controller.delivery import (
    PRIORITIES,
    Circumstances,
    Flow,
    Hold,
    decide,
    decode_hold,
    encode_hold,
)
from protocol.request_words import BolusKind, DeliveryReason
from protocol.vocabulary import BolusState, DeliveryState

HOLDS = (None, DeliveryState.STOPPED, DeliveryState.MIN_RATE)
BOLUSES = (None, *BolusKind)
NO_OR_YES = (False, True)
FAULTS = tuple(product(*[NO_OR_YES] * 4))
EVERY = tuple(
    Circumstances(*given, *faults)
    for given in product(NO_OR_YES, NO_OR_YES, NO_OR_YES, HOLDS, BOLUSES)
    for faults in FAULTS
)


def with_faults(faults: tuple[bool, ...]) -> list[Circumstances]:
    return [
        each for each in EVERY if (each.is_over, each.is_held_low, each.is_stalled, each.is_hung) == faults
    ]


@pytest.mark.parametrize("faults", FAULTS)
def test_every_circumstance_has_its_decision(faults: tuple[bool, ...]) -> None:
    for given in with_faults(faults):
        assert_decided(given)


def assert_decided(given: Circumstances) -> None:
    decision = decide(given)
    has_end = given.is_over or given.is_hung or not given.has_drug
    if not given.has_program or has_end or given.hold is DeliveryState.STOPPED:
        assert (decision.state, decision.flow) == (DeliveryState.STOPPED, Flow.NONE)
    elif not given.program_readable or given.is_held_low:
        assert (decision.state, decision.flow) == (DeliveryState.SAFE_STATE, Flow.MINIMUM)
    elif given.hold is DeliveryState.MIN_RATE:
        assert (decision.state, decision.flow) == (DeliveryState.MIN_RATE, Flow.MINIMUM)
    elif given.is_stalled:
        assert (decision.state, decision.flow) == (DeliveryState.RUNNING, Flow.SCHEDULE)
    else:
        state = {None: DeliveryState.RUNNING, BolusKind.PRIME: DeliveryState.PRIMING}.get(
            given.bolus, DeliveryState.BOLUS
        )
        assert (decision.state, decision.flow) == (state, Flow.SCHEDULE)


@pytest.mark.parametrize("faults", FAULTS)
def test_a_bolus_goes_on_only_over_the_program(faults: tuple[bool, ...]) -> None:
    """An order cancels it, anything that went wrong faults it, and nothing pauses it."""
    for given in with_faults(faults):
        assert_bolus_decided(given)


def assert_bolus_decided(given: Circumstances) -> None:
    ends = decide(given).ends_bolus
    if decide(given).flow is Flow.SCHEDULE:
        assert ends is (BolusState.FAULTED if given.is_stalled else None)
    elif (
        decide(given).state is given.hold
        and given.has_program
        and given.has_drug
        and not (given.is_over or given.is_hung)
    ):
        assert ends is BolusState.CANCELLED
    else:
        assert ends is BolusState.FAULTED


def test_a_bolus_does_not_decide_over_the_basal_rate() -> None:
    """Whatever the bolus, the basal rate comes from where it would come from without it."""
    for given in EVERY:
        assert decide(given).flow is decide(replace(given, bolus=None)).flow


def test_every_rule_decides_somewhere() -> None:
    decisive = {next(rule.when for rule in PRIORITIES if rule.applies(given)) for given in EVERY}
    assert decisive == {rule.when for rule in PRIORITIES}


def test_the_program_runs_only_when_nothing_stands_against_it() -> None:
    running = [given for given in EVERY if decide(given).flow is Flow.SCHEDULE]
    assert running == [
        Circumstances(True, True, True, None, bolus, is_stalled=is_stalled)
        for bolus in BOLUSES
        for is_stalled in NO_OR_YES
    ]


def test_a_hold_is_stored_and_read_back() -> None:
    hold = Hold(DeliveryState.STOPPED, 5, 60_005, 3, DeliveryReason.PROCEDURE)
    assert hold.minutes == 1
    assert decode_hold(encode_hold(hold)) == hold
    assert decode_hold(encode_hold(None)) is None


def test_a_hold_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="must end after it begins"):
        Hold(DeliveryState.STOPPED, 5, 5, 3)
