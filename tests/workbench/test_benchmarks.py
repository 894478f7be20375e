"""The benchmarks measure what they say and the report tells it; no wall time is judged here."""

import json
import os
import re
from itertools import islice
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from protocol.frame import Direction, Frame, FrameKind, to_wire
from protocol.messages.codec import codec_of
from protocol.messages.status import GetStatusResponse
from protocol.vocabulary import DeliveryState
from workbench import bench
from workbench.benchmarks import codec, deframer, in_process, over_pty, simulation
from workbench.benchmarks.echo import Answers
from workbench.benchmarks.emulator_process import resident_mb
from workbench.benchmarks.machine import Machine, this_machine
from workbench.benchmarks.measure import Effort, in_turns, percentile, wall_us_of_each
from workbench.benchmarks.report import HEAD, Report, Row, Skipped, Target, Unit, cells, number, rounded
from workbench.cli import cli
from workbench.exit_codes import ExitCode
from workbench.generators.sample_session import session
from workbench.pump_process import PumpProcessError

ROOT = Path(__file__).parent.parent.parent
LEAST = Effort(1, 1)
"""The shortest run there is."""
UNITS = tuple(f"_{unit.value}" for unit in Unit)
UNITLESS = {"name", "title", "baseline_title", "ratio_of_times", "met", "target_max_ratio_of_times"}


@pytest.fixture(scope="module")
def report() -> Report:
    """One quick run of everything."""
    return bench.run_bench(quick=True)


def row(report: Report, name: str) -> Row:
    found = next(row for row in report.rows if row.name == name)
    assert isinstance(found, Row), found
    return found


# --- what a run gives ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "get_status_in_process",
        "get_status_after_rest",
        "get_status_pty_median",
        "get_status_pty_p99",
        "link_pty_median",
        "codec_decode",
        "codec_encode",
        "construct_parse",
        "construct_build",
        "deframer_noise",
        "emulator_start",
        "simulation_quiet",
        "simulation_watched",
    ],
)
def test_a_quick_run_has_the_row_with_sane_values(report: Report, name: str) -> None:
    measured = row(report, name)
    assert measured.value > 0
    assert measured.title
    if measured.baseline is not None:
        assert measured.baseline > 0
        assert measured.baseline_title
        assert measured.ratio is not None
        assert measured.ratio > 0


@pytest.mark.skipif(resident_mb(os.getpid()) is None, reason="the system does not tell memory")
def test_the_memory_of_the_emulator_is_that_of_a_python_program(report: Report) -> None:
    assert 5 < row(report, "emulator_memory").value < 1_000


def test_no_two_rows_share_a_name(report: Report) -> None:
    names = [row.name for row in report.rows]
    assert len(set(names)) == len(names)


def test_every_number_of_the_design_that_is_measured_stands_beside_its_row(report: Report) -> None:
    """The bounds of the product, in one place where a change of them is seen."""
    bounds = {row.name: row.target_text() for row in report.rows if isinstance(row, Row) and row.target}
    bounds.setdefault("emulator_memory", "<= 80 MB")  # skipped where the system does not tell memory
    assert bounds == {
        "get_status_in_process": ">= 12 000 /s",
        "get_status_pty_median": "<= 2 x baseline",
        "codec_decode": "<= 2.5 x baseline",
        "codec_encode": "<= 2.5 x baseline",
        "deframer_noise": ">= 50 MB/s",
        "emulator_start": "<= 700 ms",
        "emulator_memory": "<= 80 MB",
        "simulation_quiet": ">= 200 pump-years/s",
    }


def test_every_measured_key_of_the_json_carries_its_unit(report: Report) -> None:
    data = json.loads(json.dumps(report.to_json()))
    assert data["format"] == 1
    assert data["quick"] is True
    assert data["duration_s"] > 0
    for measured in data["rows"]:
        keys = set(measured) - UNITLESS
        assert keys
        assert all(key.endswith(UNITS) for key in keys), keys


def test_the_report_names_the_machine(report: Report) -> None:
    machine = report.to_json()["machine"]
    assert machine["cores"] >= 1
    assert machine["python"].count(".") == 2
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", machine["date_utc"])
    assert all(machine[key] for key in ("processor", "system", "commit"))


def test_only_the_benchmarks_asked_for_are_run() -> None:
    said: list[str] = []
    names = {row.name for row in bench.run_bench(quick=True, only=["deframer"], say=said.append).rows}
    assert names == {"deframer_noise"}
    assert said == ["measuring: deframer on noise"]


