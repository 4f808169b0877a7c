"""Resumable state of a run: finished blocks, activation checkpoints, and the files that hold them."""
