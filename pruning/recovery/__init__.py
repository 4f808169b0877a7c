"""Training of the kept weights of a pruned model."""
