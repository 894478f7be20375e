"""Named start situations: a pump on the shelf, or one whose therapy has been running for weeks.

A setup is a TOML file in ``setups/``. The past it tells is not written into the pump, it is lived: the
factory makes the pump that long ago, fills it, programs it and lets the time pass.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from firmware_model.plant.fluid import DRUGS, Conc
from firmware_model.profiles import Profile
from protocol.program import (
    EVERY_DAY,
    AlarmSettings,
    DoseDeclaration,
    Drug,
    Emergency,
    Implant,
    Limits,
    PatientBolus,
    Program,
    Schedule,
    ScheduleClock,
    Step,
)
from protocol.quantities import MINUTES_PER_DAY, day_volume_nl, dose_ng_per_day
from protocol.vocabulary import DisplayUnit, DrugCode, EmergencyPolicy, ScheduleMode, Switch

SECONDS_PER_DAY: Final = 86_400
_FOLDER: Final = "setups"
_CRITICAL_INTERVAL_S: Final = 600
_LOWPRIO_INTERVAL_S: Final = 3_600


class SetupError(ValueError):
    """A setup that is missing, wrong or cannot be; the text names the file and what would be right."""


class _Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    start_min: int
    rate_nl_h: int


class _Drug(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str
    name: str
    conc_ng_ml: int
    display: str


class Therapy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A therapy that has been running unchanged for ``therapy_days``."""

    patient_ref: str
    implanted_days_ago: int
    therapy_days: int
    utc_offset_min: int
    reservoir_left_nl: int
    low_reservoir_nl: int
    catheter_cm: int
    drug_shelf_days: int
    steps: list[_Step]
    drug: _Drug
    limits: Limits


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One start situation; ``therapy`` is None for a pump that has none."""

    title: str
    story: str
    therapy: Therapy | None = None


def setup_names() -> tuple[str, ...]:
    """Return the names of the setups that come with the product, sorted."""
    folder = files("firmware_model") / _FOLDER
    return tuple(
        sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))
    )


@cache
def load_setup(name: str) -> Setup:
    """Return the setup called ``name``.

    Raises:
        SetupError: there is none of that name, or its file is wrong.
    """
    if name not in setup_names():
        raise SetupError(f"no setup {name!r}; there are: {', '.join(setup_names())}")
    text = (files("firmware_model") / _FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    return parse_setup(text, f"{name}.toml")


def parse_setup(text: str, where: str) -> Setup:
    """Return the setup written in the TOML ``text``; ``where`` names it in errors.

    Raises:
        SetupError: not TOML, an unknown or missing field, a drug or unit that does not exist.
    """
    try:
        setup = msgspec.toml.decode(text, type=Setup)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise SetupError(f"{where}: {error}") from None
    if setup.therapy is not None:
        _check(setup.therapy, where)
    return setup


def _check(therapy: Therapy, where: str) -> None:
    if not 0 <= therapy.therapy_days <= therapy.implanted_days_ago:
        raise SetupError(
            f"{where}: therapy_days = {therapy.therapy_days} is outside "
            f"0..{therapy.implanted_days_ago} (implanted_days_ago)"
        )
    for name, value, members in (
        ("code", therapy.drug.code, DrugCode.__members__),
        ("display", therapy.drug.display, DisplayUnit.__members__),
    ):
        if value not in members:
            raise SetupError(f"{where}: drug {name} is {value!r}, must be one of {', '.join(members)}")


def program_of(therapy: Therapy, profile: Profile, utc_s: int) -> Program:
    """Return the program of a therapy that runs at ``utc_s``.

    Args:
        therapy: what is given.
        profile: gives tubing and catheter volumes.
        utc_s: UTC of the hand-over.
    """
    code = DrugCode[therapy.drug.code]
    conc_ng_ml = therapy.drug.conc_ng_ml
    filled_utc_s = utc_s - therapy.therapy_days * SECONDS_PER_DAY
    drug = Drug(
        drug_code=code,
        name=therapy.drug.name,
        conc_ng_ml=conc_ng_ml,
        display=DisplayUnit[therapy.drug.display],
        primary=1,
        expiry_utc_s=filled_utc_s + therapy.drug_shelf_days * SECONDS_PER_DAY,
    )
    steps = tuple(Step(EVERY_DAY, step.start_min, step.rate_nl_h) for step in therapy.steps)
    mode = ScheduleMode.SIMPLE if len(steps) == 1 else ScheduleMode.DAILY
    dose = dose_ng_per_day(_day_volume_nl(therapy), conc_ng_ml)
    return Program(
        drugs=(drug,),
        schedule=Schedule(mode, steps),
        dose_declarations=(DoseDeclaration(code, dose),),
        patient_bolus=PatientBolus(Switch.OFF, 0, 0, 0, 0, 0),
        limits=therapy.limits,
        alarms=AlarmSettings(
            low_reservoir_nl=therapy.low_reservoir_nl,
            eri_days=profile.eri_to_eos_days,
            audible=Switch.ON,
            critical_interval_s=_CRITICAL_INTERVAL_S,
            lowprio_interval_s=_LOWPRIO_INTERVAL_S,
        ),
        emergency=Emergency(EmergencyPolicy.READ_SUSPEND, MINUTES_PER_DAY),
        implant=Implant(
            patient_ref=therapy.patient_ref,
            catheter_nl=therapy.catheter_cm * profile.catheter_nl_per_cm,
            tubing_nl=profile.tubing_nl,
            implanted_utc=utc_s - therapy.implanted_days_ago * SECONDS_PER_DAY,
        ),
        clock=ScheduleClock(therapy.utc_offset_min),
    )


def concentrations(program: Program) -> Conc:
    """Return what the syringe holds that a program is written for, ng/mL of each of its drugs."""
    concs = [drug.conc_ng_ml for drug in program.drugs] + [0] * DRUGS
    return (concs[0], concs[1], concs[2], concs[3])


def _day_volume_nl(therapy: Therapy) -> int:
    starts = [step.start_min for step in therapy.steps]
    ends = [*starts[1:], MINUTES_PER_DAY]
    spans = zip(therapy.steps, starts, ends, strict=True)
    return day_volume_nl((step.rate_nl_h, end - start) for step, start, end in spans)
