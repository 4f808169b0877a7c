"""The verdict on a report, worked out by hand, and how it gets to the job."""

from typing import Any

import pytest
from pydantic import ValidationError

from jobs.database import Database
from jobs.lifecycle import lifecycle, owner_moves
from jobs.spec.gate import Gate
from jobs.spec.job import JobSpec
from jobs.spec.verdict import judge
from jobs.tables import Job
from tests.claims import claimed

RECIPE = {"model": "org/name", "method": "gblm", "sparsity": 0.5}


def report(
    dense: float | None = 20.0, pruned: float | None = 21.0, **scores: dict[str, float]
) -> dict[str, Any]:
    listed = [
        {"task": task, "metric": metric, "dense": 0.9, "pruned": value}
        for task, metrics in scores.items()
        for metric, value in metrics.items()
    ]
    return {
        "perplexity": {"dense": dense, "pruned": pruned, "kl": 0.25},
        "sparsity": {"overall": 0.5},
        "zero_shot": {"harness": "1", "scores": listed} if scores else None,
        "model": {"parameters": 2000},
        "speed": {"bytes": 1_000_000, "speedup": 1.25, "peak_memory_bytes": 3_000_000},
    }


@pytest.mark.parametrize(
    ("gate", "measured", "limit", "margin"),
    [
        ({"max_perplexity": 21.5}, 21.0, 21.5, 0.5),
        ({"max_perplexity": 20.5}, 21.0, 20.5, -0.5),
        ({"max_perplexity_increase": 0.0625}, 0.05, 0.0625, 0.0125),
        ({"max_perplexity_increase": 0.04}, 0.05, 0.04, -0.01),
        ({"max_kl": 0.5}, 0.25, 0.5, 0.25),
        ({"max_kl": 0.125}, 0.25, 0.125, -0.125),
        ({"max_bytes": 1_500_000}, 1_000_000, 1_500_000, 500_000),
        ({"max_bytes": 999_999}, 1_000_000, 999_999, -1),
        ({"max_parameters": 2100}, 2000, 2100, 100),
        ({"max_parameters": 1900}, 2000, 1900, -100),
        ({"max_memory_bytes": 4_000_000}, 3_000_000, 4_000_000, 1_000_000),
        ({"max_memory_bytes": 2_000_000}, 3_000_000, 2_000_000, -1_000_000),
        ({"min_speedup": 1.125}, 1.25, 1.125, 0.125),
        ({"min_speedup": 1.5}, 1.25, 1.5, -0.25),
        ({"min_score": {"piqa": 0.5}}, 0.625, 0.5, 0.125),
        ({"min_score": {"piqa": 0.75}}, 0.625, 0.75, -0.125),
        ({"min_score": {"wikitext": 0.25}}, 0.125, 0.25, -0.125),
    ],
)
def test_a_condition_passes_by_its_margin(
    gate: dict[str, Any], measured: float, limit: float, margin: float
) -> None:
    scores = {"piqa": {"acc_norm": 0.1, "acc": 0.625}, "wikitext": {"bits": 0.125, "words": 0.9}}
    verdict = judge(Gate.model_validate(gate), report(**scores))
    (condition,) = verdict.conditions
    assert (condition.measured, condition.limit) == (pytest.approx(measured), limit)
    assert condition.margin == pytest.approx(margin)
    assert verdict.is_met == (margin > 0)
    assert verdict.state == condition.state == ("passed" if margin > 0 else "failed")


# Measured: 21, by 24 windows, in an interval from 20 to 23. Twice as near needs four times as many.
@pytest.mark.parametrize(
    ("limit", "state", "required"),
    [
        (19.99, "failed", None),
        (20.0, "inconclusive", 25),
        (20.5, "inconclusive", 96),
        (21.01, "inconclusive", None),
        (21.5, "inconclusive", 390),
        (22.0, "inconclusive", 96),
        (22.5, "inconclusive", 43),
        (23.0, "passed", None),
    ],
)
def test_a_limit_inside_the_interval_is_inconclusive(limit: float, state: str, required: int | None) -> None:
    measured = report()
    interval = {"low": 20.0, "high": 23.0}
    measured["perplexity"] |= {"windows": 24, "intervals": {"perplexity": interval, "increase": interval}}
    verdict = judge(Gate(max_perplexity=limit), measured)
    (condition,) = verdict.conditions
    assert (verdict.state, condition.state, condition.required_sample) == (state, state, required)
    assert verdict.is_met == (limit >= 21)
    assert condition.interval is not None
    assert (condition.interval.low, condition.interval.high) == (20.0, 23.0)


