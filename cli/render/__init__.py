"""Output: tables for a terminal, and reports for CI systems."""
