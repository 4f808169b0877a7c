"""A database that breaks off or is away for long, and a store that answers only some requests."""

import time
from collections.abc import Iterator

import pytest

import migrations
from cli.embedded.postgres import Postgres
from jobs import limits
from jobs.states import JobState
from pruning.recipe import Stage
from tests.cli.embedded.freezing import frozen
from tests.conftest import S3
from tests.faults.conftest import Judge
from tests.faults.proxies import Proxy, UnreliableStore
from tests.stack import Stack

pytestmark = pytest.mark.nightly


class TestDatabase:
    @pytest.fixture
    def postgres(self, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
        """A separate server, so that what happens to it disturbs no other test."""
        with Postgres(tmp_path_factory.mktemp("postgres")) as server:
            migrations.upgrade(server.url)
            yield server

    @pytest.fixture
    def database_url(self, postgres: Postgres) -> str:
        return postgres.url

    def test_connections_that_break(self, stack: Stack, judge: Judge, postgres: Postgres) -> None:
        stack.start_scheduler()
        with Proxy(postgres.port).running() as proxy:
            proxied_url = postgres.url.replace(f":{postgres.port}/", f":{proxy.port}/")
            stack.start_worker(DATABASE_URL=proxied_url)
            job_id = stack.submit(stack.long_spec())
            for stage in (Stage.GRADIENTS, Stage.PRUNE, Stage.EVALUATE):
                stack.wait_for(job_id, lambda job, stage=stage: job.stage == stage)  # type: ignore[misc]
                proxy.cut()
            cuts = proxy.cuts
            judge("the database's connections cut", cuts, [job_id])
        assert stack.job(job_id).attempt == 1

    def test_outages_longer_than_a_lease_cost_no_job(self, stack: Stack, postgres: Postgres) -> None:
        stack.limit(LEASE_SECONDS=4, HEARTBEAT_SECONDS=1)
        stack.start_scheduler()
        stack.start("tests.worker.supervision.steady_worker")
        job_id = stack.submit(stack.spec())
        for attempt in range(1, limits.MAX_LOST_ATTEMPTS + 1):
            stack.wait_for(job_id, lambda job, n=attempt: (job.state, job.attempt) == ("running", n))  # type: ignore[misc]
            with frozen(postgres):
                time.sleep(6)
        job = stack.wait_for(job_id, lambda job: job.attempt > limits.MAX_LOST_ATTEMPTS)
        assert (job.state, job.lost_attempts) == (JobState.RUNNING, 0)
        reasons = [event.data.reason for event in stack.events(job_id) if hasattr(event.data, "reason")]
        assert [one for one in reasons if one and "lease" in one] == limits.MAX_LOST_ATTEMPTS * [
            f"the database was unavailable, so worker {job.worker} could not extend its lease"
        ]


class TestStore:
    def test_every_third_request_fails(self, stack: Stack, judge: Judge, s3: S3, s3_url: str) -> None:
        unreliable = UnreliableStore(s3.port, every=3)
        with unreliable.serving() as url:
            stack.environment |= {"STORE_URL": s3_url, **s3.environment, "AWS_ENDPOINT_URL": url}
            stack.start_scheduler()
            stack.start_worker()
            job_id = stack.submit(stack.spec())
            stack.wait_for_end(job_id)
            judge("every third request to the store fails", unreliable.failed, [job_id])
        assert stack.job(job_id).attempt == 1
