"""The controller: what the firmware believes, decides and remembers, put together and started.

It is made in three ways: by the factory, by a reset, which knows only what storage and the retained
registers hold, and from a snapshot, which brings the RAM as well.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from firmware_model.controller.access import Access, AccessRam
from firmware_model.controller.bolus_orders import ArmedBolus, BolusOrders
from firmware_model.controller.civil_time import ClockStep, recover_clock, set_clock
from firmware_model.controller.clock import ClockSetting, PumpClock
from firmware_model.controller.commit import Approved
from firmware_model.controller.delivery_orders import DeliveryOrders
from firmware_model.controller.event_log import LogHead, find_head, find_newest
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.image_check import examine
from firmware_model.controller.parts import Parts
from firmware_model.controller.program_store import NO_PROGRAM, ProgramTable
from firmware_model.controller.programming import Programming, Transaction
from firmware_model.controller.records import Loaded, LoadReport, RecordName, RecordStore
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.self_test import Verdict, run_self_tests
from firmware_model.controller.storage import Storage
from firmware_model.controller.therapy import Therapy
from firmware_model.controller.tones import Tones
from firmware_model.controller.watchdog import Task
from firmware_model.profiles import Profile
from protocol.log_record import BootEvent, read_payload
from protocol.messages.codec import codec_of
from protocol.messages.fields import u32
from protocol.request_words import ClockSource, SelfTest
from protocol.requests import Refusal
from protocol.vocabulary import AlarmCode, DeliveryState, EmergencyPolicy, EventType, OpState, Switch

_FACTORY_SLOT: Final = 0xFF


@dataclass(frozen=True, slots=True)
class _BootCount:
    boot_count: Annotated[int, u32("", "starts of the firmware")]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a controller is built into; it outlives every reset.

    Attributes:
        profile: the kind of pump.
        hardware: the rest of the pump.
        storage: non-volatile memory.
        registers: retained registers.
        entropy: gives handles and tokens.
    """

    profile: Profile
    hardware: Hardware
    storage: Storage
    registers: RetainedRegisters
    entropy: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class ControllerRam:
    """What a reset loses, as plain data.

    ``records`` are the stored records as the firmware works with them.
    """

    boot_ms: int
    boot_count: int
    records: dict[RecordName, Loaded]
    log: LogHead
    active_image: bytes
    transaction: Transaction | None
    armed: ArmedBolus | None = None
    access: AccessRam = field(default_factory=AccessRam)


