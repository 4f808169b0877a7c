"""The JSON of the REST API."""
