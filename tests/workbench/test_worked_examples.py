"""The octets in the reference are those of the code: samples fit their fields, runs cover every octet."""

from collections.abc import Callable
from typing import Any

import construct
import pytest

from protocol.application import HEADER, HEADER_SIZE, build_message
from protocol.client_errors import ERROR_TEXTS
from protocol.endpoint_programmer import ProgrammerEndpoint
from protocol.endpoint_pump import PumpEndpoint
from protocol.events import AnswerReceived, RequestReceived
from protocol.frame import FRAME_LAYOUT, decode_piece
from protocol.handshake import GRANT_LAYOUT, HEADER_LAYOUT, Credentials, Suite
from protocol.link_control import LinkClass
from protocol.messages.codec import codec_of
from protocol.messages.registry import ERROR_OPCODE, MESSAGES, iter_bodies
from protocol.messages.session import SessionConfirmRequest
from protocol.noise import public_key
from protocol.program import SECTION_NAMES, decode_program
from protocol.records import RECORD_LAYOUT
from protocol.requests import Bond
from protocol.vocabulary import BondState, ErrorCode, Role
from workbench.generators import layers
from workbench.generators.messages_page import header_runs
from workbench.generators.octets import Run, body_runs
from workbench.generators.program_page import SECTION_TEXTS, image_runs
from workbench.generators.sample_session import (
    HELLO_NONCE,
    LINK_ID,
    PROGRAMMER_EPHEMERAL,
    PUMP_EPHEMERAL,
    PUMP_NONCE,
    session,
)
from workbench.generators.samples import IMAGE, PROGRAM, PROGRAMMER_KEY, PUMP_KEY, SLOT, UPTIME_S, sample

BODIES = list(iter_bodies())


def joined(runs: list[Run]) -> bytes:
    """The octets of runs that follow each other without a gap or an overlap."""
    octets = b""
    for run in runs:
        assert run.offset == len(octets)
        octets += run.octets
    return octets


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_sample_survives_the_wire(body: type) -> None:
    codec = codec_of(body)
    assert codec.decode(codec.encode(sample(body))) == sample(body)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_runs_cover_every_octet_of_a_message_once(body: type) -> None:
    encoded = codec_of(body).encode(sample(body))
    plaintext = build_message(ERROR_OPCODE, 7, encoded)
    runs = [*header_runs(plaintext), *body_runs(sample(body), encoded, HEADER_SIZE)]
    assert joined(runs) == plaintext


def test_runs_cover_every_octet_of_the_image_once() -> None:
    assert joined(list(image_runs(IMAGE))) == IMAGE
    assert decode_program(IMAGE) == PROGRAM


def test_every_section_of_the_image_is_described() -> None:
    assert list(SECTION_TEXTS) == list(SECTION_NAMES.values())


@pytest.mark.parametrize(
    ("layout", "texts"),
    [
        (FRAME_LAYOUT, layers.FRAME_TEXTS),
        (HEADER_LAYOUT, layers.HANDSHAKE_TEXTS),
        (GRANT_LAYOUT, layers.GRANT_TEXTS),
        (RECORD_LAYOUT, layers.RECORD_TEXTS),
        (HEADER, layers.HEADER_TEXTS),
    ],
)
def test_every_field_of_a_layer_is_described(layout: construct.Struct, texts: dict[str, str]) -> None:
    assert [subcon.name for subcon in layout.subcons] == list(texts)


def test_every_error_code_has_words() -> None:
    assert set(ERROR_TEXTS) == set(ErrorCode)


# --- the session on the page is the one that the endpoints have ---------------------------------------------


class SampleDevice:
    """A pump that answers every request with the sample of its response."""

    static_private = PUMP_KEY
    enrol_psk = bytes(32)
    boot_count = 1
    uptime_s = UPTIME_S
    far_link = False

    def bond(self, slot: int) -> Bond | None:
        return Bond(slot, public_key(PROGRAMMER_KEY), Role.CLINICIAN, BondState.CONFIRMED, "")

    def lockout_s(self, link_class: LinkClass) -> int:
        return 0

    def admit_handshake(self, link_class: LinkClass) -> int:
        return 0

    def proximity_psk(self, slot: int) -> bytes | None:
        return None

    def session_elsewhere(self, session_id: int | None) -> bool:
        return False


def scripted(*draws: bytes) -> Callable[[int], bytes]:
    """Entropy that gives these octets in this order, and fails at any other draw."""
    left = list(draws)

    def draw(size: int) -> bytes:
        assert len(left[0]) == size
        return left.pop(0)

    return draw


def test_the_endpoints_send_the_session_that_the_page_shows() -> None:
    """The page builds its session layer by layer; endpoints with the same keys and nonces send the same."""
    session_id = (0xC0FFEE01).to_bytes(4, "little")
    link_id = LINK_ID.to_bytes(2, "little")
    pump = PumpEndpoint(SampleDevice(), scripted(link_id, PUMP_NONCE, PUMP_EPHEMERAL, session_id))
    programmer = ProgrammerEndpoint(scripted(HELLO_NONCE, PROGRAMMER_EPHEMERAL))
    sent: list[bytes] = []

    def carry() -> list[Any]:
        sent.append(programmer.data_to_send())
        for event in pump.receive(sent[-1], 0):
            if isinstance(event, RequestReceived):
                pump.respond(event, sample(event.request.spec.response))
        sent.append(pump.data_to_send())
        return list(programmer.receive(sent[-1], 0))

    programmer.discover(0)
    carry()
    programmer.open_session(Suite.KK, SLOT, Credentials(PROGRAMMER_KEY, public_key(PUMP_KEY)), 0)
    carry()
    for name in ("SESSION_CONFIRM", "GET_STATUS"):
        spec = next(spec for spec in MESSAGES if spec.name == name)
        programmer.request(sample(spec.request), 0)
        (answer,) = carry()
        assert isinstance(answer, AnswerReceived)
        assert answer.body == sample(spec.response)
    assert sent == [transmission.wire for transmission in session()]


def test_each_frame_of_the_session_decodes_to_what_the_page_explains() -> None:
    for transmission in session():
        frame = decode_piece(transmission.wire.strip(b"\0"), transmission.frame.direction)
        assert frame == transmission.frame


def test_the_confirmation_of_the_session_is_the_sample_of_its_request() -> None:
    bodies = [transmission.body for transmission in session()]
    assert sum(isinstance(body, SessionConfirmRequest) for body in bodies) == 1
