"""Structured pruning: units and blocks that are removed, and the smaller model."""
