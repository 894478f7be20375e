"""Opcodes and safety-relevant words keep their distance: a few flipped bits never make another word."""

import inspect
from enum import IntEnum
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.published import (
    CATALOGUE,
)
from support.published import (
    ERROR_OPCODE as PUBLISHED_ERROR,
)
from support.published import (
    NOTIFICATIONS as PUBLISHED_NOTIFICATIONS,
)

from protocol import request_words, vocabulary
from protocol.codewords import (
    MAX_INDEX_8,
    MAX_INDEX_16,
    codeword8,
    codeword16,
    index_of16,
    is_codeword8,
    is_codeword16,
)
from protocol.messages.fields import FieldKind, fields_of
from protocol.messages.registry import (
    ERROR_OPCODE,
    MESSAGES,
    NOTIFICATIONS,
    OpcodeClass,
    by_request_opcode,
    describe_opcode,
    iter_bodies,
    opcode,
)
from protocol.vocabulary import ErrorCode, LimitField

WORDS = [codeword16(index) for index in range(1, MAX_INDEX_16 + 1)]
OCTETS = [codeword8(index) for index in range(1, MAX_INDEX_8 + 1)]

NOT_WORDS = {"ErrorCode", "LimitField"}
"""Integer enumerations that are no codewords: error codes keep their distance from success alone."""


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def lexicode(bits: int) -> list[int]:
    """Take every number that is at distance 4 or more from all taken before: the definition of the code."""
    flips = [
        sum(1 << bit for bit in chosen) for size in range(4) for chosen in combinations(range(bits), size)
    ]
    near = bytearray(1 << bits)
    taken = []
    for word in range(1 << bits):
        if not near[word]:
            taken.append(word)
            for flip in flips:
                near[word ^ flip] = 1
    return taken


def test_words_are_the_lexicode_of_length_sixteen_in_its_order() -> None:
    assert [0, *WORDS] == lexicode(16)


def test_octets_are_the_lexicode_of_length_eight_in_its_order() -> None:
    assert [0, *OCTETS] == lexicode(8)


def test_words_are_at_least_four_flips_apart() -> None:
    """The words form a linear code, so the smallest weight is the smallest distance."""
    words = {0, *WORDS}
    assert len(words) == MAX_INDEX_16 + 1
    assert all(word ^ codeword16(1 << bit) in words for word in words for bit in range(11))
    assert min(word.bit_count() for word in WORDS) == 4


@given(st.integers(1, MAX_INDEX_16), st.integers(1, MAX_INDEX_16))
def test_any_two_words_are_at_least_four_flips_apart(one: int, other: int) -> None:
    assert one == other or distance(codeword16(one), codeword16(other)) >= 4


def test_every_octet_pair_is_at_least_four_flips_apart() -> None:
    assert all(distance(one, other) >= 4 for one, other in combinations([0, *OCTETS], 2))


def test_membership_says_exactly_which_numbers_are_words() -> None:
    words, octets = set(WORDS), set(OCTETS)
    assert {number for number in range(1 << 16) if is_codeword16(number)} == words
    assert {number for number in range(1 << 16) if is_codeword8(number)} == octets
    assert [index_of16(word) for word in WORDS] == list(range(1, MAX_INDEX_16 + 1))
    assert index_of16(0) is None
    assert index_of16(0x0001) is None


@pytest.mark.parametrize("index", [0, -1, MAX_INDEX_16 + 1])
def test_word_numbers_outside_the_code_are_refused(index: int) -> None:
    with pytest.raises(ValueError, match=r"outside 1\.\.2047"):
        codeword16(index)
    if index <= 0:
        with pytest.raises(ValueError, match=r"outside 1\.\.15"):
            codeword8(index)


def test_octet_numbers_stop_at_fifteen() -> None:
    with pytest.raises(ValueError, match=r"codeword index 16 is outside 1\.\.15"):
        codeword8(MAX_INDEX_8 + 1)


