"""The page of the command line: every command with its options, the exit codes, and the JSON of the verbs."""

from collections.abc import Iterator
from typing import Final

import click

from protocol.messages.alarms import Alarm
from protocol.messages.clock import GetClockResponse
from protocol.messages.device import GetDeviceInfoResponse
from protocol.messages.fields import fields_of
from protocol.messages.program import GetProgramInfoResponse, ProgVerifyResponse, ReceiptResponse
from protocol.messages.status import GetStatusResponse
from workbench.cli import cli
from workbench.exit_codes import MEANINGS
from workbench.generators.markdown import join, page, table

_JSON: Final[tuple[tuple[str, str, tuple[str, ...]], ...]] = (
    (
        "status",
        (
            "`read_at_utc_s`, and four parts: `device`, `status` and `clock` with the fields below, "
            "and `alarms`, a list."
        ),
        (
            "device",
            "status",
            "clock",
            "alarms[]",
        ),
    ),
    (
        "alarms",
        "`alarms`, a list; each alarm has the fields below and `title`, its name in words.",
        ("alarms[]",),
    ),
    (
        "program",
        (
            "`info` with the fields below; `prescription` with `drug`, `display_unit`, `conc_ng_ml`, "
            "`mode`, `dose_ng_per_day`, `day_volume_nl` and `steps[]` of `start_min` and `rate_nl_h`; "
            "`sections` with the other sections of the [program image](program-image.md). The last "
            "two are null without a program."
        ),
        ("info",),
    ),
    (
        "log",
        (
            "`log_epoch` and `records[]`, oldest first: `seq`, `uptime_s`, `utc_s` (0 where the clock "
            "was not set), `type`, `title`, `words`, `actor_slot` (255 the pump itself), `payload` "
            "(hexadecimal)."
        ),
        (),
    ),
    (
        "receipt",
        "The fields below.",
        ("receipt",),
    ),
    (
        "resolve",
        "`resolution`, null where nothing was unknown, else `applied`, `text` and `receipt`.",
        ("receipt",),
    ),
    (
        "set-dose",
        (
            "A rehearsal gives `committed` false and `proposal`: `base_version`, `intent_id`, "
            "`prescription` as above, and `pump_summary` with the fields below but the token. With "
            "`--commit`: `receipt`, `verified`, `checks[]` of `label`, `sent`, `reported`, `same`, "
            "`soft_ack[]`, `reason`, and three times in UTC seconds: `sent_utc_s`, `accepted_utc_s`, "
            "`read_back_utc_s`."
        ),
        (
            "pump_summary",
            "receipt",
        ),
    ),
)
_PARTS: Final[dict[str, type]] = {
    "device": GetDeviceInfoResponse,
    "status": GetStatusResponse,
    "clock": GetClockResponse,
    "alarms[]": Alarm,
    "info": GetProgramInfoResponse,
    "receipt": ReceiptResponse,
    "pump_summary": ProgVerifyResponse,
}


def command_line_page() -> str:
    """Return the page of the `cisterna` command."""
    about = (
        "Every command of `cisterna`. Errors are one line on standard error that says what was wrong, where, "
        "and what would be right; the exit code says which kind. With `--json` the error is printed as JSON "
        "too: `error` with `text`, `exit_code` and `exit_name`."
    )
    context = click.Context(cli, info_name="cisterna")
    return page(
        "The command line",
        about,
        *_commands(cli, context),
        _exit_codes(),
        "## JSON of `cisterna pump`",
        *_json(),
    )


def _commands(command: click.Command, context: click.Context) -> Iterator[str]:
    if not isinstance(command, click.Group):
        yield _command(command, context)
        return
    if context.parent is not None:
        yield _command(command, context)
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        if child is not None:
            yield from _commands(child, click.Context(child, info_name=name, parent=context))


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    about = " ".join((command.help or "").split())
    rows = [row for parameter in command.get_params(context) if (row := _option_row(parameter, context))]
    parts = [f"## `{context.command_path}`", about, f"    {usage}"]
    return join(*parts, table(("option", "meaning"), rows)) if rows else join(*parts)


def _option_row(parameter: click.Parameter, context: click.Context) -> tuple[str, str] | None:
    record = parameter.get_help_record(context)
    if record is None or not isinstance(parameter, click.Option) or "--help" in parameter.opts:
        return None
    names, text = record
    return f"`{names}`", " ".join(text.split())


def _exit_codes() -> str:
    rows = [(f"`{code.value}`", code.name.lower().replace("_", " "), text) for code, text in MEANINGS.items()]
    return join("## Exit codes", table(("code", "name", "meaning"), rows))


def _json() -> Iterator[str]:
    yield (
        "Keys carry their unit: `_nl` nanolitres, `_nl_h` nanolitres an hour, `_ng` nanograms, `_s` seconds, "
        "`_utc_s` UTC seconds. Enumerations are lower-case names, octets hexadecimal."
    )
    for verb, about, parts in _JSON:
        yield join(f"### `{verb} --json`", about)
        for part in parts:
            rows = [(f"`{name}`", field.unit, field.text) for name, field in fields_of(_PARTS[part]).items()]
            yield join(f"`{part}`:", table(("key", "unit", "meaning"), rows))
