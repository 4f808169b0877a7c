"""botocore's client of the store that the environment names for obstore as well.

It does what obstore does not: uploads in parts that others go on with, and addresses that name a file anew.
It is loaded with the first of them, and to make one takes long.
"""

import os
import ssl
import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

from jobs.secret_files import read_secret
from jobs.settings.store_endpoint import store_endpoint

_DEFAULT_REGION = "us-east-1"
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_making = threading.Lock()


def s3_client(endpoint: str | None = None) -> Any:  # noqa: ANN401 - botocore makes its classes at run time
    """Return a client. `endpoint`: where the store is, if elsewhere than the environment says."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    with _making:
        there = store_endpoint()
        return _made(endpoint or (there and there.url), *map(read_secret, names))


@lru_cache(maxsize=2)
def _made(endpoint: str | None, key: str | None, secret: str | None, token: str | None) -> Any:  # noqa: ANN401 - as above
    from botocore.config import Config
    from botocore.session import Session

    virtual = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "").lower() == "true"
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 6},
        s3={"addressing_style": "virtual" if virtual else "path"},
        # Without it, addresses are signed as in version 2 where the region is the first one.
        signature_version="s3v4",
        # Other stores than Amazon's know no checksums behind a body.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return Session().create_client(
        "s3",
        region_name=_first("AWS_REGION", "AWS_DEFAULT_REGION") or _DEFAULT_REGION,
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        verify=certificates(),
        config=config,
    )


def _first(*names: str) -> str | None:
    """Return the first of these variables that has a value."""
    return next(filter(None, map(os.environ.get, names)), None)


def certificates() -> str | bool:
    """Return the certificates of this machine, as obstore reads them: the store's may be a private one."""
    found = os.environ.get("AWS_CA_BUNDLE") or ssl.get_default_verify_paths().cafile
    return found or (str(_CERTIFICATES) if _CERTIFICATES.exists() else True)
