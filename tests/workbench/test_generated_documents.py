"""The generated documents say what the code says, and `--check` notices when they do not."""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import google_crc32c
import pytest

from firmware_model.profiles import profile_names
from protocol import states
from protocol.messages import registry
from protocol.messages.fields import fields_of, u16
from protocol.messages.registry import MESSAGES, NOTIFICATIONS, Access, by_name
from protocol.messages.schema import schema_crc
from protocol.vocabulary import Role
from workbench import generate
from workbench.generators import layers, messages_page, privileges, states_page
from workbench.generators.markdown import anchor

ROOT = Path(__file__).parent.parent.parent
PAGES = [path for path in generate.DOCUMENTS if path.endswith(".md")]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def without_text(member: dict[str, Any]) -> dict[str, Any]:
    """What remains of an object of the schema when the words for people are left out."""
    return {name: value for name, value in member.items() if name != "text"}


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return generate.render()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """An empty checkout, as far as the generator can tell."""
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


@pytest.mark.parametrize("path", generate.DOCUMENTS)
def test_every_document_in_the_checkout_is_up_to_date(path: str, rendered: dict[str, str]) -> None:
    """`make generated` was run after the last change of the code."""
    assert (ROOT / path).read_text(encoding="utf-8") == rendered[path]


def test_writing_makes_a_following_check_pass(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([], checkout) == 0
    assert generate.main(["--check"], checkout) == 0
    assert "up to date" in capsys.readouterr().out


def test_writing_again_writes_nothing(checkout: Path) -> None:
    assert sorted(generate.write(checkout)) == sorted(generate.DOCUMENTS)
    assert generate.write(checkout) == []


def test_checking_an_empty_checkout_fails_and_writes_nothing(checkout: Path) -> None:
    assert generate.main(["--check"], checkout) == 1
    assert not (checkout / "docs").exists()


def test_a_document_edited_by_hand_fails_the_check_with_its_difference(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.write(checkout)
    page = checkout / "docs/reference/drop-reasons.md"
    page.write_text(page.read_text(encoding="utf-8").replace("valid COBS", "VALID COBS"), encoding="utf-8")
    assert generate.main(["--check"], checkout) == 1
    said = capsys.readouterr()
    assert "-| 1 | `cobs` | The octets between two delimiters are not VALID COBS. |" in said.out
    assert "+| 1 | `cobs` | The octets between two delimiters are not valid COBS. |" in said.out
    assert "docs/reference/drop-reasons.md" in said.err
    assert "make generated" in said.err


def test_a_message_that_is_new_in_the_registry_fails_the_check(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The planted message appears in the catalogue and on the page of messages, octets included."""
    generate.write(checkout)

    @dataclass(frozen=True, slots=True)
    class PlantedRequest:
        """Asks for nothing."""

        weight_g: Annotated[int, u16("g", "planted", 300, 400)]

    planted = replace(by_name("GET_STATUS"), name="PLANTED", index=31, request=PlantedRequest)
    for module in (layers, messages_page):
        monkeypatch.setattr(module, "MESSAGES", (*MESSAGES, planted))
    assert generate.main(["--check"], checkout) == 1
    assert "PLANTED" in capsys.readouterr().out
    text = generate.render()["docs/reference/messages.md"]
    assert "| 0 | 2 | `weight_g` | u16 | g | 300 to 400 | planted |" in text
    assert re.search(r"^ +8 +2c 01 +weight_g +300 g +planted$", text, re.MULTILINE)


def test_a_changed_bound_of_a_message_fails_the_check(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate.write(checkout)
    slower = tuple(replace(spec, bound_ms=spec.bound_ms + 1) for spec in MESSAGES)
    monkeypatch.setattr(layers, "MESSAGES", slower)
    assert generate.main(["--check"], checkout) == 1


def test_outside_a_checkout_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([], tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
    assert "no checkout" in capsys.readouterr().err


def test_documents_do_not_depend_on_the_hash_seed(rendered: dict[str, str]) -> None:
    """Sets of roles and the like must not leak their order into a page."""
    program = "import json, sys; from workbench.generate import render; json.dump(render(), sys.stdout)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "4711", "PYTHONPATH": str(ROOT)},
    )
    assert json.loads(done.stdout) == rendered


@pytest.mark.parametrize("path", PAGES)
def test_links_lead_to_a_heading_that_exists(path: str, rendered: dict[str, str]) -> None:
    folder = Path(path).parent
    for target in LINK.findall(CODE.sub("", rendered[path])):
        page, _, place = target.partition("#")
        text = rendered[(folder / page).as_posix()] if page else rendered[path]
        assert not place or place in {anchor(heading) for heading in HEADING.findall(text)}, target


@pytest.mark.parametrize("path", PAGES)
def test_rows_have_as_many_cells_as_the_head_of_their_table(path: str, rendered: dict[str, str]) -> None:
    width = 0
    for line in rendered[path].splitlines():
        cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0
        assert not (cells and width) or cells == width, line
        width = cells


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_that_it_is_generated(path: str, rendered: dict[str, str]) -> None:
    assert rendered[path].startswith("<!-- Generated from the code by `make generated`.")


def test_the_schema_file_has_the_check_value_that_the_pump_tells(rendered: dict[str, str]) -> None:
    """Whoever holds only the file can compute the `schema_crc` of SESSION_CONFIRM."""
    document = json.loads(rendered["docs/reference/schema.json"], object_hook=without_text)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert google_crc32c.value(canonical.encode()) == schema_crc()
    assert f"0x{schema_crc():08X}" in rendered["docs/reference/protocol.md"]


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_every_message_has_its_section(spec: registry.MessageSpec, rendered: dict[str, str]) -> None:
    text = rendered["docs/reference/messages.md"]
    section = text.split(f"\n### {spec.name}\n", 1)[1].split("\n### ", 1)[0]
    assert f"request 0x{spec.request_opcode:04X}, response 0x{spec.response_opcode:04X}" in section
    assert spec.text in section
    for body in (spec.request, spec.response):
        assert all(f"`{name}`" in section for name in fields_of(body))


@pytest.mark.parametrize("spec", NOTIFICATIONS, ids=lambda spec: spec.name)
def test_every_notification_has_its_section(
    spec: registry.NotificationSpec, rendered: dict[str, str]
) -> None:
    section = rendered["docs/reference/messages.md"].split(f"\n### {spec.name}\n", 1)[1].split("\n### ", 1)[0]
    assert f"| opcode | 0x{spec.opcode:04X} |" in section
    assert ("repeated until NOTIFY_ACK" in section) == spec.acknowledged
    assert all(f"`{name}`" in section for name in fields_of(spec.body))


@pytest.mark.parametrize("spec", MESSAGES, ids=lambda spec: spec.name)
def test_the_matrix_says_what_the_registry_says(spec: registry.MessageSpec) -> None:
    """The cells are asked of the code that judges a request; the registry says who may ask at all."""
    cells = {role: privileges.reach(spec, role) for role in Role}
    assert {role for role, cell in cells.items() if cell} == spec.roles
    if spec.access is Access.THERAPY or spec.head_only:
        assert privileges.ANY not in cells.values()
    if spec.head_only:
        assert privileges.TOKEN not in cells.values()


@pytest.mark.parametrize("machine", states_page.MACHINES, ids=lambda machine: machine.title)
def test_a_diagram_has_every_transition_of_its_table(machine: states_page.Machine) -> None:
    arrows = {
        (before, happened, after)
        for before, after, labels in re.findall(
            r"^ +(\w+) --> (\w+): (.+)$", states_page.diagram(machine), re.MULTILINE
        )
        for happened in labels.split(", ")
    }
    assert arrows == {
        (before.name, happened.name, after.name) for (before, happened), after in machine.transitions.items()
    }


def test_every_transition_table_of_the_protocol_is_drawn() -> None:
    tables = [value for name, value in vars(states).items() if name.endswith("_TABLE")]
    assert [machine.transitions for machine in states_page.MACHINES] == tables


def test_every_profile_is_listed_with_its_sources(rendered: dict[str, str]) -> None:
    text = rendered["docs/reference/pump-profiles.md"]
    assert all(f"\n## {name}\n" in text for name in profile_names())
