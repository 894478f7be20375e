"""The part of the protocol's page that lists times: every number from the constant that the code uses."""

from typing import Final

from firmware_model.controller import bonds, handshake_guard, programming
from programmer_tui.service_thread import KEEPALIVE_MS
from protocol import coupling, exchange, framing, notifications, pump_access, pump_link, pump_session
from protocol.endpoint_programmer import HANDSHAKE_MS, HELLO_MS, HELLO_TRIES
from protocol.handshake import IDLE_TIMEOUT_RANGE_S
from protocol.link_control import LinkClass
from protocol.messages.bonds import TOKEN_LIFE_S
from protocol.messages.delivery import ARM_TOKEN_S
from protocol.messages.registry import MESSAGES, READ_MS
from workbench.generators.markdown import join, table

Row = tuple[str, str, str]

BOUNDS_MS: Final = sorted({spec.bound_ms for spec in MESSAGES})


def times_part() -> str:
    """Return the table of times."""
    return join(
        "## Times",
        "In link time, which is that of the people at the link, unless it says otherwise.",
        table(("name", "what", "how long"), [*_link_rows(), *_session_rows(), *_pump_rows()]),
    )


def _link_rows() -> list[Row]:
    backoff = ", ".join(str(pause) for pause in exchange.BACKOFF_MS)
    wait = f"{exchange.RESPONSE_MS} ms + {exchange.WIRE_MS_PER_OCTET} ms an octet + T_exec"
    return [
        ("T_gap", "longest silence inside a frame", _ms(framing.GAP_MS)),
        ("T_hello", "programmer waits for HELLO_RSP", f"{_ms(HELLO_MS)}, {HELLO_TRIES} tries"),
        ("T_hs", "programmer waits for the handshake", _ms(HANDSHAKE_MS)),
        ("T_half", "pump keeps a half-open handshake", _ms(pump_session.HALF_OPEN_MS)),
        *(("T_exec", f"pump answers {_whose(bound_ms)}", _ms(bound_ms)) for bound_ms in BOUNDS_MS),
        ("T_rsp", "programmer waits for a response", wait),
        (
            "retries",
            "repetitions of a request, then the link is lost",
            f"{exchange.RETRIES}, after {backoff} ms",
        ),
        ("PING", "answered at most", f"{pump_link.PINGS_PER_S} a second"),
        ("LINK_ERROR", "sent at most", f"once in {_ms(pump_link.LINK_ERROR_EVERY_MS)}"),
    ]


def _whose(bound_ms: int) -> str:
    if bound_ms == READ_MS:
        return "everything else"
    return ", ".join(spec.name for spec in MESSAGES if spec.bound_ms == bound_ms)


def _session_rows() -> list[Row]:
    low, high = IDLE_TIMEOUT_RANGE_S
    repeats = ", ".join(str(pause // 1_000) for pause in notifications.REPEAT_MS)
    return [
        ("T_idle", "silence that ends a session", f"{pump_session.IDLE_TIMEOUT_S} s ({low} to {high})"),
        ("T_idle", "the programmer's screens send KEEPALIVE after", _ms(KEEPALIVE_MS)),
        ("T_session", "longest session", f"{pump_session.SESSION_MS // 3_600_000} h"),
        ("SESSION_ENDING", "warning before an idle end", _ms(pump_session.WARN_IDLE_MS)),
        ("SESSION_ENDING", "warning before the longest session is over", _ms(pump_session.WARN_EXPIRY_MS)),
        (
            "NOTIFY_ACK",
            "repetitions of an acknowledged notification",
            f"after {repeats} s, then next session",
        ),
        ("BOLUS_PROGRESS", "between two, while a bolus goes on", _ms(notifications.PROGRESS_MS)),
        ("head lost", "until the session is suspended", _ms(coupling.SUSPEND_MS)),
        ("head lost", "until the session is closed", _ms(coupling.CLOSE_MS)),
        (
            "emergency",
            "head on the pump before the emergency key may ask",
            _ms(pump_access.EMERGENCY_DWELL_MS),
        ),
    ]


def _pump_rows() -> list[Row]:
    limits = {
        kind: " and ".join(
            f"{limit.burst} at once, one more each {_ms(limit.period_ms)}" for limit in of_class
        )
        for kind, of_class in handshake_guard.LIMITS.items()
    }
    return [
        ("prog handle", "longest programming transaction", _ms(programming.LIFE_MS)),
        ("prog handle", "programming transaction without a request", _ms(programming.IDLE_MS)),
        ("arm token", "BOLUS_ARM to BOLUS_START", f"{ARM_TOKEN_S} s"),
        ("bonding window", "a new bond waits for its first session", f"{bonds.CONFIRM_WITHIN_S} s"),
        ("dwell", "head on the pump that confirms a provisional clinician", _ms(bonds.DWELL_MS)),
        ("proximity token", "good for", f"{TOKEN_LIFE_S} s"),
        ("handshakes", "budget of the near link", limits[LinkClass.NEAR]),
        ("handshakes", "budget of the far link", limits[LinkClass.FAR]),
        (
            "lockout",
            f"after {handshake_guard.LOCKOUT_AFTER} wrong guesses in a row",
            f"1, 2, 4 .. {handshake_guard.MAX_LOCKOUT_S} s",
        ),
    ]


def _ms(milliseconds: int) -> str:
    return (
        f"{milliseconds // 1_000} s"
        if milliseconds >= 1_000 and milliseconds % 1_000 == 0
        else f"{milliseconds} ms"
    )