def test_a_score_at_the_limit_is_not_missed() -> None:
    """One more of 1,000 wrong: the ends of the interval lie on the grid of a thousandth, the limit on one."""
    measured = report()
    score = {"task": "piqa", "metric": "acc", "dense": 0.5, "pruned": 0.499, "examples": 1000}
    measured["zero_shot"] = {"scores": [score | {"change_interval": {"low": -0.003, "high": 0.0}}]}
    verdict = judge(Gate.model_validate({"max_score_drop": {"piqa": 0.0}}), measured)
    (found,) = verdict.conditions
    assert (found.state, verdict.is_met) == ("inconclusive", False)
    assert found.required_sample is not None
    assert found.required_sample > 1000


def test_a_gate_fails_before_it_is_inconclusive() -> None:
    measured = report()
    score = {"task": "piqa", "metric": "acc", "pruned": 0.5, "examples": 100}
    measured["zero_shot"] = {"scores": [score | {"interval": {"low": 0.4, "high": 0.6}}]}
    unsure = {"min_score": {"piqa": 0.55}}
    verdict = judge(Gate.model_validate({"max_perplexity": 30.0} | unsure), measured)
    assert [one.state for one in verdict.conditions] == ["passed", "inconclusive"]
    assert (verdict.state, verdict.conditions[1].required_sample) == ("inconclusive", 400)
    assert judge(Gate.model_validate({"max_perplexity": 20.0} | unsure), measured).state == "failed"


def test_a_gate_on_an_export_has_the_interval_of_that_file() -> None:
    interval = {"low": 0.25, "high": 0.5}
    file = exported(windows=8, intervals={"perplexity": interval, "increase": interval, "kl": interval})
    gate = Gate.model_validate({"export": "gguf:Q4_K_M", "max_kl": 0.4375})
    (found,) = judge(gate, report() | {"exports": [file]}).conditions
    assert (found.state, found.measured, found.required_sample) == ("inconclusive", 0.375, 32)


def test_a_value_equal_to_the_limit_passes() -> None:
    assert judge(Gate(max_perplexity=21.0), report()).state == "passed"


def test_one_missed_condition_fails_the_gate() -> None:
    gate = Gate(max_perplexity=30.0, max_perplexity_increase=0.01)
    verdict = judge(gate, report())
    assert [condition.state for condition in verdict.conditions] == ["passed", "failed"]
    assert verdict.state == "failed"


@pytest.mark.parametrize("measured", [report(pruned=None), report(dense=None)])
def test_what_is_not_finite_or_was_not_measured_fails(measured: dict[str, Any]) -> None:
    gate = Gate(max_perplexity_increase=1.0, min_score={"piqa": 0.0})
    for condition in judge(gate, measured).conditions:
        assert (condition.measured, condition.margin, condition.state) == (None, None, "failed")


@pytest.mark.parametrize("measured", [{}, {"kl": None}])
def test_a_divergence_that_was_not_measured_fails(measured: dict[str, Any]) -> None:
    perplexity = {"dense": 20.0, "pruned": 21.0, **measured}
    (condition,) = judge(Gate(max_kl=100.0), {"perplexity": perplexity}).conditions
    assert (condition.measured, condition.margin, condition.state) == (None, None, "failed")


def test_the_parameters_are_those_of_a_smaller_model() -> None:
    smaller = report() | {"structure": {"parameters": 1500, "dense_parameters": 2000}}
    (condition,) = judge(Gate(max_parameters=1600), smaller).conditions
    assert (condition.measured, condition.state) == (1500, "passed")


@pytest.mark.parametrize("speed", [None, {"bytes": 1, "speedup": None, "peak_memory_bytes": None}])
def test_a_speed_that_was_not_measured_fails(speed: dict[str, Any] | None) -> None:
    gate = Gate(min_speedup=0.5, max_memory_bytes=10**9)
    for condition in judge(gate, report() | {"speed": speed}).conditions:
        assert (condition.measured, condition.margin, condition.state) == (None, None, "failed")


@pytest.mark.parametrize(("limit", "state"), [(0.9, "passed"), (1.0, "passed"), (1.1, "failed")])
def test_a_speedup_that_is_not_measurable_counts_as_1(limit: float, state: str) -> None:
    speed = {"bytes": 1, "speedup": None, "rates": [{"speedup": 1.3, "noise": 0.5}], "peak_memory_bytes": 1}
    (condition,) = judge(Gate(min_speedup=limit), report() | {"speed": speed}).conditions
    assert (condition.measured, condition.state) == (1.0, state)


