"""A gate that compares with a label's last accepted job: worse models fail, better ones move the label."""

import math
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from jobs.database import Database
from jobs.lifecycle import baselines, lifecycle, owner_moves
from jobs.spec.gate import Gate
from jobs.spec.job import JobSpec
from jobs.spec.verdict import Baseline, judge
from jobs.storage.owned_files import UnknownReference
from jobs.sweeps import sweeps
from jobs.tables import Job
from pruning.report.intervals import score_intervals
from tests.claims import claimed

MAIN = {"track": "main"}


def report(shift: float, fingerprint: str = "a" * 64, **more: object) -> dict[str, Any]:
    """What was measured on 16 windows: `shift` nats over losses that differ between windows far more."""
    losses = [2.0 + 0.1 * number + shift + 0.001 * (number % 3) for number in range(16)]
    perplexity = {
        "dense": 10.0,
        "pruned": 2.718281828459045 ** (sum(losses) / 16),
        "fingerprint": fingerprint,
        "windows": 16,
        "sequence_length": 8,
        "window_losses": losses,
    }
    model = {"commit": "1" * 40, "digest": None, "parameters": 100}
    return {"perplexity": perplexity, "model": model, "sparsity": {"overall": 0.5}} | more


def submit(session: Session, gate: dict[str, Any], owner: str = "ada", **labels: str) -> UUID:
    recipe = {"model": "org/name", "method": "gblm", "sparsity": 0.5}
    evaluation = {"tasks": ["piqa"]}
    spec = JobSpec.model_validate({"recipe": recipe, "gate": gate, "evaluation": evaluation})
    return owner_moves.create(session, owner, spec, labels).id


def end(session: Session, job_id: UUID, found: dict[str, Any]) -> None:
    claim = claimed(session, job_id, "worker")
    assert lifecycle.succeed(session, claim, found, [])


def judged(database: Database, gate: dict[str, Any], found: dict[str, Any], **labels: str) -> Job:
    with database.begin() as session:
        job_id = submit(session, gate, **labels)
    with database.begin() as session:
        end(session, job_id, found)
    with database.begin() as session:
        return session.get_one(Job, job_id)


FIRST = {"max_perplexity": 100.0}
OVER_MAIN = {"baseline": "track=main", "max_perplexity_increase": 0.01}


def test_a_worse_model_fails_and_a_better_one_moves_the_label(database: Database) -> None:
    first = judged(database, FIRST, report(0.1), **MAIN)
    worse = judged(database, OVER_MAIN, report(0.12), **MAIN)
    better = judged(database, OVER_MAIN, report(0.0), **MAIN)
    as_before = judged(database, OVER_MAIN, report(0.1), **MAIN)
    by_id = judged(database, OVER_MAIN | {"baseline": str(first.id)}, report(0.105))
    jobs = (worse, better, as_before, by_id)
    assert [job.gate_state for job in jobs] == ["failed", "passed", "failed", "passed"]
    compared = [UUID((job.gate or {})["baseline"]) for job in jobs]
    assert compared == [first.id, first.id, better.id, first.id]
    (condition,) = (as_before.gate or {})["conditions"]
    assert condition["measured"] == pytest.approx(2.718281828459045**0.1 - 1)
    # The models' losses differ by as much on each window, so the interval is narrow however unlike those are.
    assert condition["interval"]["high"] - condition["interval"]["low"] < 1e-9


