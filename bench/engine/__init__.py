"""The engine compared with the straightforward way to compute the same: time, memory, and the numbers."""
