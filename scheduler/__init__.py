"""Wakes workers for the jobs that wait, takes back what dead workers held, and cleans up.

It needs no torch. Any number of schedulers may run at once.
"""
