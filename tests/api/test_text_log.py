"""The logs as text: each line of the API and of a scheduler has its time, in UTC."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.stack import Stack

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("store_url", ["directory"], indirect=True)
def test_each_line_begins_with_the_time(stack: Stack) -> None:
    stack.environment["TZ"] = "Asia/Kolkata"
    stack.start_scheduler()
    with stack.start_api() as client:
        assert client.get("/v1/jobs?limit=1").status_code == 200
    for process in stack.processes:
        process.stop()
    lines = stack.logs().splitlines()
    assert any('"GET /v1/jobs HTTP/1.1" 200' in line for line in lines)
    today = datetime.now(UTC)
    days = "|".join(f"{day:%Y-%m-%d}" for day in (today - timedelta(days=1), today))
    logged = [line for line in lines if line and not line.endswith(".log:")]
    assert [one for one in logged if not re.match(rf"({days}) \d\d:\d\d:\d\d,\d{{3}}Z ", one)] == []
    first = datetime.fromisoformat(f"{logged[0].partition(',')[0]}Z")
    assert abs(today - first) < timedelta(hours=1)
