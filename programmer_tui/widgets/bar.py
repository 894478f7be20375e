"""A horizontal bar with its number beside it: a picture never stands alone."""

from fractions import Fraction

from programmer_tui.clinic.clinical_format import format_quantity


def bar(part: int, whole: int, cells: int) -> str:
    """Return ``[#####-----]  50 %`` of ``cells`` cells between the brackets; more than the whole is full.

    Raises:
        ValueError: ``whole`` is not positive, ``part`` is negative or there are no cells.
    """
    if whole <= 0 or part < 0 or cells <= 0:
        raise ValueError(f"no bar for {part} of {whole} in {cells} cells")
    share = min(Fraction(part, whole), Fraction(1))
    filled = int(share * cells)
    if part and not filled:
        filled = 1
    return f"[{'#' * filled}{'-' * (cells - filled)}]  {format_quantity(100 * share, '%', max_decimals=0)}"
