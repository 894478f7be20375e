"""The table of delivery rules, walked through all its circumstances."""

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
from protocol.vocabulary import DeliveryState

HOLDS = (None, DeliveryState.STOPPED, DeliveryState.MIN_RATE)
EVERY = tuple(Circumstances(*given) for given in product((False, True), (False, True), (False, True), HOLDS))


@pytest.mark.parametrize("given", EVERY)
def test_every_circumstance_has_its_decision(given: Circumstances) -> None:
    decision = decide(given)
    if not given.has_program or not given.has_drug or given.hold is DeliveryState.STOPPED:
        assert (decision.state, decision.flow) == (DeliveryState.STOPPED, Flow.NONE)
    elif not given.program_readable:
        assert (decision.state, decision.flow) == (DeliveryState.SAFE_STATE, Flow.MINIMUM)
    elif given.hold is DeliveryState.MIN_RATE:
        assert (decision.state, decision.flow) == (DeliveryState.MIN_RATE, Flow.MINIMUM)
    else:
        assert (decision.state, decision.flow) == (DeliveryState.RUNNING, Flow.SCHEDULE)


def test_every_rule_decides_somewhere() -> None:
    decisive = {next(rule.when for rule in PRIORITIES if rule.applies(given)) for given in EVERY}
    assert decisive == {rule.when for rule in PRIORITIES}


def test_the_program_runs_only_when_nothing_stands_against_it() -> None:
    running = [given for given in EVERY if decide(given).flow is Flow.SCHEDULE]
    assert running == [Circumstances(True, True, True, None)]


def test_a_hold_is_stored_and_read_back() -> None:
    hold = Hold(DeliveryState.STOPPED, 5, 60_005, 3)
    assert decode_hold(encode_hold(hold)) == hold
    assert decode_hold(encode_hold(None)) is None


def test_a_hold_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="must end after it begins"):
        Hold(DeliveryState.STOPPED, 5, 5, 3)
