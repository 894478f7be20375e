"""Quantities, reasons and times as the verbs take them on the command line."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

import click

from protocol.request_words import DeliveryReason

_TIME_FORMS: Final = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_U32: Final = 0xFFFF_FFFF
NOW: Final = 0
"""What `parse_utc_s` returns for ``now``."""


Value = TypeVar("Value")


def quantity(
    parse: Callable[[str], Value],
) -> Callable[[click.Context, click.Parameter, str | None], Value | None]:
    """Return the callback of an option whose text ``parse`` reads; its ValueError becomes a usage error."""

    def convert(ctx: click.Context, param: click.Parameter, text: str | None) -> Value | None:
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            raise click.BadParameter(f"{str(error).removesuffix('.')}.", ctx, param) from None

    return convert


def parse_utc_s(text: str) -> int:
    """Return the Unix seconds of a UTC time, 0 for ``now``.

    Raises:
        ValueError: it is neither, or outside what a pump can hold.
    """
    if text == "now":
        return NOW
    for form in _TIME_FORMS:
        try:
            seconds = int(datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
        if 0 < seconds <= _U32:
            return seconds
        raise ValueError(f"'{text}' is outside 1970 to 2106")
    raise ValueError(f"'{text}' is no UTC time; write now, or date and time as in 2026-03-02T10:41:07")


DELIVERY_REASONS: Final = {
    member.name.lower().replace("_", "-"): member
    for member in DeliveryReason
    if member is not DeliveryReason.NONE
}
"""Why delivery may be stopped, slowed or resumed."""