class Controller:
    """The running firmware.

    Attributes:
        profile: the kind of pump.
        clock: its clocks.
        log: its event log.
        alarms: its alarms.
        receipts: what became of therapy intents.
        programs: its program banks.
        therapy: what it delivers.
        life: age and cell of the pump.
        watchdog: watches the tasks of the firmware.
        tones: what is heard of the alarms.
        programming: the programming transaction.
        boluses: boluses on request.
        delivery_orders: stopping, slowing and resuming on request.
        access: its bonds, handshakes and tokens.
    """

    def __init__(self, wiring: Wiring, parts: Parts, ram: ControllerRam) -> None:
        self._parts = parts
        self.profile = wiring.profile
        self.hardware = wiring.hardware
        self.clock = parts.clock
        self.log = parts.log
        self.alarms = parts.alarms
        self.receipts = parts.receipts
        self.programs = parts.programs
        self.therapy = Therapy(wiring.profile, wiring.hardware, parts, wiring.registers, ram.active_image)
        self.life = self.therapy.supervision.life
        self.watchdog = self.therapy.supervision.watchdog
        self.tones = Tones(wiring.hardware, parts.alarms, wiring.registers)
        self.programming = Programming(parts, self.therapy, wiring.entropy, ram.transaction)
        self.boluses = BolusOrders(parts, self.therapy, wiring.entropy, ram.armed)
        self.delivery_orders = DeliveryOrders(wiring.profile, parts, self.therapy)
        self.access = Access(parts, wiring.entropy, lambda: self.emergency_policy, deepcopy(ram.access))

    # --- three ways to begin ------------------------------------------------------------------------------

    @classmethod
    def manufacture(cls, wiring: Wiring, setting: ClockSetting) -> "Controller":
        """Format the storage of a new pump, set its clock and start it."""
        records = RecordStore.format(wiring.storage)
        records.put(RecordName.CLOCK, setting.stored())
        ram = ControllerRam(0, 1, records.in_ram(), find_head(wiring.storage, b""), b"", None)
        controller = cls._build(wiring, ram, records)
        controller._count_start()
        controller.therapy.review()
        return controller

    @classmethod
    def boot(cls, wiring: Wiring) -> "Controller":
        """Start the firmware on what storage and registers hold.

        Raises:
            PowerCut: power failed again; the next start does what is left to do.
        """
        records, report = RecordStore.load(wiring.storage)
        head = find_head(wiring.storage, records.get(RecordName.LOG))
        boot_count = _last_boot_count(wiring.storage, records, head) + 1
        now_ms = wiring.registers.settled_ms
        ram = ControllerRam(now_ms, boot_count, records.in_ram(), head, b"", None)
        controller = cls._build(wiring, ram, records)
        controller._recover(report)
        return controller

    @classmethod
    def resume(cls, wiring: Wiring, ram: ControllerRam) -> "Controller":
        """Go on where a snapshot was taken."""
        controller = cls._build(wiring, ram, RecordStore(wiring.storage, ram.records))
        controller.therapy.resume()
        return controller

    @classmethod
    def _build(cls, wiring: Wiring, ram: ControllerRam, records: RecordStore) -> "Controller":
        setting = ClockSetting.from_stored(records.get(RecordName.CLOCK))
        if wiring.registers.clock_stopped and setting.time_base:
            setting = replace(setting, lost=Switch.ON)
        clock = PumpClock(wiring.registers.settled_ms, ram.boot_ms, ram.boot_count, setting)
        return cls(wiring, Parts.assemble(wiring.storage, records, clock, ram.log), ram)

    def ram(self) -> ControllerRam:
        """Return what a reset would lose."""
        active, transaction = self.therapy.active, self.programming.open
        return ControllerRam(
            boot_ms=self.clock.boot_ms,
            boot_count=self.clock.boot_count,
            records=self._parts.records.in_ram(),
            log=self.log.head(),
            active_image=b"" if active is None else active.image,
            transaction=None if transaction is None else replace(transaction),
            armed=self.boluses.armed,
            access=deepcopy(self.access.ram()),
        )

    # --- start --------------------------------------------------------------------------------------------

    def _count_start(self) -> None:
        boot_count = self.clock.boot_count
        self._parts.records.put(RecordName.BOOT, codec_of(_BootCount).encode(_BootCount(boot_count)))
        self.log.write(BootEvent(boot_count))

    def _recover(self, report: LoadReport) -> None:
        self._count_start()
        self._mend(report)
        self._tell_untold()
        self._parts.journal.recover()
        self._parts.journal.close_orphans()
        self.therapy.program.load()
        self.therapy.recover(boluses_lost=RecordName.BOLUS in report.lost)
        self._take_note_of_cell()
        self.watchdog.restarted()
        if report.lost:
            self.alarms.raise_alarm(AlarmCode.MEMORY_FAULT, len(report.lost))
        self.alarms.raise_alarm(AlarmCode.PUMP_RESET, self.clock.boot_count)
        self.therapy.supervision.scrubber.power_on_test()
        self.therapy.run_due()

    def _take_note_of_cell(self) -> None:
        """Remember durably what the cell did to the pump before it started."""
        registers, setting = self.therapy.registers, self.clock.setting
        if registers.clock_stopped:
            self._parts.records.put(RecordName.CLOCK, setting.stored())
            registers.clock_stopped = False
        brown_outs, version = self.hardware.brown_outs(), self.programs.table.newest_version
        if brown_outs > registers.brown_outs:
            mv = self.hardware.battery_pulse_mv()
            self.life.put(replace(self.life.record, low_battery_version=version, low_battery_mv=mv))
            registers.brown_outs = brown_outs

    def _tell_untold(self) -> None:
        self.alarms.recover()
        recover_clock(self._parts)
        self.access.recover()

    def _mend(self, report: LoadReport) -> None:
        for name, cell in report.damaged:
            self.therapy.program.tell_corrupt(cell)
            self._parts.records.repair(name)
        for name in report.stale:
            self._parts.records.repair(name)
        if RecordName.PROGRAMS in report.lost:
            self._assume_a_program()
        for name in report.lost:
            self.therapy.program.tell_corrupt(name.value)
            self._parts.records.repair(name)

    def _assume_a_program(self) -> None:
        """Without its table the pump does not know its program, but it must not take itself for new."""
        version = max((receipt.version for receipt in self.receipts.all()), default=0)
        entry = replace(NO_PROGRAM, version=max(1, version))
        self.programs.set_table(ProgramTable(active=entry))

    # --- time ---------------------------------------------------------------------------------------------

    def next_event_ms(self, now_ms: int) -> int | None:
        """Return the counter of the next event as seen from ``now_ms``, None where nothing is to come."""
        planned_ms = self.therapy.next_event_ms
        look_ms = self.therapy.supervision.look_at(now_ms, driven=self.therapy.is_driven)
        if planned_ms is None or look_ms is None:
            return look_ms if planned_ms is None else planned_ms
        return min(planned_ms, look_ms)

    def settle(self, now_ms: int) -> None:
        """Compute what was delivered and heard up to ``now_ms``; no event may lie between."""
        since_ms, active = self.therapy.registers.settled_ms, self.therapy.active
        self.tones.tune(None if active is None else active.program.alarms)
        self.therapy.settle(now_ms)
        self.tones.settle(since_ms, now_ms)

    # --- what the whole believes --------------------------------------------------------------------------

    @property
    def op_state(self) -> OpState:
        """Where the pump is in its life."""
        if not self.therapy.has_program:
            return OpState.SHELF
        if self.life.is_over:
            return OpState.EOS
        in_fault = self.therapy.decision.state is DeliveryState.SAFE_STATE
        if in_fault:
            return OpState.FAULT
        return OpState.ERI if self.life.has_eri else OpState.IMPLANTED

    @property
    def emergency_policy(self) -> EmergencyPolicy:
        """What the published emergency key may do: as the active program says, else read and suspend."""
        active = self.therapy.active
        return EmergencyPolicy.READ_SUSPEND if active is None else active.program.emergency.policy

    @property
    def implanted_utc_s(self) -> int:
        """UTC of the implantation as the active program tells it, 0 unknown."""
        active = self.therapy.active
        return 0 if active is None else active.program.implant.implanted_utc

    def set_clock(
        self, utc_s: int, utc_offset_min: int, source: ClockSource, actor: int
    ) -> ClockStep | Refusal:
        """Set civil time, durably, and let schedule and pending program follow at once.

        Raises:
            PowerCut: power failed; the old or the new setting stands after the reset.
        """
        step = set_clock(self._parts, utc_s, utc_offset_min, source, actor)
        if not isinstance(step, Refusal):
            self.therapy.run_due()
        return step

    def hang(self, tasks: Task, *, stays: bool = False) -> None:
        """Let tasks of the firmware hang from now on: a fault for the watchdog to find.

        Args:
            tasks: which ones; none mends all.
            stays: whether they hang on after a reset.

        Raises:
            PowerCut: power failed while something was stored.
        """
        self.watchdog.hang(tasks, stays=stays)
        self.therapy.review()

    def self_test(self, tests: SelfTest, actor: int) -> Verdict:
        """Run self-tests; delivery does not notice.

        Raises:
            PowerCut: power failed while the result was stored.
        """
        return run_self_tests(tests, self._parts, self.profile, self.hardware, actor)

    def install(self, image: bytes) -> Refusal | None:
        """Commit a program as the factory does: checked like any other, without a transaction.

        Returns:
            None, or why the pump refuses it.
        """
        summary = examine(image, self.therapy.situation())
        if isinstance(summary, Refusal):
            return summary
        approved = Approved(
            image=image,
            day_volume_nl=summary.day_volume_nl,
            dose_ng_per_day=summary.primary_dose_ng_per_day,
            actor_slot=_FACTORY_SLOT,
            intent_id=bytes(16),
            overridden=summary.soft_flags,
        )
        self.therapy.store_program(approved)
        return None


def _last_boot_count(storage: Storage, records: RecordStore, head: LogHead) -> int:
    """Return the stored count of starts; where it is lost, what the log tells of the last one."""
    payload = records.get(RecordName.BOOT)
    if payload:
        stored: _BootCount = codec_of(_BootCount).decode(payload)
        return stored.boot_count
    record = find_newest(storage, head.last_seq, EventType.BOOT)
    told = None if record is None else read_payload(record)
    return told.boot_count if isinstance(told, BootEvent) else 0
