"""Runs programs of cancel scopes under Trio.

Reads a program as JSON from each line, and writes a line for each program: {"seed", "body", "traces"}, or {"seed", "dropped"}
with the reason why the program is not compared, for example because it has several right answers.

    python3 oracle.py < programs.jsonl > traces.jsonl
"""

import json
import random
import sys

import trio
from trio.lowlevel import cancel_shielded_checkpoint, current_task
from trio.testing import MockClock

# Each program runs once undisturbed, and then under this many disturbed orders of its tasks. It is dropped if a trace changes.
ORDERS = 30
# The time at which every event is set, so that no task waits for ever.
LATEST = 100_000
EVENTS = 3
MOST_LINES = 400


class ProgramError(Exception):
    pass


def leaves(error):
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def is_cancel(error):
    return all(isinstance(leaf, trio.Cancelled) for leaf in leaves(error))


def show(error):
    """Prints an error. An exception group is printed without the cancels in it, because asyncio's exception groups hold none."""
    if is_cancel(error):
        return "CancelledError"
    if isinstance(error, BaseExceptionGroup):
        inner = sorted(show(each) for each in error.exceptions if not is_cancel(each))
        return f"group({','.join(inner)})"
    if isinstance(error, trio.TooSlowError):
        return "TimeoutError"
    if isinstance(error, ProgramError):
        return error.args[0]
    return type(error).__name__


class Order:
    """How one run is disturbed: not at all, by a shuffle of the runnable tasks, or also by tasks that start or go on late."""

    def __init__(self, number):
        self.shuffles = number > 0
        self.random = random.Random(number)
        self.late_starts = number % 3 != 1
        self.late_waits = number % 3 == 0
        if number == 0:
            self.late_starts = self.late_waits = False

    async def delay(self, wanted):
        if not wanted:
            return
        for _ in range(self.random.randrange(4)):
            await cancel_shielded_checkpoint()


class TaskState:
    def __init__(self, path):
        self.path = path
        self.children = 0

    def child(self):
        self.children += 1
        return TaskState(f"{self.path}.{self.children}")


