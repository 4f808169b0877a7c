"""The parts that routes work with, made once per process."""

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
class Service:
    """Settings, database, event streams, artifact store, and how much each key may still ask."""

    settings: Settings
    engine: Engine
    database: sessionmaker[Session]
    streams: Streams
    store: Store
    limiter: RateLimiter

    @classmethod
    def of(cls, settings: Settings) -> "Service":
        """The parts that `settings` name. Nothing is connected yet."""
        engine = engine_from(settings)
        database = sessions(engine)
        doorbell = EventListener(libpq_url(settings.database_url.get_secret_value()))
        return cls(
            settings,
            engine,
            database,
            Streams(doorbell, database),
            Store(settings.store_url),
            RateLimiter(settings.rate_limit_per_minute),
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen for events; at the end, end every stream and leave the database."""
        async with self.streams.doorbell.listening():
            yield
        self.engine.dispose()


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


def _database(service: Annotated[Service, Depends(_service)]) -> sessionmaker[Session]:
    return service.database


Parts = Annotated[Service, Depends(_service)]
Database = Annotated[sessionmaker[Session], Depends(_database)]
