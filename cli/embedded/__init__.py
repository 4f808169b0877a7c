"""`pruneserve up`: the whole service as child processes on this machine."""
