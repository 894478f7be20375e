"""Therapy commands of the session service: stored before they are sent, blocked while unknown, told as is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from support.headless import HeadlessClinic

from programmer_tui.problems import ServiceError
from programmer_tui.records import IntentKind, IntentState, Records
from programmer_tui.session import SessionService
from programmer_tui.views import LinkHealth, TherapyResult, Trouble
from protocol.messages.delivery import BolusArmResponse
from protocol.request_words import BolusKind, DeliveryReason
from protocol.requests import Request
from protocol.states import SyncState
from protocol.vocabulary import DeliveryState, OverrideReason, SoftLimit

NO_SOFT = SoftLimit(0)
VOLUME_NL, DURATION_S = 20_000, 10_800


@pytest.fixture
def clinic(tmp_path: Path) -> HeadlessClinic:
    clinic = HeadlessClinic(tmp_path)
    clinic.enrol()
    return clinic


def give(service: SessionService) -> TherapyResult:
    service.interrogate()
    service.arm_bolus(BolusKind.CLINICIAN, VOLUME_NL, DURATION_S)
    return service.start_bolus(NO_SOFT, OverrideReason.NONE)


def sync(service: SessionService) -> SyncState:
    return service.view.sync


def trouble_of(act: Callable[[], object]) -> Trouble:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.problem.trouble


def intents(clinic: HeadlessClinic) -> dict[IntentKind, IntentState]:
    store = Records(clinic.folder / "clinic.sqlite", bytes)
    return {intent.kind: intent.state for intent in store.intents()}


@pytest.mark.parametrize(
    ("message", "kind", "act"),
    [
        ("BOLUS_START", IntentKind.BOLUS, give),
        (
            "SET_DELIVERY",
            IntentKind.DELIVERY,
            lambda service: service.set_delivery(DeliveryState.STOPPED, 5, DeliveryReason.CLINICAL),
        ),
        (
            "REFILL_RECORD",
            IntentKind.REFILL,
            lambda service: (service.interrogate(), service.record_refill(1, 2_000_000, "A")),
        ),
        ("BOLUS_CANCEL", IntentKind.CANCEL, lambda service: (give(service), service.cancel_bolus())),
    ],
)
def test_an_intent_is_on_disk_before_the_pump_hears_of_it(
    clinic: HeadlessClinic, message: str, kind: IntentKind, act: Callable[[SessionService], object]
) -> None:
    seen: list[IntentState | None] = []
    handle = clinic.pump.handle

    def spy(request: Request) -> Any:  # noqa: ANN401 - any response
        if request.spec.name == message:
            seen.append(intents(clinic).get(kind))
        return handle(request)

    with patch.object(clinic.pump, "handle", spy), clinic.service() as service:
        act(service)
    assert seen == [IntentState.SENT]
    assert intents(clinic)[kind] is IntentState.APPLIED


def test_an_unknown_outcome_blocks_every_therapy_command_until_it_is_resolved(clinic: HeadlessClinic) -> None:
    with clinic.service() as service:
        with clinic.losing_answers_to("BOLUS_START"):
            assert trouble_of(lambda: give(service)) is Trouble.UNCERTAIN
        assert sync(service) is SyncState.UNCERTAIN
        assert service.view.link is LinkHealth.LOST
        uncertain = service.view.uncertain
        assert uncertain is not None
        assert "0.02 mL (0.4 mg)" in uncertain.what
        for blocked in (
            lambda: service.arm_bolus(BolusKind.PRIME, VOLUME_NL, DURATION_S),
            lambda: service.start_bolus(NO_SOFT, OverrideReason.NONE),
            service.cancel_bolus,
            service.ask_patient_bolus,
            lambda: service.set_delivery(DeliveryState.STOPPED, 5, DeliveryReason.CLINICAL),
            lambda: service.record_refill(1, 2, "A"),
        ):
            assert trouble_of(blocked) is Trouble.UNCERTAIN
        clinic.pass_ms(130_000)
        assert service.resolve().applied
        assert sync(service) is SyncState.IN_SYNC
        assert service.cancel_bolus().verified


@pytest.mark.parametrize("silent_after", range(16))
def test_wherever_the_line_goes_silent_the_outcome_is_told_as_it_is(
    clinic: HeadlessClinic, silent_after: int
) -> None:
    handle, handled = clinic.pump.handle, 0

    def silenced(request: Request) -> Any:  # noqa: ANN401 - any response
        nonlocal handled
        answer = handle(request)
        handled += 1
        clinic.mute = handled > silent_after
        return answer

    told = Trouble.INPUT
    with clinic.service() as service:
        with patch.object(clinic.pump, "handle", silenced):
            try:
                give(service)
            except ServiceError as error:
                told = error.problem.trouble
        clinic.mute = False
    running = clinic.pump.controller.therapy.boluses.running is not None
    state = intents(clinic).get(IntentKind.BOLUS)
    if told is Trouble.UNCERTAIN:
        assert state is IntentState.SENT
        clinic.pass_ms(130_000)
        assert clinic.json("resolve")["resolution"]["applied"] is running
    elif told is Trouble.LINK:
        assert not running, "only what was read or armed was lost"
        assert state in (None, IntentState.STAGED, IntentState.NOT_APPLIED)
    else:
        assert running, "it was given, read back or not"
        assert told in (Trouble.INPUT, Trouble.NOT_VERIFIED)
        assert state is IntentState.APPLIED


def test_a_pump_that_computes_another_dose_gives_nothing(clinic: HeadlessClinic) -> None:
    handle = clinic.pump.handle

    def tampered(request: Request) -> Any:  # noqa: ANN401 - any response
        answer = handle(request)
        return replace(answer, dose_ng=answer.dose_ng + 1) if isinstance(answer, BolusArmResponse) else answer

    with patch.object(clinic.pump, "handle", tampered), clinic.service() as service:
        assert trouble_of(lambda: give(service)) is Trouble.NOT_VERIFIED
        assert service.view.armed is None
    assert clinic.pump.controller.boluses.armed is None
    assert clinic.pump.controller.therapy.boluses.running is None


def test_a_status_that_is_not_what_was_asked_for_is_not_called_done(clinic: HeadlessClinic) -> None:
    handle = clinic.pump.handle

    def forgetful(request: Request) -> Any:  # noqa: ANN401 - any response
        answer = handle(request)
        return replace(answer, bolus_total_nl=1) if request.spec.name == "GET_STATUS" else answer

    with patch.object(clinic.pump, "handle", forgetful), clinic.service() as service:
        assert trouble_of(lambda: give(service)) is Trouble.NOT_VERIFIED
        result = service.view.therapy
        assert result is not None
        assert [check.label for check in result.checks if not check.same] == ["Volume"]


def test_nothing_is_armed_without_a_reading_or_started_without_an_arming(clinic: HeadlessClinic) -> None:
    with clinic.service() as service:
        assert trouble_of(lambda: service.arm_bolus(BolusKind.PRIME, 1_000, 600)) is Trouble.INPUT
        assert trouble_of(lambda: service.record_refill(1, 2, "A")) is Trouble.INPUT
        assert trouble_of(lambda: service.start_bolus(NO_SOFT, OverrideReason.NONE)) is Trouble.INPUT


def test_a_program_that_changed_meanwhile_is_not_stopped_unseen(clinic: HeadlessClinic) -> None:
    """Compare and set: the person has seen another program than the one that runs."""
    with clinic.service() as service:
        belief = service.interrogate()
        service._update(belief=replace(belief, status=replace(belief.status, program_version=77)))
        act = lambda: service.set_delivery(DeliveryState.STOPPED, 5, DeliveryReason.CLINICAL)  # noqa: E731
        assert trouble_of(act) is Trouble.CHANGED


def test_a_command_that_was_never_sent_is_not_unknown(clinic: HeadlessClinic) -> None:
    with clinic.service() as service:
        service.interrogate()
        service.arm_bolus(BolusKind.PRIME, VOLUME_NL, DURATION_S)
        service._require_client()._lose_session()
        assert trouble_of(lambda: service.start_bolus(NO_SOFT, OverrideReason.NONE)) is Trouble.LINK
        assert sync(service) is SyncState.IN_SYNC
    assert intents(clinic)[IntentKind.BOLUS] is IntentState.NOT_APPLIED
