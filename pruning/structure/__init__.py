"""Structured pruning: units that are removed, and the smaller model."""
