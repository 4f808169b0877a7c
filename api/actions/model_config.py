"""The config.json of the model that a request names: what an estimate is made from."""

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from api.problems.problems import FieldError, InvalidRequest, ServiceUnavailable
from jobs.settings import Settings
from pruning.estimate import ModelShape, UnknownShape, shape_of_config
from pruning.recipe import ModelReference, is_local

_MOST_BYTES = 1024 * 1024
_SECONDS = 5.0
_HUB = "https://huggingface.co"
_REDIRECTS = 3


def shape_of(model: ModelReference, owner: str, settings: Settings) -> ModelShape:
    """The shape of the model, from its config alone.

    Raises InvalidRequest for a model whose config is not there or does not tell, and ServiceUnavailable where
    the Hub does not answer.
    """
    if is_local(model.id):
        content = _read(Path(model.id) / "config.json", settings.model_roots)
    else:
        token = settings.hub_token if owner in settings.hub_token_owners else None
        content = _fetch(model, token.get_secret_value() if token else None)
    try:
        values: Any = json.loads(content)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise _unknown("its config.json is no JSON object")
    try:
        return shape_of_config(values)
    except UnknownShape as error:
        raise _unknown(str(error)) from error


def _read(path: Path, roots: tuple[Path, ...]) -> bytes:
    """By its real path: a link out of the allowed roots is as good as no file."""
    try:
        real = path.resolve(strict=True)
        if any(root.resolve() in real.parents for root in roots) and real.is_file():
            with real.open("rb") as file:
                return _within_bounds(file.read(_MOST_BYTES + 1))
    except (OSError, RuntimeError):
        pass
    raise _unknown("this API finds no config.json there; its workers may")


def _fetch(model: ModelReference, token: str | None) -> bytes:
    url = _config_url(model)
    host = urlsplit(url).netloc
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(timeout=_SECONDS, headers=headers) as client:
            for _ in range(_REDIRECTS):
                # Redirects of a small file stay on the Hub; the token goes nowhere else.
                if urlsplit(url).netloc != host:
                    break
                with client.stream("GET", url) as answer:
                    if answer.is_redirect:
                        url = urljoin(url, answer.headers["location"])
                    elif answer.is_success:
                        return _within_bounds(_first_bytes(answer))
                    elif answer.is_client_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                        raise _unknown(
                            "the Hub has no config.json of it for this service: it does not exist there, or "
                            "is private or gated"
                        )
                    else:
                        break
    except (httpx.HTTPError, httpx.InvalidURL, KeyError):
        pass
    raise ServiceUnavailable(
        "The Hub does not answer to this API, so the model's config cannot be read. Try again later, or name "
        "a local model; the job itself can be submitted all the same."
    )


def _config_url(model: ModelReference) -> str:
    endpoint = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    return f"{endpoint}/{model.id}/resolve/{quote(model.revision or 'main', safe='')}/config.json"


def _first_bytes(answer: httpx.Response) -> bytes:
    content = b""
    for piece in answer.iter_bytes():
        content += piece
        if len(content) > _MOST_BYTES:
            break
    return content


def _within_bounds(content: bytes) -> bytes:
    if len(content) > _MOST_BYTES:
        raise _unknown(f"its config.json has more than {_MOST_BYTES} bytes")
    return content


def _unknown(reason: str) -> InvalidRequest:
    return InvalidRequest(
        FieldError(field="model.id", message=f"cannot be estimated before a worker has seen it: {reason}")
    )
