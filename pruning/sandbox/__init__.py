"""Untrusted files are read in confined helper processes."""
