"""The lanes of a job's gradients: who may take them, and what a worker that has lost one may not do."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, line, overview, shares, steering
from jobs.fleet.overview import WorkerState
from jobs.fleet.standing import standing
from jobs.lifecycle import event_log, finished_blocks, lane_leases, lane_offers, lanes, lifecycle, owner_moves
from jobs.lifecycle.events import JobError, LogMessage
from jobs.lifecycle.lanes import LaneClaim
from jobs.lifecycle.lifecycle import Claim
from jobs.states import Cause
from jobs.storage.store import StoredFile
from jobs.tables import NOW, GradientLane, Job, JobBlock, Worker

Database = sessionmaker[Session]

KEY: dict[str, Any] = {"device": "cpu", "lanes": 16}
SIZE = 1000


@pytest.fixture
def claim(database: Database, submit: Callable[[], UUID]) -> Claim:
    """A job that runs on the worker `own`, whose lanes are open."""
    with database.begin() as session:
        claim = lifecycle.claim(session, submit(), "own", 30)
        assert claim is not None
        assert lanes.open_lanes(session, claim, KEY, 16) == 0
    return claim


def take(database: Database, claim: Claim, worker: str = "coworker") -> LaneClaim | None:
    with database.begin() as session:
        return lanes.take(session, claim.job_id, worker, 30)


def taken(database: Database, claim: Claim, worker: str = "coworker") -> LaneClaim:
    lane = take(database, claim, worker)
    assert lane is not None
    return lane


def seconds_since_it_was_queued(session: Session, claim: Claim) -> float:
    passed = select(func.extract("epoch", NOW - Job.queued_at)).where(Job.id == claim.job_id)
    return float(session.scalars(passed).one())


def expire(database: Database, lane: LaneClaim) -> None:
    with database.begin() as session:
        held = update(GradientLane).where(GradientLane.token == lane.lease_token)
        session.execute(held.values(expires_at=func.now()))


def keep(session: Session, lane: LaneClaim) -> bool:
    shard = StoredFile(f"jobs/{lane.job_id}/lane", 10, "0" * 64)
    return lanes.keep(session, lane, "gradients", SIZE * (lane.lane + 1), shard, KEY)


def test_each_takes_the_first_lane_that_nobody_has(database: Database, claim: Claim) -> None:
    assert [taken(database, claim, name).lane for name in ("a", "b")] == [0, 1]
    with database.begin() as session:
        assert lanes.take_own(session, claim, "own") == 2


def test_the_worker_of_the_job_does_not_help_itself(database: Database, claim: Claim) -> None:
    assert take(database, claim, "own") is None


def test_a_lane_whose_worker_died_goes_to_another_and_the_first_can_do_nothing_more(
    database: Database, claim: Claim
) -> None:
    lost = taken(database, claim, "dead")
    expire(database, lost)
    assert taken(database, claim, "alive").lane == lost.lane
    with database.begin() as session:
        assert lanes.extend(session, lost, 30) is None
        assert not keep(session, lost)
        assert not lanes.finish(session, lost)
        assert finished_blocks.finished(session, claim.job_id) == []


def test_a_lane_that_is_finished_is_followed_by_the_next_under_the_same_token(
    database: Database, claim: Claim
) -> None:
    first = taken(database, claim)
    with database.begin() as session:
        assert keep(session, first)
        assert lanes.finish(session, first)
        following = lanes.take(session, claim.job_id, "coworker", 30, first)
    assert following is not None
    assert (following.lane, following.lease_token) == (1, first.lease_token)
    with database.begin() as session:
        assert not lanes.finish(session, first)  # repeated, because its answer was lost
        assert lanes.finished(session, claim.job_id) == {0}
        assert lanes.extend(session, following, 30) is not None


@pytest.mark.parametrize("end", ["cancelled", "taken back"])
def test_a_job_that_runs_no_more_in_this_attempt_takes_its_lanes_from_who_helps(
    end: str, database: Database, claim: Claim
) -> None:
    lane = taken(database, claim)
    with database.begin() as session:
        if end == "cancelled":
            owner_moves.cancel(session, claim.owner, claim.job_id)
        else:
            lifecycle.take_back(session, claim.job_id, claim.lease_token, "it died", 3)
            again = lifecycle.claim(session, claim.job_id, "another", 30)
            assert again is not None
    with database.begin() as session:
        assert lanes.extend(session, lane, 30) is None
        assert not keep(session, lane)
    assert end == "taken back" or take(database, claim) is None


def test_a_later_attempt_finds_what_was_finished_and_takes_the_rest_anew(
    database: Database, claim: Claim
) -> None:
    first, second = taken(database, claim, "a"), taken(database, claim, "b")
    with database.begin() as session:
        lanes.finish(session, first)
        lanes.folded(session, claim, 1, 16)
        lifecycle.hand_back(session, claim, "the worker is shutting down")
        assert set(session.scalars(select(GradientLane.lane))) == {0}
        again = lifecycle.claim(session, claim.job_id, "another", 30)
        assert again is not None
        assert lanes.open_lanes(session, again, KEY, 16) == 1
        assert lanes.finished(session, claim.job_id) == {0}
        assert lanes.take_own(session, again, "another") == second.lane


def test_lanes_of_another_key_are_computed_again(database: Database, claim: Claim) -> None:
    lane = taken(database, claim)
    with database.begin() as session:
        lanes.finish(session, lane)
        assert lanes.open_lanes(session, claim, KEY | {"micro_batch": 1}, 16) == 0
        assert lanes.finished(session, claim.job_id) == set()


def test_only_some_lanes_are_computed_beyond_those_that_are_folded(database: Database, claim: Claim) -> None:
    found = [taken(database, claim, f"w{number}") for number in range(lanes.MOST_AHEAD)]
    assert take(database, claim, "one more") is None
    with database.begin() as session:
        lanes.finish(session, found[0])
        lanes.folded(session, claim, 1, 16)
    assert taken(database, claim, "one more").lane == lanes.MOST_AHEAD


def test_after_two_failures_the_job_is_left_to_its_own_worker(database: Database, claim: Claim) -> None:
    for name in ("a", "b"):
        with database.begin() as session:
            lane = taken(database, claim, name)
            lanes.decline(session, lane, name, "its device is broken", failed=True)
    assert take(database, claim, "c") is None
    with database.begin() as session:
        assert lane_offers.open_offers(session, 30) == []
        assert lanes.take_own(session, claim, "own") == 0
        events = event_log.since(session, claim.job_id, 0)
    told = [event.data.message for event in events if isinstance(event.data, LogMessage)]
    assert told[-1] == "worker b does not help with the gradients: its device is broken"


def test_workers_that_only_cannot_help_are_offered_nothing_more_and_keep_nobody_else_away(
    database: Database, claim: Claim
) -> None:
    for name in ("a", "b", "c"):
        with database.begin() as session:
            lanes.decline(session, taken(database, claim, name), name, "other threads", failed=False)
        assert take(database, claim, name) is None
    lane = taken(database, claim, "d")
    assert lane.lane == 0
    with database.begin() as session:
        lanes.finish(session, lane)
        lanes.folded(session, claim, 1, 16)
        declined = session.scalars(select(GradientLane.declined_by).order_by(GradientLane.lane)).all()
        assert declined == [["a", "b", "c"]] * (1 + lanes.MOST_AHEAD)  # those that are new as well
        lifecycle.hand_back(session, claim, "the worker is shutting down")
        again = lifecycle.claim(session, claim.job_id, "another", 30)
        assert again is not None
        lanes.open_lanes(session, again, KEY, 16)
    assert taken(database, claim, "a").lane == 1  # whose conditions may be those of the new one


def test_a_worker_that_helps_is_seen_so_until_its_lane_ends(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        for name in ("own", "coworker"):
            dispatch_queue.worker_seen(session, name, "prune")
    lane = taken(database, claim)
    with database.begin() as session:
        helping, own = overview.workers(session, 30)
        assert (helping.state, own.state) == (WorkerState.HELPING, WorkerState.BUSY)
        assert helping.job is not None
        assert (helping.job.id, helping.job.owner) == (claim.job_id, claim.owner)
        assert helping.since == session.get_one(GradientLane, (claim.job_id, 0)).taken_at
        assert standing(session, 30).workers == {("prune", "busy"): 1, ("prune", "helping"): 1}
        steering.cordon(session, "coworker")
        assert standing(session, 30).workers == {("prune", "busy"): 1, ("prune", "cordoned"): 1}
        lanes.finish(session, lane)
        assert overview.workers(session, 30)[0].state == WorkerState.CORDONED


def test_what_a_dead_process_held_is_free_at_once(database: Database, claim: Claim) -> None:
    lane = taken(database, claim, "dead")
    with database.begin() as session:
        assert lane_leases.helped_by(session, "dead") == claim.job_id
        assert lanes.give_back_of(session, "dead", "killed by signal 9") == [claim.job_id]
        assert lane_leases.helped_by(session, "dead") is None
    assert taken(database, claim, "alive").lane == lane.lane


def test_folding_deletes_the_shards_of_the_lanes_and_names_their_files(
    database: Database, claim: Claim
) -> None:
    lane = taken(database, claim)
    with database.begin() as session:
        keep(session, lane)
        assert lanes.drop_sections(session, claim, [1, 2], SIZE) == []
        assert lanes.drop_sections(session, claim, [0], SIZE) == [f"jobs/{claim.job_id}/lane"]
        assert session.scalar(select(func.count()).select_from(JobBlock)) == 0


def test_an_offer_is_repeated_only_after_a_while(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        queue = session.get_one(Job, claim.job_id).queue
        offers = lane_offers.open_offers(session, 30)
        assert offers == [lane_offers.Offer(queue, claim.job_id, lane) for lane in range(lanes.MOST_AHEAD)]
        lane_offers.mark_offered(session, offers[:5])
        assert lane_offers.open_offers(session, 30) == offers[5:]
        assert lane_offers.open_offers(session, 0) == offers


def test_a_worker_that_helps_is_not_idle(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        dispatch_queue.worker_seen(session, "coworker", "prune")
        assert dispatch_queue.idle_in(dispatch_queue.idle_workers(session, 30), "prune").total() == 1
    taken(database, claim)
    with database.begin() as session:
        assert dispatch_queue.idle_in(dispatch_queue.idle_workers(session, 30), "prune").total() == 0


def test_the_owner_of_the_job_has_used_the_time_of_who_helped(database: Database, claim: Claim) -> None:
    lane = taken(database, claim)
    with database.begin() as session:
        started = update(GradientLane).where(GradientLane.token == lane.lease_token)
        session.execute(started.values(taken_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 100)))
        lanes.finish(session, lane)
        took = seconds_since_it_was_queued(session, claim)
        assert shares.standing(session, claim.owner, 1).cpu_seconds == pytest.approx(100, abs=2 * took)
        assert session.get_one(Job, claim.job_id).worker_seconds == pytest.approx(100, abs=2 * took)


def test_what_a_worker_has_used_counts_though_the_job_ends_before_it_has_left(
    database: Database, claim: Claim
) -> None:
    lane = taken(database, claim)
    with database.begin() as session:
        assert lanes.take_own(session, claim, "own") == 1
        started = update(GradientLane).values(taken_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 100))
        session.execute(started)
        lifecycle.fail(session, claim, JobError(type="failed", message="it failed", cause=Cause.REQUEST))
        lanes.give_back(session, lane)
        took = seconds_since_it_was_queued(session, claim)
        assert shares.standing(session, claim.owner, 1).cpu_seconds == pytest.approx(100, abs=2 * took)


@pytest.mark.parametrize("most", [1, 3])
def test_workers_that_help_count_as_running_jobs_of_an_owner_with_a_limit(
    database: Database, submit: Callable[[], UUID], claim: Claim, most: int
) -> None:
    with database.begin() as session:
        shares.grant(session, claim.owner, {"most_running": most})
    helping = [lane for name in "abc" if (lane := take(database, claim, name))]
    assert len(helping) == most - 1
    with database.begin() as session:
        queue = session.get_one(Job, claim.job_id).queue
        (share,) = line.shares_of(session, queue, [claim.owner])
        assert (share.in_use, share.running, share.may_begin) == (most, most, 0)
        assert lane_offers.open_offers(session, 0) == []
        assert lifecycle.claim(session, submit(), "another", 30) is None


def test_a_worker_of_an_owner_at_its_limit_goes_on_to_its_next_lane(database: Database, claim: Claim) -> None:
    with database.begin() as session:
        shares.grant(session, claim.owner, {"most_running": 2})
    lane = taken(database, claim)
    with database.begin() as session:
        assert lanes.finish(session, lane)
        following = lanes.take(session, claim.job_id, "coworker", 30, lane)
    assert following is not None
    assert take(database, claim, "another") is None


def test_busy_workers_and_those_for_one_job_are_none_that_could_help(
    database: Database, submit: Callable[[], UUID], claim: Claim
) -> None:
    with database.begin() as session:
        for name in ("own", "coworker", "one", "busy"):
            dispatch_queue.worker_seen(session, name, "prune")
        dispatch_queue.worker_seen(session, "larger", "gpu.80g")
        session.execute(update(Worker).where(Worker.name.in_(["own", "one"])).values(one_job=True))
        assert lifecycle.claim(session, submit(), "busy", 30)
        assert dispatch_queue.workers_for_lanes(session, "own", 30) == 2
