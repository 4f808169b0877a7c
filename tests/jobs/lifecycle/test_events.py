"""Events keep their type from the producer through the table and the wire to a reader."""

import re
from pathlib import Path
from typing import get_args

from jobs.database import Database
from jobs.lifecycle import events
from jobs.lifecycle.events import (
    ChangedCondition,
    EventBase,
    EventData,
    JobError,
    LogMessage,
    StageFinished,
    StageRestarted,
    StageStarted,
    StateChanged,
    StepFinished,
)
from jobs.states import JobState
from jobs.tables import Job, JobEvent
from pruning.recipe import Stage
from tests.conftest import Submit

DOCUMENTATION = (Path(__file__).parents[3] / "docs" / "api.md").read_text()

EVENTS: list[EventData] = [
    StateChanged(state=JobState.FAILED, attempt=2, error=JobError(type="store", message="full")),
    StageStarted(attempt=2, stage=Stage.PRUNE, steps=30),
    StepFinished(attempt=2, stage=Stage.PRUNE, step=3, steps=30, seconds_left=1.5, memory_bytes=7),
    StageFinished(attempt=2, stage=Stage.PRUNE, seconds=0.25, peak_memory_bytes=9),
    StageRestarted(
        attempt=2,
        stages=[Stage.PRUNE],
        blocks=3,
        changes=[ChangedCondition(name="device", before="NVIDIA A100", now="NVIDIA H100")],
    ),
    LogMessage(message="the files have expired"),
]


def union() -> tuple[type[EventBase], ...]:
    return get_args(get_args(EventData)[0])


def test_every_event_class_is_in_the_union_under_a_kind_of_its_own() -> None:
    assert set(union()) == set(EventBase.__subclasses__())
    kinds = [event.model_fields["kind"].default for event in union()]
    assert len(set(kinds)) == len(kinds)


def test_the_table_gives_back_what_was_appended(database: Database, submit: Submit) -> None:
    job_id = submit()
    assert {type(event) for event in EVENTS} == set(union())
    with database.begin() as session:
        for number, event in enumerate(EVENTS, 2):
            events.append_event(session, job_id, "ada", number, event)
        assert [event.data for event in events.events_since(session, job_id, 1)] == EVENTS
        without_progress = [event for event in EVENTS if not isinstance(event, StepFinished)]
        assert [event.data for event in events.recent_events(session, job_id, limit=5)] == without_progress
        stored = session.get_one(JobEvent, (job_id, 7))
        assert (stored.kind, stored.data) == ("log", {"message": "the files have expired"})
        assert session.get_one(Job, job_id).state == JobState.QUEUED


def test_the_documentation_lists_every_kind_of_event_with_its_fields() -> None:
    table = DOCUMENTATION.partition("| `data.kind` |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    listed = {kind: set(re.findall(r"`(\w+)`", fields)) for kind, fields in rows}
    defined = {event.model_fields["kind"].default: event.model_fields.keys() - {"kind"} for event in union()}
    assert listed == defined
