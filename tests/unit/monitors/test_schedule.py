"""The schedule: aligned slots, jobs that break and come again, and an end that waits for what is in progress."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from monitors.schedule import Jobs, keep_watch, slot_of

INTERVAL = 0.05


def now():
    return time.time_ns() // 1000


def nothing():
    pass


class Watch:
    """`keep_watch` in a thread of its own, until `jobs` have been done often enough."""

    def __init__(self):
        self.stop = threading.Event()

    def run(self, *, patience=20, **jobs):
        jobs = Jobs(**{"round": lambda slot: None, "deliver": nothing, "reports": nothing} | jobs)
        thread = threading.Thread(
            target=keep_watch, args=(jobs, INTERVAL, now, self.stop), kwargs={"between_errands": INTERVAL}
        )
        thread.start()
        assert self.stop.wait(patience), "the job was not done often enough"
        thread.join(patience)
        assert not thread.is_alive()


def test_slots_are_multiples_of_the_interval():
    assert slot_of(0, 300) == "0"
    assert [slot_of(seconds * 1_000_000, 300) for seconds in (300, 599, 600, 601)] == ["1", "1", "2", "2"]
    assert slot_of(10**15, 0.7) == str(10**15 // 700_000)


def test_old_rows_are_pruned_soon_and_then_once_a_day():
    watch, pruned, delivered = Watch(), [], []

    def deliver():
        delivered.append(len(pruned))
        if len(delivered) > 10 and pruned:
            watch.stop.set()

    watch.run(prune=lambda: pruned.append(1), deliver=deliver)
    assert len(pruned) == 1


def test_each_round_has_a_slot_of_its_own():
    watch, slots = Watch(), []

    def do(slot):
        slots.append(slot)
        if len(slots) == 5:
            watch.stop.set()

    watch.run(round=do)
    numbers = [int(slot) for slot in slots]
    assert numbers == sorted(set(numbers)), "never the same slot twice in a row of rounds"


@pytest.mark.parametrize("job", ["round", "deliver", "reports"])
def test_a_job_that_raises_comes_again(job, capsys):
    watch, runs = Watch(), []

    def do(*_slot):
        runs.append(1)
        if len(runs) == 4:
            watch.stop.set()
        raise ConnectionError("the text of a user")

    watch.run(**{job: do})
    assert len(runs) >= 4
    told = capsys.readouterr()
    assert "ConnectionError" in told.out + told.err
    assert "the text of a user" not in told.out + told.err


def test_a_slow_round_is_never_beside_another_and_holds_up_no_delivery():
    watch, busy = Watch(), threading.Lock()
    rounds, overlaps, delivered = [], [], threading.Semaphore(0)

    def do(slot):
        rounds.append(slot)
        if len(rounds) == 1:
            return  # the first round is done before the schedule begins
        if not busy.acquire(blocking=False):
            overlaps.append(slot)
            return
        for _ in range(4):
            assert delivered.acquire(timeout=10), "deliveries wait for the round"
        busy.release()
        watch.stop.set()

    watch.run(round=do, deliver=delivered.release)
    assert overlaps == []


MONITOR = """
import os, sys, threading, time
from monitors.parent import die_with_parent, stop_on_signals, watch_parent
from monitors.schedule import Jobs, keep_watch

stop = threading.Event()
stop_on_signals(stop)
die_with_parent()
if len(sys.argv) > 1:
    watch_parent(int(sys.argv[1]), stop)
rounds = []

def round(slot):
    rounds.append(slot)
    if len(rounds) == 2:  # the first one is done in the main thread, before the schedule begins
        print("in", flush=True)
        stop.wait(20)
        time.sleep(0.3)
        print("out", flush=True)

keep_watch(Jobs(round, lambda: None, lambda: None), 0.05, lambda: time.time_ns() // 1000, stop)
"""


def monitor(*arguments, **about):
    return subprocess.Popen(
        [sys.executable, "-c", MONITOR, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),  # noqa: PTH109 - where the packages are, also without an installation
        **about,
    )


def test_sigterm_finishes_the_round_and_exits_with_0():
    with monitor() as process:
        assert process.stdout.readline() == "in\n"
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("out\n", "", 0)


def test_the_end_of_the_parents_pipe_finishes_the_round_and_exits_with_0():
    read, write = os.pipe()
    with monitor(str(read), pass_fds=(read,)) as process:
        os.close(read)
        assert process.stdout.readline() == "in\n"
        os.close(write)
        out, err = process.communicate(timeout=20)
    assert (out, err, process.returncode) == ("out\n", "", 0)


def test_work_that_hangs_is_abandoned_once_the_parent_is_gone():
    """Nobody is left who could end the process from outside."""
    hangs = "import sys, threading, time; from monitors.parent import watch_parent; "
    hangs += "watch_parent(int(sys.argv[1]), threading.Event(), patience=0.1); time.sleep(60)"
    read, write = os.pipe()
    with subprocess.Popen([sys.executable, "-c", hangs, str(read)], pass_fds=(read,)) as process:
        os.close(read)
        os.close(write)
        assert process.wait(timeout=20) == 1
