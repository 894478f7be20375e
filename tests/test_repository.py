"""The repository keeps its promises: requirements, packaging, licence, documents and house rules."""

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LOCKS = {"dev": ROOT / "requirements/dev.txt", "runtime": ROOT / "requirements/runtime.txt"}
LONGEST_MODULE_LINES = 400
MARKDOWN_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


def relative(path: object) -> str:
    """Name a path from the repository's root, for test ids."""
    return path.relative_to(ROOT).as_posix() if isinstance(path, Path) else str(path)


def locked(lock: Path) -> dict[str, Version]:
    """Read the pinned versions of a hashed requirements file; a line without a hash fails the test."""
    pins: dict[str, Version] = {}
    for line in lock.read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if line and not line.lstrip().startswith("#"):
            requirement = Requirement(HASH.sub("", line))
            assert HASH.search(line), f"{requirement.name} carries no hash"
            (pin,) = requirement.specifier
            assert pin.operator == "=="
            pins[canonicalize_name(requirement.name)] = Version(pin.version)
    return pins


def declared(extra: str) -> list[Requirement]:
    """Read what pyproject.toml asks for, with the dev extra and the build backend where `extra` is dev."""
    wanted = list(PROJECT["project"]["dependencies"])
    if extra == "dev":
        wanted += PROJECT["project"]["optional-dependencies"]["dev"] + PROJECT["build-system"]["requires"]
    return [Requirement(text) for text in wanted]


@pytest.mark.parametrize("name", LOCKS)
def test_locked_requirements_hold_what_the_project_declares(name: str) -> None:
    """`make requirements` was run after the last change of a dependency."""
    pins = locked(LOCKS[name])
    for requirement in declared(name):
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_runtime_requirements_are_the_versions_the_tests_run_with() -> None:
    dev, runtime = locked(LOCKS["dev"]), locked(LOCKS["runtime"])
    assert runtime.items() <= dev.items()
    assert "pytest" not in runtime


@pytest.mark.parametrize("name", LOCKS)
def test_locked_requirements_name_no_index_and_no_local_path(name: str) -> None:
    text = LOCKS[name].read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|://|(?m:^-[ef])|\.\./| @ ", text)


@pytest.mark.parametrize("package", PACKAGES, ids=relative)
def test_every_package_says_what_it_is_for(package: Path) -> None:
    assert ast.get_docstring(ast.parse(package.read_text(encoding="utf-8")))


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_typed_for_its_users(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=relative)
def test_every_folder_with_modules_is_a_package(folder: Path) -> None:
    """A folder without `__init__.py` would escape the import contracts."""
    assert (folder / "__init__.py").is_file()


def test_no_module_outgrows_one_idea() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE_LINES} == {}


def test_no_module_hides_from_the_checks() -> None:
    """Whole-file switches for the linter, the type checker or coverage are not used in the rooms."""
    switch = re.compile(
        r"#\s*(ruff: noqa|flake8: noqa|type: ignore\s*$|mypy: |pragma: no cover)", re.MULTILINE
    )
    found = [relative(path) for path in MODULES if switch.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_licence_is_apache_2() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert PROJECT["project"]["license"] == "Apache-2.0"
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence


def test_changelog_has_a_place_for_what_comes_next() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_the_ci_script_can_be_run() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)


@pytest.mark.parametrize("document", DOCUMENTS, ids=relative)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = MARKDOWN_LINK.findall(document.read_text(encoding="utf-8"))
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in local if target and not (document.parent / target).exists()] == []


def test_every_decision_record_is_in_the_index() -> None:
    index = (ROOT / "docs/adr/README.md").read_text(encoding="utf-8")
    records = [path.name for path in sorted((ROOT / "docs/adr").glob("[0-9]*.md"))]
    assert [name for name in records if f"({name})" not in index] == []


@pytest.mark.parametrize("folder", ["tutorials", "how-to", "reference", "explanation"])
def test_every_page_is_listed_in_the_index_of_its_folder(folder: str) -> None:
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    pages = [path.name for path in sorted((ROOT / "docs" / folder).glob("*.md")) if path.name != "index.md"]
    assert [name for name in pages if f"({name})" not in index] == []
