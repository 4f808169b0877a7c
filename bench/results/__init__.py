"""Rows that were run, as files of JSON in the folders next to this module, and tables of them."""
