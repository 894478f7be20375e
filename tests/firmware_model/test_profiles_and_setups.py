"""Profiles and setups are data: what comes with the product is right, and what is wrong is told clearly."""

from importlib.resources import files
from typing import get_args

import pytest

from firmware_model.factory import build_pump, make_pump
from firmware_model.profiles import Constant, ProfileError, load_profile, parse_profile, profile_names
from firmware_model.setups import SetupError, load_setup, parse_setup, setup_names
from protocol.vocabulary import DeliveryState

UTC_S = 1_772_409_600
PROFILE = (files("firmware_model") / "profiles" / "peristaltic-20.toml").read_text(encoding="utf-8")
SETUP = (files("firmware_model") / "setups" / "first-visit.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", profile_names())
def test_every_constant_of_every_profile_has_a_tag_and_a_source(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    for constant_name, constant in profile.provenance.items():
        assert getattr(profile, constant_name) == constant.value
        assert constant.tag in get_args(Constant.__annotations__["tag"])
        assert len(constant.source) > 10


def test_the_profiles_are_those_the_documents_name() -> None:
    kinds = ("peristaltic", "valve-quantum", "level-sensor")
    assert set(profile_names()) == {f"{kind}-{size}" for kind in kinds for size in (20, 40)}


def test_published_constants_are_what_was_published() -> None:
    profile = load_profile("peristaltic-20")
    # 0.006, 0.048 and 24 mL a day.
    assert profile.minimum_rate_nl_h * 24 == 6_000
    assert profile.rate_min_nl_h * 24 == 48_000
    assert profile.rate_max_nl_h * 24 == 24_000_000
    assert (profile.low_reservoir_nl, profile.tubing_nl) == (2_000_000, 140_000)
    assert (profile.eri_to_eos_days, profile.service_life_days) == (90, 7 * 365 + 1)


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(ProfileError, match=r"no pump profile 'x'; there are: level-sensor-20, level"):
        make_pump("x", utc_s=UTC_S)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value = 2_000_000", "value = 2.5", r"p\.toml: Expected `int`, got `float`"),
        ("value = 2_000_000", 'value = "2"', r"Expected `int`, got `str` - at `\$\.constants"),
        ('tag = "K"', 'tag = "X"', "Invalid enum value 'X'"),
        ('unit = "nL/h"', 'unit = "mL/d"', r"minimum_rate_nl_h has unit 'mL/d', must be 'nL/h'"),
        ("value = 250\n", "value = 0\n", r"minimum_rate_nl_h = 0 is outside 1\.\.1000000 nL/h"),
        (
            "value = 250\n",
            "value = 3_000\n",
            "minimum_rate_nl_h = 3000 must not be above rate_min_nl_h = 2000",
        ),
        ("[constants.tubing_nl]", "[constants.tubing]", "constants are missing: tubing_nl"),
        ('source = "our own numbering"', 'source = " "', "model_number names no source"),
        ('serial_prefix = "VP20"', 'serial_prefix = "V P"', "serial_prefix is 'V P', must be"),
        ("title = ", "headline = ", "contains unknown field `headline`"),
        ('title = "Peristaltic pump, 20 mL reservoir"', 'title = " "', "title is empty"),
        ("[constants.tubing_nl]", "[constants.tubing_nl", "p.toml:"),
    ],
)
def test_a_wrong_profile_says_what_is_wrong(old: str, new: str, message: str) -> None:
    assert old in PROFILE
    with pytest.raises(ProfileError, match=message):
        parse_profile(PROFILE.replace(old, new, 1), "p.toml")


def test_a_constant_no_profile_has_is_refused() -> None:
    extra = '\n[constants.colour]\nvalue = 1\nunit = ""\ntag = "D"\nsource = "nobody"\n'
    with pytest.raises(ProfileError, match="colour is no constant of a profile"):
        parse_profile(PROFILE + extra, "p.toml")


