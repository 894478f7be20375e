"""The pages that list words: enumerations, error codes, alarms, log events, drop reasons."""

import re
from collections.abc import Iterator
from enum import Enum, IntEnum, IntFlag
from typing import Final

from firmware_model.controller.alarms import CONDITIONS
from programmer_tui.clinic.alarm_words import ALARMS, MARKS, STATE_WORDS
from protocol import request_words, vocabulary
from protocol.client_errors import ERROR_TEXTS
from protocol.drops import DropReason
from protocol.log_record import PAYLOADS
from protocol.messages.codec import codec_of
from protocol.messages.log import LogRecord
from protocol.vocabulary import AlarmCode, AlarmState, ErrorCode, EventType, Priority
from workbench.generators.markdown import hex8, hex16, join, page, summary, table
from workbench.generators.messages_page import ENUMERATIONS, FIELD_HEAD
from workbench.generators.octets import field_rows

_ERROR_FAMILIES: Final = {
    0x7: ("The request itself", "The request does not fit the protocol: a defect of whoever sent it."),
    0xB: ("State", "The request is right and does not fit what the pump is doing or holds."),
    0xD: ("Therapy", "The pump refuses to treat so."),
    0xE: ("Security", "Whoever asks may not, or not from there."),
    0xF: ("Device", "The pump itself cannot."),
}


def enumerations() -> Iterator[type[Enum]]:
    """Yield the enumerations of the vocabulary in the order in which they are written there."""
    for module in (vocabulary, request_words):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Enum) and value.__module__ == module.__name__:
                yield value


def enumerations_page() -> str:
    """Return the page of all enumerations."""
    about = (
        "Words on the wire. Those of one or two octets that matter for safety are codewords: any two "
        "differ in at least four bits, so that up to three flipped bits never turn one into another, and a "
        "word that is none is refused, never corrected."
    )
    return page("Enumerations", about, *map(_enumeration_part, enumerations()))


def _enumeration_part(enumeration: type[Enum]) -> str:
    rows = [(_number(member), f"`{member.name}`") for member in enumeration]
    return join(f"## {enumeration.__name__}", summary(enumeration), table(("value", "name"), rows))


def _number(member: Enum) -> str:
    value = int(member.value)
    if isinstance(member, IntFlag):
        return f"bit {value.bit_length() - 1}"
    if isinstance(member, IntEnum) and max(type(member)) <= 0xF:
        return str(value)
    return hex8(value) if value <= 0xFF else hex16(value)


def error_codes_page() -> str:
    """Return the page of the error codes."""
    about = (
        "What the ERROR message says. `field` is the index of the offending field, 255 where no single one "
        "is to blame. Errors are cached and repeated like any answer, and change nothing in the pump but "
        "this: a failed PROG_VERIFY voids the token, and an expired transaction is freed."
    )
    return page("Error codes", about, *_error_parts())


def _error_parts() -> Iterator[str]:
    for family, (title, text) in _ERROR_FAMILIES.items():
        codes = [code for code in ErrorCode if int(code) >> 4 == family]
        rows = [(hex8(int(code)), f"`{code.name}`", _error_text(code)) for code in codes]
        yield join(
            f"## {title} (0x{family:X}x)", text, table(("code", "name", "the pump refuses because"), rows)
        )


def _error_text(code: ErrorCode) -> str:
    return re.sub(r"\{(\w+)[^}]*\}", r"`\1`", ERROR_TEXTS[code])


def alarms_page() -> str:
    """Return the page of the alarm conditions."""
    about = (
        "Conditions of OITP/1. Where this pump's firmware raises one, its priority and what the alarm's "
        "`detail` says stand beside it; the others are words that the protocol reserves. The sentences are "
        "those that the programmer shows."
    )
    return page(
        "Alarms",
        about,
        table(
            ("code", "condition", "priority here", "in the firmware"),
            [_alarm_row(code) for code in AlarmCode],
        ),
        *(_alarm_part(code) for code in AlarmCode),
        join(
            "## Priorities and states",
            table(("priority", "octet", "mark"), [_priority_row(prio) for prio in Priority]),
            table(
                ("state", "octet", "meaning"),
                [(f"`{state.name}`", hex8(state), STATE_WORDS[state]) for state in AlarmState],
            ),
        ),
    )


def _priority_row(prio: Priority) -> tuple[str, str, str]:
    return f"`{prio.name}`", hex8(prio), f"`{MARKS[prio]}`" if MARKS[prio] else ""


def _alarm_row(code: AlarmCode) -> tuple[str, ...]:
    condition = CONDITIONS.get(code)
    name = f"`{code.name}`"
    if condition is None:
        return hex16(code), name, "", "not raised by this firmware"
    return hex16(code), name, condition.prio.name, condition.text


def _alarm_part(code: AlarmCode) -> str:
    words = ALARMS[code]
    rows = [
        ("shown as", words.title),
        ("happened", words.happened),
        ("means", words.meaning),
        ("do", words.advice),
    ]
    return join(f"## {code.name}", table(("", ""), rows))


def log_events_page() -> str:
    """Return the page of the log's events."""
    size = codec_of(LogRecord).fixed_size
    about = (
        f"A log record has {size} octets. Its payload is laid out by the record's type; octets that a "
        "layout does not use are zero. Types without a layout are words that the protocol reserves."
    )
    written = [
        join(f"## {kind.name} ({hex16(kind)})", *_payload_part(kind))
        for kind in EventType
        if kind in PAYLOADS
    ]
    reserved = ", ".join(f"`{kind.name}` ({hex16(kind)})" for kind in EventType if kind not in PAYLOADS)
    return page(
        "Log events",
        about,
        join("## The record", table(FIELD_HEAD, field_rows(LogRecord, ENUMERATIONS))),
        *written,
        join("## Reserved types", reserved),
    )


def _payload_part(kind: EventType) -> tuple[str, str]:
    body = PAYLOADS[kind]
    return summary(body), table(FIELD_HEAD, field_rows(body, ENUMERATIONS))


def drop_reasons_page() -> str:
    """Return the page of the reasons to drop a frame."""
    about = (
        "A frame that is malformed, foreign or forged is counted under its reason and never answered, so "
        "that noise does not make the pump talk. The layers check in this order; the name in the second "
        "column is that of the counter."
    )
    rows = [
        (str(number), f"`{reason.value}`", reason.text) for number, reason in enumerate(DropReason, start=1)
    ]
    return page("Drop reasons", about, table(("order", "counter", "reason"), rows))
