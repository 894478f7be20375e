"""The life of the pump: replacement indicator (ERI), end of service (EOS), and what the cell forces on it.

The pump has two ends, and the earlier one counts. The calendar's is the implantation plus the service life of
the profile, in ms of the counter: it is taken over when a program tells the date of the implantation, never
later than before and never earlier than a life from manufacture, so that neither a clock that is set back
lengthens it nor a wrong one ends it. The cell's is a forecast from the charge that is left and what the
program takes. The ERI stands from the notice before the earlier end on. It fixes the EOS: the notice later,
never past the calendar, and at once where the estimate says that nothing is left; the alarm tells how many
days there really were.

At the EOS delivery stops, with a critical alarm: a motor on a dying cell would go on at a rate nobody knows.

A forecast is made anew halfway to what it tells, once in 90 days at least, an hour after something about the
cell has changed, and when a program is committed. In between it may only become earlier, so the date of
replacement does.
Source: GIP 5.1.2 to 5.1.6; SR-18 and SR-19 of the safety requirements.
"""

from dataclasses import dataclass, replace
from typing import Annotated, Final

from firmware_model.controller.battery import (
    MAX_DAYS,
    SAMPLES,
    UNKNOWN_DAYS,
    charge_left_uah,
    charge_permille,
    lasts_ms,
    next_sample,
    reserve_ms,
    sample_instants,
    sound_sag_mv,
)
from firmware_model.controller.hardware import Hardware
from firmware_model.controller.parts import Parts
from firmware_model.controller.records import RecordName
from firmware_model.controller.retained import RetainedRegisters
from firmware_model.profiles import Profile
from protocol.messages.codec import codec_of
from protocol.messages.fields import u8, u16, u32, u64
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR

_CHECK_MAX_MS: Final = 90 * MS_PER_DAY
_STEADY_MV: Final = 4


@dataclass(frozen=True, slots=True)
class LifeRecord:
    """What must not be forgotten of the pump's life; stored durably, 0 where it has not happened."""

    service_end_ms: Annotated[int, u64("ms", "counter at the end of the service life")] = 0
    eri_ms: Annotated[int, u64("ms", "counter when the replacement indicator was reached")] = 0
    eos_ms: Annotated[int, u64("ms", "counter when the end of service was reached")] = 0
    stalled_ms: Annotated[int, u64("ms", "counter when a stall that still lasts was found")] = 0
    low_battery_version: Annotated[int, u32("", "newest program at the low-battery reset")] = 0
    low_battery_mv: Annotated[int, u16("mV", "voltage under a pulse then")] = 0
    loop_version: Annotated[int, u32("", "newest program at the restart loop")] = 0
    hung_version: Annotated[int, u32("", "newest program when tasks hung for good")] = 0
    hung_tasks: Annotated[int, u8("", "mask of these tasks")] = 0


_RECORD: Final = codec_of(LifeRecord)