# --- setups -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", profile_names())
@pytest.mark.parametrize("name", setup_names())
def test_every_setup_makes_a_pump_of_every_profile(name: str, profile: str) -> None:
    setup = load_setup(name)
    assert setup.title
    assert setup.story
    pump = make_pump(profile, utc_s=UTC_S, setup=name)
    expected = DeliveryState.STOPPED if setup.therapy is None else DeliveryState.RUNNING
    assert pump.belief().delivery_state is expected
    assert pump.now_ms == 0


def test_the_first_visit_is_the_demo_patient() -> None:
    pump = make_pump(utc_s=UTC_S)
    active = pump.controller.therapy.active
    assert active is not None
    program = active.program
    assert program.implant.patient_ref == "TRAIN-07 DOE Jane"
    assert (program.primary_drug.name, program.primary_drug.conc_ng_ml) == ("Morphine", 20_000_000)
    assert len(program.schedule.steps) == 3
    assert program.dose_declarations[0].dose_ng_per_day == 4_800_000
    assert pump.belief().content_units == 13_200_000 * 3_600_000
    assert pump.belief().delivered_units == 28 * 240_000 * 3_600_000


@pytest.mark.parametrize("hour", [0, 5, 17])
def test_the_reservoir_of_the_demo_does_not_depend_on_the_hour(hour: int) -> None:
    pump = make_pump(utc_s=UTC_S + hour * 3_600 + 1_234)
    assert pump.belief().content_units == 13_200_000 * 3_600_000


def test_an_unknown_setup_names_those_there_are() -> None:
    with pytest.raises(SetupError, match=r"no setup 'y'; there are: first-visit, morning-dose, shelf"):
        make_pump(utc_s=UTC_S, setup="y")


@pytest.mark.parametrize("utc_s", [-1, 1 << 32])
def test_a_time_outside_the_clock_is_refused(utc_s: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        make_pump(utc_s=utc_s)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("therapy_days = 28", "therapy_days = 36", r"therapy_days = 36 is outside 0\.\.35"),
        ('code = "MORPHINE"', 'code = "TEA"', "drug code is 'TEA', must be one of MORPHINE"),
        ('display = "MG"', 'display = "KG"', "drug display is 'KG'"),
        ("conc_ng_ml = 20_000_000", "", "missing required field `conc_ng_ml`"),
        ("catheter_cm = 78", "catheter_cm = 78\ncolour = 1", "unknown field `colour`"),
    ],
)
def test_a_wrong_setup_says_what_is_wrong(old: str, new: str, message: str) -> None:
    assert old in SETUP
    with pytest.raises(SetupError, match=message):
        parse_setup(SETUP.replace(old, new, 1), "s.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("start_min = 420", "start_min = 0", "steps must ascend"),
        (
            'patient_ref = "TRAIN-07 DOE Jane"',
            'patient_ref = "a name that is far too long"',
            "at most 24 fit",
        ),
        (
            "hard_rate_nl_h = 50_000",
            "hard_rate_nl_h = 10_000",
            "the pump refuses the program with HARD_LIMIT",
        ),
        ("reservoir_left_nl = 13_200_000", "reservoir_left_nl = 19_000_000", "does not fit peristaltic-20"),
        ("reservoir_left_nl = 13_200_000", "reservoir_left_nl = 0", "runs empty before the hand-over"),
    ],
)
def test_a_setup_that_cannot_be_says_why(old: str, new: str, message: str) -> None:
    assert old in SETUP
    setup = parse_setup(SETUP.replace(old, new, 1), "s.toml")
    with pytest.raises(SetupError, match=message):
        build_pump("peristaltic-20", 0, UTC_S, setup, "mine")


def test_a_running_therapy_needs_a_clock() -> None:
    with pytest.raises(SetupError, match="needs a civil time of more than 35 days, not 0 s"):
        make_pump(utc_s=0)
