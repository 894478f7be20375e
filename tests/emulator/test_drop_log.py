"""The log says why something got no answer, once at once, and then in numbers."""

import logging

import pytest

from emulator.drop_log import QUIET_MS, DropLog
from protocol.drops import Drop, DropReason

CRC = Drop(DropReason.CRC, "CRC-32C 0x00000001", "0x00000002", b"\xa1\x0f")
LINK = Drop(DropReason.LINK_ID, "link 0x1234", "link 0x4321", b"\xa1")


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "emulator.drop_log")
    return caplog


def test_the_first_of_each_reason_is_told_in_full(said: pytest.LogCaptureFixture) -> None:
    log = DropLog()
    log.note(CRC, 0)
    log.note(LINK, 1)
    first, second = said.messages
    assert first == (
        "not answered (crc): The CRC-32C does not match the frame. Expected CRC-32C 0x00000001, "
        "received 0x00000002. Octets: a10f"
    )
    assert "link 0x1234" in second


def test_a_flood_is_counted_not_told(said: pytest.LogCaptureFixture) -> None:
    """A thousand drops in a quiet time are one line and one number."""
    log = DropLog()
    for at in range(1_000):
        log.note(CRC, at)
    assert len(said.messages) == 1
    log.tick(QUIET_MS)
    assert said.messages[1].startswith("not answered (crc): 999 more times; the last: The CRC-32C")


def test_after_a_quiet_time_without_drops_the_next_is_told_again(said: pytest.LogCaptureFixture) -> None:
    log = DropLog()
    log.note(CRC, 0)
    log.tick(QUIET_MS)
    assert len(said.messages) == 1
    log.note(CRC, QUIET_MS)
    assert len(said.messages) == 2
    assert "Octets: a10f" in said.messages[1]


def test_every_repetition_can_still_be_read_at_debug_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "emulator.drop_log")
    log = DropLog()
    log.note(CRC, 0)
    log.note(CRC, 1)
    assert len(caplog.messages) == 2
