"""A pump on the test stand: the real firmware on the real plant, filled with saline, in simulated time."""

from typing import Any, Final

import msgspec

from firmware_model.factory import build_pump
from firmware_model.plant.motor import PPM
from firmware_model.profiles import Profile
from firmware_model.pump import Pump
from firmware_model.setups import Setup
from protocol.messages.delivery import BolusArmRequest, BolusStartRequest
from protocol.messages.registry import by_request
from protocol.quantities import dose_ng_per_day, nl_to_units
from protocol.request_words import BolusKind
from protocol.requests import Caller, Refusal, Request
from protocol.vocabulary import DeliveryState, OverrideReason, Role
from workbench.accuracy.plan import HOURS_PER_DAY, BolusSize

_UTC_S: Final = 1_760_000_000
_CONC_NG_ML: Final = 1_000
_CLINICIAN: Final = Caller(session_id=1, slot=0, role=Role.CLINICIAN, near=True)
_REFILL_SHARE: Final = 4
_NAME: Final = "test stand"


class StandError(Exception):
    """The pump on the stand did not do what it was told; the text says what."""


class Stand:
    """One pump that delivers at a constant rate, refilled before it would run low.

    Args:
        profile: kind of pump.
        rate_nl_h: programmed rate.
        seed: identity of the pump and all chance in it.
        gain_ppm: volume that the motor moves per volume commanded; 1 000 000 is exact.

    Attributes:
        refills: how often it was refilled.
    """

    def __init__(self, profile: Profile, rate_nl_h: int, seed: int, gain_ppm: int = PPM) -> None:
        self.profile = profile
        self.rate_nl_h = rate_nl_h
        self.refills = 0
        self._boluses = 0
        self._refill_below_units = nl_to_units(profile.reservoir_capacity_nl) // _REFILL_SHARE
        self.pump: Pump = build_pump(profile.name, seed, _UTC_S, _setup(profile, rate_nl_h), _NAME)
        if gain_ppm != PPM:
            self.pump.apply_fault("motor_gain", gain_ppm=gain_ppm)

    @property
    def now_ms(self) -> int:
        """Pump time."""
        return self.pump.now_ms

    def advance_to(self, now_ms: int) -> int:
        """Let time pass; return what has truly left the reservoir since manufacture, nL*ms/h.

        The pump is refilled where truth or belief falls to a quarter, so a step must not use up a quarter.

        Raises:
            StandError: the pump is not delivering its program.
        """
        self.pump.advance_to(now_ms)
        belief, truth = self.pump.belief(), self.pump.truth()
        if belief.delivery_state not in (DeliveryState.RUNNING, DeliveryState.BOLUS):
            raise StandError(
                f"after {now_ms} ms the {self.profile.name} pump is {belief.delivery_state.name}, not RUNNING"
            )
        if min(belief.content_units, truth.content_units) < self._refill_below_units:
            self.pump.refill(self.profile.reservoir_capacity_nl)
            self.refills += 1
        return truth.delivered_units

    def give_bolus(self, size: BolusSize) -> None:
        """Begin a bolus now, the way a clinician does: arm, read back, start.

        Raises:
            StandError: the pump refuses it.
        """
        self._boluses += 1
        dose_ng = dose_ng_per_day(size.volume_nl, _CONC_NG_ML)
        intent = self._boluses.to_bytes(16, "big")
        armed = self._ask(
            BolusArmRequest(BolusKind.CLINICIAN, size.volume_nl, size.duration_s, dose_ng, intent)
        )
        reason = OverrideReason.CLINICAL_JUDGEMENT if armed.soft_flags else OverrideReason.NONE
        self._ask(BolusStartRequest(armed.bolus_id, armed.token, armed.soft_flags, reason))

    def _ask(self, body: object) -> Any:  # noqa: ANN401 - any response body
        answer = self.pump.handle(Request(by_request(body), body, _CLINICIAN))
        if isinstance(answer, Refusal):
            raise StandError(
                f"the {self.profile.name} pump refuses {type(body).__name__}: {answer.code.name}, "
                f"detail {answer.detail}"
            )
        return answer


def _setup(profile: Profile, rate_nl_h: int) -> Setup:
    """Return a full pump that begins at the hand-over, with no limits but its own."""
    limits = {
        f"{kind}_{name}": value
        for kind in ("hard", "soft")
        for name, value in (
            ("rate_nl_h", profile.rate_max_nl_h),
            ("hour_nl", profile.rate_max_nl_h),
            ("day_nl", profile.rate_max_nl_h * HOURS_PER_DAY),
            ("bolus_nl", profile.bolus_max_nl),
        )
    }
    therapy = {
        "patient_ref": _NAME.upper(),
        "implanted_days_ago": 0,
        "therapy_days": 0,
        "utc_offset_min": 0,
        "reservoir_left_nl": profile.reservoir_capacity_nl,
        "low_reservoir_nl": profile.low_reservoir_nl,
        "catheter_cm": profile.catheter_cm,
        "drug_shelf_days": profile.service_life_days,
        "steps": [{"start_min": 0, "rate_nl_h": rate_nl_h}],
        "drug": {"code": "SALINE", "name": "Saline", "conc_ng_ml": _CONC_NG_ML, "display": "MG"},
        "limits": limits,
    }
    return msgspec.convert({"title": _NAME, "story": _NAME, "therapy": therapy}, Setup)
