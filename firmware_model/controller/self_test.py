"""Self-tests that run while the pump delivers: they read, they compare, and they change nothing.

How long each takes is a figure of the model (`DURATION_MS`), not measured; no pump time passes. All of them
together stay below the 2000 ms that a programmer waits for the answer. A failure stands as an alarm until
every test that failed has passed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from firmware_model.controller.hardware import Hardware
from firmware_model.controller.parts import Parts
from firmware_model.profiles import Profile
from protocol.log_record import SelfTestEvent
from protocol.request_words import SelfTest
from protocol.vocabulary import AlarmCode

DURATION_MS: Final[Mapping[SelfTest, int]] = {
    SelfTest.MEMORY: 200,
    SelfTest.PROGRAM: 100,
    SelfTest.LOG_CHAIN: 800,
    SelfTest.CLOCK: 10,
    SelfTest.BATTERY: 50,
    SelfTest.MOTOR: 100,
    SelfTest.ALARM_TONE: 500,
}
"""Model of how long each test takes, ms."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a run of self-tests found.

    Attributes:
        run: tests that were run.
        failed: tests among them that failed.
        duration_ms: time they took, as the model has it.
    """

    run: SelfTest
    failed: SelfTest
    duration_ms: int


def run_self_tests(
    tests: SelfTest, parts: Parts, profile: Profile, hardware: Hardware, actor: int
) -> Verdict:
    """Run ``tests``, tell the log and let the alarm follow.

    Args:
        tests: which tests, at least one.
        parts: memory, clock, log and alarms.
        profile: gives the voltage below which the cell is low.
        hardware: motor, cell and tone generator.
        actor: bond slot of whoever asks.

    Raises:
        PowerCut: power failed while the result was stored.
    """
    failed = failures_of(tests, parts, profile, hardware)
    parts.log.write(SelfTestEvent(tests, failed), actor=actor)
    follow_failures(parts, tests, failed)
    return Verdict(tests, failed, sum(DURATION_MS[test] for test in SelfTest if test in tests))


def failures_of(tests: SelfTest, parts: Parts, profile: Profile, hardware: Hardware) -> SelfTest:
    """Run ``tests`` and return those that failed; nothing is told."""
    checks, failed = _checks(parts, profile, hardware), SelfTest(0)
    for test in SelfTest:
        if test in tests and not checks[test]():
            failed |= test
    return failed


def follow_failures(parts: Parts, tests: SelfTest, failed: SelfTest) -> None:
    """Let the alarm tell of the tests that failed; others than ``tests`` stay as they were.

    Raises:
        PowerCut: power failed while the alarm was stored.
    """
    alarms, code = parts.alarms, AlarmCode.SELF_TEST_FAIL
    before = SelfTest(alarms.detail(code))
    after = before & ~tests | failed
    if not (before | failed) & tests:
        return
    if not after:
        alarms.clear(code)
    elif after != before:
        alarms.raise_anew(code, after)


def _checks(parts: Parts, profile: Profile, hardware: Hardware) -> dict[SelfTest, Callable[[], bool]]:
    return {
        SelfTest.MEMORY: lambda: not parts.records.bad_cells(),
        SelfTest.PROGRAM: lambda: _program_is_whole(parts),
        SelfTest.LOG_CHAIN: parts.log.chain_holds,
        SelfTest.CLOCK: lambda: parts.clock.is_set and parts.clock.uptime_ms >= 0,
        SelfTest.BATTERY: lambda: hardware.battery_mv() >= profile.battery_low_mv,
        SelfTest.MOTOR: hardware.motor_follows,
        SelfTest.ALARM_TONE: hardware.sound_tone,
    }


def _program_is_whole(parts: Parts) -> bool:
    """Tell whether both copies of every program that counts are good; a pump without a program is whole."""
    table = parts.programs.table
    return not any(
        parts.programs.damaged_copies(entry.bank, entry.sha256)
        for entry in (table.active, table.pending)
        if entry
    )