def test_a_machine_that_starts_no_pump_still_measures_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pump() -> NoReturn:
        raise PumpProcessError("The pump ended while starting. It said: no pseudo-terminal")

    monkeypatch.setattr(over_pty, "pump_session", no_pump)
    report = bench.run_bench(quick=True, only=["get_status_pty", "codec"])
    skipped = report.rows[0]
    assert isinstance(skipped, Skipped)
    assert "no pseudo-terminal" in skipped.reason
    assert skipped.to_json() == {
        "name": "get_status_pty",
        "title": "GET_STATUS over a pty",
        "skipped": skipped.reason,
    }
    assert "no pseudo-terminal" in bench.as_text(report)
    assert "no pseudo-terminal" in bench.as_page(report)
    assert row(report, "codec_decode").value > 0


# --- that they measure the right thing ----------------------------------------------------------------------


def test_the_hand_written_struct_is_the_body_of_get_status() -> None:
    body = codec.sample_status()
    octets = codec_of(GetStatusResponse).encode(body)
    assert codec.hand_encode(body) == octets
    assert codec.hand_decode(octets) == body


def test_the_echo_moves_as_many_octets_as_get_status() -> None:
    asked, answered = islice((len(sent.wire) for sent in reversed(list(session()))), 2)
    assert (asked, answered) == (over_pty.ANSWERED, over_pty.ASKED)


@given(cuts=st.lists(st.integers(0, 30), max_size=30))
def test_the_echo_answers_each_question_once_however_it_is_cut(cuts: list[int]) -> None:
    answers = Answers(7, 3)
    answered = b"".join(answers.to(bytes(size)) for size in cuts)
    assert len(answered) == sum(cuts) // 7 * 3


def test_a_conversation_in_process_is_answered_by_the_pump() -> None:
    conversation = in_process.Conversation()
    first, second = conversation.get_status(), conversation.get_status()
    assert first.delivery_state is DeliveryState.RUNNING
    assert second.last_txn_id == first.last_txn_id + 1


def test_noise_is_the_same_in_every_run_and_cut_as_a_link_reads_it() -> None:
    assert deframer.noise(10_000) == deframer.noise(10_000)
    assert [len(piece) for piece in deframer.noise(10_000)] == [4096, 4096, 1808]


def test_a_deframer_that_accepts_a_frame_from_noise_fails_the_run() -> None:
    wire = to_wire(Frame(FrameKind.LINK, Direction.TO_PUMP, 0, 0, b""))
    with pytest.raises(deframer.NoiseAcceptedError):
        deframer.deframe([wire])


def test_a_simulated_year_is_refilled_and_keeps_infusing() -> None:
    """24 steps of 10,000 and 10,500 nL/h use 89.79 mL a year: 17 mL to the first alarm, 18 to each other."""
    pump = simulation.treated_pump()
    assert pump.belief().delivery_state is DeliveryState.RUNNING
    assert simulation.live(pump, 1) == 5
    twin = simulation.treated_pump()
    assert simulation.watch(twin, 1) == 5
    assert pump.belief().delivered_units == twin.belief().delivered_units


def test_a_simulation_that_stops_infusing_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    pump = simulation.treated_pump()
    monkeypatch.setattr(type(pump), "refill", lambda self, filled_nl: 0)
    with pytest.raises(simulation.SimulationError, match="STOPPED"):
        simulation.live(pump, 1)


# --- arithmetic of measuring --------------------------------------------------------------------------------


def test_subject_and_baseline_are_called_as_often_as_asked() -> None:
    calls = {"subject": 0, "baseline": 0}

    def count(name: str) -> None:
        calls[name] += 1

    in_turns(lambda: count("subject"), lambda: count("baseline"), 20, 40, 3)
    assert calls == {"subject": 20 * 3 + 2, "baseline": 40 * 3 + 4}


def test_each_call_is_timed_once() -> None:
    times = wall_us_of_each(lambda: None, 25)
    assert len(times) == 25
    assert all(time >= 0 for time in times)


@given(times=st.lists(st.floats(0, 1e6), min_size=1), percent=st.integers(0, 100))
def test_a_percentile_is_not_exceeded_by_that_many(times: list[float], percent: int) -> None:
    limit = percentile(times, percent)
    assert limit in times
    assert sum(time <= limit for time in times) * 100 >= len(times) * percent


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no times"):
        percentile([], 50)


