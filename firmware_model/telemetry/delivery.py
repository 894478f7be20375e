"""Groups 2.2, 5 and 11: day totals, boluses, stopping and resuming, the refill record."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Handler

HANDLERS: Final[Mapping[type, Handler]] = {}
"""One handler for every request of these groups."""
