"""The programmer's own colours: dark and light with a contrast of 7:1 or more, and one without colours.

No meaning rests on colour alone: every coloured word also says what it means. Orange and blue are used
instead of red and green.
"""

from dataclasses import replace
from typing import Final

from textual.theme import BUILTIN_THEMES, Theme

DARK: Final = "cisterna-dark"
LIGHT: Final = "cisterna-light"
PLAIN: Final = "cisterna-plain"

TEXT_PAIRS: Final = (
    ("ink", "paper"),
    ("dim", "paper"),
    ("accent-ink", "paper"),
    ("change-ink", "paper"),
    ("fault-ink", "paper"),
    ("row-ink", "row"),
    ("field-ink", "field"),
    ("high-ink", "high"),
    ("medium-ink", "medium"),
    ("low-ink", "low"),
    ("banner-ink", "banner"),
)
"""Every pair of text and background the style sheet uses."""

_DEFAULT: Final = "ansi_default"
_DARK_COLOURS: Final = {
    "ink": "#e6edf3",
    "paper": "#0b0f14",
    "dim": "#a9b4c0",
    "line": "#7d8b99",
    "accent-ink": "#7cc4ff",
    "change-ink": "#ffb454",
    "fault-ink": "#ffa8a0",
    "row": "#1d2733",
    "row-ink": "#ffffff",
    "field": "#26364a",
    "field-ink": "#ffffff",
    "high": "#8b0000",
    "high-ink": "#ffffff",
    "medium": "#ffd400",
    "medium-ink": "#000000",
    "low": "#5fe3e3",
    "low-ink": "#000000",
    "banner": "#8b0000",
    "banner-ink": "#ffffff",
}
_LIGHT_COLOURS: Final = {
    "ink": "#111820",
    "paper": "#ffffff",
    "dim": "#46505a",
    "line": "#6b7682",
    "accent-ink": "#003f8a",
    "change-ink": "#7a3b00",
    "fault-ink": "#8b0000",
    "row": "#dfe6ee",
    "row-ink": "#000000",
    "field": "#d3e3f5",
    "field-ink": "#000000",
    "high": "#8b0000",
    "high-ink": "#ffffff",
    "medium": "#ffd400",
    "medium-ink": "#000000",
    "low": "#7fe0e0",
    "low-ink": "#000000",
    "banner": "#8b0000",
    "banner-ink": "#ffffff",
}


def _theme(name: str, colours: dict[str, str], *, dark: bool) -> Theme:
    return Theme(
        name=name,
        primary=colours["accent-ink"],
        accent=colours["accent-ink"],
        warning=colours["change-ink"],
        error=colours["fault-ink"],
        foreground=colours["ink"],
        background=colours["paper"],
        surface=colours["paper"],
        panel=colours["paper"],
        dark=dark,
        variables=colours,
    )


def _plain_theme() -> Theme:
    """Return the theme of NO_COLOR: the terminal's own two colours; marks and words carry the rest."""
    base = BUILTIN_THEMES["ansi-dark"]
    return replace(base, name=PLAIN, variables={**base.variables, **dict.fromkeys(_DARK_COLOURS, _DEFAULT)})


THEMES: Final = (
    _theme(DARK, _DARK_COLOURS, dark=True),
    _theme(LIGHT, _LIGHT_COLOURS, dark=False),
    _plain_theme(),
)
