"""Checkpoints of Hugging Face models: their files, what these declare, and their weights."""
