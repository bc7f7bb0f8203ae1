"""Numbers as people read them."""

from collections.abc import Sequence


def milliseconds(value: float) -> str:
    """In ms below a second, in s from there on, with two digits that count or more."""
    if value < 10:
        return f"{value:.2g} ms"
    if value < 999.5:
        return f"{value:.0f} ms"
    return f"{value / 1000:.1f} s" if value < 99_950 else f"{value / 1000:,.0f} s"


def dollars(value: float) -> str:
    """With two digits that count below 0.1, and with cents from there on."""
    if value < 0.1:
        return f"{value:#.2g} $" if value >= 1e-4 else f"{value:.6f} $"
    return f"{value:,.2f} $"


def number(value: float) -> str:
    """With commas, and without digits that say nothing."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def share_of(value: float) -> str:
    """In percent, with a digit behind the point where it says something."""
    return f"{value:.1%}".replace(".0%", "%").replace("%", " %")


def ordinal(value: float) -> str:
    """1st, 92nd, 93rd, 95th, 99.9th."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(int(value) % 10, "th")
    return f"{value:g}{ending if value == int(value) and int(value) % 100 not in (11, 12, 13) else 'th'}"


def listed(names: Sequence[str]) -> str:
    """One, two and three."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
