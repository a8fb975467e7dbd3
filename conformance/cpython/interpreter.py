"""Runs a program of the format in ../README.md under asyncio and returns its traces.

`../src/interpreter.ts` and the files beside it run the same programs under Tasktree. In this file the function with the name
of a statement does what the statement means.
"""

import asyncio
import contextvars
import gc

from virtual_loop import PLAIN, Stalled, TooLong, VirtualLoop


class E1(Exception):
    pass


class E2(Exception):
    pass


ERRORS = {"E1": E1, "E2": E2, "CancelledError": asyncio.CancelledError}

BREAK = ("break",)
CONTINUE = ("continue",)


class Unfit(Exception):
    """Thrown when a program does not end by itself. Such a program is not recorded."""


class TaskState:
    """The state that all code of one task shares."""

    def __init__(self, path, parent):
        self.path = path
        self.parent = parent
        self.task = None
        self.children = 0

    def child_path(self):
        self.children += 1
        return f"{self.path}.{self.children}"


class Scope:
    """The surroundings of a statement: its task, and the groups, timeouts and handlers around it, the innermost last."""

    def __init__(self, state, groups=(), timeouts=(), handling=None):
        self.state = state
        self.groups = groups
        self.timeouts = timeouts
        self.handling = handling

    def inside(self, group=None, timeout=None, handling=None):
        return Scope(
            self.state,
            self.groups if group is None else (*self.groups, group),
            self.timeouts if timeout is None else (*self.timeouts, timeout),
            handling or self.handling,
        )


def show(value):
    if isinstance(value, BaseExceptionGroup):
        return f"ExceptionGroup[{', '.join(show(e) for e in value.exceptions)}]"
    if isinstance(value, asyncio.CancelledError):
        # An empty message counts as no message, because asyncio does not promise which of the two a copy has that
        # gather() makes of a CancelledError.
        text = value.args[0] if value.args else None
        return f"CancelledError({text})" if text else "CancelledError"
    if isinstance(value, ValueError):
        return "RangeError"
    if isinstance(value, BaseException):
        return type(value).__name__
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(show(v) for v in value)}]"
    return str(value)


