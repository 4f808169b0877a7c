"""Rows that were run, as files of JSON in the folders beside, and tables of them."""
