"""Searches on a real service, each beside a grid that shows whether it has found the best."""
