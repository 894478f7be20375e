"""Where pumps come from: one seed gives serial number, keys, implant card and every later token."""

from firmware_model.controller.clock import ClockSetting
from firmware_model.controller.schedule import RateTable
from firmware_model.defective_pump import DefectivePump
from firmware_model.defects import NO_DEFECTS, Defect
from firmware_model.identity import Identity, ImplantCard
from firmware_model.profiles import load_profile
from firmware_model.pump import Pump
from firmware_model.setups import (
    SECONDS_PER_DAY,
    Setup,
    SetupError,
    Therapy,
    concentrations,
    load_setup,
    program_of,
)
from protocol.program import ProgramImageError, encode_program
from protocol.quantities import MS_PER_DAY, UNITS_PER_NL
from protocol.vocabulary import DeliveryState

_U32 = 0xFFFF_FFFF


def make_pump(
    profile: str = "peristaltic-20",
    *,
    seed: int = 0,
    utc_s: int,
    setup: str = "first-visit",
    far_link: bool = False,
    defects: Defect = NO_DEFECTS,
) -> Pump:
    """Return a pump, handed over at pump time 0.

    Args:
        profile: name of a pump profile.
        seed: gives identity and tokens; the same arguments give the same pump, octet for octet.
        utc_s: civil time at the hand-over, Unix seconds; 0 leaves the pump's clock unset (shelf only).
        setup: name of the situation the pump is in.
        far_link: whether it has the far-link feature.
        defects: software defects put in on purpose from the hand-over on; none unless asked for.

    Raises:
        ProfileError: there is no such profile.
        SetupError: there is no such setup, or it cannot be with this profile or time.
        ValueError: ``utc_s`` is outside 0..4294967295.
    """
    if not 0 <= utc_s <= _U32:
        raise ValueError(f"utc_s = {utc_s} is outside 0..{_U32}")
    pump = build_pump(profile, seed, utc_s, load_setup(setup), setup, defects)
    pump.far_link = far_link
    return pump


def build_pump(
    profile: str, seed: int, utc_s: int, setup: Setup, name: str, defects: Defect = NO_DEFECTS
) -> Pump:
    """Return a pump in a situation of one's own; ``name`` names it in errors.

    The past that the situation tells was lived without ``defects``: they are put in at the hand-over.

    Raises:
        ProfileError: there is no such profile.
        SetupError: the situation cannot be with this profile or time.
    """
    constants = load_profile(profile)
    therapy = setup.therapy
    days_old = 0 if therapy is None else therapy.implanted_days_ago
    if therapy is not None and utc_s <= days_old * SECONDS_PER_DAY:
        raise SetupError(f"setup {name!r} needs a civil time of more than {days_old} days, not {utc_s} s")
    made_utc_s = utc_s - days_old * SECONDS_PER_DAY
    setting = ClockSetting(made_utc_s * 1_000, 1) if utc_s else ClockSetting(0, 0)
    identity = Identity.draw(constants, seed, made_utc_s)
    pump = Pump.manufacture(constants, identity, seed, setting, days_old * MS_PER_DAY)
    if therapy is not None:
        _live(pump, therapy, utc_s, name)
    return DefectivePump.spoil(pump, defects) if defects else pump


def _live(pump: Pump, therapy: Therapy, utc_s: int, name: str) -> None:
    """Let the pump live the past of a therapy."""
    program = program_of(therapy, pump.profile, utc_s)
    try:
        image = encode_program(program)
    except (ProgramImageError, ValueError) as error:
        raise SetupError(f"setup {name!r}: {error}") from None
    pump.advance_to(-therapy.therapy_days * MS_PER_DAY)
    table = RateTable.from_schedule(program.schedule)
    used_units = therapy.therapy_days * MS_PER_DAY // table.period_ms * table.before[-1]
    # Whole days of a daily pattern: the volume does not depend on the hour of the hand-over.
    try:
        pump.plant.fit_lines(program.implant.tubing_nl, program.implant.catheter_nl)
        pump.refill(therapy.reservoir_left_nl + used_units // UNITS_PER_NL, conc=concentrations(program))
    except ValueError as error:
        raise SetupError(f"setup {name!r} does not fit {pump.profile.name}: {error}") from None
    refusal = pump.controller.install(image)
    if refusal is not None:
        raise SetupError(f"setup {name!r}: the pump refuses the program with {refusal.code.name}")
    pump.advance_to(0)
    if pump.belief().delivery_state is not DeliveryState.RUNNING:
        raise SetupError(f"setup {name!r}: the reservoir runs empty before the hand-over")


__all__ = ["ImplantCard", "build_pump", "make_pump"]
