"""The shape of a model from its config.json, of a directory or of the Hub: what an estimate is made from."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx

from jobs.settings import Settings
from pruning.errors import InvalidInput
from pruning.estimate import ModelShape, UnknownShape, shape_of_config
from pruning.files.frozen_file import freeze
from pruning.recipe import ModelReference, is_local

_MAX_BYTES = 1024 * 1024
_TIMEOUT_SECONDS = 5.0
_TOTAL_SECONDS = 10.0
_HUB = "https://huggingface.co"
_MAX_REDIRECTS = 3


class UnknownModelShape(Exception):
    """The config is missing, or does not describe the shape. The message says why."""


class HubUnavailable(Exception):
    """The Hub does not answer, so the config cannot be read now."""


def shape_of(model: ModelReference, owner: str, settings: Settings) -> ModelShape:
    """Return the shape of a model, from its config alone. Raises `UnknownModelShape` and `HubUnavailable`."""
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
        raise UnknownModelShape("its config.json is not a JSON object")
    try:
        return shape_of_config(values)
    except UnknownShape as error:
        raise UnknownModelShape(str(error)) from error


def _read(path: Path, roots: tuple[Path, ...]) -> bytes:
    """Read a file as a worker does: one outside of the roots, or no regular one, counts as missing."""
    try:
        with freeze(path, roots, field="model.id").opened() as same, same.open("rb") as file:
            return _within_bounds(file.read(_MAX_BYTES + 1))
    except (InvalidInput, OSError) as error:
        raise UnknownModelShape("the service finds no config.json there, though a worker may") from error


def _fetch(model: ModelReference, token: str | None) -> bytes:
    return asyncio.run(_fetch_in_time(model, token))


async def _fetch_in_time(model: ModelReference, token: str | None) -> bytes:
    """Fetch a config. The time limit holds for all of it, however slowly single bytes arrive."""
    url = _config_url(model)
    origin = urlsplit(url)[:2]
    # Not compressed, and never expanded: a megabyte of gzip may hold a gigabyte.
    headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        async with (
            asyncio.timeout(_TOTAL_SECONDS),
            httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, headers=headers) as client,
        ):
            for _ in range(_MAX_REDIRECTS):
                async with client.stream("GET", url) as response:
                    if response.is_redirect:
                        url = urljoin(url, response.headers["location"])
                        # The Hub redirects small files within its own host; the token must go nowhere else,
                        # and not in clear.
                        if urlsplit(url)[:2] != origin:
                            raise UnknownModelShape("the Hub has its config.json at another address")
                    elif response.is_success:
                        return _within_bounds(await _first_bytes(response))
                    elif response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                        raise UnknownModelShape(
                            "the Hub gives this service no config.json for it: it does not exist, is private "
                            "or gated"
                        )
                    else:
                        break
    except (httpx.HTTPError, httpx.InvalidURL, KeyError, TimeoutError, ValueError):  # the last: of urljoin
        pass
    raise HubUnavailable("the Hub does not answer")


def _config_url(model: ModelReference) -> str:
    endpoint = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
    return f"{endpoint}/{model.id}/resolve/{quote(model.revision or 'main', safe='')}/config.json"


async def _first_bytes(response: httpx.Response) -> bytes:
    content = b""
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > _MAX_BYTES:
            break
    return content


def _within_bounds(content: bytes) -> bytes:
    if len(content) > _MAX_BYTES:
        raise UnknownModelShape(f"its config.json has more than {_MAX_BYTES} bytes")
    return content