class Interpreter:
    def __init__(self, program, order=PLAIN, seed=0):
        self.program = program
        self.functions = program["functions"]
        self.loop = VirtualLoop(order, seed)
        self.slots = {}
        self.traces = {}
        self.tasks = {}
        self.variable = contextvars.ContextVar("variable", default=0)
        self.counters = [0] * program.get("counters", 0)
        self.deadlock = False

    # The run. It does what asyncio.run does, and cancels the main task at a deadlock.

    def run(self):
        """Runs the program. Returns the lines of each channel (a task or a callback), and how each task ended."""
        loop = self.loop
        asyncio.events._set_running_loop(None)
        asyncio.set_event_loop(loop)
        try:
            self._make_objects()
            main_state = TaskState("main", None)
            main = loop.create_task(self._body(0, Scope(main_state)), name="main")
            self._adopt(main_state, main)
            loop.on_stall = self._break_deadlock
            try:
                loop.run_until_complete(main)
            except (Stalled, TooLong, RecursionError) as error:
                raise Unfit(type(error).__name__) from None
            except BaseException:
                pass
            loop.on_stall = None
            self._cancel_all()
            return self._outcome()
        finally:
            asyncio.set_event_loop(None)
            loop._ready.clear()
            loop.close()

    def _make_objects(self):
        objects = self.program
        self.locks = [asyncio.Lock() for _ in range(objects.get("locks", 0))]
        self.semaphores = [
            (asyncio.BoundedSemaphore if bounded else asyncio.Semaphore)(value)
            for value, bounded in objects.get("semaphores", [])
        ]
        self.events = [asyncio.Event() for _ in range(objects.get("events", 0))]
        self.conditions = [
            asyncio.Condition(None if lock is None else self.locks[lock])
            for lock in objects.get("conditions", [])
        ]
        kinds = {"fifo": asyncio.Queue, "lifo": asyncio.LifoQueue, "priority": asyncio.PriorityQueue}
        self.queues = [kinds[kind](maxsize) for kind, maxsize in objects.get("queues", [])]
        self.barriers = [asyncio.Barrier(parties) for parties in objects.get("barriers", [])]

    def _break_deadlock(self):
        """Cancels the main task at the first deadlock, as Tasktree's run() does."""
        if self.deadlock:
            raise Stalled
        self.deadlock = True
        self.tasks["main"].cancel()

    def _cancel_all(self):
        """Cancels each remaining task once, as asyncio.run does, and waits until all of them have ended."""
        loop = self.loop
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        if tasks:
            try:
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            except (Stalled, TooLong, RecursionError) as error:
                raise Unfit(type(error).__name__) from None
        # asyncio.run calls these two functions too. While they run, the loop also runs callbacks that are still queued.
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        # asyncio.run leaves tasks behind that were made during the clean-up. Tasktree's run() does not, so such programs are
        # not compared.
        if asyncio.all_tasks(loop):
            raise Unfit("tasks left behind")

    def _outcome(self):
        ends = {path: self._state(task) for path, task in self.tasks.items()}
        if self.deadlock:
            ends["main"] = "DeadlockError"
        return {"traces": self.traces, "ends": ends}

    # Tasks and their traces.

    def _adopt(self, state, task):
        state.task = task
        self.tasks[state.path] = task

    def log(self, channel, text):
        self.traces.setdefault(channel, []).append(f"{self.loop.now} {text}")

    def trace(self, scope, text):
        self.log(scope.state.path, text)

    async def _body(self, function, scope):
        self.trace(scope, "start")
        try:
            end = await self.block(self.functions[function], scope)
        except BaseException as error:
            self.trace(scope, f"raise {show(error)}")
            raise
        value = end[1] if end is not None and end[0] == "return" else None
        self.trace(scope, f"return {show(value)}")
        return value

    def new_task(self, scope, slot, function, group=None):
        state = TaskState(scope.state.child_path(), scope.state)
        create = self.loop.create_task if group is None else group.create_task
        task = create(self._body(function, Scope(state, scope.groups)), name=state.path)
        self._adopt(state, task)
        self.slots[slot] = task
        return task

    async def _implicit(self, scope, slot, function):
        """The body of a task that gather, shield or wait_for makes from a function."""
        state = TaskState(scope.state.child_path(), scope.state)
        task = asyncio.current_task()
        task.set_name(state.path)
        self._adopt(state, task)
        self.slots[slot] = task
        return await self._body(function, Scope(state, scope.groups))

    def _state(self, future):
        if not future.done():
            return "pending"
        if future.cancelled():
            return "cancelled"
        if future.exception() is not None:
            return show(future.exception())
        return show(future.result())

    def target(self, ref, scope):
        if ref == "self":
            return scope.state.task
        if ref == "parent":
            return scope.state.parent and scope.state.parent.task
        return self.slots.get(ref)

    def awaitables(self, items, scope):
        """Returns the awaitables of the items. An item is a slot, or [function, slot]: a function to start as the task in slot."""
        found = []
        for item in items:
            if isinstance(item, list):
                found.append(self._implicit(scope, item[1], item[0]))
            elif item in self.slots:
                found.append(self.slots[item])
        return found

    async def block(self, statements, scope):
        for statement in statements:
            name = statement[0]
            step = SYNC.get(name)
            if step is not None:
                end = step(self, scope, *statement[1:])
            else:
                end = await ASYNC[name](self, scope, *statement[1:])
            if end is not None:
                return end
        return None

    def act(self, channel, actions):
        """Runs the statements of a callback of the loop. None of them waits."""
        scope = Scope(TaskState(channel, None))
        for name, *arguments in actions:
            SYNC[name](self, scope, *arguments)


SYNC = {}
ASYNC = {}


def statement(step):
    """Registers a function for the statement of the same name. A trailing underscore avoids the keywords of Python."""
    table = ASYNC if asyncio.iscoroutinefunction(step) else SYNC
    table[step.__name__.rstrip("_")] = step
    return step


def attempt(interpreter, scope, label, call, *arguments):
    """Calls a function that may throw, and traces its result or its error."""
    try:
        result = call(*arguments)
    except Exception as error:
        result = error
    interpreter.trace(scope, f"{label} {show(result)}")


# Control flow.


@statement
def mark(run, scope, label):
    run.trace(scope, f"mark {label}")


@statement
def raise_(run, scope, kind):
    raise ERRORS[kind]()