@pytest.mark.parametrize("gate", [{"min_speedup": 1.2}, {"max_memory_bytes": 10**9}])
def test_a_gate_on_speed_needs_it_measured(gate: dict[str, Any]) -> None:
    fields = {"recipe": RECIPE, "gate": gate}
    with pytest.raises(ValidationError, match=r"needs evaluation\.speed, which is off"):
        JobSpec.model_validate(fields | {"evaluation": {"speed": "off"}})
    JobSpec.model_validate(fields | {"evaluation": {"speed": "on"}})


@pytest.mark.parametrize(
    "gate",
    [
        {},
        {"max_perplexity": 0},
        {"max_perplexity": float("nan")},
        {"max_perplexity_increase": -0.1},
        {"max_kl": -0.1},
        {"max_bytes": 0},
        {"max_bytes": 1.5},
        {"min_speedup": 0},
        {"min_score": {"piqa": 1.5}},
        {"min_score": {"../piqa": 0.5}},
        {"max_loss": 1.0},
    ],
)
def test_a_gate_without_a_valid_condition_is_refused(gate: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Gate.model_validate(gate)


def test_a_task_of_the_gate_must_be_evaluated() -> None:
    gate = {"min_score": {"piqa": 0.5}}
    with pytest.raises(ValidationError, match=r"evaluation\.tasks"):
        JobSpec.model_validate({"recipe": RECIPE, "gate": gate})
    JobSpec.model_validate({"recipe": RECIPE, "gate": gate, "evaluation": {"tasks": ["piqa"]}})


def test_a_gate_is_no_part_of_the_recipe(database: Database) -> None:
    with database.begin() as session:
        plain, gated = (
            owner_moves.create(session, "ada", JobSpec.model_validate({"recipe": RECIPE} | more))
            for more in ({}, {"gate": {"max_perplexity": 1.0}})
        )
    assert plain.recipe_fingerprint == gated.recipe_fingerprint


@pytest.mark.parametrize(("limit", "state"), [(22.0, "passed"), (20.5, "failed"), (None, None)])
def test_a_succeeding_job_is_judged_in_the_same_transaction(
    database: Database, limit: float | None, state: str | None
) -> None:
    more = {"gate": {"max_perplexity": limit}} if limit else {}
    with database.begin() as session:
        job_id = owner_moves.create(session, "ada", JobSpec.model_validate({"recipe": RECIPE} | more)).id
        claim = claimed(session, job_id, "worker")
        assert lifecycle.succeed(session, claim, report(), [])
    with database.begin() as session:
        job = session.get_one(Job, job_id)
        assert (job.state, job.gate_state) == ("succeeded", state)
        assert (job.gate or {}).get("state") == state


def test_a_loss_below_the_noise_counts_as_it_was_measured() -> None:
    gate = Gate.model_validate({"min_speedup": 1.0})
    slower = {"speed": {"speedup": None, "rates": [{"speedup": 1.02}, {"speedup": 0.6}]}}
    faster = {"speed": {"speedup": None, "rates": [{"speedup": 1.02}, {"speedup": 1.01}]}}
    assert [judge(gate, report() | speed).conditions[0].measured for speed in (slower, faster)] == [0.6, 1.0]


def exported(name: str = "gguf:Q4_K_M", **changed: object) -> dict[str, Any]:
    return {
        "name": name,
        "bytes": 100,
        "dense_perplexity": 20.0,
        "perplexity": 24.0,
        "kl": 0.375,
        "rates": [
            {"phase": "prefill", "tokens_per_second": 60.0, "dense": 40.0, "noise": 0.25},
            {"phase": "decode", "tokens_per_second": 30.0, "dense": 10.0, "noise": 0.125},
        ],
    } | changed


@pytest.mark.parametrize(
    ("condition", "measured", "passed"),
    [
        ({"max_perplexity": 23.0}, 24.0, False),
        ({"max_perplexity_increase": 0.21}, 24 / 20 - 1, True),
        ({"max_kl": 0.25}, 0.375, False),
        ({"max_bytes": 100}, 100.0, True),
        ({"min_speedup": 1.5}, 1.5, True),
        ({"min_speedup": 1.625}, 1.5, False),
    ],
)
def test_a_gate_on_an_export_judges_that_file(
    condition: dict[str, Any], measured: float, passed: bool
) -> None:
    files = [exported("gguf:Q8_0", perplexity=1.0, kl=0.0, bytes=1, rates=[]), exported()]
    gate = Gate.model_validate(condition | {"export": "gguf:Q4_K_M"})
    verdict = judge(gate, report() | {"exports": files})
    (found,) = verdict.conditions
    state = "passed" if passed else "failed"
    assert (verdict.export, verdict.state, found.measured) == (gate.export, state, measured)


def test_a_gain_within_the_noise_counts_as_none_of_an_export() -> None:
    rates = [{"phase": "decode", "tokens_per_second": 11.0, "dense": 10.0, "noise": 0.25}]
    gate = Gate.model_validate({"export": "gguf:Q4_K_M", "min_speedup": 1.05})
    (found,) = judge(gate, report() | {"exports": [exported(rates=rates)]}).conditions
    assert (found.measured, found.state) == (1.0, "failed")


@pytest.mark.parametrize("condition", [{"max_kl": 9.0}, {"max_bytes": 10**9}, {"min_speedup": 0.5}])
def test_a_gate_on_an_export_that_failed_is_missed(condition: dict[str, Any]) -> None:
    verdict = judge(Gate.model_validate(condition | {"export": "gguf:Q4_K_M"}), report() | {"exports": []})
    assert [condition.measured for condition in verdict.conditions] == [None]
    assert verdict.state == "failed"


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"export": "gguf:Q8_0", "max_kl": 0.1}, "which are gguf:Q4_K_M, compressed-tensors:fp8"),
        ({"export": "gguf:Q4_K_M"}, "needs max_perplexity"),
        ({"export": "gguf:Q4_K_M", "min_score": {"piqa": 0.5}}, "not measured of an export"),
        ({"export": "gguf:Q4_K_M", "max_memory_bytes": 1}, "not measured of an export"),
        ({"export": "gguf:Q4_K_M", "max_parameters": 1}, "not measured of an export"),
        ({"export": "compressed-tensors:fp8", "min_speedup": 1.1}, "for GGUF files alone"),
    ],
)
def test_a_gate_on_what_is_not_measured_of_an_export_is_refused(gate: dict[str, Any], reason: str) -> None:
    exports = ["gguf:Q4_K_M", "compressed-tensors:fp8"]
    with pytest.raises(ValidationError, match=reason):
        JobSpec.model_validate({"recipe": RECIPE, "exports": exports, "gate": gate})


