"""Checkpoints of Hugging Face models: where they lie, what they declare, and their weights."""