@statement
def reraise(run, scope):
    if scope.handling is not None:
        raise scope.handling


@statement
def return_(run, scope, value):
    return ("return", value)


@statement
def break_(run, scope):
    return BREAK


@statement
def continue_(run, scope):
    return CONTINUE


@statement
async def loop(run, scope, count, body):
    for _ in range(count):
        end = await run.block(body, scope)
        if end is BREAK:
            break
        if end is not None and end is not CONTINUE:
            return end
    return None


@statement
async def try_(run, scope, body, handlers, final):
    try:
        try:
            end = await run.block(body, scope)
        except BaseException as error:
            if isinstance(error, (Stalled, TooLong, RecursionError)):
                raise
            for kind, handler in handlers:
                if catches(kind, error):
                    break
            else:
                raise
            run.trace(scope, f"caught {show(error)}")
            end = await run.block(handler, scope.inside(handling=error))
    finally:
        if final is not None:
            run.trace(scope, "finally")
            final_end = await run.block(final, scope)
            if final_end is not None:
                # A return in a finally block drops the error, as in Python.
                return final_end
    return end


def catches(kind, error):
    if kind == "cancel":
        return isinstance(error, asyncio.CancelledError)
    if kind == "error":
        return isinstance(error, Exception)
    if kind == "timeout":
        return isinstance(error, TimeoutError)
    if kind == "group":
        return isinstance(error, BaseExceptionGroup)
    return kind == "all" or type(error).__name__ == kind


@statement
async def call(run, scope, function):
    inner = Scope(scope.state, scope.groups, scope.timeouts)
    end = await run.block(run.functions[function], inner)
    run.trace(scope, f"called {show(end[1] if end is not None and end[0] == 'return' else None)}")


# Tasks and cancellation.


@statement
async def sleep(run, scope, delay):
    result = await asyncio.sleep(delay, delay)
    run.trace(scope, f"slept {show(result)}")


@statement
def create(run, scope, slot, function):
    run.new_task(scope, slot, function)


@statement
async def await_(run, scope, slot):
    future = run.slots.get(slot)
    if future is None:
        run.trace(scope, f"await {slot} none")
        return
    run.trace(scope, f"await {slot} {show(await future)}")


@statement
def cancel(run, scope, ref, message):
    target = run.target(ref, scope)
    if target is None:
        return
    run.trace(scope, f"cancel {ref} {target.cancel(message)}")


@statement
def uncancel(run, scope, ref):
    target = run.target(ref, scope)
    if isinstance(target, asyncio.Task):
        run.trace(scope, f"uncancel {ref} {target.uncancel()}")


@statement
def cancelling(run, scope, ref):
    target = run.target(ref, scope)
    if isinstance(target, asyncio.Task):
        run.trace(scope, f"cancelling {ref} {target.cancelling()}")


@statement
def probe(run, scope, ref):
    target = run.target(ref, scope)
    run.trace(scope, f"probe {ref} {'none' if target is None else run._state(target)}")


@statement
def who(run, scope):
    task = asyncio.current_task()
    run.trace(scope, f"who {None if task is None else task.get_name()}")


@statement
def set_variable(run, scope, value):
    run.variable.set(value)


@statement
def get_variable(run, scope):
    run.trace(scope, f"variable {run.variable.get()}")


# Futures and callbacks.


@statement
def future(run, scope, slot):
    run.slots[slot] = run.loop.create_future()


def is_plain(target):
    # A task and the future of a gather() set their own outcomes, so a program must not complete them.
    return type(target) is asyncio.Future


@statement
def set_result(run, scope, slot, value):
    target = run.slots.get(slot)
    if is_plain(target):
        attempt(run, scope, f"set_result {slot}", target.set_result, value)


@statement
def set_exception(run, scope, slot, kind):
    target = run.slots.get(slot)
    if is_plain(target):
        attempt(run, scope, f"set_exception {slot}", target.set_exception, ERRORS[kind]())


@statement
def when_done(run, scope, slot, channel, actions):
    target = run.slots.get(slot)
    if target is None:
        return

    def callback(done):
        run.log(channel, f"done {run._state(done)}")
        run.act(channel, actions)

    target.add_done_callback(callback)


