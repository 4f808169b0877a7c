"""Commands whose parameters are built from options: the signature for typer, and the call itself."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

Command = Callable[..., None]


def option(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:  # noqa: ANN401 - what typer takes
    """Return the parameter of an option that may be left out."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def in_place_of(
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
