"""The soak in a bounded form; ``make soak FRAMES=10000000`` is the long one."""

import pytest
from support.soak import pump_target
from support.soak.pump_target import SoakError
from support.soak.run import GROWTH_LIMIT, SCENES, soak

from firmware_model.pump import Pump
from protocol.records import RecordReceiver


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_frames_by_the_hundred_thousand_change_nothing(seed: int) -> None:
    """No exception, no change of the pump, no babbling, bounded memory; the genuine peer is always served."""
    report = soak(200_000, seed)
    assert report.frames == 200_000
    assert len(report.by_scene) == len(SCENES)
    assert 0 < report.growth <= GROWTH_LIMIT
    assert report.answered_peers > 100
    assert len([count for count in report.drops.values() if count]) >= 15, "most reasons to drop were met"


def test_one_seed_is_one_soak() -> None:
    one, two = soak(500, 3), soak(500, 3)
    assert (one.drops, one.octets_out) == (two.drops, two.octets_out)
    assert soak(500, 4).drops != one.drops


def test_a_soak_finds_a_pump_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect: what a stranger's failed handshake names is taken for a bond to forget."""

    def careless(pump: Pump, slot: int, _link_class: object, _guess: bool) -> None:
        pump.storage.write("programs.a", bytes((slot & 0xFF,)))

    monkeypatch.setattr(Pump, "handshake_failed", careless)
    monkeypatch.setattr("support.soak.run.SCENES", [("pump", "discovered")])
    with pytest.raises(SoakError, match="cells changed"):
        soak(8_000, 1)


def test_a_soak_finds_a_pump_that_babbles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect: refusals in plaintext are not rationed."""
    monkeypatch.setattr("protocol.pump_link.LINK_ERROR_EVERY_MS", 0)
    monkeypatch.setattr("support.soak.run.SCENES", [("pump", "discovered")])
    with pytest.raises(AssertionError, match="two LINK_ERROR within a second"):
        soak(8_000, 1)


def test_a_soak_finds_an_endpoint_that_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(_receiver: RecordReceiver, _frame: object) -> bytes:
        raise IndexError("a defect")

    monkeypatch.setattr(RecordReceiver, "open", fragile)
    monkeypatch.setattr("support.soak.run.SCENES", [("pump", "established")])
    with pytest.raises(IndexError):
        soak(2_000, 1)
    assert pump_target.STATES