@pytest.mark.parametrize(
    ("target", "value", "ratio", "met"),
    [
        (Target(10.0), 10.0, None, True),
        (Target(10.0), 10.1, None, False),
        (Target(10.0, least=True), 10.0, None, True),
        (Target(10.0, least=True), 9.9, None, False),
        (Target(2.0, of_ratio=True), 99.0, 2.0, True),
        (Target(2.0, of_ratio=True), 1.0, 2.1, False),
        (Target(2.0, of_ratio=True), 1.0, None, False),
    ],
)
def test_a_target_is_met_up_to_its_bound(
    target: Target, value: float, ratio: float | None, met: bool
) -> None:
    assert target.met(value, ratio) is met


@pytest.mark.parametrize(
    ("value", "text"), [(0.5344, "0.534"), (12.34, "12.3"), (100.4, "100"), (16222.2, "16 222")]
)
def test_a_number_is_written_with_the_digits_it_deserves(value: float, text: str) -> None:
    assert number(value) == text


def test_json_keeps_four_digits() -> None:
    assert rounded(16222.23) == 16220.0
    assert rounded(0.123456) == 0.1235


# --- how it is written down ---------------------------------------------------------------------------------

MACHINE = Machine("A processor", 2, "CPython 3.12.1", "Linux x86_64", "0123456789ab", "2026-01-02")
MISSED = Row("slow", "slow thing", Unit.MICROSECONDS, 30.0, 10.0, "echo", 3.0, Target(2.0, of_ratio=True))
MEASURED = Report(MACHINE, False, 31.4, (MISSED, Skipped("none", "missing thing", "not measured: no pty")))


def test_a_row_is_written_with_its_baseline_ratio_and_target() -> None:
    assert cells(MISSED) == ("slow thing", "30 us", "10 us (echo)", "3.00", "<= 2 x baseline", "NO")


def test_the_text_for_a_terminal_says_all() -> None:
    assert bench.as_text(MEASURED) == (
        "machine: A processor, 2 cores, Linux x86_64\n"
        "Python: CPython 3.12.1\n"
        "commit: 0123456789ab\n"
        "date: 2026-01-02 (UTC), full run of 31 s\n"
        "\n"
        "slow thing\n"
        "  30 us; 3.00 x echo (10 us); to reach <= 2 x baseline: NO\n"
        "\n"
        "missing thing\n"
        "  not measured: no pty"
    )


def test_the_page_names_the_command_that_writes_it() -> None:
    page = bench.as_page(MEASURED)
    assert page.startswith("<!-- Written by `cisterna bench --write docs/performance.md`")
    assert "    cisterna bench --write docs/performance.md\n" in page
    assert "| slow thing | 30 us | 10 us (echo) | 3.00 | <= 2 x baseline | NO |" in page
    assert "* commit: 0123456789ab" in page


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "run_bench", lambda **_: MEASURED)


@pytest.mark.usefixtures("measured")
def test_the_command_prints_text(capsys: pytest.CaptureFixture[str]) -> None:
    bench.bench_command()
    assert capsys.readouterr().out == bench.as_text(MEASURED) + "\n"


@pytest.mark.usefixtures("measured")
def test_the_command_prints_json_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    bench.bench_command(as_json=True)
    assert json.loads(capsys.readouterr().out) == MEASURED.to_json()


@pytest.mark.usefixtures("measured")
def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench.bench_command(write=tmp_path / "performance.md")
    assert (tmp_path / "performance.md").read_text(encoding="utf-8") == bench.as_page(MEASURED)
    assert "wrote" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_told_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, a usage error that names the place, and nothing measured."""
    monkeypatch.setattr(bench, "run_bench", lambda **_: pytest.fail("measured in vain"))
    asked = CliRunner().invoke(cli, ["bench", "--write", str(tmp_path / "missing" / "page.md")])
    assert asked.exit_code == ExitCode.USAGE
    assert "page.md: No such file or directory" in asked.stderr


def test_the_page_in_the_checkout_has_the_rows_of_today(report: Report) -> None:
    """`cisterna bench --write docs/performance.md` was run after the last row was added or renamed."""
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    assert page.startswith("<!-- Written by `cisterna bench")
    assert f"| {' | '.join(HEAD)} |" in page
    titles = [row.title for row in report.rows if isinstance(row, Row)]
    assert [title for title in titles if f"\n| {title} | " not in page] == []


def test_the_page_in_the_checkout_is_of_a_full_run() -> None:
    assert "full run of" in (ROOT / "docs/performance.md").read_text(encoding="utf-8")


def test_the_machine_is_told_even_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.benchmarks.machine._ROOT", tmp_path)
    assert not re.fullmatch(r"[0-9a-f]{12}\+?", this_machine().commit)
    assert this_machine().commit
