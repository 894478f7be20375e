"""How each kind of step is done: to the pump, with a syringe, or by a programmer through the protocol."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from firmware_model.plant.fault import FaultError
from firmware_model.plant.fluid import Conc
from protocol.client import PumpClient
from protocol.client_errors import ClientError, PumpRefusedError
from protocol.link_error import LinkError
from protocol.messages.program import ProgVerifyResponse
from protocol.program import (
    EVERY_DAY,
    DoseDeclaration,
    PatientBolus,
    Program,
    ProgramImageError,
    Schedule,
    Step,
    decode_program,
    encode_program,
)
from protocol.quantities import MINUTES_PER_DAY, MS_PER_DAY, day_volume_nl, dose_ng_per_day
from protocol.request_words import BolusKind, DeliveryReason, SelfTest
from protocol.vocabulary import (
    AlarmCode,
    DeliveryState,
    OverrideReason,
    Role,
    ScheduleMode,
    SoftLimit,
    Switch,
)
from workbench.recalls import steps as kinds
from workbench.recalls.bench import Bench
from workbench.recalls.sighting import Value, Visit

OK: Final = "OK"
_BLOCK: Final = 192


class StepError(ValueError):
    """A step that cannot be done; the text says which and why."""


@dataclass(slots=True)
class Story:
    """A course of a scenario as far as it has come.

    Attributes:
        bench: the pump and its programmers.
        told: what the last request, refill and visit told, by observer and name.
        visits: what programmers read.
        refills: volumes withdrawn at refills, nL.
        bolus_id: the last bolus.
    """

    bench: Bench
    told: dict[str, Value] = field(default_factory=dict)
    visits: list[Visit] = field(default_factory=list)
    refills: list[int] = field(default_factory=list)
    bolus_id: int = 0

    def intent(self) -> bytes:
        """Return a new name for what a person wants."""
        return self.bench.entropy(16)

    def answer(self, **values: Value) -> None:
        """Keep what became of a request."""
        kept = {name: value for name, value in self.told.items() if not name.startswith("answer.")}
        self.told = {**kept, **{f"answer.{name}": value for name, value in values.items()}}


def do(step: kinds.Step, story: Story) -> None:
    """Do one step.

    Raises:
        StepError: it cannot be done; what a pump refuses is an answer, not an error.
    """
    try:
        _DEEDS[type(step)](step, story)
    except (FaultError, ValueError, KeyError, IndexError, ProgramImageError) as error:
        raise StepError(f"step {kinds.kind_of(step)!r}: {error}") from error


# --- time, faults, syringes -------------------------------------------------------------------------------


def _advance(step: kinds.Advance, story: Story) -> None:
    left_ms, stay_ms = step.span_ms, step.refill_every_days * MS_PER_DAY
    while stay_ms and left_ms > stay_ms:
        story.bench.advance(stay_ms)
        left_ms -= stay_ms
        _refill(kinds.RefillStep(filled_nl=step.filled_nl), story)
    story.bench.advance(left_ms)


def _fault(step: kinds.FaultStep, story: Story) -> None:
    story.bench.pump.apply_fault(step.name, **step.values)
    story.bench.settle()


def _clear(step: kinds.ClearStep, story: Story) -> None:
    story.bench.pump.clear_fault(step.name)
    story.bench.settle()


def _storage(step: kinds.StorageStep, story: Story) -> None:
    storage = story.bench.pump.storage
    if step.action == "flip_bit":
        storage.flip_bit(step.cell, step.bit)
    elif step.action == "fail_writes":
        storage.fail_writes(step.cell)
    else:
        storage.fail_reads(step.cell)


def _reset(_: kinds.ResetStep, story: Story) -> None:
    story.bench.pump.reset()
    story.bench.settle()


def _one_drug(conc_ng_ml: int) -> Conc:
    return (conc_ng_ml, 0, 0, 0)


def _refill(step: kinds.RefillStep, story: Story) -> None:
    pump = story.bench.pump
    pump.belief()  # settles the plant, on which the syringe acts
    conc = _one_drug(step.conc_ng_ml) if step.conc_ng_ml else None
    withdrawn_nl = pump.plant.refill(step.filled_nl, step.withdrawn_nl, conc)
    story.refills.append(withdrawn_nl)
    story.told |= {"residual.withdrawn_nl": withdrawn_nl, "residual.filled_nl": step.filled_nl}
    if step.recorded:
        booked = partial(_record_refill, story=story, withdrawn_nl=withdrawn_nl, filled_nl=step.filled_nl)
        _ask(story, Role.CLINICIAN, booked)


def _record_refill(client: PumpClient, story: Story, withdrawn_nl: int, filled_nl: int) -> None:
    version = client.get_status().program_version
    booked = client.refill_record(withdrawn_nl, filled_nl, version, "RECALL", story.intent())
    expected_nl = booked.expected_residual_nl
    story.told |= {"residual.expected_nl": expected_nl, "residual.missing_nl": expected_nl - withdrawn_nl}
    story.answer(outcome=OK, volume_nl=booked.reservoir_nl)


def _inject(step: kinds.InjectStep, story: Story) -> None:
    story.bench.pump.belief()
    injected_nl = story.bench.pump.plant.inject_port(step.volume_nl, _one_drug(step.conc_ng_ml))
    story.answer(outcome=OK, volume_nl=injected_nl)


def _aspirate(step: kinds.AspirateStep, story: Story) -> None:
    story.bench.pump.belief()
    story.answer(outcome=OK, volume_nl=story.bench.pump.plant.aspirate_port(step.volume_nl))


def _open_valve(_: kinds.OpenValveStep, story: Story) -> None:
    story.bench.pump.belief()
    story.bench.pump.plant.reset_flow_valve()


# --- programmers ------------------------------------------------------------------------------------------


def _ask(story: Story, role: Role, act: Callable[[PumpClient], None], *, hang_up: bool = False) -> None:
    """Let a role do something in a session of its own; a refusal is the answer."""
    try:
        client, line = story.bench.session(role)
    except (ClientError, LinkError) as error:
        story.answer(outcome=type(error).__name__)
        return
    try:
        act(client)
    except PumpRefusedError as refused:
        story.answer(outcome=refused.code.name, detail=refused.detail)
    except (ClientError, LinkError) as error:
        story.answer(outcome=type(error).__name__)
    if hang_up:
        line.close()
    else:
        client.close()
    story.bench.settle()


def _interrogate(_: kinds.InterrogateStep, story: Story) -> None:
    def look(client: PumpClient) -> None:
        status, alarms = client.get_status(), client.get_alarms().alarms
        program, prime_nl = _program_words(client)
        at_ms = story.bench.pump.now_ms
        story.visits.append(Visit(at_ms, status, tuple(each.code for each in alarms), program, prime_nl))
        story.answer(outcome=OK)

    story.visits.append(Visit(story.bench.pump.now_ms))
    _ask(story, Role.CLINICIAN, look)
    story.told |= story.visits[-1].values()


def _program_words(client: PumpClient) -> tuple[str, int]:
    """Return whether the active program could be read, and what fills the lines by it, nL."""
    try:
        program = decode_program(client.read_image(client.get_program_info()))
    except PumpRefusedError as refused:
        return refused.code.name, 0
    except ProgramImageError as error:
        return error.code.name, 0
    return "READ", program.implant.tubing_nl + program.implant.catheter_nl


def _active(client: PumpClient) -> Program:
    return decode_program(client.read_image(client.get_program_info()))


def edited(program: Program, step: kinds.ProgramStep) -> Program:
    """Return ``program`` as a step changes it, its doses declared anew."""
    schedule = program.schedule
    if step.steps:
        mode = ScheduleMode.SIMPLE if len(step.steps) == 1 else ScheduleMode.DAILY
        schedule = Schedule(mode, tuple(Step(EVERY_DAY, start, rate) for start, rate in step.steps))
    scaled = tuple(
        replace(each, rate_nl_h=each.rate_nl_h * step.scale_permille // 1_000) for each in schedule.steps
    )
    ends = [*(each.start_min for each in scaled[1:]), MINUTES_PER_DAY]
    volume = day_volume_nl(
        (each.rate_nl_h, end - each.start_min) for each, end in zip(scaled, ends, strict=True)
    )
    doses = tuple(
        DoseDeclaration(drug.drug_code, dose_ng_per_day(volume, drug.conc_ng_ml)) for drug in program.drugs
    )
    rule, bolus = step.patient_bolus, program.patient_bolus
    if rule is not None:
        bolus = PatientBolus(
            Switch.ON, rule.volume_nl, rule.duration_s, rule.lockout_min, rule.max_per_24h, rule.max_24h_nl
        )
    return replace(
        program,
        schedule=replace(schedule, steps=scaled),
        dose_declarations=doses,
        limits=replace(program.limits, **step.limits),
        patient_bolus=bolus,
    )


def _program(step: kinds.ProgramStep, story: Story) -> None:
    def change(client: PumpClient) -> None:
        version = client.get_status().program_version
        image = encode_program(edited(_active(client), step))
        handle = client.prog_begin(version, len(image), story.intent()).handle
        story.answer(outcome=OK)
        if step.until == "begin":
            return
        for at in range(0, len(image), _BLOCK):
            client.prog_stage(handle, at, image[at : at + _BLOCK])
        if step.until == "stage":
            return
        summary = client.prog_verify(handle, hashlib.sha256(image).digest())
        story.answer(**_summary(summary))
        if step.until == "commit":
            _commit(client, summary, story, accept_soft=step.accept_soft)

    _ask(story, Role.CLINICIAN, change, hang_up=step.hang_up)


def _summary(summary: ProgVerifyResponse) -> Mapping[str, Value]:
    dose_ng = summary.doses[0].dose_ng_per_day if summary.doses else 0
    return {
        "outcome": OK,
        "soft_flags": int(summary.soft_flags),
        "day_volume_nl": summary.day_volume_nl,
        "dose_ng": dose_ng,
    }


def _commit(client: PumpClient, summary: ProgVerifyResponse, story: Story, *, accept_soft: bool) -> None:
    ack = summary.soft_flags if accept_soft else SoftLimit(0)
    reason = OverrideReason.CLINICAL_JUDGEMENT if ack else OverrideReason.NONE
    client.prog_commit(summary.handle, summary.token, ack, reason)
    story.answer(**_summary(summary))


def _bolus(step: kinds.BolusStep, story: Story) -> None:
    def give(client: PumpClient) -> None:
        program = _active(client)
        volume_nl = step.volume_nl or program.implant.tubing_nl + program.implant.catheter_nl
        dose_ng = dose_ng_per_day(volume_nl, program.primary_drug.conc_ng_ml)
        kind = BolusKind[step.kind]
        armed = client.bolus_arm(kind, volume_nl, step.duration_s, dose_ng, story.intent())
        reason = OverrideReason.CLINICAL_JUDGEMENT if armed.soft_flags else OverrideReason.NONE
        client.bolus_start(armed.bolus_id, armed.token, armed.soft_flags, reason)
        story.bolus_id = armed.bolus_id
        story.answer(outcome=OK, volume_nl=volume_nl, dose_ng=dose_ng, soft_flags=int(armed.soft_flags))

    _ask(story, Role.CLINICIAN, give)


def _cancel(_: kinds.CancelBolusStep, story: Story) -> None:
    def cancel(client: PumpClient) -> None:
        story.answer(outcome=OK, volume_nl=client.bolus_cancel(story.bolus_id).delivered_nl)

    _ask(story, Role.CLINICIAN, cancel)


def _patient_bolus(_: kinds.PatientBolusStep, story: Story) -> None:
    def ask(client: PumpClient) -> None:
        client.patient_bolus(story.intent())
        story.answer(outcome=OK)

    _ask(story, Role.PATIENT, ask)


def _set_delivery(step: kinds.DeliveryStep, story: Story) -> None:
    def order(client: PumpClient) -> None:
        target, reason = DeliveryState[step.target], DeliveryReason[step.reason]
        client.set_delivery(target, step.minutes, reason, client.get_status().program_version)
        story.answer(outcome=OK)

    _ask(story, Role.CLINICIAN, order)


def _self_test(step: kinds.SelfTestStep, story: Story) -> None:
    def test(client: PumpClient) -> None:
        tests = SelfTest(sum(SelfTest[name] for name in step.tests))
        story.answer(outcome=OK, detail=int(client.self_test(tests).failed))

    _ask(story, Role.SERVICE, test)


def _acknowledge(step: kinds.AcknowledgeStep, story: Story) -> None:
    def acknowledge(client: PumpClient) -> None:
        for alarm in client.get_alarms().alarms:
            if alarm.code is AlarmCode[step.code]:
                client.alarm_ack(alarm.instance)
        story.answer(outcome=OK)

    _ask(story, Role.CLINICIAN, acknowledge)


_DEEDS: Final[Mapping[type, Callable[..., None]]] = {
    kinds.Advance: _advance,
    kinds.FaultStep: _fault,
    kinds.ClearStep: _clear,
    kinds.StorageStep: _storage,
    kinds.ResetStep: _reset,
    kinds.RefillStep: _refill,
    kinds.InjectStep: _inject,
    kinds.AspirateStep: _aspirate,
    kinds.OpenValveStep: _open_valve,
    kinds.InterrogateStep: _interrogate,
    kinds.ProgramStep: _program,
    kinds.BolusStep: _bolus,
    kinds.CancelBolusStep: _cancel,
    kinds.PatientBolusStep: _patient_bolus,
    kinds.DeliveryStep: _set_delivery,
    kinds.SelfTestStep: _self_test,
    kinds.AcknowledgeStep: _acknowledge,
}
"""What does each kind of step."""