def test_opcodes_are_those_published() -> None:
    assert {spec.name: (spec.request_opcode, spec.response_opcode) for spec in MESSAGES} == {
        name: line.opcodes for name, line in CATALOGUE.items()
    }
    assert {spec.name: spec.opcode for spec in NOTIFICATIONS} == {
        name: opcode for name, (opcode, _) in PUBLISHED_NOTIFICATIONS.items()
    }
    assert ERROR_OPCODE == PUBLISHED_ERROR


def test_messages_have_the_numbers_published() -> None:
    assert {spec.name: (spec.group, spec.index) for spec in MESSAGES} == {
        name: (line.group, line.index) for name, line in CATALOGUE.items()
    }


def test_opcodes_of_all_messages_are_at_least_four_flips_apart() -> None:
    every = [word for line in CATALOGUE.values() for word in line.opcodes]
    every += [opcode for opcode, _ in PUBLISHED_NOTIFICATIONS.values()] + [PUBLISHED_ERROR, 0]
    assert len(set(every)) == 2 * 38 + 5 + 2
    assert all(distance(one, other) >= 4 for one, other in combinations(every, 2))


def test_one_flipped_bit_makes_no_request_of_an_opcode() -> None:
    for spec in MESSAGES:
        damaged = [spec.request_opcode ^ 1 << bit for bit in range(16)]
        assert not any(is_codeword16(word) or by_request_opcode(word) for word in damaged)


@pytest.mark.parametrize(("group", "index"), [(-1, 1), (16, 1), (0, 32), (0, -1)])
def test_opcodes_of_messages_outside_the_catalogue_are_refused(group: int, index: int) -> None:
    with pytest.raises(ValueError, match=r"outside groups 0\.\.15, indices 0\.\.31"):
        opcode(OpcodeClass.REQUEST, group, index)


@given(st.integers(0, 0xFFFF))
def test_any_word_can_be_named(word: int) -> None:
    text = describe_opcode(word)
    assert f"0x{word:04X}" in text
    assert ("not a codeword" in text) == (not is_codeword16(word))


def test_known_opcodes_are_named_by_message_and_class() -> None:
    assert describe_opcode(0x1144) == "PROG_COMMIT request (0x1144)"
    assert describe_opcode(0x5050) == "PROG_COMMIT response (0x5050)"
    assert describe_opcode(0xC00C) == "ERROR (0xC00C)"
    assert describe_opcode(0x0066) == "message 0.6 request (0x0066)"
    assert describe_opcode(0xA00A) == "ALARM_EVENT notification (0xA00A)"
    assert describe_opcode(0x8124) == "message 0.2 notification (0x8124)"
    assert describe_opcode(0x0001) == "0x0001 (not a codeword)"


def _enumerations() -> list[type[IntEnum]]:
    found = [
        member
        for module in (vocabulary, request_words)
        for _, member in inspect.getmembers(module, inspect.isclass)
    ]
    return [member for member in found if issubclass(member, IntEnum) and member is not IntEnum]


@pytest.mark.parametrize("members", _enumerations(), ids=lambda members: members.__name__)
def test_enumerations_hold_codewords(members: type[IntEnum]) -> None:
    if members.__name__ in NOT_WORDS:
        assert members in (ErrorCode, LimitField)
    else:
        valid = is_codeword8 if max(members) <= 0xFF else is_codeword16
        assert all(valid(member) for member in members)


def test_words_of_messages_are_enumerations_of_codewords_or_error_codes() -> None:
    """Nothing that may change therapy is a bare number: each word field names an enumeration."""
    bodies = list(iter_bodies())
    words = [field for body in bodies for field in fields_of(body).values() if field.kind is FieldKind.WORD]
    assert words
    assert all(field.members in _enumerations() for field in words)
    assert all(max(field.members or ()) < 1 << 8 * field.size for field in words)


def test_error_codes_are_at_least_four_flips_from_no_error() -> None:
    assert all(distance(code, 0x0F) >= 4 for code in ErrorCode)
