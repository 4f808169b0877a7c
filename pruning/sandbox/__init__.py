"""Confined helper processes that read untrusted files."""
