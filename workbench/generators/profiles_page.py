"""The page of the pump profiles: every constant with its unit, its tag and its source."""

from typing import Final

from firmware_model.profiles import Profile, load_profile, profile_names
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
