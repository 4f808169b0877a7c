"""A typed client of the PruneServe REST API: submit a job, follow it, download the pruned model.

`Client` has the methods, and `pruneserve_client.models` the requests and responses; `verify_webhook` reads
what a webhook has received.
"""

from pruneserve_client.client import Client
from pruneserve_client.errors import (
    Conflict,
    DamagedDownload,
    InvalidArgument,
    InvalidRequest,
    InvalidSignature,
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
from pruneserve_client.webhooks import verify_webhook

__all__ = [
    "Client",
    "Conflict",
    "DamagedDownload",
    "InvalidArgument",
    "InvalidRequest",
    "InvalidSignature",
    "NoStream",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "PruneServeError",
    "Rejected",
    "Unavailable",
    "UnexpectedResponse",
    "UnsafeName",
    "verify_webhook",
]
