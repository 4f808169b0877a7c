"""Formats a number of bytes for display."""


def byte_size(count: float) -> str:
    """Return bytes in decimal units, as disks and downloads are measured: `93.1 MB`."""
    if count < 1000:
        return f"{count:.0f} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.5:
            return f"{value:.3g} {unit}"
    # Without an exponent, however large it is.
    return f"{value / 1000:.3g} TB" if value < 999_500 else f"{value / 1000:.0f} TB"