def test_of_jobs_that_end_in_turn_each_is_compared_with_the_last(database: Database) -> None:
    judged(database, FIRST, report(0.1), **MAIN)
    with database.begin() as session:
        one, other = (submit(session, OVER_MAIN, **MAIN) for _ in range(2))
    for job_id, shift in ((other, 0.0), (one, 0.05)):
        with database.begin() as session:
            end(session, job_id, report(shift))
    with database.begin() as session:
        states = [session.get_one(Job, job_id).gate_state for job_id in (other, one)]
    assert states == ["passed", "failed"]


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ("track=none", "no job has passed its gate: submit the first one without a baseline"),
        ("track=missed", "no job has passed its gate"),
        ("00000000-0000-0000-0000-000000000000", "must be one of your jobs"),
    ],
)
def test_a_baseline_that_there_is_not_is_refused(database: Database, baseline: str, message: str) -> None:
    judged(database, {"max_perplexity": 1.0}, report(0.1), track="missed")
    with database.begin() as session, pytest.raises(UnknownReference, match=message) as refused:
        submit(session, OVER_MAIN | {"baseline": baseline})
    assert refused.value.field == "gate.baseline"


def test_another_owners_job_is_no_baseline(database: Database) -> None:
    job = judged(database, FIRST, report(0.1), **MAIN)
    for baseline in ("track=main", str(job.id)):
        with database.begin() as session, pytest.raises(UnknownReference):
            submit(session, OVER_MAIN | {"baseline": baseline}, owner="bob")


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ({"max_score_drop": {"piqa": 0.01}}, "has not measured every task of max_score_drop"),
        ({"export": "compressed-tensors:fp8"}, "has not exported the file"),
    ],
)
def test_a_baseline_without_what_the_gate_compares_is_refused(
    database: Database, gate: dict[str, Any], message: str
) -> None:
    job = judged(database, FIRST, report(0.1), **MAIN)
    recipe = {"model": "org/name", "method": "none"}
    options = {"evaluation": {"tasks": ["piqa"]}, "exports": ["compressed-tensors:fp8"]}
    spec = JobSpec.model_validate({"recipe": recipe, "gate": OVER_MAIN | gate} | options)
    with database.begin() as session, pytest.raises(UnknownReference, match=f"{job.id}, which {message}"):
        owner_moves.create(session, "ada", spec)


@pytest.mark.parametrize(
    "other",
    [report(0.1, "b" * 64), report(0.1, model={"commit": "2" * 40, "digest": None, "parameters": 100}), None],
)
def test_what_cannot_be_compared_fails(other: dict[str, Any] | None) -> None:
    baseline = Baseline(UUID(int=1), other) if other else None
    verdict = judge(Gate.model_validate(OVER_MAIN), report(0.0), baseline)
    assert (verdict.state, verdict.conditions[0].measured) == ("failed", None)


def scored(outcomes: str, dense: float = 0.9) -> dict[str, Any]:
    share = outcomes.count("1") / len(outcomes)
    score = {"task": "piqa", "metric": "acc", "version": "1", "examples": len(outcomes), "outcomes": outcomes}
    _, change = score_intervals([1.0] * len(outcomes), [float(one) for one in outcomes])
    assert change is not None
    facts = score | {"dense": dense, "pruned": share, "change_interval": change.model_dump()}
    return report(0.0, zero_shot={"scores": [facts]})


@pytest.mark.parametrize(("limit", "state"), [(0.0, "failed"), (0.02, "inconclusive"), (0.1, "passed")])
def test_the_drop_of_a_score_is_judged_example_by_example(limit: float, state: str) -> None:
    before, after = "1" * 150 + "0" * 50, "1" * 145 + "0" * 55
    gate = Gate.model_validate({"baseline": "track=main", "max_score_drop": {"piqa": limit}})
    verdict = judge(gate, scored(after), Baseline(UUID(int=1), scored(before)))
    (condition,) = verdict.conditions
    assert (verdict.state, condition.measured) == (state, pytest.approx(0.025))
    assert condition.interval is not None
    # 5 of 200 examples changed, to the worse: far narrower than the standard error of 0.03 of either score.
    assert 0 < condition.interval.low < 0.025 < condition.interval.high < 0.06
    over_dense = Gate.model_validate({"max_score_drop": {"piqa": limit}})
    (condition,) = judge(over_dense, scored(after)).conditions
    assert condition.measured == pytest.approx(0.9 - 145 / 200)


