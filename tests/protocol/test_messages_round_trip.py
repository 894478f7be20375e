"""Bodies survive the way over the wire, and the fast codec says what the `construct` definition says."""

import construct
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bodies import EVERY_BODY, VARIABLE, plain_container, to_plain
from support.published import CATALOGUE, ERROR_SIZE
from support.published import NOTIFICATIONS as PUBLISHED_NOTIFICATIONS
from support.strategies import bodies, example_of

from protocol.application import MAX_BODY
from protocol.messages.alarms import Alarm
from protocol.messages.bonds import BondEntry
from protocol.messages.codec import BodyError, codec_of
from protocol.messages.fields import FieldKind, fields_of, layout_of
from protocol.messages.log import LogReadResponse, LogRecord
from protocol.messages.program import DoseSummary
from protocol.messages.registry import ERROR_CODEC, MESSAGES, NOTIFICATIONS, by_name, by_request, iter_bodies
from protocol.messages.status import GetStatusResponse

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
    for spec in MESSAGES:
        line = CATALOGUE[spec.name]
        assert (_least_size(spec.request), _least_size(spec.response)) == line.sizes
        assert (_varies(spec.request), _varies(spec.response)) == line.varies
    assert {spec.name: spec.codec.max_size for spec in NOTIFICATIONS} == {
        name: size for name, (_, size) in PUBLISHED_NOTIFICATIONS.items()
    }
    assert ERROR_CODEC.max_size == ERROR_SIZE


def test_the_longest_bodies_are_those_published() -> None:
    """Of the fixed bodies the status, of the pages the log; sub-records of 18 and 24 octets."""
    bodies_of_messages = [body for spec in MESSAGES for body in (spec.request, spec.response)]
    fixed = {body: codec_of(body).max_size for body in bodies_of_messages if not _varies(body)}
    assert (max(fixed, key=fixed.__getitem__), max(fixed.values())) == (GetStatusResponse, 68)
    assert (codec_of(Alarm).max_size, codec_of(BondEntry).max_size, codec_of(LogRecord).max_size) == (
        18,
        24,
        32,
    )
    assert codec_of(LogReadResponse).max_size == 202
    limits = {f.item: f.limit for body in bodies_of_messages for f in fields_of(body).values() if f.item}
    assert limits == {Alarm: 11, BondEntry: 8, LogRecord: 6, DoseSummary: 4}


def _varies(body: type) -> bool:
    return any(field.kind in VARIABLE for field in fields_of(body).values())


def _least_size(body: type) -> int:
    return codec_of(body).fixed_size + int(_varies(body))


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