def domain(dense: float, pruned: float, **more: object) -> dict[str, Any]:
    interval = {"low": 0.25, "high": 0.5}
    intervals = {"perplexity": interval, "increase": interval, "kl": interval}
    return {"dense": dense, "pruned": pruned, "kl": 0.375, "windows": 8, "intervals": intervals} | more


DOMAINS = {"code": domain(10.0, 13.75), "math": domain(4.0, 5.0, intervals=None)}


def test_a_condition_on_a_domain_judges_that_text_with_its_interval() -> None:
    limits = {
        "code": {"max_perplexity_increase": 0.4375, "max_kl": 0.125},
        "math": {"max_perplexity_increase": 0.25, "max_kl": 0.5},
    }
    gate = Gate.model_validate({"max_kl": 0.25, "domains": limits})
    verdict = judge(gate, report() | {"domains": DOMAINS})
    assert [(one.name, one.measured, one.state, one.required_sample) for one in verdict.conditions] == [
        ("max_kl", 0.25, "passed", None),
        ("max_perplexity_increase.code", 0.375, "inconclusive", 32),
        ("max_kl.code", 0.375, "failed", None),
        ("max_perplexity_increase.math", 0.25, "passed", None),
        ("max_kl.math", 0.375, "passed", None),
    ]
    assert verdict.state == "failed"


def test_a_domain_that_the_report_lacks_fails() -> None:
    (condition,) = judge(Gate.model_validate({"domains": {"code": {"max_kl": 9.0}}}), report()).conditions
    assert (condition.measured, condition.state) == (None, "failed")


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"domains": {"code": {}}}, "needs max_perplexity_increase or max_kl"),
        ({"domains": {"Code": {"max_kl": 0.1}}}, "lower-case letters"),
        (
            {"domains": {"prose": {"max_kl": 0.1}}},
            "domains.prose must be in evaluation.domains, which has code",
        ),
        ({"export": "mask", "domains": {"code": {"max_kl": 0.1}}}, "domains is not measured of an export"),
        ({"domains": {}}, "needs max_perplexity"),
    ],
)
def test_a_condition_on_an_unknown_domain_is_refused(gate: dict[str, Any], reason: str) -> None:
    evaluation = {"domains": {"code": "builtin-code"}}
    with pytest.raises(ValidationError, match=reason):
        JobSpec.model_validate({"recipe": RECIPE, "gate": gate, "evaluation": evaluation})


def test_domains_have_one_order() -> None:
    one, other = {"math": "builtin-math", "code": "builtin-code"}, {"code": "builtin-code", "math": "c4"}
    spec = JobSpec.model_validate({"recipe": RECIPE, "evaluation": {"domains": one}})
    assert [field for field, _ in spec.evaluation.texts[1:]] == [
        "evaluation.domains.code",
        "evaluation.domains.math",
    ]
    assert list(one) != list(spec.evaluation.domains) == list(other)
