"""The resources that routes work with, created once per process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

import migrations
from api import rate_limit
from api.identity_provider import IdentityProvider
from api.pools import BoundedPool
from api.rate_limit import FailureSampler, OpenRequests, RateLimiter
from api.readiness import Readiness
from api.streams import Streams
from jobs import limits
from jobs.database import engine_for_requests, libpq_url, sessions
from jobs.notify import EVENTS, Listener
from jobs.queue.waiting import Waits
from jobs.settings import Settings
from jobs.storage.store import Store

_HUB_BUSY = "Too many estimates are waiting for the Hub. Try again shortly."
_PICTURES_BUSY = "Too many pictures are waiting to be drawn. Try again shortly."
_DISK_BUSY = "Too many requests wait for a disk. Try again shortly."
_STORE_BUSY = "Too many requests wait for the artifact store. Try again shortly."


@dataclass(frozen=True, slots=True)
class AppResources:
    """Settings, database, event streams, artifact store, limits and pools of one API process."""

    settings: Settings
    engine: Engine
    database: sessionmaker[Session]
    streams: Streams
    store: Store
    limiter: RateLimiter
    open_requests: OpenRequests
    open_uploads: OpenRequests
    sweep_writes: OpenRequests
    failures: RateLimiter
    failure_sampler: FailureSampler
    readiness: Readiness
    waits: Waits
    hub: BoundedPool
    disk: BoundedPool
    pictures: BoundedPool
    store_pool: BoundedPool
    identity_provider: IdentityProvider | None

    @classmethod
    def of(cls, settings: Settings) -> "AppResources":
        """Create the resources that `settings` describe. Nothing is connected yet."""
        engine = engine_for_requests(settings)
        database = sessions(engine)
        url = libpq_url(settings.database_url.get_secret_value())
        return cls(
            settings,
            engine,
            database,
            Streams(Listener.of(settings, EVENTS, "api"), database),
            Store(settings.store_url),
            RateLimiter(settings.rate_limit_per_minute),
            OpenRequests(rate_limit.MAX_OPEN_REQUESTS),
            OpenRequests(rate_limit.MAX_OPEN_UPLOADS_OF_OWNER, rate_limit.MAX_OPEN_UPLOADS),
            OpenRequests(rate_limit.MAX_SWEEP_WRITES_OF_OWNER, rate_limit.MAX_SWEEP_WRITES),
            RateLimiter(limits.MAX_FAILED_SIGN_INS_PER_MINUTE),
            FailureSampler(),
            Readiness(url, migrations.schema_digest()),
            Waits(limits.LEASE_SECONDS),
            BoundedPool("hub", threads=8, capacity=24, per_owner=4, refusal=_HUB_BUSY),
            BoundedPool("disk", threads=4, capacity=32, per_owner=8, refusal=_DISK_BUSY),
            # Matplotlib draws one picture at a time.
            BoundedPool("pictures", threads=1, capacity=32, per_owner=16, refusal=_PICTURES_BUSY),
            BoundedPool("store", threads=32, capacity=128, per_owner=64, refusal=_STORE_BUSY),
            IdentityProvider(settings) if settings.oidc_issuer else None,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for events; on exit, end every stream and close pools and database connections."""
        try:
            async with self.streams.listener.listening():
                yield
        finally:
            self.hub.close()
            self.disk.close()
            self.pictures.close()
            self.store_pool.close()
            self.engine.dispose()


# Not threads: FastAPI would take one of the shared ones for a function that is not `async`.
async def _resources(request: Request) -> AppResources:
    resources: AppResources = request.app.state.resources
    return resources


async def _database(resources: Annotated[AppResources, Depends(_resources)]) -> sessionmaker[Session]:
    return resources.database


# What a route declares as a parameter to be given them.
Resources = Annotated[AppResources, Depends(_resources)]
Database = Annotated[sessionmaker[Session], Depends(_database)]
