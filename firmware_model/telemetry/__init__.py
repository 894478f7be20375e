"""From request to response: one handler for every message of the registry.

The endpoint has checked form, role and proximity before; what is left here is the state of the pump and the
rules of therapy. A handler returns the response body or a `Refusal`, and what it changed is durable then.
"""

from collections.abc import Mapping
from typing import Any, Final

from firmware_model.telemetry import alarms, bonds, clock, delivery, device, log, program, service, session
from firmware_model.telemetry.context import Context, Handler
from firmware_model.telemetry.session import privileges
from protocol.requests import Caller

HANDLERS: Final[Mapping[type, Handler]] = {
    **session.HANDLERS,
    **device.HANDLERS,
    **program.HANDLERS,
    **delivery.HANDLERS,
    **clock.HANDLERS,
    **log.HANDLERS,
    **alarms.HANDLERS,
    **bonds.HANDLERS,
    **service.HANDLERS,
}
"""One handler for every request of the registry, and none besides."""


def answer(context: Context, body: object, caller: Caller) -> Any:  # noqa: ANN401 - any response body
    """Return the response body to a request body, or a `Refusal`.

    Raises:
        KeyError: ``body`` is no request of the registry.
        PowerCut: power failed; nothing is answered.
    """
    return HANDLERS[type(body)](context, body, caller)


__all__ = ["HANDLERS", "Context", "Handler", "answer", "privileges"]
