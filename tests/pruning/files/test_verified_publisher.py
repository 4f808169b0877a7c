"""What is published, and when, with stand-ins for the files that are hashed."""

from collections.abc import Callable, Iterator
from threading import Event

import pytest

from pruning.errors import InvalidInput
from pruning.files import verified_publisher
from pruning.files.verified_publisher import VerifiedPublisher


class StandInFile:
    """A file whose hash ends when the test says so."""

    sha256 = "as it was"

    def __init__(self) -> None:
        self.begun = 0
        self.stopped = False
        self.content = self.sha256
        self._may_end = Event()

    def digest(self, stop: Callable[[], bool]) -> str:
        self.begun += 1
        while not self._may_end.wait(0.001):
            if stop():
                self.stopped = True
                return "a part"
        self._may_end.clear()
        return self.content

    def let_one_hash_end(self) -> None:
        self._may_end.set()

    def changed_error(self) -> InvalidInput:
        return InvalidInput("it was changed")


@pytest.fixture
def file() -> StandInFile:
    return StandInFile()


@pytest.fixture
def published(file: StandInFile, monkeypatch: pytest.MonkeyPatch) -> Iterator[VerifiedPublisher]:
    monkeypatch.setattr(verified_publisher, "_POLL_SECONDS", 0.001)
    with VerifiedPublisher([file]) as held:  # type: ignore[list-item]
        yield held


def test_nothing_is_published_before_the_hash_has_ended(
    file: StandInFile, published: VerifiedPublisher
) -> None:
    seen: list[str] = []
    published.publish_when_verified(lambda: seen.append("gradients"))
    published.poll()
    assert seen == []
    published.finish(while_waiting=file.let_one_hash_end)
    assert seen == ["gradients"]


def test_what_is_held_back_during_a_hash_waits_for_the_next(
    file: StandInFile, published: VerifiedPublisher
) -> None:
    seen: list[tuple[str, int]] = []
    published.publish_when_verified(lambda: seen.append(("gradients", file.begun)))
    published.publish_when_verified(lambda: seen.append(("perplexity", file.begun)))
    published.finish(while_waiting=file.let_one_hash_end)
    assert seen == [("gradients", 1), ("perplexity", 2)]


def test_a_file_that_has_changed_ends_the_run_and_publishes_nothing(
    file: StandInFile, published: VerifiedPublisher
) -> None:
    seen: list[str] = []
    file.content = "something else"
    published.publish_when_verified(lambda: seen.append("gradients"))
    with pytest.raises(InvalidInput, match="it was changed"):
        published.finish(while_waiting=file.let_one_hash_end)
    assert seen == []


def test_a_run_that_ends_early_stops_the_hash_and_publishes_nothing(file: StandInFile) -> None:
    seen: list[str] = []

    class Cancelled(Exception):
        pass

    def cancelled() -> None:
        raise Cancelled

    def run() -> None:
        with VerifiedPublisher([file]) as held:  # type: ignore[list-item]
            held.publish_when_verified(lambda: seen.append("gradients"))
            held.finish(while_waiting=cancelled)

    with pytest.raises(Cancelled):
        run()
    assert file.stopped
    assert seen == []
