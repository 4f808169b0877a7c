"""Authentication, owners' boundaries, and checks of every request."""