class Interpreter:
    """Runs one program under Trio. `src/scopes/interpreter.ts` runs the same programs under Tasktree."""

    def __init__(self, body, order, coincide):
        self.body = body
        self.order = order
        # Whether a deadline may coincide with another one or with the end of a sleep.
        self.coincide = coincide
        self.traces = {}
        self.lines = 0
        self.scopes = {}
        self.groups = {}
        self.events = [trio.Event() for _ in range(EVENTS)]
        self.nursery_scopes = set()
        # The pairs of a task and a group whose cancel has reached the task. In asyncio it reaches a task only once.
        self.struck = set()
        self.unbegun = {}
        self.cancel_times = set()
        self.wait_ends = set()
        self.instants = {}
        # The reason why the program must not be compared, or None.
        self.reason = None

    def unfit(self, reason):
        self.reason = self.reason or reason

    # --- the trace

    def trace(self, state, text):
        self.lines += 1
        if self.lines > MOST_LINES:
            self.unfit("too long")
        self.traces.setdefault(state.path, []).append(f"{round(trio.current_time())} {text}")

    def register(self, when, what):
        """Drops the program if two deadlines, or a deadline and the end of a sleep, coincide: no rule says which is first."""
        if not self.coincide and self.instants.setdefault(when, what) != what:
            self.unfit("a deadline coincides")

    async def run(self):
        trio.lowlevel.spawn_system_task(self.set_all_events)
        state = TaskState("main")
        await self.task(state, self.body)

    async def set_all_events(self):
        await trio.sleep(LATEST)
        for event in self.events:
            event.set()

    async def task(self, state, body):
        self.trace(state, "start")
        try:
            await self.block(body, state, None)
        except BaseException as error:
            self.trace(state, f"raise {show(error)}")
            raise
        self.trace(state, "return")

    async def block(self, body, state, handling):
        for name, *args in body:
            await getattr(self, f"do_{name}")(state, handling, *args)

    # --- waits

    async def wait(self, state, label, awaitable):
        try:
            await awaitable
        except trio.Cancelled:
            self.note_strike()
            await self.order.delay(self.order.late_waits)
            raise
        if any(scope in self.nursery_scopes for scope in self.cancelled_scopes()):
            self.unfit("a wait ends in the instant of its group's cancel: in asyncio the cancel wins")
        self.note_end_of_wait()
        await self.order.delay(self.order.late_waits)
        self.trace(state, label)

    def note_end_of_wait(self):
        """Remembers for each group around the running task that a wait has ended at this instant."""
        status = current_task()._cancel_status
        while status is not None:
            if status._scope in self.nursery_scopes:
                self.wait_ends.add((status._scope, trio.current_time()))
            status = status._parent

    def cancelled_scopes(self, status=None):
        """Returns the cancelled scopes that reach the running task (no shield is between), the innermost first."""
        cancelled = []
        status = status or current_task()._cancel_status
        while status is not None:
            if status._scope._cancel_called:
                cancelled.append(status._scope)
            if status._scope._shield:
                break
            status = status._parent
        return cancelled

    def note_strike(self):
        """Drops the program if a group's cancel cancels a task a second time. In asyncio it does so once, in Trio at every wait."""
        responsible = self.cancelled_scopes()
        edges = [(current_task(), scope) for scope in responsible if scope in self.nursery_scopes]
        is_new = any(edge not in self.struck for edge in edges)
        self.struck.update(edges)
        if edges and not is_new and (len(edges) == len(responsible) or responsible[0] not in self.nursery_scopes):
            self.unfit("a group's cancel strikes twice")

    async def do_sleep(self, state, handling, ms):
        if ms > 0:
            self.register(trio.current_time() + ms, "sleep")
        await self.wait(state, "slept", trio.sleep(ms))

    async def do_checkpoint(self, state, handling):
        await self.wait(state, "checkpoint", trio.lowlevel.checkpoint())

    async def do_wait(self, state, handling, slot):
        event = self.events[slot]
        if event.is_set():
            self.trace(state, f"event {slot} was set")
        else:
            await self.wait(state, f"event {slot}", event.wait())

    async def do_set(self, state, handling, slot):
        self.events[slot].set()

    # --- scopes

    async def do_scope(self, state, handling, slot, kind, ms, shield, body):
        scope = trio.CancelScope(shield=shield or kind == "shielded")
        if ms is not None:
            scope.deadline = trio.current_time() + ms
            if ms > 0:
                self.register(scope.deadline, scope)
        if kind != "shielded":
            self.scopes[slot] = scope
        try:
            with scope:
                await self.block(body, state, handling)
        except BaseException as error:
            self.trace(state, f"scope {slot} raises {show(error)}")
            raise
        finally:
            if self.scopes.get(slot) is scope:
                del self.scopes[slot]
        if not scope.cancelled_caught:
            self.trace(state, f"scope {slot} ends")
        elif kind == "failAfter":
            self.trace(state, f"scope {slot} raises TimeoutError")
            raise trio.TooSlowError
        else:
            self.trace(state, f"scope {slot} cancelled")

    async def do_cancel(self, state, handling, slot):
        if slot in self.scopes:
            self.scopes[slot].cancel()
            self.cancel_times.add(trio.current_time())

    async def do_shield(self, state, handling, slot, value):
        if slot in self.scopes:
            self.scopes[slot].shield = value

    async def do_deadline(self, state, handling, slot, ms):
        scope = self.scopes.get(slot)
        if scope is None or scope.cancel_called:
            return
        scope.deadline = float("inf") if ms is None else trio.current_time() + ms
        if ms is not None:
            self.register(scope.deadline, (scope, scope.deadline))

    async def do_probe(self, state, handling, slot):
        if slot in self.scopes:
            self.trace(state, f"probe {slot} {str(self.scopes[slot].cancel_called).lower()}")

    async def do_effective(self, state, handling):
        deadline = trio.current_effective_deadline()
        if deadline == float("-inf"):
            self.unfit("a deadline in cancelled code")
            return
        self.trace(state, f"deadline {'none' if deadline == float('inf') else round(deadline)}")

    # --- groups

    async def do_group(self, state, handling, slot, body):
        try:
            async with trio.open_nursery() as nursery:
                self.nursery_scopes.add(nursery.cancel_scope)
                self.watch(nursery)
                self.groups[slot] = nursery
                await self.block(body, state, handling)
                # In Trio the end of a nursery is a checkpoint. In Tasktree a group without tasks does not wait at its end. So
                # both interpreters make a checkpoint here.
                await self.wait(state, f"group {slot} waits", trio.lowlevel.checkpoint())
        except BaseException as error:
            # A cancel may have ended the nursery's wait for its tasks.
            edges = [scope for scope in self.cancelled_scopes() if scope in self.nursery_scopes]
            self.struck.update((current_task(), scope) for scope in edges)
            self.trace(state, f"group {slot} raises {show(error)}")
            raise
        finally:
            if self.groups.get(slot) is nursery:
                del self.groups[slot]
        self.trace(state, f"group {slot} ends")

    def watch(self, nursery):
        """Looks at each failure of the group, and drops the program if Trio and asyncio act differently on it.

        For example, a group cancels a task that has not begun. In asyncio and in Tasktree it never begins, but in Trio it does.
        """
        add = nursery._add_exc

        def add_exc(error):
            if not is_cancel(error) and trio.current_time() in self.cancel_times:
                self.unfit("a scope is cancelled in the instant of a failure: asyncio's group hears of it a turn later")
            if not is_cancel(error) and (nursery.cancel_scope, trio.current_time()) in self.wait_ends:
                self.unfit("a wait ends in the instant of its group's failure: how many turns each takes decides")
            self.aborts(nursery, error)
            add(error)

        nursery._add_exc = add_exc

    def aborts(self, nursery, error=None):
        if self.unbegun.get(nursery, 0) == 0:
            return
        # If a scope around the group is cancelled, such a task begins in Tasktree too, unless the group fails by itself.
        status = nursery._cancel_status.parent if error is None or is_cancel(error) else None
        while status is not None:
            if status._scope._cancel_called and status._scope not in self.nursery_scopes:
                return
            if status._scope._shield:
                break
            status = status._parent
        self.unfit("a group cancels a task that has not begun")

    async def do_spawn(self, state, handling, slot, body):
        nursery = self.groups.get(slot)
        if nursery is None or nursery._closed:
            return
        if any(scope in self.nursery_scopes for scope in self.cancelled_scopes(nursery._cancel_status)):
            self.unfit("a task for a cancelled group")
            return
        child = state.child()
        self.unbegun[nursery] = self.unbegun.get(nursery, 0) + 1
        nursery.start_soon(self.start, child, body, nursery)

    async def start(self, state, body, nursery):
        await self.order.delay(self.order.late_starts)
        self.unbegun[nursery] -= 1
        await self.task(state, body)

    async def do_cancelGroup(self, state, handling, slot):
        nursery = self.groups.get(slot)
        if nursery is None:
            return
        if not nursery.cancel_scope.cancel_called:
            self.aborts(nursery)
        nursery.cancel_scope.cancel()
        self.cancel_times.add(trio.current_time())

    # --- control

    async def do_try(self, state, handling, body, kind, handler, final):
        try:
            try:
                await self.block(body, state, handling)
            except BaseException as error:
                catches = kind == "all" or (kind is not None and (kind == "cancel") == is_cancel(error))
                if not catches:
                    raise
                self.trace(state, f"caught {show(error)}")
                await self.block(handler, state, error)
        finally:
            if final is not None and not isinstance(sys.exc_info()[1], GeneratorExit):
                self.trace(state, "finally")
                await self.block(final, state, handling)

    async def do_raise(self, state, handling, name):
        raise ProgramError(name)

    async def do_reraise(self, state, handling):
        if handling is None:
            return
        if is_cancel(handling) and not self.cancelled_scopes():
            self.unfit("a cancel is thrown again where nothing is cancelled: a nursery takes it for its own")
        raise handling

    async def do_repeat(self, state, handling, count, body):
        for _ in range(count):
            await self.block(body, state, handling)


