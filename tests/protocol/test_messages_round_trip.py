"""Bodies survive the way over the wire, and the fast codec says what the `construct` definition says."""

import construct
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bodies import EVERY_BODY, VARIABLE, plain_container, to_plain
from support.strategies import bodies, example_of

from protocol.application import MAX_BODY
from protocol.messages.codec import BodyError, codec_of
from protocol.messages.fields import FieldKind, fields_of, layout_of
from protocol.messages.registry import ERROR_CODEC, MESSAGES, by_name, by_request, iter_bodies

PUBLISHED_SIZES = {
    "SESSION_CONFIRM": (19, 23),
    "KEEPALIVE": (0, 10),
    "SESSION_CLOSE": (1, 0),
    "GET_DEVICE_INFO": (0, 60),
    "GET_STATUS": (0, 68),
    "GET_PROGRAM_INFO": (1, 28),
    "READ_PROGRAM": (7, 7),
    "PROG_BEGIN": (22, 7),
    "PROG_STAGE": (7, 8),
    "PROG_VERIFY": (36, 39),
    "PROG_COMMIT": (21, 49),
    "PROG_ABORT": (4, 4),
    "GET_RECEIPT": (16, 49),
    "GET_CLOCK": (0, 21),
    "LOG_INFO": (0, 17),
    "LOG_READ": (9, 10),
    "GET_ALARMS": (0, 1),
    "BOND_ENROL": (49, 36),
}
"""Octets of request and response as OITP/1 section 14 prints them, lists and blocks empty."""

every_body = pytest.mark.parametrize("body", EVERY_BODY, ids=lambda body: body.__name__)


@every_body
@settings(max_examples=15)
@given(data=st.data())
def test_bodies_survive_the_wire_as_the_definition_builds_and_parses_them(
    body: type, data: st.DataObject
) -> None:
    codec, layout = codec_of(body), layout_of(body)
    value = data.draw(bodies(body))
    octets = codec.encode(value)
    assert codec.decode(octets) == value
    assert codec.fixed_size <= len(octets) <= codec.max_size
    assert layout.build(to_plain(value)) == octets
    assert plain_container(layout.parse(octets)) == to_plain(value)


@every_body
@settings(max_examples=15)
@given(data=st.data())
def test_any_octets_are_refused_or_read_as_the_definition_reads_them(body: type, data: st.DataObject) -> None:
    """Where octets are accepted they are the only ones for that value: encoding gives them back."""
    codec = codec_of(body)
    octets = data.draw(st.binary(max_size=codec.max_size + 2) | _nearly(body))
    try:
        value = codec.decode(octets)
    except BodyError:
        return
    assert to_plain(value) == plain_container(layout_of(body).parse(octets))
    assert codec.encode(value) == octets


def _nearly(body: type) -> st.SearchStrategy[bytes]:
    """Octets of a valid body with one of them changed."""
    octets = bodies(body).map(codec_of(body).encode).filter(bool)
    change = st.tuples(octets, st.integers(0), st.integers(0, 255))
    return change.map(lambda drawn: _replace_one(*drawn)) if codec_of(body).max_size else st.just(b"")


def _replace_one(octets: bytes, at: int, octet: int) -> bytes:
    at %= len(octets)
    return octets[:at] + bytes([octet]) + octets[at + 1 :]


@every_body
def test_the_definition_refuses_every_truncation(body: type) -> None:
    octets = codec_of(body).encode(example_of(body))
    layout = layout_of(body)
    for size in range(len(octets)):
        with pytest.raises(construct.StreamError):
            layout.parse(octets[:size])


def test_bodies_have_the_sizes_published() -> None:
    sizes = {spec.name: (_least_size(spec.request), _least_size(spec.response)) for spec in MESSAGES}
    assert sizes == PUBLISHED_SIZES
    assert ERROR_CODEC.max_size == 8


def _least_size(body: type) -> int:
    variable = any(field.kind in VARIABLE for field in fields_of(body).values())
    return codec_of(body).fixed_size + int(variable)


def test_every_body_fits_one_record() -> None:
    assert max(codec_of(body).max_size for body in iter_bodies()) <= MAX_BODY


def test_every_field_says_what_it_means() -> None:
    assert all(field.text for body in EVERY_BODY for field in fields_of(body).values())


def test_only_empty_bodies_take_no_octets() -> None:
    for body in EVERY_BODY:
        assert bool(codec_of(body).encode(example_of(body))) == bool(fields_of(body))


def test_messages_are_found_by_name_and_by_request() -> None:
    for spec in MESSAGES:
        assert by_name(spec.name) is spec
        assert by_request(example_of(spec.request)) is spec
    with pytest.raises(KeyError):
        by_name("SUBSCRIBE_TO_NOTHING")
    with pytest.raises(KeyError):
        by_request(object())


def test_response_bodies_are_no_requests() -> None:
    with pytest.raises(KeyError):
        by_request(example_of(MESSAGES[0].response))


def test_a_list_is_never_longer_than_its_count_octet_can_say() -> None:
    limits = [f.limit for body in EVERY_BODY for f in fields_of(body).values() if f.kind in VARIABLE]
    assert limits
    assert all(0 < limit <= 0xFF for limit in limits)
    assert {FieldKind.BLOCK, FieldKind.RECORDS} == set(VARIABLE)
