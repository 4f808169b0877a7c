"""Options that several commands have, and commands whose parameters are built from options."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from cli.options.values import finite

Command = Callable[..., None]


def command_group(help_text: str) -> typer.Typer:
    """Return a group of commands, which shows its help where none is named."""
    return typer.Typer(help=help_text, no_args_is_help=True, rich_markup_mode=None)


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:  # noqa: ANN401 - what typer takes
    """Return the parameter of an option that may be left out."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def replace_parameter(
    parameter: str, options: Iterable[inspect.Parameter], call: Callable[..., None]
) -> Callable[[Command], Command]:
    """Return a decorator that gives a command `options` in place of its `parameter`.

    `call` gets the command and all options by name, and calls the command with the parameter instead.
    """

    def decorate(command: Command) -> Command:
        own = inspect.signature(command)

        @functools.wraps(command)
        def with_options(**given: Any) -> None:  # noqa: ANN401 - options of every type
            call(command, **given)

        # What typer reads.
        parameters = [
            *options,
            *(
                one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
                for one in own.parameters.values()
                if one.name != parameter
            ),
        ]
        with_options.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        with_options.__annotations__ = {one.name: one.annotation for one in parameters}
        return with_options

    return decorate


_YEAR_SECONDS = 365 * 24 * 3600

PATIENCE_SECONDS = 120.0
"""How long a command that waits bears a server that is unavailable: longer than a restart takes."""

Timeout = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS",
        min=1,
        max=_YEAR_SECONDS,
        callback=finite,
        help="Stop waiting after so many seconds, at most a year; the job or the search goes on.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the server's response as JSON.")]
