"""A typed client of the PruneServe REST API: submit a job, follow it, download the pruned model.

`Client` has the methods, and `AsyncClient` the same ones for an event loop. `pruneserve_client.models` has
the requests and responses; `verify_webhook` reads what a webhook has received.
"""

from pruneserve_client.asynchronous.client import AsyncClient
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
from pruneserve_client.synchronous.client import Client
from pruneserve_client.webhooks import verify_webhook

__all__ = [
    "AsyncClient",
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
