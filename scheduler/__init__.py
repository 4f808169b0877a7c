"""Wakes workers for queued jobs, requeues the jobs of dead workers, and cleans up.

It needs no torch. Any number of schedulers may run at once.
"""
