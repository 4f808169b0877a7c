"""The client for threads, generated from `asynchronous`."""
