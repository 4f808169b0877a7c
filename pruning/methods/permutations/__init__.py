"""Column permutations: orders of channels under which an N:M mask keeps more."""
