"""The blocking client hears what the pump says unasked: at once, in order, and of its own session only."""

from dataclasses import replace

from support.device import QUIET, CountingDevice
from support.protocol_pair import KEY, ConnectionPair
from support.strategies import example_of

from protocol.client import MAX_HELD, PumpClient
from protocol.messages.alarms import Alarm, AlarmEvent
from protocol.messages.log import LogAppended
from protocol.request_words import EventMask

EVERYTHING = EventMask.STATUS | EventMask.BOLUS | EventMask.LOG | EventMask.ALARM | EventMask.SESSION
ALARMED = replace(QUIET, alarms=(example_of(Alarm),))


def listener() -> tuple[ConnectionPair, CountingDevice, PumpClient]:
    pair = ConnectionPair()
    client = pair.client()
    client.connect(KEY)
    client.subscribe(EVERYTHING)
    return pair, pair.device, client


def test_listening_returns_what_was_said_as_soon_as_something_was() -> None:
    pair, device, client = listener()
    assert client.listen(5_000) == []
    assert pair.now_ms == 5_000
    device.observation = ALARMED
    (first,) = client.listen(60_000)
    assert isinstance(first.body, AlarmEvent)
    assert pair.now_ms == 5_000
    (again,) = client.listen(60_000)
    assert (again.repeated, again.body) == (True, first.body)
    assert pair.now_ms == 6_000
    assert client.notify_ack(first.body.notify_seq).pending == 0
    assert client.listen(20_000) == []


def test_what_is_said_while_a_request_waits_is_kept_for_listening() -> None:
    _, device, client = listener()
    device.observation = ALARMED
    assert client.get_status().uptime_s
    assert len(client.listen(0) or client.listen(1)) == 1


def test_what_an_earlier_session_was_told_is_not_mixed_with_the_next() -> None:
    """Its numbers would acknowledge what the new session has not told yet."""
    _, device, client = listener()
    device.observation = ALARMED
    client.get_status()
    client._step(0)
    client.end_session()
    client.connect(KEY)
    assert client.listen(2_000) == []
    client.subscribe(EVERYTHING)
    assert [event.body.notify_seq for event in client.listen(500)] == [1]


def test_of_very_many_the_newest_are_kept() -> None:
    pair, device, client = listener()
    for number in range(1, MAX_HELD + 11):
        device.observation = replace(QUIET, log_last_seq=100 + number)
        pair.line.serve()
    client._step(0)
    told = client.listen(0)
    assert len(told) == MAX_HELD
    assert told[-1].body == LogAppended(MAX_HELD + 10, 100 + MAX_HELD + 10)
