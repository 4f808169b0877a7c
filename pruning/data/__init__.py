"""Calibration, training and evaluation windows: datasets, texts, tokens."""
