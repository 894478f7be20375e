"""Supervision: what raises and clears the alarms, and what the pump measures of itself to know.

Some conditions follow from what the firmware believes and are looked at with every event. Others are
measured, at full multiples of their period on the counter: the temperature and the cell each hour, the motor
each ``stall_detect_min`` while it is driven and each ``stall_recover_min`` once it stalls. What is measured
stays as it is until something happens to the pump, so a measurement that would tell nothing new is not made
one by one: `look_at` gives the next one that would. That bounds how late a condition is found by its period.
"""

from dataclasses import replace
from typing import Final

from firmware_model.controller.active_program import ProgramInForce
from firmware_model.controller.battery import next_sample
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.holds import Holds
from firmware_model.controller.life import Life
from firmware_model.controller.parts import Parts
from firmware_model.controller.refill import RefillBook
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.controller.scrub import Scrubber
from firmware_model.controller.watchdog import Task, Watchdog
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_MINUTE, NL_PER_ML, nl_to_units, units_to_nl
from protocol.requests import EMERGENCY_SLOT
from protocol.vocabulary import AlarmCode, DeliveryState, Priority

COLDEST_CDEG: Final = 3_500
WARMEST_CDEG: Final = 4_000
LOOP_MS: Final = 10 * MS_PER_MINUTE
LOOP_BEGINNINGS: Final = 3
RESIDUAL_NL: Final = NL_PER_ML
_RUNS: Final = (DeliveryState.RUNNING, DeliveryState.BOLUS, DeliveryState.PRIMING)
_BROKEN_OFF: Final = (DeliveryState.STOPPED, DeliveryState.SAFE_STATE)
_MS_PER_S: Final = 1_000
_PERMILLE: Final = 1_000


