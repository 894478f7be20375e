"""The gate before a therapy command: the value typed again, and a reason for every soft limit that is passed.

Without ``--commit`` nothing is done. With it, the value stands in ``--confirm``; at a terminal it may be
typed when the pump's own arithmetic has been shown.
"""

import sys
from collections.abc import Callable
from typing import TypeVar

import click

from protocol.vocabulary import OverrideReason, SoftLimit
from workbench.commands.dose_change import REASONS
from workbench.commands.shared import fail
from workbench.exit_codes import ExitCode

Value = TypeVar("Value")


def typed_again(
    confirm: Value | None, wanted: Value, what: str, parse: Callable[[str], Value], *, as_json: bool
) -> None:
    """Let the command go on only where ``what`` was typed again as it was given; else end it.

    Args:
        confirm: what ``--confirm`` says, None where it is missing.
        wanted: what was given.
        what: the value in words, as in "the volume".
        parse: reads what is typed at a terminal; raises ValueError.
        as_json: print the error as JSON too.
    """
    if confirm is None and sys.stdin.isatty():
        text = click.prompt(f"Type {what} again to do it", err=True, default="", show_default=False)
        try:
            confirm = parse(text)
        except ValueError as error:
            fail(f"{error}. Nothing was done.", ExitCode.USAGE, as_json=as_json)
    if confirm != wanted:
        text = "--confirm is missing" if confirm is None else f"what was typed is not {what}"
        fail(f"{text}; type {what} again to do it. Nothing was done.", ExitCode.USAGE, as_json=as_json)


def soft_limit_reason(passed: SoftLimit, reason: str | None, *, as_json: bool) -> OverrideReason:
    """Return why soft limits may be passed; end the command where some are and there is no reason."""
    if not passed:
        return OverrideReason.NONE
    if reason is None:
        names = ", ".join(
            bit.name.lower().replace("_", " ") for bit in SoftLimit if bit in passed and bit.name
        )
        fail(
            f"Give --reason, since soft limits are passed: {names}. Nothing was done.",
            ExitCode.USAGE,
            as_json=as_json,
        )
    return REASONS[reason]
