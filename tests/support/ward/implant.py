"""The demo patient's pump with three programmers bonded to it: two clinicians and the patient."""

from dataclasses import dataclass, replace
from functools import cache

from support.pump_bench import MONDAY_UTC_S, active_program, ask, caller, commit, pump_at_work
from support.sessions import secret

from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot
from protocol.client import BondKey
from protocol.messages.bonds import BondConfirmRequest, BondEnrolRequest
from protocol.noise import public_key
from protocol.program import PatientBolus
from protocol.requests import ENROL_SLOT, Refusal
from protocol.vocabulary import BondState, CloseReason, Role, Switch

ROLES = (Role.CLINICIAN, Role.PATIENT, Role.CLINICIAN)
SERIAL_SEED = 7
PATIENT_BOLUS = PatientBolus(
    enable=Switch.ON,
    volume_nl=4_000,
    duration_s=600,
    lockout_min=60,
    max_per_24h=4,
    max_24h_nl=16_000,
)
OWN_INTENT = b"\xfe" * 16


@dataclass(frozen=True)
class Implant:
    """A pump as a snapshot, and the keys of its programmers; slot 0, 1, 2 are `ROLES`."""

    snapshot: PumpSnapshot
    keys: tuple[BondKey, ...]

    def wake(self) -> Pump:
        """Return a pump of one's own, always the same."""
        return Pump.restore(self.snapshot)


@cache
def implant() -> Implant:
    """Return the pump, bonded and programmed with a patient bolus."""
    pump = pump_at_work(SERIAL_SEED, MONDAY_UTC_S + 36_000)
    keys = tuple(_bond(pump, slot, role) for slot, role in enumerate(ROLES))
    second = pump.bond(2)
    if second is not None and second.state is BondState.PROVISIONAL:
        confirmed = ask(pump, BondConfirmRequest(2), caller(90, 0))
        assert not isinstance(confirmed, Refusal), confirmed
    program = replace(active_program(pump), patient_bolus=PATIENT_BOLUS)
    commit(pump, program, OWN_INTENT)
    pump.advance_to(60_000)
    return Implant(pump.snapshot(), keys)


def _bond(pump: Pump, slot: int, role: Role) -> BondKey:
    private = secret(f"ward {slot}")
    request = BondEnrolRequest(public_key(private), role, f"ward {slot}")
    enrolled = ask(pump, request, caller(80 + slot, ENROL_SLOT, Role.ENROL))
    assert not isinstance(enrolled, Refusal), enrolled
    pump.session_opened(caller(90 + slot, slot, role))
    pump.session_closed(90 + slot, CloseReason.DONE)
    return BondKey(pump.static_public, slot, private)
