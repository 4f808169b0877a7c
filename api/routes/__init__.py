"""The REST API: paths, parameters and responses."""
