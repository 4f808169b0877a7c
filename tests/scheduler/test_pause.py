"""The time between two rounds."""

import threading

from scheduler.background import Pause

FOR_EVER = 3600.0


def in_a_thread(pause: Pause, ended: list[bool], *, whole: bool = False) -> threading.Thread:
    thread = threading.Thread(target=lambda: ended.append(pause.wait(FOR_EVER, whole=whole)), daemon=True)
    thread.start()
    return thread


def test_it_is_cut_short_once_by_all_that_calls_before_it_ends() -> None:
    pause, ended = Pause(0.2), list[bool]()
    for _ in range(1000):
        pause.cut_short()
    in_a_thread(pause, ended).join(60)
    assert ended == [False]
    second = in_a_thread(pause, ended)
    second.join(0.5)
    assert second.is_alive()
    pause.cut_short()
    second.join(60)
    assert ended == [False, False]


def test_what_calls_while_a_round_runs_cuts_the_pause_behind_it_short() -> None:
    pause = Pause(0.01)
    pause.cut_short()
    assert not pause.wait(FOR_EVER)


def test_one_that_is_to_last_is_not_cut_short_but_ends_with_all() -> None:
    pause, ended = Pause(0.01), list[bool]()
    pause.cut_short()
    thread = in_a_thread(pause, ended, whole=True)
    thread.join(0.3)
    assert thread.is_alive()
    pause.stop()
    thread.join(60)
    assert ended == [True]
    assert pause.stopped


def test_its_end_is_that_of_one_that_could_be_cut_short() -> None:
    pause, ended = Pause(0.0), list[bool]()
    thread = in_a_thread(pause, ended)
    thread.join(0.3)
    assert thread.is_alive()
    pause.stop()
    thread.join(60)
    assert ended == [True]


def test_one_that_is_shorter_than_the_least_is_not_made_longer() -> None:
    pause, ended = Pause(FOR_EVER), list[bool]()
    thread = threading.Thread(target=lambda: ended.append(pause.wait(0.0)), daemon=True)
    thread.start()
    thread.join(60)
    assert ended == [False]
