"""The whole pump: controller and plant, belief and truth, driven by whoever owns the time.

Time is two integers in ms. *Pump time* drives therapy, alarms and stamps; `advance_to` moves it, it may
run a year in a call. *Link time* is what the people at both ends of the link live in; transactions age in it.
It follows pump time until `set_link_time` is called, as a host must that runs pump time faster than life.
"""

from dataclasses import replace
from typing import Any, Final

from firmware_model.controller.clock import ClockSetting
from firmware_model.controller.controller import Controller, Wiring
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.storage import PowerCut, Storage
from firmware_model.identity import Identity, ImplantCard
from firmware_model.passing_time import check_power, next_event, run_event, settle
from firmware_model.plant.fluid import Conc
from firmware_model.plant.plant import Plant
from firmware_model.profiles import Profile, load_profile
from firmware_model.snapshot import SNAPSHOT_VERSION, PumpSnapshot, check_version, freeze_ram, thaw_ram
from firmware_model.streams import Stream
from firmware_model.telemetry import Context, answer
from firmware_model.telemetry.observation import observe
from firmware_model.views import Belief, Truth
from protocol.link_control import LinkClass
from protocol.log_record import SessionCloseEvent, SessionOpenEvent
from protocol.requests import Bond, Caller, Observation, Request
from protocol.vocabulary import CloseReason

_ENTROPY: Final = "device"
_DARK: Final = "the pump has no power; it must be reset"


