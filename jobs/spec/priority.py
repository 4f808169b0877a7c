"""The priority of a job among those of its owner."""

from typing import Annotated

from pydantic import Field

LOWEST, HIGHEST = -100, 100

Priority = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
"""Among its owner's queued jobs the one with the highest priority runs first."""
