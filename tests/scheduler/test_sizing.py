"""What jobs need is estimated before they may be claimed, for all owners alike."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from jobs.database import Database
from jobs.lifecycle import owner_moves
from jobs.queue import backlog as queue_sizing
from jobs.queue import workers
from jobs.queue.resources import Needs
from jobs.settings import Settings
from jobs.spec.job import JobSpec
from jobs.spec.model_shape import HubUnavailable
from jobs.tables import Job
from pruning.estimate import ASSUMED
from pruning.recipe import is_local
from scheduler.sizing import Sizing
from tests.eventually import eventually
from tests.jobs.queue.fleet import register


def sizing_module() -> Any:
    import scheduler.sizing

    return scheduler.sizing


LLAMA = {
    "model_type": "llama",
    "vocab_size": 128_256,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
OF_SIZE = {
    "405B": (16_384, 126, 53_248, 128),
    "8B": (4096, 32, 14_336, 32),
    "tiny": (64, 2, 128, 4),
}


@dataclass
class Models:
    """Jobs of models of known sizes, and what sizes them."""

    database: Database
    settings: Settings
    sizing: Sizing
    directory: Path

    def submit(self, size: str, owner: str = "ada") -> UUID:
        hidden, blocks, middle, heads = OF_SIZE[size]
        directory = self.directory / size
        directory.mkdir(parents=True, exist_ok=True)
        shape = {
            "hidden_size": hidden,
            "num_hidden_layers": blocks,
            "intermediate_size": middle,
            "num_attention_heads": heads,
        }
        (directory / "config.json").write_text(json.dumps(LLAMA | shape))
        recipe = {"model": str(directory), "method": "gblm", "sparsity": 0.5}
        with self.database.begin() as session:
            return owner_moves.create(session, owner, JobSpec.model_validate({"recipe": recipe})).id

    def size_all(self) -> None:
        def has_sized_all() -> bool:
            self.sizing.round()
            with self.database.begin() as session:
                return not queue_sizing.unsized(session, 1)

        eventually(has_sized_all)

    def job(self, job_id: UUID) -> Job:
        with self.database.begin() as session:
            return session.get_one(Job, job_id)


@pytest.fixture
def models(settings: Settings, database: Database, tmp_path: Path) -> Iterator[Models]:
    settings = settings.model_copy(update={"model_roots": (tmp_path,)})
    sizing = Sizing(database, settings)
    yield Models(database, settings, sizing, tmp_path / "models")
    sizing.stop()


@dataclass
class Slow:
    """Sizing by a clock that a test sets, where some configs cannot be read before it ends."""

    models: Models
    sizing: Sizing
    asked: list[str]
    now: float = 0.0

    def rounds_until_sized(self, job_id: UUID) -> None:
        eventually(lambda: not any(self.waits(job_id)))

    def waits(self, *job_ids: UUID) -> list[bool]:
        self.sizing.round()
        return [self.models.job(job_id).needs is None for job_id in job_ids]


@pytest.fixture
def slow(models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Configs of the Hub, and those of 405B, cannot be read."""
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    hangs, real = Event(), sizing_module().shape_of

    def shape_of(model: Any, *others: Any) -> Any:
        slow.asked.append(model.id)
        if "405B" in model.id or not is_local(model.id):
            hangs.wait(60)
        return real(model, *others)

    monkeypatch.setattr(sizing_module(), "shape_of", shape_of)
    slow = Slow(models, Sizing(models.database, models.settings, clock=lambda: slow.now), [])
    yield slow
    slow.sizing.stop()
    hangs.set()


def of_another_model(models: Models, number: int, owner: str = "ada") -> UUID:
    """Submit a job on a copy of 405B."""
    OF_SIZE[f"405B-{number}"] = OF_SIZE["405B"]
    return models.submit(f"405B-{number}", owner=owner)


def test_a_disk_that_hangs_delays_only_the_jobs_that_wait_for_it(slow: Slow) -> None:
    hanging, alike, quick = (slow.models.submit(size) for size in ("405B", "405B", "8B"))
    slow.rounds_until_sized(quick)
    assert slow.waits(hanging, alike) == [True, True]
    slow.now = 21.0
    assert slow.waits(hanging, alike) == [False, False]
    assert slow.models.job(hanging).needs == {}
    assert len(slow.asked) == 2, "a config is read once for all jobs of its model"


def test_patience_begins_when_the_reading_does_and_has_an_end(slow: Slow) -> None:
    jobs = [of_another_model(slow.models, number) for number in range(3)]  # for two threads of an owner
    quick = slow.models.submit("8B", owner="eve")
    slow.rounds_until_sized(quick)
    slow.now = 21.0
    assert slow.waits(*jobs) == [False, False, True]
    slow.now = 121.0
    assert slow.waits(*jobs) == [False, False, False]


