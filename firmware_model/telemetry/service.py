"""Group 10: link statistics and self-tests."""

from collections.abc import Mapping
from typing import Final

from firmware_model.telemetry.context import Handler

HANDLERS: Final[Mapping[type, Handler]] = {}
"""One handler for every request of these groups."""
