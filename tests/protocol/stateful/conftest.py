"""A pump that loses power thousands of times says so each time; nobody wants to read that."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def quiet_emulator() -> Iterator[None]:
    """Let the emulator's log speak of defects only."""
    logger = logging.getLogger("emulator")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)
