"""A clock that tests set."""

from dataclasses import dataclass


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds
