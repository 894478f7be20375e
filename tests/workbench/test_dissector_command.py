"""`cisterna dissector` prints what the documentation holds."""

from pathlib import Path

from click.testing import CliRunner

from workbench.cli import cli

_COMMITTED = Path(__file__).parents[2] / "docs" / "reference" / "oitp.lua"


def test_the_printed_dissector_is_the_committed_one() -> None:
    result = CliRunner().invoke(cli, ["dissector"])
    assert result.exit_code == 0
    assert result.output == _COMMITTED.read_text(encoding="utf-8")
