"""`make demo`: the service prunes a small model."""
