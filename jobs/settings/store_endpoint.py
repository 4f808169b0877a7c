"""Where the S3 store is, by the variables that other clients of S3 read as well."""

import os
from typing import NamedTuple

_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")


class StoreEndpoint(NamedTuple):
    """An address, and the variable that says it."""

    variable: str
    url: str


def store_endpoint() -> StoreEndpoint | None:
    """Return what the environment of this process says. None: the store is at Amazon's own address."""
    found = (StoreEndpoint(name, os.environ.get(name, "")) for name in _VARIABLES)
    return next((each for each in found if each.url), None)
