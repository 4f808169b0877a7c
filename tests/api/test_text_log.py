"""The API's log as text: each line has its time, as those of the other parts have."""

import re

import pytest

from tests.stack import Stack

pytestmark = pytest.mark.slow


def test_each_line_begins_with_the_time(stack: Stack) -> None:
    with stack.start_api() as client:
        assert client.get("/v1/jobs?limit=1").status_code == 200
    stack.processes[-1].stop()
    lines = stack.logs().splitlines()
    assert any('"GET /v1/jobs HTTP/1.1" 200' in line for line in lines)
    assert [line for line in lines if not re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ", line)] == []
