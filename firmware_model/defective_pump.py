"""A pump with software defects put in on purpose; see `firmware_model.defects`.

The sound firmware runs unchanged. Each defect acts where it meets the rest of the world: between request and
answer, between controller and motor, or at the end of a bolus.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from firmware_model.controller.bolus import RunningBolus
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.storage import Storage
from firmware_model.defects import NO_DEFECTS, Defect
from firmware_model.identity import Identity
from firmware_model.plant.plant import Plant
from firmware_model.profiles import Profile
from firmware_model.pump import Pump
from firmware_model.snapshot import PumpSnapshot, SnapshotError
from firmware_model.streams import Stream
from protocol.log_record import FaultEvent
from protocol.messages.delivery import (
    BolusArmRequest,
    BolusArmResponse,
    BolusCancelResponse,
    BolusStartRequest,
    BolusStartResponse,
)
from protocol.messages.program import (
    ProgAbortResponse,
    ProgBeginResponse,
    ProgCommitRequest,
    ReceiptResponse,
)
from protocol.messages.status import GetStatusResponse
from protocol.program import encode_program
from protocol.quantities import nl_to_units
from protocol.request_words import BolusKind, DeliveryReason
from protocol.requests import Caller, Request
from protocol.vocabulary import DeliveryState

LATE_DAYS: Final = 180
OLD_TUBING_NL: Final = 199_000
_MOST_DAYS: Final = 0xFFFE


class MisdrivenPlant(Plant):
    """A plant whose motor is driven wrong.

    Attributes:
        locked: commands do not reach the motor.
        owed_units: volume that is moved once more, with the next commands.
        tone_sounds: tells whether an alarm sounds.
        locks: whether a pulse that wakes the radio then locks the motor.
    """

    def __init__(self, profile: Profile, sound: Plant) -> None:
        super().__init__(profile, sound.state)
        self.locks = False
        self.locked = False
        self.owed_units = 0
        self.tone_sounds: Callable[[], bool] = lambda: False

    def run_motor(self, units: int) -> None:
        """Turn the motor as `Plant.run_motor` does, or not at all, or too far."""
        if self.locked:
            return
        again = min(units, self.owed_units)
        self.owed_units -= again
        super().run_motor(units + again)

    def apply_fault(self, name: str, **values: int) -> None:
        """Let a fault happen as `Plant.apply_fault` does."""
        super().apply_fault(name, **values)
        if name == "emi_pulses" and self.locks and self.tone_sounds():
            self.locked = True


class DefectivePump(Pump):
    """A pump with defects.

    Attributes:
        defects: those that are on.
    """

    plant: MisdrivenPlant

    def __init__(
        self,
        profile: Profile,
        identity: Identity,
        plant: Plant,
        storage: Storage,
        registers: RetainedRegisters,
        entropy: Stream,
        zero_ms: int,
    ) -> None:
        misdriven = MisdrivenPlant(profile, plant)
        super().__init__(profile, identity, misdriven, storage, registers, entropy, zero_ms)
        misdriven.tone_sounds = lambda: self.controller.alarms.sounding is not None
        self.defects = NO_DEFECTS
        self._kinds: dict[int, BolusKind] = {}
        self._cut_off_nl = 0
        self._primed = False
        self._stale_image: bytes | None = None

    @classmethod
    def spoil(cls, pump: Pump, defects: Defect) -> "DefectivePump":
        """Return ``pump`` with defects, announced in its log; the pump that was handed in is done with.

        Raises:
            PowerCut: power failed.
        """
        spoiled = cls.restore(pump.snapshot())
        assert isinstance(spoiled, cls)  # noqa: S101 - restore makes what it is called on
        spoiled.defects = defects
        spoiled.plant.locks = Defect.TELEMETRY_LOCK in defects
        spoiled._announce()
        if Defect.OLD_TUBING_VOLUME in defects:
            spoiled._install_old_tubing()
        return spoiled

    def snapshot(self) -> PumpSnapshot:
        """Refuse: a snapshot has no place for defects, and without them it would be another pump.

        Raises:
            SnapshotError: always once a defect is on.
        """
        if getattr(self, "defects", NO_DEFECTS):
            raise SnapshotError("a pump with defects put in on purpose cannot be saved: make it anew")
        return super().snapshot()

    def _announce(self) -> None:
        self.controller.log.write(FaultEvent(int(self.defects)))

    def _install_old_tubing(self) -> None:
        active = self.controller.therapy.active
        if active is not None:
            program = active.program
            implant = replace(program.implant, tubing_nl=OLD_TUBING_NL)
            self.controller.install(encode_program(replace(program, implant=implant)))

    # --- what happens to it -------------------------------------------------------------------------------

    def reset(self, *, cell_interrupted: bool = False) -> None:
        """Start the firmware again as `Pump.reset` does, and announce the defects again."""
        super().reset(cell_interrupted=cell_interrupted)
        self._announce()

    def session_opened(self, caller: Caller) -> None:
        """Note a session as `Pump.session_opened` does; it ends a telemetry lock."""
        super().session_opened(caller)
        self.plant.locked = False

    def advance_to(self, t_ms: int) -> None:
        """Let time pass as `Pump.advance_to` does, and spoil the end of a bolus."""
        bolus = self._running_bolus() if Defect.STALE_PROGRAM in self.defects else None
        if bolus is not None:
            controller = self.controller
            ends_ms = self.now_ms + bolus.ends_ms - controller.clock.now_ms
            if ends_ms <= t_ms:
                super().advance_to(ends_ms)
                self._go_stale()
        super().advance_to(t_ms)

    def _running_bolus(self) -> RunningBolus | None:
        return None if self.storage.dark else self.controller.therapy.boluses.running

    def _go_stale(self) -> None:
        if self._stale_image is not None and self._running_bolus() is None:
            self.controller.install(self._stale_image)

    # --- requests -----------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Any:  # noqa: ANN401 - any response body
        """Execute a request as `Pump.handle` does, and spoil what belongs to a defect."""
        active = self.controller.therapy.active
        response = super().handle(request)
        if Defect.STALE_PROGRAM in self.defects and isinstance(request.body, ProgCommitRequest):
            is_committed = isinstance(response, ReceiptResponse)
            self._stale_image = active.image if is_committed and active is not None else self._stale_image
        if Defect.BOLUS_COUNTER_REUSED in self.defects:
            self._reuse_counter(request, response)
        if Defect.UPDATE_STOPS_PUMP in self.defects:
            self._stop_for_update(request, response)
        if Defect.LATE_REPLACE_DATE in self.defects and isinstance(response, GetStatusResponse):
            days = response.eri_days
            late = min(_MOST_DAYS, days + LATE_DAYS) if 0 < days <= _MOST_DAYS else days
            return replace(response, eri_days=late)
        return response

    def _stop_for_update(self, request: Request, response: object) -> None:
        therapy, actor = self.controller.therapy, request.caller.slot
        ends = isinstance(response, ProgAbortResponse) or (
            isinstance(request.body, ProgCommitRequest) and isinstance(response, ReceiptResponse)
        )
        if isinstance(response, ProgBeginResponse):
            longest = self.profile.stop_max_min
            therapy.order_hold(DeliveryState.STOPPED, longest, actor, DeliveryReason.DEVICE_CHECK)
        elif ends:
            therapy.release_hold(actor, DeliveryReason.DEVICE_CHECK)

    def _reuse_counter(self, request: Request, response: object) -> None:
        match request.body, response:
            case BolusArmRequest(kind=kind), BolusArmResponse(bolus_id=bolus_id):
                self._kinds[bolus_id] = kind
            case _, BolusCancelResponse(bolus_id=bolus_id, delivered_nl=delivered_nl):
                if self._kinds.get(bolus_id) is not BolusKind.PRIME:
                    self._cut_off_nl, self._primed = delivered_nl, False
            case _:
                self._begin_bolus(request, response)

    def _begin_bolus(self, request: Request, response: object) -> None:
        if not isinstance(request.body, BolusStartRequest) or not isinstance(response, BolusStartResponse):
            return
        if self._kinds.get(response.bolus_id) is BolusKind.PRIME:
            self._primed = True
        elif self._primed:
            self.plant.owed_units += nl_to_units(self._cut_off_nl)
            self._cut_off_nl, self._primed = 0, False
