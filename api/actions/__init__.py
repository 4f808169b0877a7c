"""What the REST API and the page do for an owner; both call these functions and never each other."""
