"""Options that commands share, and how their values become requests."""
