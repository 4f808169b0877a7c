"""Which workers a job may be given to: what it needs, what workers have, and the smallest class that fits.

Everything here is a pure rule. `jobs.fleet.placing` applies the rules to the tables.
"""
