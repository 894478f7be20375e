"""A body that is wrong in any way is refused with the code and the field that OITP/1 section 15 asks for."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated, Any

import pytest
from support.bodies import EVERY_BODY, VARIABLE, fields_at
from support.strategies import example_of

from protocol.messages.codec import BodyCodec, BodyError, codec_of
from protocol.messages.fields import Field, FieldKind, block, fields_of, label, octets, u8, u16
from protocol.messages.log import LogReadRequest, LogReadResponse, LogRecord
from protocol.messages.program import ProgCommitRequest, ProgStageRequest
from protocol.messages.session import SessionConfirmRequest
from protocol.messages.text import read_text, write_text
from protocol.program import Drug
from protocol.vocabulary import NO_FIELD, ErrorCode, EventType, LogRecordFlag

every_body = pytest.mark.parametrize("body", EVERY_BODY, ids=lambda body: body.__name__)


def bodies_with(*kinds: FieldKind) -> pytest.MarkDecorator:
    """Run a test for each body that has a field of one of ``kinds``."""
    chosen = [body for body in EVERY_BODY if any(f.kind in kinds for f in fields_of(body).values())]
    return pytest.mark.parametrize("body", chosen, ids=lambda body: body.__name__)


def refusal(body: type, octets: bytes) -> tuple[ErrorCode, int]:
    """Code and field with which ``octets`` are refused as a ``body``."""
    with pytest.raises(BodyError) as caught:
        codec_of(body).decode(octets)
    assert str(caught.value)
    return caught.value.code, caught.value.field


def cases(body: type, *kinds: FieldKind) -> Iterator[tuple[int, Field, bytes, bytes]]:
    """Index and definition of each field of these kinds, and the octets of an example before and after it."""
    octets = codec_of(body).encode(example_of(body))
    for index, offset, _, field in fields_at(body):
        if field.kind in kinds:
            yield index, field, octets[:offset], octets[offset + field.size :]


def number(value: int, field: Field) -> bytes:
    return value.to_bytes(field.size, "little", signed=value < 0)


@every_body
def test_a_body_cut_short_or_followed_by_octets_is_of_bad_length(body: type) -> None:
    octets = codec_of(body).encode(example_of(body))
    wrong = [octets[:size] for size in range(len(octets))] + [octets + bytes(more) for more in (1, 2, 200)]
    assert {refusal(body, octets) for octets in wrong} == {(ErrorCode.BAD_LENGTH, NO_FIELD)}


@bodies_with(*VARIABLE)
def test_a_count_that_does_not_match_what_follows_is_a_bad_length(body: type) -> None:
    for _, _, before, after in cases(body, *VARIABLE):
        octets = before + codec_of(body).encode(example_of(body))[len(before) :]
        count = octets[len(before)]
        for wrong in (count - 1, count + 1, 0xFF):
            if 0 <= wrong != count:
                changed = before + bytes([wrong]) + after
                assert refusal(body, changed) == (ErrorCode.BAD_LENGTH, NO_FIELD)


@bodies_with(*VARIABLE)
def test_a_list_longer_than_allowed_is_too_large(body: type) -> None:
    for index, field, before, _ in cases(body, *VARIABLE):
        item = codec_of(field.item).encode(example_of(field.item)) if field.item else b"\x00"
        octets = before + bytes([field.limit + 1]) + item * (field.limit + 1)
        assert refusal(body, octets) == (ErrorCode.TOO_LARGE, index)


def damaged_words(field: Field) -> set[int]:
    """Every octet, or every 16-bit word three or fewer flips away from a member, that is no member."""
    assert field.members is not None
    members = {int(member) for member in field.members}
    if field.size == 1:
        return set(range(256)) - members
    flips = [sum(1 << bit for bit in bits) for size in (1, 2, 3) for bits in combinations(range(16), size)]
    return {0, 0xFFFF, *(word ^ flip for word in list(members)[:3] for flip in flips)} - members


@bodies_with(FieldKind.WORD)
def test_every_unknown_word_is_a_bad_enumeration(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.WORD):
        for word in damaged_words(field):
            assert refusal(body, before + number(word, field) + after) == (ErrorCode.BAD_ENUM, index)


@bodies_with(FieldKind.INTEGER)
def test_numbers_are_accepted_to_the_edge_of_their_range_and_no_further(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.INTEGER):
        for edge in (field.low, field.high):
            value = codec_of(body).decode(before + number(edge, field) + after)
            assert getattr(value, list(fields_of(body))[index]) == edge
        for beyond in beyond_range(field):
            octets = before + number(beyond, field) + after
            assert refusal(body, octets) == (ErrorCode.OUT_OF_RANGE, index)


def beyond_range(field: Field) -> list[int]:
    """The numbers just outside the range and at the ends of the type, as far as the octets can hold them."""
    bits = 8 * field.size
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if field.low < 0 else (0, (1 << bits) - 1)
    around = (low, field.low - 1, field.high + 1, high)
    return [n for n in around if low <= n <= high and not field.low <= n <= field.high]


@bodies_with(FieldKind.FLAGS)
def test_every_bit_without_a_name_is_reserved(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.FLAGS):
        assert field.members is not None
        known = sum(int(member) for member in field.members)
        for bit in range(8 * field.size):
            octets = before + number(1 << bit, field) + after
            if known >> bit & 1:
                assert codec_of(body).decode(octets)
            else:
                assert refusal(body, octets) == (ErrorCode.RESERVED_NONZERO, index)


@bodies_with(FieldKind.RESERVED)
def test_every_bit_of_a_reserved_field_must_be_zero(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.RESERVED):
        for bit in range(8 * field.size):
            octets = before + number(1 << bit, field) + after
            assert refusal(body, octets) == (ErrorCode.RESERVED_NONZERO, index)


BAD_TEXTS = (
    b"\xff",
    b"\xc3",
    b"a\x00b",
    b"a\nb",
    b"\x1b[2J",
    b"\xed\xa0\x80",
    b"\xc0\x80",
    b"\x00a",
    b"\xe2\x80\xae",
)


@bodies_with(FieldKind.TEXT)
def test_text_that_is_not_printable_utf8_is_bad_text(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.TEXT):
        for text in BAD_TEXTS:
            octets = before + text.ljust(field.size, b"\x00") + after
            assert refusal(body, octets) == (ErrorCode.BAD_TEXT, index)


@bodies_with(FieldKind.OCTETS)
def test_an_identifier_of_zeros_is_out_of_range_where_it_must_not_be(body: type) -> None:
    for index, field, before, after in cases(body, FieldKind.OCTETS):
        octets = before + bytes(field.size) + after
        if field.nonzero:
            assert refusal(body, octets) == (ErrorCode.OUT_OF_RANGE, index)
        else:
            assert codec_of(body).decode(octets)


def test_a_wrong_item_is_blamed_on_the_list_that_holds_it() -> None:
    good = codec_of(LogRecord).encode(example_of(LogRecord))
    bad = good[:12] + b"\x01\x00" + good[14:]
    page = codec_of(LogReadResponse).encode(example_of(LogReadResponse))[:-1] + b"\x02" + good + bad
    assert refusal(LogRecord, bad) == (ErrorCode.BAD_ENUM, 3)
    assert refusal(LogReadResponse, page) == (ErrorCode.BAD_ENUM, 3)


def test_length_is_judged_before_content() -> None:
    commit = bytearray(codec_of(ProgCommitRequest).encode(example_of(ProgCommitRequest)))
    commit[16] = 0
    assert refusal(ProgCommitRequest, bytes(commit)) == (ErrorCode.BAD_ENUM, 3)
    assert refusal(ProgCommitRequest, bytes(commit) + b"\x00") == (ErrorCode.BAD_LENGTH, NO_FIELD)


def test_the_first_wrong_field_is_the_one_that_is_told() -> None:
    request = codec_of(SessionConfirmRequest).encode(example_of(SessionConfirmRequest))
    assert refusal(SessionConfirmRequest, b"\x00" + request[1:-1] + b"\xff") == (ErrorCode.BAD_ENUM, 0)


# --- building -----------------------------------------------------------------------------------------------


def test_octets_of_the_wrong_size_are_never_cut_or_filled_up() -> None:
    commit = example_of(ProgCommitRequest)
    for token in (b"", b"1234567", b"123456789"):
        with pytest.raises(ValueError, match="octets where 8 belong"):
            codec_of(ProgCommitRequest).encode(replace(commit, token=token))


def test_numbers_that_the_field_cannot_hold_are_not_built() -> None:
    for wrong in (-1, 1 << 32):
        with pytest.raises(ValueError, match="ProgStageRequest"):
            codec_of(ProgStageRequest).encode(ProgStageRequest(wrong, 0, b""))


def test_a_number_outside_its_range_is_left_to_the_side_that_decodes() -> None:
    octets = codec_of(LogReadRequest).encode(LogReadRequest(1, 1, 7))
    assert refusal(LogReadRequest, octets) == (ErrorCode.OUT_OF_RANGE, 2)


def test_blocks_and_lists_longer_than_allowed_are_not_built() -> None:
    with pytest.raises(ValueError, match=r"ProgStageRequest\.data has 193, at most 192"):
        codec_of(ProgStageRequest).encode(ProgStageRequest(1, 0, bytes(193)))
    record = LogRecord(1, 1, 1, EventType.BOOT, 0xFF, LogRecordFlag(0), bytes(12), 0)
    with pytest.raises(ValueError, match=r"LogReadResponse\.records has 7, at most 6"):
        codec_of(LogReadResponse).encode(replace(example_of(LogReadResponse), records=(record,) * 7))


@pytest.mark.parametrize("name", ["seventeen letters", "äöüäöüäöü", "new\nline", "nul\0", "\ud800"])
def test_text_that_would_be_refused_is_not_built(name: str) -> None:
    with pytest.raises(ValueError):
        codec_of(SessionConfirmRequest).encode(replace(example_of(SessionConfirmRequest), operator=name))


def test_text_fills_its_field_to_the_last_octet() -> None:
    assert read_text(write_text("sixteen letters!", 16)) == "sixteen letters!"
    assert write_text("µg", 4) == b"\xc2\xb5g\x00"
    assert read_text(b"\xc2\xb5g\x00") == "µg"
    assert read_text(bytes(4)) == ""


# --- definitions --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unmarked:
    number: int


@dataclass(frozen=True)
class MarkedTwice:
    number: Annotated[int, u8(), u16()]


@dataclass(frozen=True)
class VariesInTheMiddle:
    data: Annotated[bytes, block(3)]
    number: Annotated[int, u8()]


@dataclass(frozen=True)
class Labelled:
    name: Annotated[str, label(2)]
    token: Annotated[bytes, octets(1, nonzero=True)]


@pytest.mark.parametrize("body", [Unmarked, MarkedTwice])
def test_every_attribute_of_a_body_carries_exactly_one_field(body: type) -> None:
    with pytest.raises(TypeError, match=r"number carries \d wire fields, not one"):
        fields_of(body)


def test_a_class_that_is_no_dataclass_is_no_body() -> None:
    with pytest.raises(TypeError, match="not a message body"):
        fields_of(int)


def test_only_the_last_field_may_vary_in_size() -> None:
    with pytest.raises(TypeError, match="only the last field may vary in size"):
        BodyCodec(VariesInTheMiddle)


def test_refusals_say_what_is_wrong_and_what_would_be_right() -> None:
    said = {
        (b"\xff\x00\x01", Labelled): "name: text is not UTF-8",
        (b"ab\x00", Labelled): "token must not be all zeros",
        (b"ab", Labelled): "body has 2 octets, needs 3",
        (codec_of(Drug).encode(replace(example_of(Drug), conc_ng_ml=5)), Drug): (
            "conc_ng_ml = 5 is outside 1000..100000000 ng/mL"
        ),
    }
    for (octets_given, body), text in said.items():
        with pytest.raises(BodyError) as caught:
            codec_of(body).decode(octets_given)
        assert str(caught.value) == text


def test_codecs_are_made_once() -> None:
    made: Any = codec_of(Labelled)
    assert codec_of(Labelled) is made
