"""The registry: every message once, with its opcode, bodies, roles and class.

From it come the codecs, the privilege check, the reference page, the schema, the dissector and the test
strategies. The messages themselves stand in `protocol.messages.catalogue`.
"""

from collections.abc import Iterator
from typing import Final

from protocol.codewords import index_of16
from protocol.messages.catalogue import MESSAGES, NOTIFICATIONS
from protocol.messages.codec import codec_of
from protocol.messages.errors import ErrorBody
from protocol.messages.message_spec import (
    COMMIT_MS,
    READ_MS,
    VERIFY_MS,
    Access,
    MessageSpec,
    NotificationSpec,
    OpcodeClass,
    opcode,
)

__all__ = [
    "COMMIT_MS",
    "ERROR_CODEC",
    "ERROR_OPCODE",
    "MESSAGES",
    "NOTIFICATIONS",
    "READ_MS",
    "VERIFY_MS",
    "Access",
    "MessageSpec",
    "NotificationSpec",
    "OpcodeClass",
    "by_name",
    "by_notification",
    "by_notification_opcode",
    "by_request",
    "by_request_opcode",
    "describe_opcode",
    "iter_bodies",
    "opcode",
    "opcode_class",
]

ERROR_OPCODE: Final = opcode(OpcodeClass.ERROR, 0, 1)
ERROR_CODEC: Final = codec_of(ErrorBody)

_CLASSES: Final = tuple(OpcodeClass)
_BY_NAME: Final = {spec.name: spec for spec in MESSAGES}
_BY_REQUEST_OPCODE: Final = {spec.request_opcode: spec for spec in MESSAGES}
_BY_REQUEST_BODY: Final = {spec.request: spec for spec in MESSAGES}
_BY_NOTIFICATION_OPCODE: Final = {spec.opcode: spec for spec in NOTIFICATIONS}
_BY_NOTIFICATION_BODY: Final = {spec.body: spec for spec in NOTIFICATIONS}


def by_name(name: str) -> MessageSpec:
    """Return the message called ``name``.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def by_request_opcode(word: int) -> MessageSpec | None:
    """Return the message whose request opcode is ``word``, or None."""
    return _BY_REQUEST_OPCODE.get(word)


def by_request(body: object) -> MessageSpec:
    """Return the message that ``body`` is the request of.

    Raises:
        KeyError: ``body`` is no request body.
    """
    return _BY_REQUEST_BODY[type(body)]


def by_notification_opcode(word: int) -> NotificationSpec | None:
    """Return the notification whose opcode is ``word``, or None."""
    return _BY_NOTIFICATION_OPCODE.get(word)


def by_notification(body: object) -> NotificationSpec:
    """Return the notification that ``body`` is of.

    Raises:
        KeyError: ``body`` is no notification.
    """
    return _BY_NOTIFICATION_BODY[type(body)]


def opcode_class(word: int) -> OpcodeClass | None:
    """Return the class of an opcode, or None where ``word`` is no codeword."""
    index = index_of16(word)
    return None if index is None else _CLASSES[index >> 9]


def describe_opcode(word: int) -> str:
    """Return a readable name for any 16-bit ``word``: message, class and hex."""
    index = index_of16(word)
    if index is None:
        return f"0x{word:04X} (not a codeword)"
    kind = OpcodeClass(index >> 9)
    if word == ERROR_OPCODE:
        return f"ERROR (0x{word:04X})"
    told = _BY_NOTIFICATION_OPCODE.get(word)
    if told is not None:
        return f"{told.name} notification (0x{word:04X})"
    asked = kind in (OpcodeClass.REQUEST, OpcodeClass.RESPONSE) and index & 0x1FF
    base = opcode(OpcodeClass.REQUEST, index >> 5 & 0xF, index & 0x1F) if asked else 0
    spec = _BY_REQUEST_OPCODE.get(base)
    name = spec.name if spec else f"message {index >> 5 & 0xF}.{index & 0x1F}"
    return f"{name} {kind.name.lower()} (0x{word:04X})"


def iter_bodies() -> Iterator[type]:
    """Yield every body class of the registry, the error body last."""
    for spec in MESSAGES:
        yield spec.request
        yield spec.response
    for told in NOTIFICATIONS:
        yield told.body
    yield ErrorBody