class Life:
    """Age and cell of the pump.

    Args:
        profile: gives service life, notice and cell.
        hardware: the cell.
        parts: memory and clock.
        registers: keep the samples.
    """

    def __init__(
        self, profile: Profile, hardware: Hardware, parts: Parts, registers: RetainedRegisters
    ) -> None:
        self._profile = profile
        self._hardware = hardware
        self._records = parts.records
        self._programs = parts.programs
        self._clock = parts.clock
        self._registers = registers
        self._sag_mv = sound_sag_mv(profile)
        self._notice_ms = profile.eri_to_eos_days * MS_PER_DAY
        stored = parts.records.get(RecordName.LIFE)
        self.record: LifeRecord = _RECORD.decode(stored) if stored else LifeRecord()

    def put(self, record: LifeRecord) -> None:
        """Store what must not be forgotten.

        Raises:
            PowerCut: power failed; the record is the old or the new one.
        """
        if record != self.record:
            self._records.put(RecordName.LIFE, _RECORD.encode(record))
            self.record = record

    # --- the cell -----------------------------------------------------------------------------------------

    def sample_instants(self, now_ms: int) -> range:
        """Return the instants up to ``now_ms`` at which `sample` has to be called."""
        return sample_instants(self._registers.cell.sampled_ms, now_ms)

    def sample(self) -> None:
        """Measure the cell now, on a full hour."""
        cell = self._registers.cell
        samples = (*cell.samples, self._measured_mv())[-SAMPLES:]
        self._registers.cell = replace(cell, samples=samples, sampled_ms=self._clock.now_ms)

    def _measured_mv(self) -> int:
        return self._hardware.battery_pulse_mv() + self._sag_mv

    @property
    def mean_mv(self) -> int:
        """Mean of the last samples, as open-circuit voltage, mV; one measured now where there is none yet."""
        samples = self._registers.cell.samples
        return sum(samples) // len(samples) if samples else self._measured_mv()

    @property
    def charge_permille(self) -> int:
        """Estimate of the charge left, 0..1000."""
        return charge_permille(self._profile, self.mean_mv)

    # --- what is believed ---------------------------------------------------------------------------------

    @property
    def has_eri(self) -> bool:
        """Whether the replacement indicator has been reached."""
        return self.record.eri_ms > 0

    @property
    def is_over(self) -> bool:
        """Whether the end of service has been reached."""
        return self.record.eos_ms > 0

    @property
    def eos_detail(self) -> int:
        """Whole days from the replacement indicator to the end of service."""
        return (self.record.eos_ms - self.record.eri_ms) // MS_PER_DAY

    @property
    def eri_detail(self) -> int:
        """Whole days from the replacement indicator to the end of service it promises."""
        end_ms = min(self.record.eri_ms + self._notice_ms, self.record.service_end_ms)
        return max(0, end_ms - self.record.eri_ms) // MS_PER_DAY

    @property
    def is_low_battery(self) -> bool:
        """Whether a low-battery reset holds the pump at its minimum rate."""
        return self.latched(self.record.low_battery_version)

    def latched(self, version: int) -> bool:
        """Tell whether what happened under program ``version`` holds: until another one is committed."""
        return version > 0 and version == self._programs.table.newest_version

    @property
    def replace_by_ms(self) -> int | None:
        """Counter by which the pump must be replaced, None where no life has begun."""
        record = self.record
        if not record.service_end_ms:
            return None
        if record.eos_ms:
            return record.eos_ms
        if record.eri_ms:
            return min(record.eri_ms + self._notice_ms, record.service_end_ms)
        forecast_ms = self._registers.cell.forecast_ms
        return record.service_end_ms if forecast_ms is None else min(record.service_end_ms, forecast_ms)

    @property
    def replace_by_utc_s(self) -> int:
        """That instant in Unix seconds; 0 where there is none or the clock is not set."""
        at_ms = self.replace_by_ms
        return 0 if at_ms is None else self._clock.utc_at(at_ms)

    @property
    def eri_days(self) -> int:
        """Whole days to the replacement indicator, 0 from then on, 65535 where no life has begun."""
        at_ms = self._eri_at()
        if at_ms is None:
            return UNKNOWN_DAYS
        return max(0, min(MAX_DAYS, (at_ms - self._clock.now_ms) // MS_PER_DAY))

    def _eri_at(self) -> int | None:
        if self.has_eri:
            return self.record.eri_ms
        at_ms = self.replace_by_ms
        return None if at_ms is None else at_ms - self._notice_ms

    # --- events -------------------------------------------------------------------------------------------

    @property
    def next_event_ms(self) -> int | None:
        """Counter at which something about the pump's life is due, None where nothing is."""
        check_ms = self._registers.cell.check_ms
        if self.is_over or check_ms is None:
            return None
        turn_ms = self.replace_by_ms if self.has_eri else self._eri_at()
        return check_ms if turn_ms is None else min(check_ms, turn_ms)

    def disturbed(self) -> None:
        """Note that something about the cell may have changed: look at the next full hour."""
        cell, at_ms = self._registers.cell, next_sample(self._clock.now_ms)
        if cell.check_ms is not None:
            self._registers.cell = replace(cell, check_ms=min(cell.check_ms, at_ms))

    def run_due(self, implanted_utc_s: int, mean_rate_nl_h: int) -> None:
        """Do what is due now.

        Args:
            implanted_utc_s: UTC of the implantation as the program tells it, 0 unknown.
            mean_rate_nl_h: what the program delivers on average, nL/h.

        Raises:
            PowerCut: power failed while something was stored.
        """
        now_ms, cell = self._clock.now_ms, self._registers.cell
        if self.is_over:
            return
        self._begin(implanted_utc_s)
        is_new = cell.forecast_version != self._programs.table.newest_version
        empty_ms = None
        if is_new or cell.check_ms is None or now_ms >= cell.check_ms:
            empty_ms = self._forecast(mean_rate_nl_h, keep=not is_new)
        is_flat = empty_ms is not None and empty_ms <= now_ms
        self._turn(is_flat=is_flat)
        if empty_ms is not None:
            self._plan(empty_ms)

    def _begin(self, implanted_utc_s: int) -> None:
        life_ms, began_ms = self._profile.service_life_days * MS_PER_DAY, 0
        if implanted_utc_s and self._clock.is_set:
            began_ms = max(0, min(self._clock.now_ms, self._clock.counter_at(implanted_utc_s)))
        end_ms = began_ms + life_ms
        if not self.record.service_end_ms or end_ms < self.record.service_end_ms:
            self.put(replace(self.record, service_end_ms=end_ms))

    def _forecast(self, mean_rate_nl_h: int, *, keep: bool) -> int:
        """Forecast the end of the cell; return when it is used up by the estimate."""
        profile, cell, now_ms = self._profile, self._registers.cell, self._clock.now_ms
        left_uah = charge_left_uah(profile, self.mean_mv)
        empty_ms = now_ms + lasts_ms(profile, left_uah, mean_rate_nl_h)
        forecast_ms = max(now_ms, empty_ms - reserve_ms(profile))
        if keep and cell.forecast_ms is not None:
            forecast_ms = min(cell.forecast_ms, forecast_ms)
        version = self._programs.table.newest_version
        self._registers.cell = replace(cell, forecast_ms=forecast_ms, forecast_version=version)
        return empty_ms

    def _turn(self, *, is_flat: bool) -> None:
        record, now_ms, eri_at = self.record, self._clock.now_ms, self._eri_at()
        if not record.eri_ms and (is_flat or (eri_at is not None and now_ms >= eri_at)):
            # An indicator at counter 0 would read as none.
            record = replace(record, eri_ms=max(1, now_ms))
        eos_at = min(record.eri_ms + self._notice_ms, record.service_end_ms)
        if record.eri_ms and (is_flat or now_ms >= eos_at):
            record = replace(record, eos_ms=max(1, now_ms))
        self.put(record)

    def _plan(self, empty_ms: int) -> None:
        now_ms, goal_ms, samples = self._clock.now_ms, empty_ms, self._registers.cell.samples
        turn_ms = self.replace_by_ms if self.has_eri else self._eri_at()
        if turn_ms is not None:
            goal_ms = min(goal_ms, turn_ms)
        ahead_ms = max(MS_PER_HOUR, min(_CHECK_MAX_MS, (goal_ms - now_ms) // 2))
        if samples and max(samples) - min(samples) > _STEADY_MV:
            # The mean has not arrived yet where the voltage has jumped to.
            ahead_ms = MS_PER_HOUR
        check_ms = next_sample(now_ms + ahead_ms - 1)
        self._registers.cell = replace(self._registers.cell, check_ms=check_ms)
