"""An asyncio event loop without I/O whose clock jumps to the next timer.

In `plain` order it runs CPython's own `_run_once`. The other orders are shakes: each draws what is ready
at one instant in another order. A program that leaves the same traces under all of them has one right
answer; one that does not depends on an order that asyncio never promised.
"""

import asyncio
import heapq
import random
from asyncio import base_events

PLAIN = "plain"
# Each round of the loop in another order, as many rounds as CPython makes.
BATCH = "batch"
# Any ready callback may be next: one may wait while others run many times.
ANY = "any"
# The newest first.
NEWEST = "newest"
# Each task and each callback has a rank that it keeps; the lowest one runs as long as it can.
RANKED = "ranked"


class Stalled(Exception):
    """Nothing is ready and no timer is set."""


class TooLong(Exception):
    """The program runs for more callbacks than a recorded program may."""


class _Selector:
    """Stands in for the wait for I/O: instead of waiting, time passes."""

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
        # What to do when nothing can go on; it must make something ready, or raise.
        self.on_stall = None
        self._selector = _Selector(self)
        # Times are integers: a timer is due when its time is not later than now.
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
        # Steps and wake-ups are methods of their task; anything else ranks by itself.
        owner = getattr(handle._callback, "__self__", None)
        if not isinstance(owner, asyncio.Task):
            owner = handle
        # Kept with its owner, so that no other one can get the same id.
        rank, _ = self._ranks.setdefault(id(owner), (self._random.random(), owner))
        return rank


def shakes(count):
    """The orders to try, the ones that find most first."""
    kinds = [NEWEST] + [kind for _ in range(count) for kind in (RANKED, ANY, BATCH)]
    return [(kind, seed) for seed, kind in enumerate(kinds[:count], 1)]
