"""`cisterna accuracy`: SR-28, an accuracy report with long windows beside the quantum bound."""

import json
import re
import shlex
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import floor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.headless import Said, say

from firmware_model.profiles import Profile, load_profile, profile_names
from protocol.quantities import MS_PER_DAY, MS_PER_HOUR, MS_PER_MINUTE, UNITS_PER_NL, nl_to_units
from workbench.accuracy import report as report_module
from workbench.accuracy.bolus import sample_boluses
from workbench.accuracy.flow import WINDOWS_H, FlowSamples, Sampling, sample_flow, worst_windows
from workbench.accuracy.picture import render
from workbench.accuracy.plan import BolusSize, Rate, bolus_sizes, ml_per_day, parse_rate, usual_rates
from workbench.accuracy.report import Report, measure, ppm
from workbench.accuracy.stand import Stand, StandError
from workbench.accuracy.text import percent, text_lines

PPM = 1_000_000
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "read-an-accuracy-report.md"
COARSE = Sampling(every_ms=12 * MS_PER_MINUTE, settle_ms=3 * MS_PER_HOUR, length_ms=8 * MS_PER_DAY)
GAINS = (PPM, 1_145_000, 850_000, 3 * PPM)


def accuracy(*arguments: str) -> Said:
    return say(["accuracy", *arguments])


@pytest.fixture(scope="module")
def small() -> Report:
    """A report of a valve pump at 0.1 mL/day."""
    profile = load_profile("valve-quantum-20")
    return measure(profile, [parse_rate("0.1", profile)], repeats=4)


# --- an oracle: a perfect motor in fractions ------------------------------------------------------------


def moved_nl(profile: Profile, rate_nl_h: int, gain_ppm: int, at_ms: int) -> Fraction:
    """What a motor has moved that began to turn at 0, in whole strokes, by its definition."""
    strokes = floor(Fraction(rate_nl_h) * at_ms / MS_PER_HOUR / profile.stroke_nl)
    return Fraction(strokes * profile.stroke_nl * gain_ppm, PPM)


def errors(
    profile: Profile, rate_nl_h: int, gain_ppm: int, how: Sampling, window_ms: int
) -> Iterator[Fraction]:
    """``E(P, j)`` for every j, as a share, as `safety.md` writes the formula."""
    programmed = Fraction(rate_nl_h * window_ms, MS_PER_HOUR)
    last_ms = how.settle_ms + how.length_ms - window_ms
    for start_ms in range(how.settle_ms, last_ms + 1, how.every_ms):
        before = moved_nl(profile, rate_nl_h, gain_ppm, start_ms)
        after = moved_nl(profile, rate_nl_h, gain_ppm, start_ms + window_ms)
        yield (after - before - programmed) / programmed


profiles = st.sampled_from(profile_names()).map(load_profile)


@st.composite
def runs(draw: st.DrawFn) -> tuple[Profile, int]:
    profile = draw(profiles)
    return profile, draw(st.integers(profile.rate_min_nl_h, profile.rate_max_nl_h))


# --- flow -----------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(runs(), st.sampled_from((MS_PER_MINUTE * 4, MS_PER_MINUTE * 7.5, MS_PER_MINUTE * 20)))
def test_sr28_an_ideal_motor_keeps_the_quantum_bound_in_every_window(
    run: tuple[Profile, int], every_ms: float
) -> None:
    """|E| <= 100 q / (r P), for every profile, any rate and any pace of sampling."""
    profile, rate = run
    how = Sampling(int(every_ms), MS_PER_HOUR, 8 * MS_PER_DAY)
    samples = sample_flow(Stand(profile, rate, seed=3), how)
    for hours in WINDOWS_H:
        window = worst_windows(samples, hours * MS_PER_HOUR, profile.stroke_nl)
        bound = Fraction(profile.stroke_nl, rate * hours)
        for excess in (window.lowest_units, window.highest_units):
            assert abs(Fraction(excess, window.programmed_units)) <= bound
        assert window.is_within_bound
        if window.holds_whole_strokes:
            assert window.lowest_units == window.highest_units == 0


