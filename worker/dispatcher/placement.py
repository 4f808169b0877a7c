"""Gives queued jobs to classes of workers, and looks at them again as the live classes change.

Once per heartbeat, and when a worker says what it has, the dispatcher looks which workers live. Where there
is capacity that nobody had before, it looks at the unschedulable jobs again, and every minute: another
dispatcher may have known less, and died; where a class has others than before, or has had none that takes
jobs for too long, at those that wait for it. Where a class has lost its last worker, or a smaller one takes
jobs again, it looks for jobs that would be
given to a smaller one now: they were lent, or there was none. Each round does a bounded part of that. What is
left to do is in memory alone: a dispatcher that starts finds everything changed, and workers of which there
are still rows gone for as long as they have sent no heartbeat.
"""

import threading
from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy.orm import Session, sessionmaker

from jobs.fleet import dispatch_queue, placing
from jobs.placement.classes import UNPLACED, Classes, gained, say_what_they_have, smaller_than
from jobs.settings import Settings

_PER_ROUND = 500
_SECONDS_BETWEEN_LOOKS = 60.0
_START = UUID(int=0)
"""Before every job."""


class _Walk:
    """Goes through jobs in their order, a part in each round.

    What changes meanwhile begins another one behind it: begun anew each time, it might never come to the end.
    """

    def __init__(self) -> None:
        self.behind: UUID | None = _START
        """The last job that was looked at; None at the end."""
        self._once_more = False

    def begin(self) -> None:
        """Look at all jobs from now on."""
        if self.behind is None:
            self.behind = _START
        else:
            self._once_more = self.behind != _START

    def came_to(self, last: UUID | None) -> None:
        """Go on behind a job; None: none may follow."""
        self.behind = last
        if last is None and self._once_more:
            self.behind, self._once_more = _START, False


