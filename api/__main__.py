"""`pruneserve-api`: serve on one address until SIGTERM or Ctrl-C."""

import argparse
import gc
import logging
import socket
import sys
from copy import deepcopy
from typing import Any

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from api.app import create_app
from api.resources import AppResources
from jobs.monitoring import logs, traces
from jobs.monitoring.metrics import Component
from jobs.monitoring.serving import serve
from jobs.secret_files import close_to_others, hide_from_children, program
from jobs.settings import Settings

_GRACE_SECONDS = 10

# Longer than clients and proxies keep an idle connection (httpx 5 s, load balancers 60 s): the side that
# closes first must be the one that sends next, or a request meets a connection that is just being closed.
_KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """Ends the event streams first: uvicorn waits for open responses before it stops the application."""

    def __init__(self, config: uvicorn.Config, resources: AppResources) -> None:
        super().__init__(config)
        self._resources = resources

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the event streams, then everything else."""
        self._resources.streams.listener.close()
        await super().shutdown(sockets)


class WithoutQuery(logging.Filter):
    """Keeps query strings out of the access log, because that of a sign-in link is a secret."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut the query from the path in uvicorn's (client, method, path, version, status)."""
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


def _print_audit_log() -> None:
    """Write the audit log to the standard output as well, a line of JSON for each record."""
    lines = logging.StreamHandler(sys.stdout)
    lines.setFormatter(logging.Formatter("%(message)s"))
    audit = logging.getLogger("audit")
    audit.addHandler(lines)
    audit.setLevel(logging.INFO)
    audit.propagate = False


def _log_config() -> dict[str, Any]:
    """Return how uvicorn logs as text: its own way, with the time in front, as the other parts have it."""
    config = deepcopy(LOGGING_CONFIG)
    for formatter in config["formatters"].values():
        formatter["fmt"] = f"%(asctime)s {formatter['fmt']}"
    return config


@program
def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="pruneserve-api", description="REST API and status page.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()

    logs.configure(Component.API)
    hide_from_children()
    close_to_others()
    app = create_app()
    settings: Settings = app.state.resources.settings
    traces.start(Component.API, settings.traces_endpoint)
    serve(Component.API, settings.metrics_address)
    config = uvicorn.Config(
        app,
        host=arguments.host,
        port=arguments.port,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        server_header=False,
        http="h11",
        forwarded_allow_ips=list(settings.trusted_proxies),
        log_config=_log_config(),
    )
    if settings.log_format == "json":
        logs.write_json(Component.API, *map(logging.getLogger, ("uvicorn", "uvicorn.access")))
    else:
        logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    _print_audit_log()
    logging.getLogger("uvicorn.access").addFilter(WithoutQuery())
    gc.freeze()  # a search for garbage in all that was imported holds every request for a sixth of a second
    Server(config, app.state.resources).run()


if __name__ == "__main__":
    main()
