"""`cisterna explain HEX|FILE`: octets of the wire, field by field, with the verdict at each step."""

import sys
from collections.abc import Callable

import click

from protocol.capture.verdict import Knowledge
from protocol.frame import Direction
from workbench.commands.shared import fail, to_json
from workbench.exit_codes import ExitCode
from workbench.inspection.explain import as_data, explain_octets, text_lines
from workbench.inspection.source import MOST_OCTETS, Form, InputError, read_argument

_WAYS = {"to-pump": Direction.TO_PUMP, "to-programmer": Direction.TO_PROGRAMMER}


def _number(highest: int) -> Callable[[click.Context, click.Parameter, object], object]:
    """Return the check of an option that takes whole numbers up to ``highest``, decimal or with 0x."""

    def read(text: str) -> int:
        try:
            number = int(text, 0)
        except ValueError:
            raise click.BadParameter(f"{text!r} is no number; give it as 4660 or 0x1234.") from None
        if not 0 <= number <= highest:
            raise click.BadParameter(f"{text} is outside 0..{highest}.")
        return number

    def check(_ctx: click.Context, _param: click.Parameter, value: object) -> object:
        if isinstance(value, tuple):
            return tuple(read(str(text)) for text in value)
        return None if value is None else read(str(value))

    return check


@click.command(context_settings={"ignore_unknown_options": False})
@click.argument("what", nargs=-1, required=True, metavar="HEX|FILE|-")
@click.option(
    "--as",
    "form",
    type=click.Choice([form.value for form in Form]),
    default=Form.AUTO.value,
    show_default=True,
    help="What the octets are: wire (COBS and 0x00 delimiters), frame (after COBS) or plaintext.",
)
@click.option("--plaintext", is_flag=True, help="The same as --as plaintext: header and body of a message.")
@click.option(
    "--direction", type=click.Choice(list(_WAYS)), help="Which way it went; else its own flag is believed."
)
@click.option(
    "--link-id",
    "link_ids",
    callback=_number(0xFFFF),
    metavar="NUMBER",
    multiple=True,
    help="A link id that the receiver accepts, as 0x1234; may be given again.",
)
@click.option(
    "--last-counter",
    callback=_number(0xFFFF_FFFF),
    metavar="NUMBER",
    help="Highest record counter the receiver has accepted.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(
    what: tuple[str, ...],
    form: str,
    plaintext: bool,
    direction: str | None,
    link_ids: tuple[int, ...],
    last_counter: int | None,
    as_json: bool,
) -> None:
    """Explain octets of the wire: each field, and what a receiver makes of them at each step.

    HEX may have blanks, 0x, 00 delimiters, and be COBS-coded or not. FILE is a file of octets, of hex, or a
    pcapng capture. With - it is read from standard input. Steps that depend on what only the receiver knows
    are said to; --direction, --link-id and --last-counter tell what you know.
    """
    known = Knowledge(_WAYS[direction] if direction else None, link_ids, last_counter)
    try:
        stdin = sys.stdin.buffer.read(MOST_OCTETS) if what == ("-",) else None
        octets = read_argument(what, stdin)
        found = explain_octets(octets, Form.PLAINTEXT if plaintext else Form(form), known)
    except InputError as error:
        fail(f"{error}.", ExitCode.USAGE, as_json=as_json)
    if as_json:
        click.echo(to_json({"items": [as_data(one) for one in found]}))
    else:
        click.echo("\n\n".join("\n".join(text_lines(one)) for one in found))
