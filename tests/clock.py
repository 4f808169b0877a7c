"""A clock that tests set, and the times in logs."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass
class Clock:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


def check_times(log: str) -> None:
    """Each line of a log begins with the time, in UTC."""
    lines, now = log.splitlines(), datetime.now(UTC)
    days = "|".join(f"{day:%Y-%m-%d}" for day in (now - timedelta(days=1), now))
    others = [line for line in lines if not re.match(rf"({days}) \d\d:\d\d:\d\d,\d{{3}}Z ", line)]
    assert others == [], others
    first = datetime.fromisoformat(f"{lines[0].partition(',')[0]}Z")
    assert abs(now - first) < timedelta(hours=1)
