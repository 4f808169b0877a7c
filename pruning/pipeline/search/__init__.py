"""Which layers a pruned model has lost too much in, by its own loss."""