@pytest.mark.parametrize(
    ("gate", "reason"),
    [
        ({"baseline": "main", "max_perplexity_increase": 0.01}, "must be the id of a job, or name=value"),
        ({"baseline": "track=", "max_perplexity_increase": 0.01}, "must be the id of a job"),
        ({"baseline": "track=main", "max_kl": 0.1}, "needs max_perplexity_increase or max_score_drop"),
        ({"baseline": "track=main"}, "or max_score_drop"),
    ],
)
def test_a_baseline_that_compares_nothing_is_refused(gate: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Gate.model_validate(gate)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_sweep_resolves_its_label_once_and_reads_no_report(
    database: Database, engine: Engine, order: tuple[int, ...]
) -> None:
    """Whichever job ends first and moves the label, each is compared with the job that had it before."""
    first = judged(database, FIRST, report(0.1), **MAIN)
    recipe = {"model": "org/name", "method": "gblm"}
    specs = [
        JobSpec.model_validate({"recipe": recipe | {"sparsity": sparsity}, "gate": OVER_MAIN})
        for sparsity in (0.3, 0.5)
    ]
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *execution: statements.append(execution[2]))
    with database.begin() as session:
        sweep = sweeps.create(session, "ada", {}, specs, MAIN, max_queued=10)
        job_ids = [job.id for job in sweeps.jobs_of(session, sweep)]
    reads = [number for number, sql in enumerate(statements) if "jobs.report" in sql]
    assert reads, statements
    assert not [sql for sql in statements if "SELECT jobs.report" in sql or ", jobs.report" in sql]
    assert len([sql for sql in statements if "jsonb_path_query_array" in sql]) == 1
    locks = [number for number, sql in enumerate(statements) if "pg_advisory_xact_lock" in sql]
    assert max(reads) < min(locks)  # of the owner's queue

    for number in order:
        with database.begin() as session:
            end(session, job_ids[number], report((0.0, 0.1)[number]))
    with database.begin() as session:
        found = [session.get_one(Job, job_id) for job_id in job_ids]
    assert [job.gate_state for job in found] == ["passed", "passed"]
    assert {(job.gate or {})["baseline"] for job in found} == {str(first.id)}
    last = judged(database, OVER_MAIN, report(0.1), **MAIN)
    assert last.gate_state == "passed"
    assert (last.gate or {})["baseline"] == str(job_ids[1]), "the last submitted, whichever ended first"


def with_domain(shift: float, fingerprint: str = "c" * 64) -> dict[str, Any]:
    return report(0.0, domains={"code": report(shift, fingerprint)["perplexity"]})


@pytest.mark.parametrize(("shift", "state"), [(0.005, "passed"), (0.02, "failed")])
def test_a_domain_is_compared_with_the_baseline_s(shift: float, state: str) -> None:
    gate = Gate.model_validate(
        {"baseline": "track=main", "domains": {"code": {"max_perplexity_increase": 0.01}}}
    )
    (condition,) = judge(gate, with_domain(shift), Baseline(UUID(int=1), with_domain(0.0))).conditions
    assert (condition.state, condition.measured) == (state, pytest.approx(math.expm1(shift)))
    assert condition.interval is not None
    other = Baseline(UUID(int=1), with_domain(0.0, "d" * 64))
    assert judge(gate, with_domain(shift), other).conditions[0].measured is None


def test_a_baseline_without_the_domain_is_refused_by_its_name(database: Database) -> None:
    first = judged(database, FIRST, report(0.0), **MAIN)
    limits = {"code": {"max_perplexity_increase": 0.01}}
    fields = {
        "recipe": {"model": "org/name", "method": "gblm", "sparsity": 0.5},
        "gate": {"baseline": "track=main", "domains": limits},
        "evaluation": {"domains": {"code": "builtin-code"}},
    }
    with database.begin() as session, pytest.raises(UnknownReference) as refused:
        baselines.find(session, "ada", JobSpec.model_validate(fields))
    assert refused.value.message == f"is job {first.id}, which has not measured the domain code"
