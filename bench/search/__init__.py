"""Searches on a real service, each compared with a grid that shows whether it has found the best."""
