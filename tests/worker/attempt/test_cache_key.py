"""Which jobs share what a job has computed: all of them, or only its owner's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from jobs.lifecycle.lifecycle import Claim
from worker.attempt.attempt import Attempt
from worker.attempt.cache_key import cache_key

TOKEN = {"hub_token": SecretStr("hf_token"), "hub_token_owners": ("ada", "eve")}


def test_a_key_with_an_owner_is_this_owners_alone() -> None:
    assert cache_key("fingerprint", owner=None) == "fingerprint"
    assert cache_key("fingerprint", owner="ada") == cache_key("fingerprint", owner="ada")
    assert len({cache_key("fingerprint", owner=owner) for owner in (None, "ada", "eve")}) == 3


def test_a_model_that_the_hub_token_reads_is_shared_with_its_owner_only(
    claim: Claim, attempt_of: Callable[..., Attempt]
) -> None:
    eves = replace(claim, owner="eve")
    assert attempt_of(claim, **TOKEN).cache_key("f") == cache_key("f", owner="ada")
    assert attempt_of(eves, **TOKEN).cache_key("f") == cache_key("f", owner="eve")


@pytest.mark.parametrize("case", ["no token", "another owner's token", "a local model"])
def test_a_model_that_everybody_may_read_is_shared_with_all(
    case: str, claim: Claim, attempt_of: Callable[..., Attempt], tmp_path: Path
) -> None:
    changes: dict[str, object] = {} if case == "no token" else dict(TOKEN)
    if case == "another owner's token":
        changes["hub_token_owners"] = ("eve",)
    if case == "a local model":
        recipe = {**claim.stored_spec["recipe"], "model": str(tmp_path)}
        claim = replace(claim, stored_spec={**claim.stored_spec, "recipe": recipe})
    assert attempt_of(claim, **changes).cache_key("f") == "f"
