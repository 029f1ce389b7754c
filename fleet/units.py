"""Sizes as readers know them from a registry's page."""


def in_units(size: int) -> str:
    """Return ``size`` bytes in the unit that a registry's page would show."""
    amount, units = float(size), ["B", "kB", "MB", "GB"]
    while amount >= 1000 and len(units) > 1:  # noqa: PLR2004 - SI prefixes, as registries use
        amount, units = amount / 1000, units[1:]
    return f"{amount:.0f} B" if units[0] == "B" else f"{amount:.1f} {units[0]}"