def trace_program(program, number):
    """Runs a program. Returns its traces, and the reason why they must not be compared, or None."""
    order = Order(number)
    trio._core._run._ALLOW_DETERMINISTIC_SCHEDULING = order.shuffles
    trio._core._run._r.seed(number)
    interpreter = Interpreter(program["body"], order, program.get("coincide", False))
    try:
        trio.run(
            interpreter.run,
            clock=MockClock(autojump_threshold=0),
            strict_exception_groups=True,
        )
    except (KeyboardInterrupt, trio.TrioInternalError):
        raise
    except BaseException:
        # The trace of the main task contains this error.
        pass
    return interpreter.traces, interpreter.reason


def is_dull(traces):
    """Whether the traces have few lines, or no line about a cancel."""
    lines = [line for trace in traces.values() for line in trace]
    return len(lines) < 8 or not any("ancelled" in line or "Timeout" in line for line in lines)


def answer(program):
    seed = program["seed"]
    traces, reason = trace_program(program, 0)
    if reason is None and not program.get("dull") and is_dull(traces):
        reason = "dull"
    # "dull" is set while a program is made smaller. Then a few orders are enough.
    orders = 6 if program.get("dull") else ORDERS
    for number in range(1, orders + 1):
        if reason is not None:
            return {"seed": seed, "dropped": reason}
        disturbed, reason = trace_program(program, number)
        if reason is None and disturbed != traces:
            reason = "depends on the order"
    if reason is not None:
        return {"seed": seed, "dropped": reason}
    return {**program, "traces": traces}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line)), separators=(",", ":")), flush=True)


main()
