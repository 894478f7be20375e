"""The page of the command line: every command with its options, the exit codes, and the JSON of the verbs."""

from collections.abc import Iterator

import click

from protocol.messages.fields import fields_of
from workbench.cli import cli
from workbench.exit_codes import MEANINGS
from workbench.generators.markdown import join, page, table
from workbench.generators.verb_data import PARTS, VERBS


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
    for verb, about, parts in VERBS:
        yield join(f"### `{verb}`", about)
        for part in parts:
            rows = [(f"`{name}`", field.unit, field.text) for name, field in fields_of(PARTS[part]).items()]
            yield join(f"`{part}`:", table(("key", "unit", "meaning"), rows))
