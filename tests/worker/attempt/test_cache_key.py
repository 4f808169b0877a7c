"""Which jobs share what a job has computed: only its owner's, or all of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from jobs import caches
from jobs.database import Database
from jobs.lifecycle.lifecycle import Claim
from tests.claims import take
from worker.attempt.attempt import Attempt, cache_key

TOKEN = {"hub_token": SecretStr("hf_token"), "hub_token_owners": ("ada", "eve")}


def test_a_key_with_an_owner_is_this_owners_alone() -> None:
    assert cache_key("fingerprint", owner=None) == "fingerprint"
    assert cache_key("fingerprint", owner="ada") == cache_key("fingerprint", owner="ada")
    assert len({cache_key("fingerprint", owner=owner) for owner in (None, "ada", "eve")}) == 3


@pytest.mark.threat
@pytest.mark.parametrize("case", ["by default", "where the operator allows all, but the hub token reads it"])
def test_a_model_is_shared_with_its_owner_only(
    case: str, claim: Claim, attempt_of: Callable[..., Attempt]
) -> None:
    changes: dict[str, object] = {} if case == "by default" else {"share_between_owners": True, **TOKEN}
    eves = replace(claim, owner="eve")
    assert attempt_of(claim, **changes).cache_key("f") == cache_key("f", owner="ada")
    assert attempt_of(eves, **changes).cache_key("f") == cache_key("f", owner="eve")


@pytest.mark.threat
@pytest.mark.parametrize("shared", [False, True])
def test_an_owner_waits_for_another_only_where_the_operator_allows_it(
    shared: bool,
    claim: Claim,
    attempt_of: Callable[..., Attempt],
    submit: Callable[..., UUID],
    database: Database,
) -> None:
    def key_of(claim: Claim) -> str:
        return attempt_of(claim, share_between_owners=shared).cache_key("f")

    def ask(claim: Claim) -> caches.CachedNorms | caches.ComputedElsewhere:
        with database.begin() as session:
            return caches.find_gradients(session, claim, [key_of(claim)])

    other = take(database, submit(), "another")
    eves = replace(other, owner="eve")
    assert ask(claim) == caches.CachedNorms({}, frozenset({key_of(claim)}))
    computes = caches.CachedNorms({}, frozenset({key_of(eves)}))
    assert ask(eves) == (caches.ComputedElsewhere(key_of(claim), claim.job_id) if shared else computes)


@pytest.mark.parametrize("case", ["no token", "another owner's token", "a local model"])
def test_a_public_model_is_shared_between_owners_where_allowed(
    case: str, claim: Claim, attempt_of: Callable[..., Attempt], tmp_path: Path
) -> None:
    changes: dict[str, object] = {"share_between_owners": True, **({} if case == "no token" else TOKEN)}
    if case == "another owner's token":
        changes["hub_token_owners"] = ("eve",)
    if case == "a local model":
        recipe = {**claim.stored_spec["recipe"], "model": str(tmp_path)}
        claim = replace(claim, stored_spec={**claim.stored_spec, "recipe": recipe})
    assert attempt_of(claim, **changes).cache_key("f") == "f"
