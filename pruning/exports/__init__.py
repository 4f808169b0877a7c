"""Files that inference engines read, made of a dense or a pruned checkpoint."""
