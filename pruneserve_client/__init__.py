"""A typed client of the PruneServe REST API: submit a job, follow it, download the pruned model.

`Client` has the methods, `pruneserve_client.models` the requests and responses.
"""

from pruneserve_client.client import Client
from pruneserve_client.errors import (
    Conflict,
    DamagedDownload,
    InvalidArgument,
    InvalidRequest,
    NoStream,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    PruneServeError,
    Rejected,
    Unavailable,
    UnexpectedResponse,
    UnsafeName,
)

__all__ = [
    "Client",
    "Conflict",
    "DamagedDownload",
    "InvalidArgument",
    "InvalidRequest",
    "NoStream",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "PruneServeError",
    "Rejected",
    "Unavailable",
    "UnexpectedResponse",
    "UnsafeName",
]
