"""Pin the images that ours are built on and run beside: `make pin-images`.

Asks the registry for the digest of what each tag names today, and writes it behind the tag, in every file
that names the image. Where none answers, the image stays as it is; the program says so and exits with 1.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import httpx

CHECKOUT = Path(__file__).parents[1]
FILES = tuple(CHECKOUT / name for name in ("docker-compose.yml", "Dockerfile", ".env.example"))
IMAGES = ("python:3.11-slim", "postgres:18", "valkey/valkey:9-alpine", "rclone/rclone:1")
REGISTRY = "https://registry-1.docker.io"

_KINDS = (
    "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class NoAnswer(Exception):
    """The registry gave no digest. The message says why."""


def main(files: Iterable[Path] = FILES, registry: str = REGISTRY) -> None:
    """Pin every image that a registry answers for."""
    failed = []
    for image in IMAGES:
        try:
            digest = digest_of(image, registry)
        except NoAnswer as error:
            failed.append(f"{image} is not pinned: {error}")
            continue
        for file in files:
            file.write_text(pinned(file.read_text(encoding="utf-8"), image, digest), encoding="utf-8")
        print(f"{image}@{digest}")
    if failed:
        sys.exit("\n".join(failed))


def digest_of(image: str, registry: str = REGISTRY) -> str:
    """Return the digest of what the tag names today. Raises `NoAnswer`."""
    name, _, tag = image.partition(":")
    repository = name if "/" in name else f"library/{name}"
    url = f"{registry}/v2/{repository}/manifests/{tag}"
    try:
        with httpx.Client(timeout=20, headers={"Accept": _KINDS}) as client:
            answer = client.head(url)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                token = _token(client, answer.headers.get("WWW-Authenticate", ""))
                answer = client.head(url, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
    except httpx.HTTPError as error:
        raise NoAnswer(f"{httpx.URL(registry).host} does not answer: {error}") from error
    digest: str = answer.headers.get("Docker-Content-Digest", "")
    if not _DIGEST.fullmatch(digest):
        raise NoAnswer(f"{httpx.URL(registry).host} gave no digest")
    return digest


def pinned(text: str, image: str, digest: str) -> str:
    """Return a file's text with the digest behind every mention of the image, in place of an earlier one."""
    return re.sub(
        rf"(?<![\w/.]){re.escape(image)}(@sha256:[0-9a-f]{{64}})?(?![\w.-])", f"{image}@{digest}", text
    )


def _token(client: httpx.Client, challenge: str) -> str:
    """Return a token for reading, from where the registry says: `Bearer realm="…",service="…",scope="…"`."""
    fields = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
    realm = fields.pop("realm", None)
    if realm is None:
        raise NoAnswer("the registry wants another kind of sign-in")
    answer = client.get(realm, params=fields).raise_for_status()
    token: str = answer.json().get("token", "")
    return token


if __name__ == "__main__":
    main()
