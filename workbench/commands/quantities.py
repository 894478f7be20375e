"""Quantities, reasons and times as the verbs take them on the command line."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import click

from programmer_tui.clinic.quantity_entry import parse_duration_s, parse_mass_ng, parse_volume_nl
from protocol.request_words import DeliveryReason

_TIME_FORMS: Final = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")
_U32: Final = 0xFFFF_FFFF


class Quantity(click.ParamType):
    """A value with its unit, exact; ``name`` says what it is."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click has it
        """Return what ``value`` means."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(f"{error}.".replace("..", "."), param, ctx)


def parse_utc_s(text: str) -> int | None:
    """Return the Unix seconds of a UTC time, None for ``now``.

    Raises:
        ValueError: it is neither, or outside what a pump can hold.
    """
    if text == "now":
        return None
    for form in _TIME_FORMS:
        try:
            seconds = int(datetime.strptime(text.removesuffix("Z"), form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
        if 0 < seconds <= _U32:
            return seconds
        raise ValueError(f"'{text}' is outside 1970 to 2106")
    raise ValueError(f"'{text}' is no UTC time; write now, or date and time as in 2026-03-02T10:41:07")


VOLUME: Final = Quantity("volume", parse_volume_nl)
MASS: Final = Quantity("dose", parse_mass_ng)
DURATION: Final = Quantity("time", parse_duration_s)
UTC_TIME: Final = Quantity("utc", parse_utc_s)

DELIVERY_REASONS: Final = {
    member.name.lower().replace("_", "-"): member
    for member in DeliveryReason
    if member is not DeliveryReason.NONE
}
"""Why delivery may be stopped, slowed or resumed."""
