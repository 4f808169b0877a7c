"""The service with many jobs in its database: answers, and what its queries read."""
