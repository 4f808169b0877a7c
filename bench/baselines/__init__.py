"""Pruning and quantisation next to llm-compressor's."""
