"""Masks: patterns, selection of the lowest scores, packed bits."""
