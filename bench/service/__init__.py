"""The service with many jobs in its database: answers, upgrades, and what its queries read."""