class Placement:
    """Places jobs, in rounds."""

    def __init__(self, database: sessionmaker[Session], settings: Settings) -> None:
        """Nothing is known of the workers before the first round."""
        self._database = database
        self._settings = settings
        self.classes: Classes = {}
        """What the live workers have."""
        self._halted: set[str] = set()  # those of which none has taken jobs for too long
        self._looked_at: float | None = None
        self._somebody_came = threading.Event()
        self._unschedulable = _Walk()
        self._walked_at = 0.0
        self._waiting: dict[str, _Walk] = {}  # by queue
        self._returning: dict[str, _Walk] = {}
        self._died: Classes = {}  # what the workers had of classes that have none any more
        self._gone_since: dict[str, float] = {}
        self._trusts_silence_at = 0.0

    def look_at_workers(self) -> None:
        """Let the next round look at the workers. Any thread may call it."""
        self._somebody_came.set()

    def round(self, heartbeat: float) -> None:
        """Place sized jobs. Those that fit no class are looked at again once there is more capacity.

        `heartbeat`: when the dispatcher sent its last one. It looks at the workers once for each.
        """
        if self._looked_at != heartbeat or self._somebody_came.is_set():
            self._somebody_came.clear()  # before it looks: who comes meanwhile sets it again
            try:
                self._look_at_workers(heartbeat)
            except BaseException:
                self._somebody_came.set()  # nobody has seen yet who came
                raise
            self._looked_at = heartbeat
        if not say_what_they_have(self.classes):  # every worker takes every job
            return
        self._look_at_unschedulable()
        for queue in [*self._waiting]:
            self._look_at_waiting(queue)
        for queue in [*self._returning]:
            self._look_at_returning(queue)
        with self._database.begin() as session:
            placing.place_sized(session, self.classes, _PER_ROUND, self._halted)

    def _look_at_workers(self, now: float) -> None:
        with self._database.begin() as session:
            classes = placing.live_classes(session, self._settings.lease_seconds)
            if self._looked_at is None:
                self._remember(*placing.silent_classes(session, self._settings.lease_seconds), classes, now)
            serving = placing.serving_classes(session, self._settings.lease_seconds) & {*classes}
            paused = dispatch_queue.paused_queues(session)
            waiting = dispatch_queue.waiting_queues(session)
        if self._unschedulable.behind is not None:
            self._walked_at = now
        if gained(self.classes, classes) or now - self._walked_at >= _SECONDS_BETWEEN_LOOKS:
            self._unschedulable.begin()
            self._walked_at = now
        gone = self._gone({*waiting, *classes} - serving - paused, now)
        served = {*self.classes} - self._halted
        self._halted = {queue for queue in gone if queue in classes}
        self._let_return(classes, {*classes} - self._halted - served)
        changed = [queue for queue in classes if classes[queue] != self.classes.get(queue)]
        if classes != self.classes and UNPLACED not in classes:  # nobody takes the jobs of no class any more
            changed.append(UNPLACED)
        may_leave = {*classes, UNPLACED, *gone}  # the jobs of another class wait for a worker of it
        self._waiting = {queue: it for queue, it in self._waiting.items() if queue in may_leave}
        for queue in {*changed, *gone}:
            self._waiting.setdefault(queue, _Walk()).begin()
        self.classes = classes

    def _remember(self, had: Classes, silent: Mapping[str, float], classes: Classes, now: float) -> None:
        """Begin with classes of which all workers are silent, as if this dispatcher had seen them go."""
        self.classes = {queue: has for queue, has in had.items() if queue not in classes}
        self._gone_since = {queue: now - silent[queue] for queue in self.classes}
        self._trusts_silence_at = now + self._settings.lease_seconds

    def _let_return(self, classes: Classes, came: Collection[str]) -> None:
        """Look through classes that have just lost their last worker, or are larger than one of `came`."""
        died = {queue: has for queue, has in self.classes.items() if queue not in classes}
        self._died = {queue: has for queue, has in {**self._died, **died}.items() if queue not in classes}
        larger = [
            queue
            for queue, has in {**self._died, **classes}.items()
            if not smaller_than(has, classes).keys().isdisjoint(came)
        ]
        for queue in {*died, *larger}:
            self._returning.setdefault(queue, _Walk()).begin()

    def _gone(self, queues: Collection[str], now: float) -> list[str]:
        """Return those of the queues that nobody serves of which that is so for too long.

        A dispatcher that starts waits for one lease before it says so of anybody: after an outage of the
        database all workers have been silent.
        """
        missing = [queue for queue in queues if queue != UNPLACED]
        self._gone_since = {queue: self._gone_since.get(queue, now) for queue in missing}
        patience = self._settings.class_patience_seconds
        if now < self._trusts_silence_at:
            return []
        return [queue for queue, since in self._gone_since.items() if now - since >= patience]

    def _look_at_unschedulable(self) -> None:
        behind = self._unschedulable.behind
        if behind is not None:
            with self._database.begin() as session:
                last = placing.look_again(session, self.classes, behind, _PER_ROUND)
            self._unschedulable.came_to(last)  # after the commit: nothing is lost with a transaction

    def _look_at_waiting(self, queue: str) -> None:
        """Let the jobs leave a class that no worker of it can run any more, the oldest first.

        Where its workers are there and take none, those stay that fit no other class.
        """
        walk, has = self._waiting[queue], self.classes.get(queue, ())
        behind = walk.behind or _START
        serving = {name: it for name, it in self.classes.items() if name not in self._halted}
        instead = serving if queue in self._halted else None
        with self._database.begin() as session:
            last = placing.leave_what_has_shrunk(session, queue, has, behind, _PER_ROUND, instead)
        walk.came_to(last)
        if walk.behind is None:
            del self._waiting[queue]

    def _look_at_returning(self, queue: str) -> None:
        walk, had = self._returning[queue], self.classes.get(queue) or self._died.get(queue, ())
        serving = {name: it for name, it in self.classes.items() if name not in self._halted}
        smaller = smaller_than(had, serving)
        if smaller:
            with self._database.begin() as session:
                last = placing.return_to_smaller(
                    session,
                    queue,
                    had,
                    smaller,
                    walk.behind or _START,
                    _PER_ROUND,
                    published=queue not in self.classes,
                )
            walk.came_to(last)
        if not smaller or walk.behind is None:
            del self._returning[queue]