@settings(max_examples=12)
@given(runs(), st.sampled_from(GAINS))
def test_sr28_the_worst_windows_are_those_of_an_oracle_in_fractions(
    run: tuple[Profile, int], gain_ppm: int
) -> None:
    profile, rate = run
    samples = sample_flow(Stand(profile, rate, 1, gain_ppm), COARSE)
    for hours in WINDOWS_H:
        window_ms = hours * MS_PER_HOUR
        window = worst_windows(samples, window_ms, profile.stroke_nl)
        expected = list(errors(profile, rate, gain_ppm, COARSE, window_ms))
        assert window.starts == len(expected)
        assert Fraction(window.lowest_units, window.programmed_units) == min(expected)
        assert Fraction(window.highest_units, window.programmed_units) == max(expected)


@given(
    st.lists(st.integers(0, 10**12), min_size=2, max_size=40), st.integers(1, 39), st.integers(1, 1_000_000)
)
def test_the_worst_windows_of_any_samples_are_found(parts: list[int], steps: int, rate: int) -> None:
    volumes = tuple(sum(parts[:at]) for at in range(len(parts) + 1))
    samples = FlowSamples(rate, MS_PER_MINUTE, volumes)
    if steps >= len(volumes):
        with pytest.raises(ValueError, match="at most"):
            worst_windows(samples, steps * MS_PER_MINUTE, 100)
        return
    window = worst_windows(samples, steps * MS_PER_MINUTE, 100)
    held = [sum(parts[at : at + steps]) for at in range(len(parts) - steps + 1)]
    programmed = rate * steps * MS_PER_MINUTE
    assert (window.lowest_units, window.highest_units) == (min(held) - programmed, max(held) - programmed)
    assert window.starts == len(held)


def test_a_window_that_no_sample_ends_is_refused() -> None:
    samples = FlowSamples(1_000, MS_PER_MINUTE, tuple(range(100)))
    for length_ms in (0, 90_000):
        with pytest.raises(ValueError, match=f"a window of {length_ms} ms must be a multiple of 60000 ms"):
            worst_windows(samples, length_ms, 100)


@pytest.mark.parametrize("name", profile_names())
def test_sr28_a_gain_shows_in_every_window_and_every_bolus(name: str) -> None:
    """RS-12's label limit: what strokes do not explain is 14.5 %, however long or short the window."""
    profile = load_profile(name)
    report = measure(profile, usual_rates(profile), gain_ppm=1_145_000, sampling=COARSE, repeats=3)
    assert report.unexplained == ()
    for flow in report.flows:
        for window in flow.windows:
            stroke_ppm = window.bound_ppm * 1_145_000 // PPM + 2
            assert abs(window.lowest_ppm - 145_000) <= stroke_ppm
            assert abs(window.highest_ppm - 145_000) <= stroke_ppm
            if window.whole_strokes:
                assert window.lowest_ppm == window.highest_ppm == 145_000
        week = flow.windows[-1]
        assert not week.within_bound or week.bound_ppm > 145_000
        assert abs(flow.overall_ppm - 145_000) <= week.bound_ppm * 2
    assert all(abs(bolus.mean_ppm - 145_000) <= bolus.bound_ppm * 2 for bolus in report.boluses)


def test_the_pump_itself_sees_nothing_of_a_gain() -> None:
    """Belief and truth: what the firmware counts is what was programmed."""
    stand = Stand(load_profile("peristaltic-20"), 10_000, 0, 1_145_000)
    truth = stand.advance_to(5 * MS_PER_DAY)
    assert stand.pump.belief().delivered_units == 10_000 * 5 * MS_PER_DAY
    assert Fraction(truth, 10_000 * 5 * MS_PER_DAY) == Fraction(1_145_000, PPM)