@statement
def later(run, scope, delay, channel, actions):
    def callback():
        run.log(channel, "fires")
        run.act(channel, actions)

    if delay is None:
        run.loop.call_soon(callback)
    else:
        run.loop.call_later(delay, callback)


# Combinators.


@statement
async def gather(run, scope, slot, items, return_exceptions, now):
    outer = asyncio.gather(*run.awaitables(items, scope), return_exceptions=return_exceptions)
    run.slots[slot] = outer
    if now:
        run.trace(scope, f"gather {slot} {show(await outer)}")


@statement
async def shield(run, scope, slot, item, now):
    found = run.awaitables([item], scope)
    if not found:
        return
    outer = asyncio.shield(found[0])
    run.slots[slot] = outer
    if now:
        run.trace(scope, f"shield {slot} {show(await outer)}")


@statement
async def wait(run, scope, slots, timeout, mode):
    futures = {slot: run.slots[slot] for slot in slots if slot in run.slots}
    if not futures:
        return
    done, pending = await asyncio.wait(set(futures.values()), timeout=timeout, return_when=mode)
    names = [[slot for slot, future in futures.items() if future in part] for part in (done, pending)]
    run.trace(scope, f"wait done {show(names[0])} pending {show(names[1])}")


@statement
async def wait_for(run, scope, item, timeout):
    if isinstance(item, list):
        function, slot = item
        if timeout is None or timeout > 0:
            # wait_for runs a coroutine inline, in this task. Without time left it makes a task that never begins.
            awaitable = run._body(function, Scope(scope.state, scope.groups))
        else:
            awaitable = run._implicit(scope, slot, function)
    else:
        awaitable = run.slots.get(item)
        if awaitable is None:
            return
    run.trace(scope, f"wait_for {show(await asyncio.wait_for(awaitable, timeout))}")


@statement
async def as_completed(run, scope, items, timeout, stream):
    found = run.awaitables(items, scope)
    if stream:
        async for future in asyncio.as_completed(found, timeout=timeout):
            run.trace(scope, f"completed {show(await future)}")
        return
    for next_one in asyncio.as_completed(found, timeout=timeout):
        try:
            run.trace(scope, f"completed {show(await next_one)}")
        except Exception as error:
            run.trace(scope, f"completed {show(error)}")


@statement
async def timeout(run, scope, delay, body):
    timeout_scope = asyncio.timeout(delay)
    try:
        async with timeout_scope:
            end = await run.block(body, scope.inside(timeout=timeout_scope))
    finally:
        run.trace(scope, f"timeout expired {timeout_scope.expired()}")
    return end


def innermost(scopes, up):
    return scopes[-1 - up] if up < len(scopes) else None


@statement
def reschedule(run, scope, up, delay):
    target = innermost(scope.timeouts, up)
    if target is not None:
        when = None if delay is None else run.loop.time() + delay
        attempt(run, scope, f"reschedule {up}", target.reschedule, when)


@statement
def expired(run, scope, up):
    target = innermost(scope.timeouts, up)
    if target is not None:
        run.trace(scope, f"expired {up} {target.expired()} when {target.when()}")


@statement
async def group(run, scope, body):
    async with asyncio.TaskGroup() as task_group:
        end = await run.block(body, scope.inside(group=task_group))
        run.trace(scope, "group waits")
    run.trace(scope, "group ended")
    return end


@statement
def create_in_group(run, scope, up, slot, function):
    target = innermost(scope.groups, up)
    if target is None:
        return
    try:
        run.new_task(scope, slot, function, target)
    except RuntimeError as error:
        run.trace(scope, f"create_in_group {up} {show(error)}")


# Synchronization.


@statement
async def lock(run, scope, index, body):
    async with run.locks[index]:
        run.trace(scope, f"lock {index}")
        end = await run.block(body, scope)
    return end


@statement
async def acquire(run, scope, index):
    await run.locks[index].acquire()
    run.trace(scope, f"acquired {index}")


@statement
def release(run, scope, index):
    attempt(run, scope, f"release {index}", run.locks[index].release)


@statement
def locked(run, scope, index):
    run.trace(scope, f"locked {index} {run.locks[index].locked()}")


@statement
async def semaphore(run, scope, index, body):
    async with run.semaphores[index]:
        run.trace(scope, f"semaphore {index}")
        end = await run.block(body, scope)
    return end