def test_a_hanging_hub_delays_no_model_on_a_disk(slow: Slow, spec: JobSpec) -> None:
    with slow.models.database.begin() as session:
        of_the_hub = [
            owner_moves.create(session, owner, with_model(spec, f"org/{owner}-{number}")).id
            for owner in ("mia", "eve", "tom")
            for number in range(2)
        ]
    slow.rounds_until_sized(slow.models.submit("8B"))
    assert slow.waits(*of_the_hub) == [True] * 6


def with_model(spec: JobSpec, name: str) -> JobSpec:
    fields = spec.model_dump(mode="json")
    return JobSpec.model_validate(fields | {"recipe": fields["recipe"] | {"model": name}})


@pytest.mark.threat
def test_many_jobs_of_one_owner_keep_those_of_others_waiting_for_no_estimate(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing_module(), "_JOBS_PER_ROUND", 8)
    monkeypatch.setattr(sizing_module(), "_JOBS_PER_OWNER", 3)
    many = [of_another_model(slow.models, number, "giant") for number in range(12)]
    slow.sizing.round()
    slow.rounds_until_sized(slow.models.submit("8B", owner="eve"))
    assert all(slow.waits(*many))
    # Where no other owner waits, one owner has the whole round.
    tiny = [slow.models.submit("tiny", owner="tom") for _ in range(8)]
    slow.rounds_until_sized(tiny[-1])
    assert not any(slow.waits(*tiny))


def test_models_that_take_long_to_estimate_delay_others_by_one_job_of_each_owner(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizing_module().threading.Thread, "start", lambda thread: thread.run())
    of, estimated = Needs.of, []

    def slowly(*arguments: Any) -> Needs:
        estimated.append(arguments)
        slow.now += 1.0
        return of(*arguments)

    monkeypatch.setattr(Needs, "of", slowly)
    deep = [slow.models.submit("8B", owner="giant") for _ in range(8)]
    quick = slow.models.submit("tiny", owner="eve")
    assert all(slow.waits(quick, *deep))  # their configs are read
    assert slow.waits(quick, *deep) == [False, False] + [True] * 7
    assert len(estimated) == 2
    assert slow.waits(*deep) == [False] * 2 + [True] * 6


def test_the_owner_served_longest_ago_is_next(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sizing_module(), "_THREADS", 2)
    begun: list[tuple[str, Event]] = []
    real = sizing_module().shape_of

    def shape_of(model: Any, owner: str, *others: Any) -> Any:
        begun.append((owner, ends := Event()))
        assert ends.wait(60)
        return real(model, owner, *others)

    monkeypatch.setattr(sizing_module(), "shape_of", shape_of)
    for number, owner in enumerate(("ada", "ada", "ada", "eve", "eve", "mia")):
        of_another_model(models, number, owner)

    def begins(count: int) -> bool:
        models.sizing.round()
        return len(begun) >= count

    for ended in range(5):  # two at once, and one of each owner
        eventually(partial(begins, min(ended + 2, 6)))
        begun[ended][1].set()
    begun[5][1].set()
    assert [owner for owner, _ in begun] == ["ada", "eve", "mia", "ada", "eve", "ada"]


def test_a_hub_that_fails_once_is_soon_asked_again(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([HubUnavailable("the Hub does not answer"), None])
    real = sizing_module().shape_of

    def shape_of(*arguments: Any) -> Any:
        if (error := next(answers)) is not None:
            raise error
        return real(*arguments)

    monkeypatch.setattr(sizing_module(), "shape_of", shape_of)
    first = slow.models.submit("8B")
    slow.rounds_until_sized(first)
    alike = slow.models.submit("8B")
    slow.rounds_until_sized(alike)
    assert slow.models.job(first).needs == slow.models.job(alike).needs == {}
    slow.now = 11.0
    later = slow.models.submit("8B")
    slow.rounds_until_sized(later)
    assert slow.models.job(later).needs


def test_offline_no_job_waits_for_the_hub(
    models: Models, spec: JobSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(sizing_module(), "shape_of", lambda *_: pytest.fail("the Hub was asked"))
    with models.database.begin() as session:
        job_id = owner_moves.create(session, "ada", spec).id
    models.sizing.round()
    assert models.job(job_id).needs == {}


def test_the_time_on_a_cpu_is_that_of_the_slowest_that_takes_jobs(models: Models) -> None:
    def measured(name: str, operations: float) -> None:
        machine = ASSUMED.model_copy(
            update={"operations_per_second": {"float32": operations}, "bytes_per_second": 1e12}
        )
        with models.database.begin() as session:
            register(session, name)
            workers.record_machine(session, name, machine)

    def seconds() -> float:
        job_id = models.submit("8B")
        models.size_all()
        return float(models.job(job_id).needs["cpu_seconds"])

    unmeasured = seconds()
    measured("quick", 1e15)
    quick = seconds()
    measured("slow", 1e11)
    slow = seconds()
    assert min(slow, unmeasured) > 900 > quick
