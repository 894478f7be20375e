"""What every test shares: hypothesis profiles, and the choice of links for tests that run over several."""

import os

import pytest
from hypothesis import HealthCheck, settings

LINK_KINDS = ("memory", "pty", "tcp")

# Wall time is never judged: the machines that run this share their cores.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("dev", parent=settings.get_profile("default"), max_examples=25)
# The same examples in every run, so that a red build is red again on the next machine.
settings.register_profile(
    "ci", parent=settings.get_profile("default"), derandomize=True, database=None, print_blob=True
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--link`, which narrows the tests that run over several links."""
    parser.addoption(
        "--link",
        action="append",
        default=None,
        metavar="KIND",
        help=f"run tests that use a link only over this one: {', '.join(LINK_KINDS)}, "
        "or the path of a real serial port with a pump behind it (may be given more than once; default: all)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """End the run at once when `--link` names neither a kind nor a port."""
    for link in config.getoption("--link") or []:
        if link not in LINK_KINDS and os.sep not in link and not link.upper().startswith("COM"):
            raise pytest.UsageError(
                f"--link={link}: give {', '.join(LINK_KINDS)} or the path of a serial port"
            )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `link_kind` once for each link chosen with `--link`."""
    if "link_kind" in metafunc.fixturenames:
        chosen = dict.fromkeys(metafunc.config.getoption("--link") or LINK_KINDS)
        metafunc.parametrize("link_kind", list(chosen), scope="session")