class Supervision:
    """Looks at the pump and lets the alarms follow.

    Args:
        profile: periods and tolerances.
        hardware: what is measured.
        parts: clock and alarms.
        registers: computed content, and what was judged.
        program: the program in force.
        holds: what is ordered.
        refills: the last refill.
        life: age and cell.
    """

    def __init__(
        self,
        profile: Profile,
        hardware: Hardware,
        parts: Parts,
        registers: RetainedRegisters,
        program: ProgramInForce,
        holds: Holds,
        refills: RefillBook,
        life: Life,
    ) -> None:
        self._profile = profile
        self._hardware = hardware
        self._clock = parts.clock
        self._alarms = parts.alarms
        self._programs = parts.programs
        self._registers = registers
        self._program = program
        self._holds = holds
        self._refills = refills
        self._detect_ms = profile.stall_detect_min * MS_PER_MINUTE
        self._recover_ms = max(1, profile.stall_recover_min) * MS_PER_MINUTE
        self.life = life
        self.watchdog = Watchdog(parts.clock, registers, life)
        self.scrubber = Scrubber(profile, hardware, parts, program)

    # --- what is believed ---------------------------------------------------------------------------------

    @property
    def is_stalled(self) -> bool:
        """Whether a stall was found and its end was not."""
        return self.life.record.stalled_ms > 0

    @property
    def is_held_low(self) -> bool:
        """Whether the minimum rate is all the pump trusts itself with."""
        record, given_up = self.life.record, self.watchdog.given_up
        is_low = self.life.latched(record.low_battery_version) or self.life.latched(record.loop_version)
        return is_low or bool(given_up & (Task.MEASURING | Task.ALARMS))

    @property
    def power_on_test_ms(self) -> int:
        """For how long no bolus may begin because of the tests of the start, 0 or less where it may."""
        has_restarted = self._clock.boot_count > 1
        return self._profile.power_on_test_s * _MS_PER_S - self._clock.uptime_ms if has_restarted else 0

    @property
    def low_reservoir_nl(self) -> int:
        """Content at which RESERVOIR_LOW is raised, nL."""
        active = self._program.active
        return self._profile.low_reservoir_nl if active is None else active.program.alarms.low_reservoir_nl

    @property
    def refill_due_utc_s(self) -> int:
        """Date of the first drug that will be too old, Unix seconds; 0 where the program gives none."""
        active = self._program.active
        dates = () if active is None else (drug.expiry_utc_s for drug in active.program.drugs)
        return min((date for date in dates if date), default=0)

    # --- events -------------------------------------------------------------------------------------------

    @property
    def next_event_ms(self) -> int | None:
        """Counter of the next thing that is due by what is believed, None where nothing is."""
        long_ms = None if self._alarms.stands(AlarmCode.LONG_STOP) else self._holds.long_stop_ms
        instants = (self._alarms.next_event_ms, long_ms, self._refill_due_at())
        return min((at for at in instants if at is not None), default=None)

    def _refill_due_at(self) -> int | None:
        due_utc_s = self.refill_due_utc_s
        if not due_utc_s or not self._clock.is_set:
            return None
        at_ms = self._clock.counter_at(due_utc_s)
        return at_ms if at_ms > self._clock.now_ms else None

    def look_at(self, now_ms: int, *, driven: bool) -> int | None:
        """Return the counter of the next measurement that may tell something new, None where none will.

        Args:
            now_ms: the counter.
            driven: whether the motor is driven.
        """
        due_ms = self.watchdog.next_event_ms
        if not self._program.is_committed:
            return due_ms
        # Asked for at every step of a host: no list where plain comparisons will do.
        life_ms = self.life.next_event_ms
        if life_ms is not None and (due_ms is None or life_ms < due_ms):
            due_ms = life_ms
        is_changed = self._is_out_of_range() != self._alarms.stands(AlarmCode.TEMP_RANGE)
        if is_changed or self.scrubber.is_due:
            sample_ms = next_sample(now_ms)
            due_ms = sample_ms if due_ms is None else min(due_ms, sample_ms)
        period_ms = self._motor_period(driven=driven)
        if period_ms:
            look_ms = now_ms - now_ms % period_ms + period_ms
            due_ms = look_ms if due_ms is None else min(due_ms, look_ms)
        return due_ms

    def _is_out_of_range(self) -> bool:
        return not COLDEST_CDEG <= self._hardware.temperature_cdeg() <= WARMEST_CDEG

    def _motor_period(self, *, driven: bool) -> int:
        """Return how often the motor is looked at to find what it does now, 0 where that is known, ms."""
        is_stalled = self._hardware.stalled()
        if self.is_stalled:
            return 0 if is_stalled else self._recover_ms
        return self._detect_ms if is_stalled and driven else 0

    def measure(self, *, driven: bool) -> None:
        """Make the measurements that are due now.

        Raises:
            PowerCut: power failed while something was stored.
        """
        now_ms = self._clock.now_ms
        self.watchdog.run_due(self._programs.table.newest_version)
        if not self._program.is_committed:
            return
        if next_sample(now_ms - 1) == now_ms:
            if self.scrubber.is_due:
                self.scrubber.scrub()
            out_of_range = self._is_out_of_range()
            self._alarms.follow(AlarmCode.TEMP_RANGE, out_of_range, self._hardware.temperature_cdeg())
        period_ms = self._motor_period(driven=driven)
        if not period_ms or now_ms % period_ms:
            return
        if self.is_stalled:
            stood_s = (now_ms - self.life.record.stalled_ms) // _MS_PER_S
            self._alarms.raise_alarm(AlarmCode.STALL_RECOVERED, stood_s)
            self.life.put(replace(self.life.record, stalled_ms=0))
        else:
            self.life.put(replace(self.life.record, stalled_ms=now_ms))

    # --- conditions ---------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Let the alarms follow what is believed now.

        Raises:
            PowerCut: power failed while something was stored.
        """
        if self._program.is_committed:
            self._follow_life()
        self._follow_reservoir()
        self._follow_orders()
        self._follow_faults()

    def _follow_life(self) -> None:
        active, life = self._program.active, self.life
        if active is None:
            life.run_due(0, self._profile.minimum_rate_nl_h)
        else:
            table = active.table
            life.run_due(active.program.implant.implanted_utc, table.before[-1] // table.period_ms)
        if life.has_eri:
            self._alarms.follow(AlarmCode.ERI, life.has_eri, life.eri_detail)
        if life.is_over:
            self._alarms.follow(AlarmCode.EOS, life.is_over, life.eos_detail)

    def _follow_reservoir(self) -> None:
        content, alarms, has_program = self._registers.content_units, self._alarms, self._program.is_committed
        is_low = has_program and content <= nl_to_units(self.low_reservoir_nl)
        alarms.follow(AlarmCode.RESERVOIR_LOW, is_low, self._registers.content_nl)
        alarms.follow(AlarmCode.RESERVOIR_EMPTY, has_program and content <= 0)
        alarms.follow(AlarmCode.REFILL_DUE, self._is_refill_due(), self.refill_due_utc_s)
        if self._registers.refill_judged < self._registers.refill_number:
            self._judge_refill()

    def _is_refill_due(self) -> bool:
        due_utc_s = self.refill_due_utc_s
        if not due_utc_s or self._clock.utc_s < due_utc_s:
            return False
        last = self._refills.last
        return last is None or last.utc_s < due_utc_s

    def _judge_refill(self) -> None:
        """Compare what was drawn out with what was computed, once for each refill."""
        registers, record = self._registers, self._refills.last
        if record is not None and record.number == registers.refill_number:
            delivered_nl = units_to_nl(registers.delivered_units - registers.refill_delivered_units)
            allowed_nl = max(RESIDUAL_NL, delivered_nl * self._profile.accuracy_permille // _PERMILLE)
            missing_nl = record.expected_nl - record.withdrawn_nl
            self._suspect(AlarmCode.OVERINFUSION_SUSPECT, missing_nl, allowed_nl)
            self._suspect(AlarmCode.OCCLUSION_SUSPECT, -missing_nl, allowed_nl)
        registers.refill_delivered_units = registers.delivered_units
        registers.refill_judged = registers.refill_number

    def _suspect(self, code: AlarmCode, difference_nl: int, allowed_nl: int) -> None:
        if difference_nl <= allowed_nl:
            self._alarms.clear(code)
        elif not self._alarms.stands(code) or self._alarms.detail(code) != difference_nl:
            self._alarms.raise_anew(code, difference_nl)

    def _follow_orders(self) -> None:
        hold, long_ms = self._holds.current, self._holds.long_stop_ms
        is_long = long_ms is not None and self._clock.now_ms >= long_ms
        is_emergency = hold is not None and hold.actor_slot == EMERGENCY_SLOT
        self._alarms.follow(AlarmCode.LONG_STOP, is_long, self._profile.long_stop_min)
        self._alarms.follow(AlarmCode.EMERGENCY_SUSPEND, is_emergency, 0 if hold is None else hold.minutes)

    def _follow_faults(self) -> None:
        alarms, record, setting = self._alarms, self.life.record, self._clock.setting
        is_corrupt = self._program.is_committed and self._program.active is None
        alarms.follow(AlarmCode.PROGRAM_CORRUPT, is_corrupt, self._program.version)
        alarms.follow(AlarmCode.CLOCK_LOST, setting.is_lost, setting.time_base)
        alarms.follow(AlarmCode.MOTOR_STALL, self.is_stalled, self._profile.stall_detect_min)
        is_low = self.life.latched(record.low_battery_version)
        alarms.follow(AlarmCode.BATTERY_LOW, is_low, record.low_battery_mv)
        given_up = self.watchdog.given_up
        alarms.follow(AlarmCode.WATCHDOG, bool(given_up), given_up)
        alarms.follow(AlarmCode.RESTART_LOOP, self.life.latched(record.loop_version), LOOP_BEGINNINGS)

    # --- loops --------------------------------------------------------------------------------------------

    def breaks_a_loop(self, before: DeliveryState, after: DeliveryState) -> bool:
        """Tell whether delivery would begin once too often; the pump keeps to its minimum rate then.

        Args:
            before: the delivery state so far.
            after: that which would follow.

        Raises:
            PowerCut: power failed while that was stored.
        """
        registers, now_ms = self._registers, self._clock.now_ms
        if before in _RUNS and after in _BROKEN_OFF:
            registers.was_broken_off = self._alarms.highest is Priority.HIGH
        has_restarted = before is DeliveryState.UNDETERMINED
        if after not in _RUNS or before in _RUNS or not (has_restarted or registers.was_broken_off):
            return False
        registers.was_broken_off = False
        registers.beginnings = (*registers.beginnings, now_ms)[-LOOP_BEGINNINGS:]
        if len(registers.beginnings) < LOOP_BEGINNINGS or now_ms - registers.beginnings[0] > LOOP_MS:
            return False
        registers.beginnings = ()
        self.life.put(replace(self.life.record, loop_version=self._programs.table.newest_version))
        self._follow_faults()
        return True
