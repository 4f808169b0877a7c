"""The command line `pruneserve`."""