@statement
async def semaphore_acquire(run, scope, index):
    await run.semaphores[index].acquire()
    run.trace(scope, f"semaphore_acquired {index}")


@statement
def semaphore_release(run, scope, index):
    attempt(run, scope, f"semaphore_release {index}", run.semaphores[index].release)


@statement
def semaphore_locked(run, scope, index):
    run.trace(scope, f"semaphore_locked {index} {run.semaphores[index].locked()}")


@statement
def event_set(run, scope, index):
    run.events[index].set()


@statement
def event_clear(run, scope, index):
    run.events[index].clear()


@statement
async def event_wait(run, scope, index):
    run.trace(scope, f"event {index} {await run.events[index].wait()}")


@statement
def event_is_set(run, scope, index):
    run.trace(scope, f"event_is_set {index} {run.events[index].is_set()}")


@statement
async def condition(run, scope, index, body):
    async with run.conditions[index]:
        run.trace(scope, f"condition {index}")
        end = await run.block(body, scope)
    return end


@statement
async def condition_wait(run, scope, index):
    try:
        run.trace(scope, f"condition_wait {index} {await run.conditions[index].wait()}")
    except RuntimeError as error:
        run.trace(scope, f"condition_wait {index} {show(error)}")
    finally:
        # The task holds the condition's lock again, whether a notify or a cancel ended the wait.
        run.trace(scope, f"condition_locked {index} {run.conditions[index].locked()}")


@statement
async def condition_wait_for(run, scope, index, counter, least):
    try:
        await run.conditions[index].wait_for(lambda: run.counters[counter] >= least)
        run.trace(scope, f"condition_wait_for {index} {run.counters[counter]}")
    except RuntimeError as error:
        run.trace(scope, f"condition_wait_for {index} {show(error)}")


@statement
def count(run, scope, counter):
    run.counters[counter] += 1


@statement
def notify(run, scope, index, number):
    attempt(run, scope, f"notify {index}", run.conditions[index].notify, number)


@statement
def notify_all(run, scope, index):
    attempt(run, scope, f"notify_all {index}", run.conditions[index].notify_all)


@statement
async def put(run, scope, index, value):
    try:
        await run.queues[index].put(value)
        run.trace(scope, f"put {index} {value}")
    except Exception as error:
        run.trace(scope, f"put {index} {show(error)}")


@statement
async def get(run, scope, index):
    try:
        run.trace(scope, f"got {index} {show(await run.queues[index].get())}")
    except Exception as error:
        run.trace(scope, f"got {index} {show(error)}")


@statement
def put_nowait(run, scope, index, value):
    attempt(run, scope, f"put_nowait {index} {value}", run.queues[index].put_nowait, value)


@statement
def get_nowait(run, scope, index):
    attempt(run, scope, f"get_nowait {index}", run.queues[index].get_nowait)


@statement
def task_done(run, scope, index):
    attempt(run, scope, f"task_done {index}", run.queues[index].task_done)


@statement
async def join(run, scope, index):
    await run.queues[index].join()
    run.trace(scope, f"joined {index}")


@statement
def size(run, scope, index):
    queue = run.queues[index]
    run.trace(scope, f"size {index} {queue.qsize()} {queue.empty()} {queue.full()}")


@statement
def shut_down(run, scope, index, immediate):
    run.queues[index].shutdown(immediate)


@statement
async def barrier(run, scope, index):
    try:
        run.trace(scope, f"barrier {index} {await run.barriers[index].wait()}")
    except asyncio.BrokenBarrierError:
        run.trace(scope, f"barrier {index} BrokenBarrierError")


async def _with_barrier(run, scope, index, call):
    # asyncio's reset and abort take the barrier's lock. It is free here, because no task holds it across a wait.
    await call()
    state = run.barriers[index]
    run.trace(scope, f"barrier {index} waiting {state.n_waiting} broken {state.broken}")


@statement
async def barrier_reset(run, scope, index):
    await _with_barrier(run, scope, index, run.barriers[index].reset)


@statement
async def barrier_abort(run, scope, index):
    await _with_barrier(run, scope, index, run.barriers[index].abort)


def trace_program(program, order=PLAIN, seed=0):
    """Runs the program and returns its traces. Raises Unfit if the program does not end by itself."""
    return Interpreter(program, order, seed).run()
