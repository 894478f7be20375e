"""The accuracy report of one kind of pump: measured, as plain data, and checked against what explains it.

Errors are in ppm of the programmed volume (1 ppm = 0.0001 %), rounded half away from 0; the exact volumes
that they come from stand beside them, in units of nL*ms/h (3 600 000 of them are 1 nL).
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from firmware_model.plant.motor import PPM
from firmware_model.profiles import Profile
from protocol.quantities import MS_PER_HOUR, round_half_up
from workbench.accuracy.bolus import REPEATS, BolusSamples, sample_boluses
from workbench.accuracy.flow import Excess, FlowSamples, Sampling, all_windows, sample_flow
from workbench.accuracy.plan import Rate, bolus_sizes, ml_per_day
from workbench.accuracy.stand import Stand

FORMAT: Final = 1
_MS_PER_S: Final = 1_000
_PPM_PER_PERMILLE: Final = 1_000


class Window(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One point of a trumpet curve: the worst of all windows of ``window_h`` hours.

    Where ``whole_strokes``, a perfect motor is exact at any start, however uneven the flow is in between.
    """

    window_h: int
    starts: int
    programmed_units: int
    lowest_units: int
    highest_units: int
    bound_units: int
    lowest_ppm: int
    highest_ppm: int
    bound_ppm: int
    whole_strokes: bool
    within_bound: bool


class Flow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rate: the overall error and the trumpet curve."""

    name: str
    rate_nl_h: int
    rate_ml_day: str
    refills: int
    programmed_units: int
    delivered_units: int
    overall_ppm: int
    windows: tuple[Window, ...]


class Bolus(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One bolus size; ``programmed_units`` and all errors count the basal rate underneath in."""

    name: str
    volume_nl: int
    duration_s: int
    basal_nl_h: int
    repeats: int
    programmed_units: int
    delivered_units: tuple[int, ...]
    mean_ppm: int
    lowest_ppm: int
    highest_ppm: int
    bound_ppm: int
    within_bound: bool


class Report(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything one run measured; ``unexplained`` lists what neither strokes nor gain account for."""

    format: int
    profile: str
    title: str
    seed: int
    gain_ppm: int
    stroke_nl: int
    label_ppm: int
    settle_h: int
    analysis_h: int
    sample_s: int
    flows: tuple[Flow, ...]
    boluses: tuple[Bolus, ...]
    unexplained: tuple[str, ...]


def measure(
    profile: Profile,
    rates: Sequence[Rate],
    *,
    seed: int = 0,
    gain_ppm: int = PPM,
    sampling: Sampling | None = None,
    repeats: int = REPEATS,
) -> Report:
    """Let pumps of one kind deliver at each rate and give each bolus, and report how exactly they did.

    Raises:
        StandError: a pump refused its orders or stopped delivering.
    """
    how = Sampling() if sampling is None else sampling
    flows = [sample_flow(Stand(profile, rate.rate_nl_h, seed, gain_ppm), how) for rate in rates]
    boluses = [
        sample_boluses(Stand(profile, profile.rate_min_nl_h, seed, gain_ppm), size, seed, repeats)
        for size in bolus_sizes(profile)
    ]
    return Report(
        format=FORMAT,
        profile=profile.name,
        title=profile.title,
        seed=seed,
        gain_ppm=gain_ppm,
        stroke_nl=profile.stroke_nl,
        label_ppm=profile.accuracy_permille * _PPM_PER_PERMILLE,
        settle_h=how.settle_ms // MS_PER_HOUR,
        analysis_h=how.length_ms // MS_PER_HOUR,
        sample_s=how.every_ms // _MS_PER_S,
        flows=tuple(_flow(rate, samples, profile) for rate, samples in zip(rates, flows, strict=True)),
        boluses=tuple(_bolus(samples, profile) for samples in boluses),
        unexplained=(
            *(text for flow in flows for text in _unexplained_flow(flow, profile, gain_ppm)),
            *(text for bolus in boluses for text in _unexplained_bolus(bolus, gain_ppm)),
        ),
    )


def ppm(part: int, whole: int) -> int:
    """Return ``part`` of ``whole`` in ppm, rounded half away from 0."""
    size = round_half_up(abs(part) * PPM, whole)
    return size if part >= 0 else -size


# --- flow -------------------------------------------------------------------------------------------------


def _flow(rate: Rate, samples: FlowSamples, profile: Profile) -> Flow:
    programmed = samples.rate_nl_h * samples.length_ms
    delivered = samples.volumes[-1] - samples.volumes[0]
    return Flow(
        name=rate.name,
        rate_nl_h=rate.rate_nl_h,
        rate_ml_day=ml_per_day(rate.rate_nl_h),
        refills=samples.refills,
        programmed_units=programmed,
        delivered_units=delivered,
        overall_ppm=ppm(delivered - programmed, programmed),
        windows=tuple(map(_window, all_windows(samples, profile.stroke_nl))),
    )


def _window(excess: Excess) -> Window:
    programmed = excess.programmed_units
    return Window(
        window_h=excess.length_ms // MS_PER_HOUR,
        starts=excess.starts,
        programmed_units=programmed,
        lowest_units=excess.lowest_units,
        highest_units=excess.highest_units,
        bound_units=excess.bound_units,
        lowest_ppm=ppm(excess.lowest_units, programmed),
        highest_ppm=ppm(excess.highest_units, programmed),
        bound_ppm=ppm(excess.bound_units, programmed),
        whole_strokes=excess.holds_whole_strokes,
        within_bound=excess.is_within_bound,
    )


# --- boluses ----------------------------------------------------------------------------------------------


def _bolus(samples: BolusSamples, profile: Profile) -> Bolus:
    programmed, delivered = samples.programmed_units, samples.delivered_units
    lowest, highest = min(delivered) - programmed, max(delivered) - programmed
    return Bolus(
        name=samples.size.name,
        volume_nl=samples.size.volume_nl,
        duration_s=samples.size.duration_s,
        basal_nl_h=profile.rate_min_nl_h,
        repeats=len(delivered),
        programmed_units=programmed,
        delivered_units=delivered,
        mean_ppm=ppm(sum(delivered) - programmed * len(delivered), programmed * len(delivered)),
        lowest_ppm=ppm(lowest, programmed),
        highest_ppm=ppm(highest, programmed),
        bound_ppm=ppm(samples.bound_units, programmed),
        within_bound=-samples.bound_units <= lowest and highest <= samples.bound_units,
    )


# --- what explains it -------------------------------------------------------------------------------------


def _unexplained_flow(samples: FlowSamples, profile: Profile, gain_ppm: int) -> Iterator[str]:
    for each in all_windows(samples, profile.stroke_nl):
        held = (each.programmed_units + each.lowest_units, each.programmed_units + each.highest_units)
        if not _is_explained(held, each.programmed_units, each.bound_units, gain_ppm):
            hours = each.length_ms // MS_PER_HOUR
            yield f"at {ml_per_day(samples.rate_nl_h)} mL/day, windows of {hours} h"


def _unexplained_bolus(samples: BolusSamples, gain_ppm: int) -> Iterator[str]:
    held = samples.delivered_units
    if not _is_explained(held, samples.programmed_units, samples.bound_units, gain_ppm):
        yield f"the {samples.size.name} bolus"


def _is_explained(held: Sequence[int], programmed: int, bound: int, gain_ppm: int) -> bool:
    """Tell whether volumes are what a motor of that gain moves in whole strokes, to one unit of rounding."""
    most = gain_ppm * bound + PPM
    return all(abs(each * PPM - gain_ppm * programmed) <= most for each in held)
