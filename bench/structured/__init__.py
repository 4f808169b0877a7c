"""Structured pruning on the standard workload: its rows, what they are compared with, and their speed."""
