"""Writes the generated reference documents, or checks that they say what the code says.

python -m workbench.generate            write what has changed
python -m workbench.generate --check    compare only; exit 1 and show the differences where there are any
"""

import argparse
import difflib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from protocol.messages.schema import schema
from workbench.generators.command_line_page import command_line_page
from workbench.generators.dissector import dissector_script
from workbench.generators.layers import protocol_page
from workbench.generators.messages_page import messages_page
from workbench.generators.profiles_page import profiles_page
from workbench.generators.program_page import program_page
from workbench.generators.recalls_page import recalls_page
from workbench.generators.session_page import session_page
from workbench.generators.states_page import states_page
from workbench.generators.vocabulary_pages import (
    alarms_page,
    drop_reasons_page,
    enumerations_page,
    error_codes_page,
    log_events_page,
)

ROOT: Final = Path(__file__).parent.parent
REFERENCE: Final = "docs/reference"
_SHOWN_LINES: Final = 20
"""Lines of difference shown for one document."""


def schema_document() -> str:
    """Return the machine-readable schema, indented for people."""
    return json.dumps(schema(), indent=2, ensure_ascii=True) + "\n"


DOCUMENTS: Final[Mapping[str, Callable[[], str]]] = {
    f"{REFERENCE}/{name}": make
    for name, make in {
        "protocol.md": protocol_page,
        "messages.md": messages_page,
        "wire-session.md": session_page,
        "program-image.md": program_page,
        "enumerations.md": enumerations_page,
        "error-codes.md": error_codes_page,
        "drop-reasons.md": drop_reasons_page,
        "states.md": states_page,
        "alarms.md": alarms_page,
        "log-events.md": log_events_page,
        "pump-profiles.md": profiles_page,
        "recalls.md": recalls_page,
        "command-line.md": command_line_page,
        "schema.json": schema_document,
        "oitp.lua": dissector_script,
    }.items()
}
"""Every generated document by its path from the repository's root."""


def render() -> dict[str, str]:
    """Return the text of every generated document by its path."""
    return {path: make() for path, make in DOCUMENTS.items()}


def outdated(root: Path) -> Iterator[tuple[str, str, str]]:
    """Yield path, present text and right text of every document under ``root`` that differs from the code."""
    for path, wanted in render().items():
        file = root / path
        present = file.read_text(encoding="utf-8") if file.is_file() else ""
        if present != wanted:
            yield path, present, wanted


def write(root: Path) -> list[str]:
    """Write what is out of date under ``root``; return the paths."""
    written: list[str] = []
    for path, _, wanted in outdated(root):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(wanted, encoding="utf-8", newline="\n")
        written.append(path)
    return written


def difference(path: str, present: str, wanted: str) -> str:
    """Return how a document differs, as the start of a unified diff and a count of the rest."""
    lines = list(
        difflib.unified_diff(
            present.splitlines(),
            wanted.splitlines(),
            f"{path} (as it is)",
            f"{path} (as the code says)",
            "",
            "",
            1,
            "",
        )
    )
    more = len(lines) - _SHOWN_LINES
    return "\n".join([*lines[:_SHOWN_LINES], *([f"... and {more} more lines"] if more > 0 else [])])


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m workbench.generate", description="Write the generated documents."
    )
    parser.add_argument(
        "--check", action="store_true", help="compare only; exit 1 where something is out of date"
    )
    options = parser.parse_args(arguments)
    if not (root / "pyproject.toml").is_file():
        sys.stderr.write(
            f"{root} is no checkout of cisterna; run this in one, where docs/ and pyproject.toml are.\n"
        )
        return 2
    return _check(root) if options.check else _write(root)


def _check(root: Path) -> int:
    stale = list(outdated(root))
    for path, present, wanted in stale:
        sys.stdout.write(difference(path, present, wanted) + "\n\n")
    if stale:
        names = ", ".join(path for path, _, _ in stale)
        sys.stderr.write(f"Out of date: {names}. Run `make generated` and commit what it writes.\n")
        return 1
    sys.stdout.write(f"{len(DOCUMENTS)} generated documents are up to date.\n")
    return 0


def _write(root: Path) -> int:
    written = write(root)
    for path in written:
        sys.stdout.write(f"wrote {path}\n")
    sys.stdout.write(f"{len(written)} of {len(DOCUMENTS)} generated documents have changed.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