class Pump:
    """One virtual pump; a `protocol.requests.Device`.

    Attributes:
        profile: the kind of pump.
        identity: serial number, keys and card secret.
        storage: its non-volatile memory, with the hooks for storage faults.
        plant: what it physically is.
        far_link: whether it has the far-link feature.
    """

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
        self._controller: Controller
        self.profile = profile
        self.identity = identity
        self.plant = plant
        self.storage = storage
        self._entropy = entropy
        self._zero_ms = zero_ms
        self.far_link = False
        self._now_ms = registers.settled_ms - zero_ms
        self._link_ms: int | None = None
        self._session_slots: dict[int, int] = {}
        self._wiring = Wiring(profile, plant, storage, registers, entropy)
        self._static_public = identity.static_public
        self._enrol_psk = identity.enrol_psk

    @classmethod
    def manufacture(
        cls, profile: Profile, identity: Identity, seed: int, setting: ClockSetting, history_ms: int = 0
    ) -> "Pump":
        """Return a new pump at pump time ``-history_ms``, with an empty reservoir and no program."""
        plant = Plant.new(profile, 0, seed)
        pump = cls(
            profile, identity, plant, Storage(), RetainedRegisters(0), Stream(seed, _ENTROPY), history_ms
        )
        pump._controller = Controller.manufacture(pump._wiring, setting)
        return pump

    # --- time ---------------------------------------------------------------------------------------------

    @property
    def now_ms(self) -> int:
        """Pump time; 0 is when the pump was handed over, negative before."""
        return self._now_ms

    def next_event_ms(self) -> int | None:
        """Return the pump time of the next event, None where nothing will happen by itself.

        Nothing in the pump changes before it but volumes, and those are computed when they are asked for.
        """
        at = self._next_event()
        return None if at is None else at - self._zero_ms

    def advance_to(self, t_ms: int) -> None:
        """Let pump time pass until ``t_ms``; any way to cut the time gives the same pump.

        Raises:
            ValueError: ``t_ms`` lies in the past.
            PowerCut: power failed at an event; `reset` brings the pump back.
        """
        if t_ms < self._now_ms:
            raise ValueError(f"pump time cannot go back from {self._now_ms} ms to {t_ms} ms")
        if self.storage.dark:
            raise PowerCut(_DARK)
        check_power(self._controller, self.plant, self.storage)
        while (at := self._next_event()) is not None and at - self._zero_ms <= t_ms:
            before_ms = self._now_ms + self._zero_ms
            self._now_ms = max(self._now_ms, at - self._zero_ms)
            run_event(self._controller, self.plant, self.storage, before_ms, self._now_ms + self._zero_ms)
        self._now_ms = t_ms

    def _next_event(self) -> int | None:
        return next_event(self._controller, self.plant, self._now_ms + self._zero_ms)

    @property
    def link_ms(self) -> int:
        """Link time."""
        return self._now_ms if self._link_ms is None else self._link_ms

    def set_link_time(self, link_ms: int) -> None:
        """Tell link time, in ms from any start; from the first call on it no longer follows pump time.

        A time before the last one is a link clock that began anew; what was open under the old one is over,
        and a lockout that stands counts from its beginning once more.

        Raises:
            PowerCut: power failed while something was stored that is over now.
        """
        if self._link_ms is None or link_ms < self._link_ms:
            self._controller.access.link_began_anew(link_ms)
        self._link_ms = link_ms
        if not self.storage.dark and self._controller.access.is_due(link_ms):
            self._tick()

    def _tick(self) -> int:
        """Settle, end what is over in link time, and return it."""
        self._settle()
        self._controller.access.tick(self.link_ms)
        return self.link_ms

    def _settle(self) -> None:
        settle(self._controller, self.plant, self._now_ms + self._zero_ms)

    # --- the device behind the endpoint -------------------------------------------------------------------

    @property
    def static_private(self) -> bytes:
        """The pump's X25519 private key, 32 octets."""
        return self.identity.static_private

    @property
    def static_public(self) -> bytes:
        """The pump's X25519 public key, 32 octets."""
        return self._static_public

    @property
    def enrol_psk(self) -> bytes:
        """Pre-shared key of an enrolment session, 32 octets."""
        return self._enrol_psk

    @property
    def card(self) -> ImplantCard:
        """The implant card of the pump."""
        return self.identity.card

    @property
    def boot_count(self) -> int:
        """Starts of the firmware."""
        return self._controller.clock.boot_count

    @property
    def uptime_s(self) -> int:
        """Seconds since the last start."""
        return self._controller.clock.uptime_at(self._now_ms + self._zero_ms)

    def bond(self, slot: int) -> Bond | None:
        """Return the bond in ``slot``, or None; `EMERGENCY_SLOT` has one unless the program forbids it."""
        return self._controller.access.bond(slot)

    def lockout_s(self, link_class: LinkClass) -> int:
        """Return for how many seconds of link time handshakes on a class of link are ignored, 0 none."""
        return self._controller.access.guard.lockout_s(link_class, self.link_ms)

    def admit_handshake(self, link_class: LinkClass) -> int:
        """Take one handshake out of the budget of a class of link, and its energy out of the battery.

        Returns:
            0 where it may go on, else the seconds of link time to wait.

        Raises:
            PowerCut: power failed while an alarm was stored.
        """
        wait_s = self._controller.access.guard.admit(link_class, self._tick())
        if not wait_s:
            self._controller.hardware.spend_handshake()
        return wait_s

    def proximity_psk(self, slot: int) -> bytes | None:
        """Return the token that a bond fetched on the near link, 32 octets, or None where none is good."""
        return self._controller.access.tokens.find(slot, self.link_ms)

    def session_elsewhere(self, session_id: int | None) -> bool:
        """Tell whether the pump is in a session other than ``session_id``, over another of its links."""
        return any(each != session_id for each in self._session_slots)

    def observe(self) -> Observation:
        """Return what a subscriber may be told of."""
        self._settle()
        return observe(self._controller)

    def handle(self, request: Request) -> Any:  # noqa: ANN401 - any response body
        """Execute a request; return the response body or a `Refusal`. Durable before it returns.

        Raises:
            PowerCut: power failed; nothing is answered, and `reset` brings the pump back.
        """
        if self.storage.dark:
            raise PowerCut(_DARK)
        link_ms = self._tick() if self._link_ms is None else self._link_ms
        self._settle()
        self._controller.access.bonds.seen(request.caller.slot, request.caller.near, link_ms)
        context = Context(self._controller, self.identity, link_ms, self.far_link)
        return answer(context, request.body, request.caller)

    def session_opened(self, caller: Caller) -> None:
        """Note that a session was confirmed: log it; a provisional bond may rise by it.

        Raises:
            PowerCut: power failed.
        """
        link_ms = self._tick()
        self._session_slots[caller.session_id] = caller.slot
        opened = SessionOpenEvent(caller.session_id, caller.slot, caller.role)
        self._controller.log.write(opened, actor=caller.slot)
        self._controller.access.session_opened(caller, link_ms)

    def session_closed(self, session_id: int, reason: CloseReason) -> None:
        """Note that a session ended: log it and wipe what it staged.

        Raises:
            PowerCut: power failed.
        """
        self._settle()
        slot = self._session_slots.pop(session_id, None)
        self._controller.programming.session_closed(session_id)
        self._controller.boluses.session_closed(session_id)
        if slot is not None:
            self._controller.access.bonds.session_closed(slot)
            self._controller.log.write(SessionCloseEvent(session_id, reason), actor=slot)

    def handshake_failed(self, slot: int, link_class: LinkClass, guess: bool) -> None:
        """Note a failed handshake that named ``slot``: count and log it; guesses in a row lock out.

        Raises:
            PowerCut: power failed.
        """
        self._controller.access.guard.failed(slot, link_class, guess, self._tick())

    # --- what happens to it -------------------------------------------------------------------------------

    def reset(self, *, cell_interrupted: bool = False) -> None:
        """Start the firmware again: uptime from 0, RAM lost, sessions gone, therapy as it was stored.

        Args:
            cell_interrupted: the cell was interrupted for a moment, so that civil time is lost as well.

        Raises:
            PowerCut: power failed again during the start; reset once more.
        """
        self._settle()
        self._controller.therapy.close_span()
        self._session_slots.clear()
        self.storage.power_up()
        self._wiring.registers.clock_stopped |= cell_interrupted
        self._controller = Controller.boot(self._wiring)

    def apply_fault(self, name: str, **values: int) -> None:
        """Let a physical fault happen now; see `Plant.faults`.

        Raises:
            FaultError: there is no such fault, this pump cannot have it, or a parameter is wrong.
        """
        self._settle()
        self.plant.apply_fault(name, **values)
        self._controller.life.disturbed()

    def clear_fault(self, name: str) -> None:
        """End a physical fault now.

        Raises:
            FaultError: there is no such fault, or it is over at once.
        """
        self._settle()
        self.plant.clear_fault(name)
        self._controller.life.disturbed()

    def refill(self, filled_nl: int, withdrawn_nl: int | None = None, conc: Conc | None = None) -> int:
        """Empty and fill the reservoir, and tell the controller; return the residual it had computed, nL.

        Args:
            filled_nl: filled in.
            withdrawn_nl: drawn out before; None draws out all there really is.
            conc: concentrations in the syringe, ng/mL; None as at the last refill.

        Raises:
            ValueError: more is withdrawn than there is, or more filled in than fits; nothing changes then.
            PowerCut: power failed.
        """
        self._settle()
        withdrawn_nl = self.plant.refill(filled_nl, withdrawn_nl, conc)
        return self._controller.therapy.record_refill(withdrawn_nl, filled_nl)

    # --- views --------------------------------------------------------------------------------------------

    @property
    def controller(self) -> Controller:
        """The running firmware, settled to now; replaced by every reset."""
        self._settle()
        return self._controller

    def belief(self) -> Belief:
        """Return what the controller believes now."""
        self._settle()
        therapy = self._controller.therapy
        registers = therapy.registers
        return Belief(
            therapy.decision.state,
            therapy.rate_nl_h,
            registers.content_units,
            registers.delivered_units,
            registers.filled_units,
            registers.wasted_units,
        )

    def truth(self) -> Truth:
        """Return what is really so now."""
        self._settle()
        reservoir = self.plant.state.reservoir
        return Truth(
            reservoir.content_units,
            reservoir.delivered_units,
            reservoir.filled_units,
            reservoir.wasted_units,
            self.plant.battery_mv(),
            self.plant.temperature_cdeg(),
        )

    # --- snapshot -----------------------------------------------------------------------------------------

    def snapshot(self) -> PumpSnapshot:
        """Return the whole pump as one value; `restore` goes on from it as this pump would."""
        self._settle()
        return PumpSnapshot(
            version=SNAPSHOT_VERSION,
            profile=self.profile.name,
            identity=self.identity,
            zero_ms=self._zero_ms,
            now_ms=self._now_ms,
            link_ms=self._link_ms,
            far_link=self.far_link,
            entropy_seed=self._entropy.seed,
            entropy_position=self._entropy.position,
            registers=replace(self._wiring.registers),
            ram=freeze_ram(self._controller.ram(), self._session_slots),
            cells=self.storage.image(),
            disturbed=self.storage.disturbed,
            plant=self.plant.state.copy(),
        )

    @classmethod
    def restore(cls, snapshot: PumpSnapshot) -> "Pump":
        """Return a pump that goes on where ``snapshot`` was taken.

        Raises:
            SnapshotError: the snapshot has another version.
            ProfileError: its profile is not known here.
        """
        check_version(snapshot)
        profile = load_profile(snapshot.profile)
        entropy = Stream(snapshot.entropy_seed, _ENTROPY, snapshot.entropy_position)
        pump = cls(
            profile,
            snapshot.identity,
            Plant(profile, snapshot.plant.copy()),
            Storage(snapshot.cells, disturbed=snapshot.disturbed),
            replace(snapshot.registers),
            entropy,
            snapshot.zero_ms,
        )
        pump._now_ms, pump._link_ms = snapshot.now_ms, snapshot.link_ms
        pump.far_link = snapshot.far_link
        pump._session_slots = dict(snapshot.ram.session_slots)
        pump._controller = Controller.resume(pump._wiring, thaw_ram(snapshot.ram))
        return pump


__all__ = ["Belief", "PowerCut", "Pump", "Truth"]
