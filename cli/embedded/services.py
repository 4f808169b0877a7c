"""The service's own processes under `pruneserve up`: the API, the scheduler and the worker."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from cli.embedded.process import LOOPBACK, EmbeddedError, OwnedProcess, bind_error
from jobs.secret_files import file_variable, write_secret


class Service(OwnedProcess):
    """A Python module of the service, run as a program."""

    def __init__(
        self,
        name: str,
        directory: Path,
        module: Sequence[str],
        settings: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """`module` is the module's name with its arguments; `settings` are added to the environment.

        `secrets` are handed over in files, whose paths the environment has.
        """
        super().__init__(directory)
        self.name = name
        self._module = module
        self._settings = settings
        self._secrets = secrets or {}

    def _prepare(self) -> None:
        self._secret_directory.mkdir(mode=0o700, exist_ok=True)
        for name, secret in self._secrets.items():
            write_secret(self._secret_directory / name, secret)

    @property
    def _secret_directory(self) -> Path:
        return self.directory / "secrets"

    def _command(self) -> Sequence[str]:
        # -P: modules in the current directory must not be imported.
        return [sys.executable, "-P", "-u", "-m", *self._module]

    def _environment(self) -> Mapping[str, str]:
        files = {
            file_variable(variable): str(self._secret_directory / variable) for variable in self._secrets
        }
        # As -P above, for the processes that the program itself starts.
        return {**os.environ, "PYTHONSAFEPATH": "1", **self._settings, **files}

    def _is_ready(self) -> bool:
        return True


class Api(Service):
    """The API with the status page."""

    def __init__(
        self,
        directory: Path,
        port: int,
        settings: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        """Listen on `port` of loopback."""
        module = ["api", "--host", LOOPBACK, "--port", str(port)]
        super().__init__("api", directory, module, settings, secrets)
        self._port = port

    @property
    def url(self) -> str:
        """The address for clients and browsers."""
        return f"http://{LOOPBACK}:{self._port}"

    def _prepare(self) -> None:
        super()._prepare()
        self._require_port()

    def check_port(self) -> None:
        """Raise `EmbeddedError` if the port is taken, unless by an earlier run's API, which `start` stops."""
        if not self.has_leftover:
            self._require_port()

    def _require_port(self) -> None:
        if (error := bind_error(self._port)) is not None:
            raise EmbeddedError(
                f"cannot listen on port {self._port} ({error.strerror}); choose another with --port"
            ) from error

    def _is_ready(self) -> bool:
        # Not /readyz: while the database's disk is full, an API that is restarted can still read.
        try:
            return httpx.get(f"{self.url}/healthz", timeout=5, trust_env=False).is_success
        except httpx.HTTPError:
            return False


class Worker(Service):
    """The worker, which may use the whole machine."""

    stop_seconds = 30.0  # it finishes its block and hands its job back

    def __init__(
        self, directory: Path, settings: Mapping[str, str], secrets: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("worker", directory, ["worker"], settings, secrets)
