"""What a handler works on, and what a handler is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from firmware_model.controller.controller import Controller
from firmware_model.identity import Identity
from protocol.requests import Caller


@dataclass(frozen=True, slots=True)
class Context:
    """The pump as a handler sees it.

    Attributes:
        controller: the running firmware, settled to now.
        identity: what makes this pump this pump.
        link_ms: link time now.
        far_link: whether the pump has the far-link feature.
    """

    controller: Controller
    identity: Identity
    link_ms: int
    far_link: bool


Handler = Callable[[Context, Any, Caller], Any]
"""Returns the response body or a `Refusal`; what it changed is durable then."""