@pytest.mark.parametrize("gain_ppm", [0, PPM, 3 * PPM])
def test_the_pump_is_refilled_in_time_at_any_gain(gain_ppm: int) -> None:
    """At 24 mL/day a reservoir of 20 mL would last 20 hours, at most."""
    stand = Stand(load_profile("peristaltic-20"), 1_000_000, 0, gain_ppm)
    samples = sample_flow(stand, COARSE)
    assert stand.refills == samples.refills > 8
    assert samples.volumes[-1] - samples.volumes[0] == 24 * 8 * nl_to_units(gain_ppm)
    assert stand.pump.controller.alarms.standing == () or gain_ppm != PPM


def test_a_pump_that_runs_empty_is_no_measurement() -> None:
    stand = Stand(load_profile("peristaltic-20"), 1_000_000, 0)
    with pytest.raises(StandError, match=r"peristaltic-20 pump is STOPPED, not RUNNING"):
        stand.advance_to(2 * MS_PER_DAY)


# --- rates and boluses ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", profile_names())
def test_the_middle_rate_shows_the_strokes_in_every_window(name: str) -> None:
    profile = load_profile(name)
    low, middle, high = (rate.rate_nl_h for rate in usual_rates(profile))
    assert (low, high) == (profile.rate_min_nl_h, profile.rate_max_nl_h)
    assert low < middle < high
    assert Fraction(95, 100) < Fraction(middle**2, low * high) < Fraction(105, 100)
    assert all(middle * hours % profile.stroke_nl for hours in WINDOWS_H)


@pytest.mark.parametrize(
    ("text", "rate_nl_h", "told"),
    [
        ("0.048", 2_000, "0.048"),
        ("0.1", 4_167, "0.100008"),
        ("24", 1_000_000, "24"),
        ("1e0", 41_667, "1.000008"),
    ],
)
def test_a_rate_is_programmed_to_the_next_whole_nl_an_hour(text: str, rate_nl_h: int, told: str) -> None:
    rate = parse_rate(text, load_profile("peristaltic-20"))
    assert rate == Rate("chosen", rate_nl_h)
    assert ml_per_day(rate.rate_nl_h) == told


@pytest.mark.parametrize("name", profile_names())
def test_sr28_boluses_of_an_ideal_motor_are_off_by_less_than_a_stroke(name: str) -> None:
    profile = load_profile(name)
    for size in bolus_sizes(profile):
        stand = Stand(profile, profile.rate_min_nl_h, 5)
        samples = sample_boluses(stand, size, 5, repeats=6)
        basal_units = profile.rate_min_nl_h * size.duration_s * 1_000
        assert samples.programmed_units == nl_to_units(size.volume_nl) + basal_units
        for delivered in samples.delivered_units:
            assert delivered % nl_to_units(profile.stroke_nl) == 0
            assert abs(delivered - samples.programmed_units) < nl_to_units(profile.stroke_nl)
        past = stand.pump.controller.therapy.boluses.past
        assert [each.volume_nl for each in past] == [size.volume_nl] * 6
        assert {each.state.name for each in past} == {"DONE"}


