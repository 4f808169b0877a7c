"""Why a child died, and whether memory was the cause."""

import pytest

from jobs.states import LostAttempt
from worker.supervision import child_memory


@pytest.mark.parametrize(
    ("report", "out_of_memory", "kind", "words"),
    [
        ("signal 9 (SIGKILL) Job: 0.", False, LostAttempt.KILLED, "signal 9 (SIGKILL)"),
        ("signal 9 (SIGKILL) Job: 0.", True, LostAttempt.OUT_OF_MEMORY, "memory ran out"),
        ("signal 11 (SIGSEGV) Job: 7.", True, LostAttempt.KILLED, "signal 11 (SIGSEGV)"),
        ("exitcode 1 Job: 0.", False, LostAttempt.LOST_WORKER, "exitcode 1"),
    ],
)
def test_causes_of_death_are_distinguished(
    report: str, out_of_memory: bool, kind: LostAttempt, words: str
) -> None:
    report = f"Worker exited prematurely: {report}"
    found, reason = child_memory.death_cause(report, out_of_memory=out_of_memory)
    assert found == kind
    assert words in reason


def test_oom_kills_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = iter([3, 3, 4, 4])
    monkeypatch.setattr(child_memory, "_kill_count", lambda: next(counts))
    kills = child_memory.OomKills()
    assert [kills.any_new() for _ in range(3)] == [False, True, False]
