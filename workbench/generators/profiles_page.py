"""The page of the pump profiles and start situations: every constant with its unit, tag and source."""

from typing import Final

from firmware_model.profiles import Profile, load_profile, profile_names
from firmware_model.setups import load_setup, setup_names
from workbench.generators.markdown import join, page, table

_TAGS: Final = (
    ("P", "published; the source names it"),
    ("D", "our own decision, or arithmetic from published constants"),
    ("K", "commonly held without a source at hand, so a default to edit"),
)


def profiles_page() -> str:
    """Return the page of the pump profiles."""
    about = (
        "Profiles are generic: inspired by published behaviour of a class of pumps, none of them a real "
        "product. Each is a TOML file in `firmware_model/profiles`; every constant carries a tag."
    )
    return page(
        "Pump profiles",
        about,
        table(("tag", "meaning"), _TAGS),
        *(_profile_part(load_profile(name)) for name in profile_names()),
        _setups_part(),
    )


def _setups_part() -> str:
    rows = [(f"`{name}`", load_setup(name).title, load_setup(name).story) for name in setup_names()]
    return join(
        "## Start situations",
        "A pump is made in one of these. Its past is not written into it but lived: made that long ago, "
        "filled, programmed, and left to time. Each is a TOML file in `firmware_model/setups`.",
        table(("name", "title", "story"), rows),
    )


def _profile_part(profile: Profile) -> str:
    rows = [
        (f"`{name}`", constant.value, constant.unit, constant.tag, constant.source)
        for name, constant in profile.provenance.items()
    ]
    return join(
        f"## {profile.name}",
        f"{profile.title}. {profile.about} Serial numbers start with {profile.serial_prefix}.",
        table(("constant", "value", "unit", "tag", "source"), rows),
    )
