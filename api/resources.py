"""The resources that routes work with, created once per process."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from api.rate_limit import RateLimiter
from api.streams.listener import EventListener
from api.streams.streams import Streams
from jobs.database import engine_from, libpq_url, sessions
from jobs.settings import Settings
from jobs.storage.store import Store


@dataclass(frozen=True, slots=True)
class AppResources:
    """Settings, database, event streams, artifact store and rate limiters of one API process."""

    settings: Settings
    engine: Engine
    database: sessionmaker[Session]
    streams: Streams
    store: Store
    limiter: RateLimiter
    failures: RateLimiter

    @classmethod
    def of(cls, settings: Settings) -> "AppResources":
        """Create the resources that `settings` describe. Nothing is connected yet."""
        engine = engine_from(settings)
        database = sessions(engine)
        listener = EventListener(libpq_url(settings.database_url.get_secret_value()))
        return cls(
            settings,
            engine,
            database,
            Streams(listener, database),
            Store(settings.store_url),
            RateLimiter(settings.rate_limit_per_minute),
            RateLimiter(settings.max_failed_sign_ins_per_minute),
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for events; on exit, end every stream and close the database connections."""
        async with self.streams.listener.listening():
            yield
        self.engine.dispose()


def _resources(request: Request) -> AppResources:
    resources: AppResources = request.app.state.resources
    return resources


def _database(resources: Annotated[AppResources, Depends(_resources)]) -> sessionmaker[Session]:
    return resources.database


# What a route declares as a parameter to be given them.
Resources = Annotated[AppResources, Depends(_resources)]
Database = Annotated[sessionmaker[Session], Depends(_database)]