def test_the_seed_draws_when_boluses_begin() -> None:
    profile = load_profile("level-sensor-20")
    size = bolus_sizes(profile)[0]
    first, again, other = (
        sample_boluses(Stand(profile, profile.rate_min_nl_h, seed), size, seed) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(set(first.delivered_units)) > 1


def test_a_bolus_that_the_pump_refuses_is_told() -> None:
    profile = load_profile("level-sensor-20")
    stand = Stand(profile, profile.rate_min_nl_h, 0)
    with pytest.raises(StandError, match="refuses BolusArmRequest: HARD_LIMIT"):
        stand.give_bolus(BolusSize("too large", profile.bolus_max_nl + 1, 86_400))


# --- report -----------------------------------------------------------------------------------------------


def test_ppm_are_rounded_half_away_from_zero() -> None:
    assert [ppm(part, 2 * PPM) for part in (-3, -2, -1, 0, 1, 2, 3)] == [-2, -1, -1, 0, 1, 1, 2]


def test_percent_keeps_its_sign_and_every_ppm() -> None:
    assert [percent(value) for value in (145_000, -1, 0, 1_000_000)] == [
        "+14.5000",
        "-0.0001",
        "0.0000",
        "+100.0000",
    ]


def test_the_report_of_0_1_ml_a_day_has_the_anchor_of_the_plan(small: Report) -> None:
    """With q = 2.5 uL at 0.1 mL/day a 24 h window carries 2.5 %; with 1 uL it would be 1 %."""
    (flow,) = small.flows
    day = flow.windows[2]
    assert (day.window_h, day.bound_ppm) == (24, 24_998)
    assert 24_900 < day.highest_ppm <= day.bound_ppm


def test_the_table_is_aligned_and_says_what_is_in_the_report(small: Report) -> None:
    lines = list(text_lines(small))
    heads = [at for at, line in enumerate(lines) if line.endswith("within")]
    assert len(heads) == 2
    for at in heads:
        rows = [line for line in lines[at + 1 : at + 4] if line]
        assert {line.endswith(("yes", "NO", "yes *")) for line in rows} == {True}
        column = lines[at].index("quantum bound %") + len("quantum bound %")
        assert all(line[column - 1].isdigit() and line[column] == " " for line in rows)
    (flow,) = small.flows
    week = flow.windows[-1]
    assert any(line.split()[:4] == [
        "0.100008", "168", percent(week.lowest_ppm), percent(week.highest_ppm)
    ] for line in lines)  # fmt: skip


def test_a_motor_that_slips_is_not_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report checks itself: a fault that nobody asked for makes it fail."""

    class Slipping(Stand):
        def __init__(self, profile: Profile, rate_nl_h: int, seed: int, gain_ppm: int = PPM) -> None:
            super().__init__(profile, rate_nl_h, seed, gain_ppm)
            self.pump.apply_fault("motor_slip", slip_ppm=200_000)

    monkeypatch.setattr(report_module, "Stand", Slipping)
    done = accuracy("peristaltic-20", "--rate", "0.5")
    assert done.code == 1
    assert "NO" in done.out
    assert "at 0.499992 mL/day, windows of 168 h; " in done.out
    assert done.err.startswith(
        "cisterna: neither strokes nor gain explain at 0.499992 mL/day, windows of 1 h"
    )
    assert "the largest bolus" in done.err


# --- command ----------------------------------------------------------------------------------------------


def test_json_has_the_documented_form_and_agrees_with_itself() -> None:
    done = accuracy("valve-quantum-20", "--rate", "0.1", "--rate", "0.5", "--seed", "9", "--json")
    assert done.code == 0, done.err
    report = msgspec.json.decode(done.out, type=Report, strict=True)
    assert json.loads(done.out).keys() == set(Report.__struct_fields__)
    assert (report.format, report.profile, report.seed, report.gain_ppm) == (1, "valve-quantum-20", 9, PPM)
    assert (report.analysis_h, report.sample_s, report.settle_h) == (336, 60, 24)
    assert [flow.rate_ml_day for flow in report.flows] == ["0.100008", "0.499992"]
    assert [bolus.name for bolus in report.boluses] == ["smallest", "middle", "largest"]
    for flow in report.flows:
        assert tuple(window.window_h for window in flow.windows) == WINDOWS_H
        assert flow.programmed_units == flow.rate_nl_h * report.analysis_h * UNITS_PER_NL
        for window in flow.windows:
            assert window.starts == (report.analysis_h - window.window_h) * 60 + 1
            assert window.highest_ppm == ppm(window.highest_units, window.programmed_units)
            assert window.bound_units == nl_to_units(report.stroke_nl)
    for bolus in report.boluses:
        assert bolus.repeats == len(bolus.delivered_units) == 20
        assert bolus.lowest_ppm <= bolus.mean_ppm <= bolus.highest_ppm


def test_the_same_arguments_give_the_same_report() -> None:
    first, again = (accuracy("level-sensor-40", "--rate", "0.3", "--seed", "4", "--json") for _ in range(2))
    assert first.code == 0
    assert first.out == again.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("syringe",), "no pump profile 'syringe'; there are: level-sensor-20, "),
        (
            ("peristaltic-20", "--rate", "30"),
            "30 mL/day is outside 0.048 to 24 mL/day, the rates of peristaltic",
        ),
        (("valve-quantum-20", "--rate", "0.05"), "0.05 mL/day is outside 0.06 to 24 mL/day"),
        (("peristaltic-20", "--rate", "-1"), "-1 mL/day is outside"),
        (("peristaltic-20", "--rate", "nan"), "nan mL/day is outside"),
        (("peristaltic-20", "--rate", "fast"), "'fast' is no number; write mL/day as in 0.5"),
        (
            ("peristaltic-20", "--picture", "curve.pdf"),
            "'curve.pdf' is no name for a picture; let it end in .svg",
        ),
    ],
)
def test_what_cannot_be_measured_is_told_at_once(arguments: tuple[str, ...], told: str) -> None:
    done = accuracy(*arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert done.err.count("\n") == 1
    failed = accuracy(*arguments, "--json")
    assert failed.code == 2
    error = json.loads(failed.out)["error"]
    assert (error["exit_code"], error["exit_name"]) == (2, "usage")


@pytest.mark.parametrize("gain_ppm", ["-1", "3000001"])
def test_a_gain_that_no_motor_has_is_told(gain_ppm: str) -> None:
    done = accuracy("peristaltic-20", "--gain", gain_ppm)
    assert done.code == 2
    assert f"gain_ppm = {gain_ppm} is outside 0..3000000 ppm" in done.err


# --- picture ----------------------------------------------------------------------------------------------


def test_the_picture_says_what_it_shows(small: Report) -> None:
    svg = render(small, "svg").decode()
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert "Accuracy of valve-quantum-20: Valve-metered pump, 20 mL reservoir" in texts
    assert "seed 0, motor gain 1.0, stroke 2.5 µL" in texts
    for label in (
        "length of the window, h",
        "error, % of programmed",
        "quantum bound",
        "volume of the bolus, µL",
    ):
        assert label in texts
    assert [text for text in texts if text in ("1", "6", "24", "72", "168")][:5] == [
        "1",
        "6",
        "24",
        "72",
        "168",
    ]
    assert "SIMULATION - NOT FOR CLINICAL USE" in texts


def test_the_same_report_is_the_same_picture(small: Report) -> None:
    assert render(small, "svg") == render(small, "svg")


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<?xml"), ("B.PNG", b"\x89PNG\r\n\x1a\n")])
def test_a_picture_is_drawn_beside_the_table(tmp_path: Path, name: str, begins: bytes) -> None:
    done = accuracy("peristaltic-20", "--rate", "0.5", "--picture", str(tmp_path / name))
    assert done.code == 0, done.err
    assert "0.499992" in done.out
    assert (tmp_path / name).read_bytes().startswith(begins)


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = accuracy("peristaltic-20", "--rate", "0.5", "--picture", str(tmp_path / "none" / "a.svg"))
    assert done.code == 2
    assert "cannot write the picture to" in done.err
    assert "No such file or directory" in done.err


def test_without_matplotlib_only_the_picture_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    done = accuracy("peristaltic-20", "--picture", str(tmp_path / "a.svg"))
    assert (done.code, done.out) == (2, "")
    assert "needs matplotlib, which is not installed; get it with: pip install 'cisterna[plots]'" in done.err
    assert accuracy("peristaltic-20", "--rate", "0.5").code == 0


# --- the page ---------------------------------------------------------------------------------------------


def test_the_commands_of_the_how_to_page_work(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    commands = [
        line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()
    ]
    assert len(commands) == 5
    said = ""
    for command in commands:
        words = shlex.split(command.replace("/tmp/", f"{tmp_path}/"))
        assert words[:2] == ["cisterna", "accuracy"]
        done = accuracy(*words[2:])
        assert done.code == 0, f"{command}: {done.err}"
        said += done.out
    assert (tmp_path / "accuracy.svg").stat().st_size > 10_000
    shown = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    assert len(shown) == 3
    assert all(line in said for line in shown), "the page shows rows that the command prints"
