"""A run and its stages, one module each."""
