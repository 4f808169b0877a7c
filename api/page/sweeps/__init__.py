"""The pages of sweeps and searches."""
