"""The command `pruneserve`: a whole service on this machine, and a client of any PruneServe server."""

import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from cli.commands import admin, files, sweeps, webhooks, zoo
from cli.commands.jobs import cancel, delete, jobs, logs, methods, retry, show
from cli.commands.models import apply, download
from cli.commands.run import TimedOut
from cli.commands.submit import Reported, estimate, run, submit, wait
from cli.data_directory import DataDirectory, default_data_directory
from cli.options.common import command_group
from cli.options.connection import KEY_FILE, URL, Connection
from cli.options.values import describe_bad_parameter
from cli.terminal import CommandFailed, Exit, PipeClosed, clean, err, out

_EXIT_CODES = (
    "Exit codes: 0 success, 1 the job failed or `up` could not start, 2 bad usage or a rejected request, "
    "3 the job's gate failed or a search found nothing within its bound, 4 the job was cancelled, "
    "5 timeout, 6 the server is unavailable, 7 the gate is inconclusive, 130 interrupted by Ctrl-C, "
    "141 by a closed pipe, 143 by SIGTERM."
)
_INTERRUPTED = 130


class _Commands(TyperGroup):
    """Turns every expected error into a message and an exit code."""

    def main(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - click's own types
        try:
            return super().main(*args, **options)
        except PipeClosed as closed:  # also where a message of `invoke` meets it
            sys.exit(128 + closed.number)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - click's own types
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = clean(describe_bad_parameter(error))
            raise
        except CommandFailed as error:
            _fail(error, error.code)
        except TimedOut as over:
            _fail(f"timed out; the {over} goes on", Exit.TIMEOUT)
        except KeyboardInterrupt:
            _fail("interrupted", _INTERRUPTED)


def _fail(message: object, code: int) -> NoReturn:
    err.print(f"error: {clean(message)}")
    raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    help="Prune large language models: run a service on this machine, or use any PruneServe server.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(_version())
        raise typer.Exit


def _version() -> str:
    """Return the version of the service, or of the client where only that is installed."""
    for distribution in ("pruneserve", "pruneserve-client"):
        with suppress(PackageNotFoundError):
            return version(distribution)
    return "of a checkout that is not installed"


@app.callback()
def with_any_command(
    context: typer.Context,
    url: URL = None,
    key_file: KEY_FILE = None,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Take the options of the program itself, and those of a connection for the command."""
    context.obj = Connection(url, key_file)


@app.command()
def up(
    data: Annotated[
        Path,
        typer.Option(
            help="The directory for all data of the service.", show_default="~/.local/share/pruneserve"
        ),
    ] = default_data_directory(),  # noqa: B008 - read once per command
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the API and the page.")] = 8642,
    root: Annotated[
        list[Path] | None,
        typer.Option(
            exists=True,
            file_okay=False,
            help="A directory whose models and text files jobs may use; may be repeated. "
            "`models` in the data directory is always allowed.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Start the whole service on this machine; Ctrl-C stops it.

    It is reachable from this machine only.
    """
    from cli.embedded.up import run

    run(DataDirectory(data.absolute()), port=port, roots=root or [])


def _group(help_text: str, *commands: Callable[..., None], **groups: typer.Typer) -> typer.Typer:
    group = command_group(help_text)
    for command in commands:
        group.command()(command)
    for name, inner in groups.items():
        group.add_typer(inner, name=name)
    return group


# In the order of the help.
for top_level in (run, submit, estimate, wait, jobs, show, logs, cancel, retry, download, apply):
    app.command(cls=Reported if top_level is run else None)(top_level)
app.add_typer(sweeps.app, name="sweep")
app.add_typer(zoo.app, name="zoo")
app.add_typer(
    _group(
        "Manage API keys, workers, queues and shares.",
        keys=admin.keys,
        workers=admin.workers,
        queues=admin.queues,
        shares=admin.shares,
    ),
    name="admin",
)
app.add_typer(
    _group(
        "Delete jobs; methods, uploads, webhooks.",
        *(delete, methods),
        uploads=files.uploads,
        webhooks=webhooks.app,
    ),
    name="tools",
)


if __name__ == "__main__":
    app()
