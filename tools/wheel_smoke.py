"""Build the source distribution and from it the wheel, then try the wheel as a stranger would.

The wheel is installed into a new virtual environment together with the hashed runtime requirements and
nothing else, and is run from a folder that holds no checkout. What is tried: the wheel carries every file of
the rooms and no other package, its dependencies are complete, the type markers are there, the command
`cisterna --version` tells the version of pyproject.toml, and `cisterna demo --check` takes a dose change all
the way.

Run it with the interpreter of the development environment: `make wheel`.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND_TIMEOUT_S = 300
LEFT_OUT = {"__pycache__"}


class SmokeError(Exception):
    """The wheel is not fit to be given out; the message says why."""


def main() -> int:
    """Build, look into and run the wheel; return 0 when it is sound, 1 with a message when it is not."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rooms = packages_of_the_wheel()
    try:
        wheel = build(ROOT / "dist", project["name"], project["version"])
        check_contents(wheel, rooms)
        with tempfile.TemporaryDirectory(prefix="cisterna-wheel-") as folder:
            try_in_clean_environment(wheel, Path(folder), project["version"])
    except SmokeError as error:
        print(f"wheel: {error}", file=sys.stderr)
        return 1
    print(f"wheel: {wheel.name} is sound")
    return 0


def packages_of_the_wheel() -> list[str]:
    """Name the top-level packages that pyproject.toml puts into the wheel."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages: list[str] = document["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return packages


def build(folder: Path, name: str, version: str) -> Path:
    """Build sdist and wheel into `folder`, replacing older ones; return the wheel's path."""
    for old in folder.glob(f"{name}-*"):
        old.unlink()
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)], cwd=ROOT)
    wheels = sorted(folder.glob(f"{name}-{version}-*.whl"))
    if len(wheels) != 1:
        raise SmokeError(f"expected one wheel of {name} {version} in {folder.name}/, found {len(wheels)}")
    return wheels[0]


def check_contents(wheel: Path, rooms: list[str]) -> None:
    """Compare the wheel's files with the rooms of the checkout."""
    expected = {
        path.relative_to(ROOT).as_posix()
        for room in rooms
        for path in (ROOT / room).rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not LEFT_OUT & set(path.parts)
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    packaged = {name for name in names if ".dist-info/" not in name}
    if packaged != expected:
        missing, strange = sorted(expected - packaged), sorted(packaged - expected)
        raise SmokeError(f"its files differ from the checkout's: missing {missing}, not expected {strange}")
    for room in rooms:
        if f"{room}/py.typed" not in names:
            raise SmokeError(f"{room} carries no py.typed, so its types would be ignored by those who use it")
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        raise SmokeError("it carries no licence text")


def try_in_clean_environment(wheel: Path, folder: Path, version: str) -> None:
    """Install the wheel with the runtime requirements only, away from the checkout, and run the command."""
    home = folder / "home"
    home.mkdir()
    venv.create(folder / "venv", with_pip=True)
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(scripts / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    runtime = str(ROOT / "requirements" / "runtime.txt")
    run([*pip, "install", "--require-hashes", "-r", runtime], cwd=home)
    run([*pip, "install", "--no-deps", str(wheel)], cwd=home)
    run([*pip, "check"], cwd=home)
    command = str(scripts / "cisterna")
    told = run([command, "--version"], cwd=home, environment=stranger(home))
    if version not in told.split():
        raise SmokeError(f"`cisterna --version` should name {version}, and printed {told.strip()!r}")
    print(run([command, "demo", "--check"], cwd=home, environment=stranger(home)), end="")


def stranger(home: Path) -> dict[str, str]:
    """Return the environment of a user who has an empty home and no Python settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "XDG_", "CISTERNA_"))
    }
    return kept | {"HOME": str(home)}


def run(command: list[str], cwd: Path, environment: dict[str, str] | None = None) -> str:
    """Run one command without a terminal and return what it printed; a failure becomes a SmokeError."""
    shown = " ".join([Path(command[0]).name, *command[1:]])
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SmokeError(f"`{shown}` did not end within {COMMAND_TIMEOUT_S} s") from error
    except FileNotFoundError as error:
        raise SmokeError(f"there is no {command[0]}; the wheel did not install it") from error
    if done.returncode != 0:
        raise SmokeError(f"`{shown}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
