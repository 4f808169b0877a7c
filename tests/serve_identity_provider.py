"""`python -m tests.serve_identity_provider PORT`: `oidc-provider-mock`, which here also insists on PKCE."""

import base64
import hashlib
import os
import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # it is on this machine

import flask
import oidc_provider_mock
from werkzeug.serving import make_server

app = oidc_provider_mock.app(require_client_registration=True, require_nonce=True)
challenges: dict[str, str] = {}


@app.after_request
def remember_challenge(response: Any) -> Any:
    code = parse_qs(urlsplit(response.headers.get("location", "")).query).get("code")
    if flask.request.path == "/oauth2/authorize" and code:
        assert flask.request.args["code_challenge_method"] == "S256"
        challenges[code[0]] = flask.request.args["code_challenge"]
    return response


@app.before_request
def refuse_another_verifier() -> Any:
    form = flask.request.form
    if flask.request.path != "/oauth2/token" or form["grant_type"] != "authorization_code":
        return None
    digest = hashlib.sha256(form["code_verifier"].encode()).digest()
    given = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    if challenges.pop(form["code"], None) == given:
        return None
    return flask.jsonify(error="invalid_grant"), 400


@app.post("/of-tests/rotate")
def rotate() -> tuple[str, int]:
    storage = flask.g.oidc_provider_mock_storage
    storage.jwk = type(storage.jwk).generate_key(is_private=True)
    return "", 204


if __name__ == "__main__":
    make_server("localhost", int(sys.argv[1]), app, threaded=True).serve_forever()
