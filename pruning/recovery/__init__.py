"""Training of the weights that are kept."""
