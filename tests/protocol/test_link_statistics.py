"""LINK_STATS and SECURITY_STATUS get true counters of their link, and nobody else gets any."""

import pytest
from cobs import cobs
from support.device import CountingDevice
from support.protocol_pair import CONFIRM, ConnectionPair, PumpHost, SeededEntropy, whole
from support.published import ANSWERED_BY_THE_ENDPOINT, CATALOGUE
from support.raw_programmer import RawProgrammer, RawSession
from support.strategies import example_of
from support.wire import flip, with_crc

from protocol.application import build_request
from protocol.endpoint_pump import PumpEndpoint
from protocol.frame import DELIMITER, to_wire
from protocol.link_control import LinkClass
from protocol.messages.registry import by_name
from protocol.requests import LinkReport, Request
from protocol.vocabulary import Role


class RememberingDevice(CountingDevice):
    """Keeps the last request."""

    last: Request

    def handle(self, request: Request) -> object:
        self.last = request
        return super().handle(request)


class Talk:
    """A confirmed session that asks one thing after the other."""

    def __init__(self, link_class: LinkClass = LinkClass.NEAR) -> None:
        self.device = RememberingDevice()
        self.device.add_bond(0)
        self.pump = PumpEndpoint(self.device, SeededEntropy(), link_class=link_class)
        self.raw = RawProgrammer(PumpHost(self.pump, self.device, whole))
        self.raw.hello()
        self.session: RawSession = self.raw.session()
        self.txn = 1
        self.raw.record(self.session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))

    def ask(self, name: str) -> LinkReport | None:
        """Ask; what the device was told of the link."""
        self.txn += 1
        spec = by_name(name)
        self.raw.record(self.session, build_request(spec, example_of(spec.request), self.txn))
        assert self.device.last.spec is spec
        return self.device.last.caller.link

    def report(self) -> LinkReport:
        report = self.ask("LINK_STATS")
        assert report is not None
        return report


def test_a_quiet_link_reports_what_went_over_it() -> None:
    talk = Talk(LinkClass.FAR)
    octets = sum(map(len, talk.raw.sent))
    report = talk.report()
    octets += len(talk.raw.sent[-1])
    assert report == LinkReport(LinkClass.FAR, rx_frames=4, tx_frames=3, rx_bytes=octets)
    assert talk.pump.frames_sent == 4


@pytest.mark.parametrize(
    ("damage", "moved"),
    [
        (lambda wire: flip(wire, 8 * (len(wire) - 2)), "rx_crc_err"),
        (lambda wire: b"\0\x09abc\0", "rx_cobs_err"),
        (lambda wire: b"\0\x04abc\0", "rx_len_err"),
        (lambda wire: b"\0" + b"\x01" * 300 + b"\0", "rx_overrun"),
        (lambda wire: wire, "replay_drops"),
    ],
    ids=["flipped", "cut", "short", "long", "replayed"],
)
def test_each_kind_of_damage_moves_its_counter(damage: object, moved: str) -> None:
    assert callable(damage)
    talk = Talk()
    before = talk.report()
    data = damage(talk.raw.sent[-1])
    assert talk.raw.put(data) == []
    after = talk.report()
    wire_frame = moved == "replay_drops"
    changed = {
        moved: getattr(before, moved) + 1,
        "rx_frames": before.rx_frames + 1 + wire_frame,
        "tx_frames": before.tx_frames + 1,
        "rx_bytes": before.rx_bytes + len(data) + len(talk.raw.sent[-1]),
    }
    expected = {name: getattr(before, name) for name in LinkReport.__dataclass_fields__} | changed
    assert after == LinkReport(**expected)


def test_a_length_octet_that_lies_counts_with_the_frames_of_a_wrong_size() -> None:
    talk = Talk()
    coded = cobs.encode(with_crc(b"\xa1\x0f\x00\x00\xff\xff\x09\x3c"))
    talk.raw.put(DELIMITER + coded + DELIMITER)
    assert talk.report().rx_len_err == 1


def test_a_forged_record_counts_as_forged() -> None:
    talk = Talk()
    frame = talk.session.sender.seal(9, b"whatever it says")
    forged = type(frame)(frame.kind, frame.direction, 9, frame.link_id, flip(frame.payload, 70))
    assert talk.raw.put(to_wire(forged)) == []
    report = talk.report()
    assert (report.auth_drops, report.replay_drops) == (1, 0)
    assert talk.ask("SECURITY_STATUS") is not None


def test_an_answer_from_the_cache_is_counted_as_repeated() -> None:
    talk = Talk()
    spec = by_name("GET_STATUS")
    again = build_request(spec, example_of(spec.request), 2)
    for _ in range(4):
        talk.raw.record(talk.session, again)
    talk.txn = 2
    report = talk.report()
    assert (report.retrans_served, report.tx_frames) == (3, 3 + 4)


def test_counters_outlive_sessions_but_not_the_link() -> None:
    talk = Talk()
    talk.raw.put(b"\0\x09abc\0")
    talk.session, talk.txn = talk.raw.session(ephemeral="next"), 1
    talk.raw.record(talk.session, build_request(by_name("SESSION_CONFIRM"), CONFIRM, 1))
    assert talk.report().rx_cobs_err == 1
    assert Talk().report().rx_cobs_err == 0


def test_only_those_who_ask_for_the_link_and_the_opening_itself_are_told_of_it() -> None:
    told = set()
    for line in CATALOGUE.values():
        role = min(line.roles)
        if role is Role.ENROL or line.name in ANSWERED_BY_THE_ENDPOINT:
            continue
        device = RememberingDevice()
        device.add_bond(0, role)
        ConnectionPair(device=device).open().ask(example_of(by_name(line.name).request))
        if device.last.caller.link is not None:
            told.add(line.name)
    assert told == {"SESSION_CONFIRM", "LINK_STATS", "SECURITY_STATUS"}
