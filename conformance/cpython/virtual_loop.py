"""An asyncio event loop without I/O whose clock jumps to the next timer.

In `plain` order the loop runs CPython's own `_run_once`. The other orders are "shakes": each runs the callbacks that are
ready at one instant in another order. A program that leaves the same traces under all shakes has one right answer. A
program whose traces change depends on an order that asyncio does not promise.
"""

import asyncio
import heapq
import random
from asyncio import base_events

PLAIN = "plain"
# Shuffles the callbacks of each round of the loop, and makes as many rounds as CPython.
BATCH = "batch"
# Runs any ready callback next. One callback may wait while others run many times.
ANY = "any"
# Runs the newest ready callback next.
NEWEST = "newest"
# Gives each task and each callback a random rank for the whole run, and runs the ready one with the lowest rank next.
RANKED = "ranked"


class Stalled(Exception):
    """Raised when nothing is ready and no timer is set."""


class TooLong(Exception):
    """Raised when the program needs more rounds of the loop than a recorded program may."""


class _Selector:
    """Replaces the loop's wait for I/O: instead of waiting, it moves the clock forward."""

    def __init__(self, loop):
        self._loop = loop

    def select(self, timeout):
        if timeout is None:
            self._loop.stall()
        elif timeout > 0:
            self._loop.now += timeout
        return []


class VirtualLoop(base_events.BaseEventLoop):
    def __init__(self, order=PLAIN, seed=0, max_rounds=20_000):
        super().__init__()
        self.now = 0
        # Called when nothing is ready and no timer is set. It must make a callback ready, or raise.
        self.on_stall = None
        self._selector = _Selector(self)
        # Times are integers, so a resolution of 1 makes exactly those timers due whose time is not later than now.
        self._clock_resolution = 1
        self._order = order
        self._random = random.Random(seed)
        self._ranks = {}
        self._rounds_left = max_rounds
        self.set_exception_handler(lambda loop, context: None)

    def time(self):
        return self.now

    def stall(self):
        if self.on_stall is None:
            raise Stalled
        self.on_stall()

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass

    def _run_once(self):
        self._rounds_left -= 1
        if self._rounds_left < 0:
            raise TooLong
        if self._order == PLAIN:
            super()._run_once()
        else:
            self._run_shaken()

    def _run_shaken(self):
        timers, ready = self._scheduled, self._ready
        while timers and timers[0]._cancelled:
            heapq.heappop(timers)._scheduled = False
        if not ready and not self._stopping:
            if timers:
                self.now = max(self.now, timers[0]._when)
            else:
                self.stall()
        while timers and timers[0]._when <= self.now:
            handle = heapq.heappop(timers)
            handle._scheduled = False
            ready.append(handle)
        if self._order == BATCH:
            batch = list(ready)
            ready.clear()
            self._random.shuffle(batch)
        else:
            batch = [self._take(ready)] if ready else []
        for handle in batch:
            if not handle._cancelled:
                handle._run()

    def _take(self, ready):
        if self._order == NEWEST:
            return ready.pop()
        if self._order == ANY:
            index = self._random.randrange(len(ready))
        else:
            index = min(range(len(ready)), key=lambda i: self._rank(ready[i]))
        handle = ready[index]
        del ready[index]
        return handle

    def _rank(self, handle):
        # A task's steps and wake-ups are methods of the task, so they share its rank. Any other callback has its own rank.
        owner = getattr(handle._callback, "__self__", None)
        if not isinstance(owner, asyncio.Task):
            owner = handle
        # The table keeps the owner alive, so that no later object can get the same id.
        rank, _ = self._ranks.setdefault(id(owner), (self._random.random(), owner))
        return rank


def shakes(count):
    """Returns `count` orders to try, first the orders under which most programs change."""
    kinds = [NEWEST] + [kind for _ in range(count) for kind in (RANKED, ANY, BATCH)]
    return [(kind, seed) for seed, kind in enumerate(kinds[:count], 1)]
