"""Draws a random program from a seed. The format is described in ../README.md.

The programs do what a library is most likely to get wrong: tasks cancel each other and themselves, several
operations act on one thing in one turn, nested scopes have equal deadlines. The generator first draws a plan: which
function starts which other function as a task. Only a function with a lower number starts, calls or waits for a
function, so that no task ever waits for itself. Any function may cancel any task.
"""

import random

ALWAYS = ("sleep", "mark", "start", "try", "await", "cancel")
CORE = {
    "burst": ["burst"],
    "tries": ["try", "cleanup", "raise", "swallow", "reraise"],
    "cancels": ["cancel", "cancel_twice", "cancel_self", "cancel_parent", "uncancel", "cancelling"],
    "timeouts": ["timeout", "timeout", "reschedule", "expired", "wait_for"],
    "groups": ["group", "create_in_group"],
    "gathers": ["gather", "gather_later", "await"],
    "waits": ["wait", "wait_for", "as_completed"],
    "shields": ["shield", "shield_later"],
    "futures": ["future_await", "set_result", "set_exception", "probe", "new_future"],
    "callbacks": ["when_done", "later", "future_await"],
    "calls": ["call", "loop", "return", "leave_loop"],
    "context": ["set_variable", "get_variable", "who", "call"],
}
SYNC = {
    "locks": ["lock", "lock", "acquire", "release", "locked"],
    "semaphores": ["semaphore", "semaphore", "semaphore_acquire", "semaphore_release", "semaphore_locked"],
    "events": ["event_wait", "event_wait", "event_set", "event_clear", "event_is_set"],
    "conditions": ["condition_wait", "condition_wait", "condition_notify", "condition_notify", "notify", "count"],
    "queues": ["put", "get", "get", "put_nowait", "get_nowait", "task_done", "join", "size", "shut_down"],
    "barriers": ["barrier", "barrier", "barrier", "barrier_reset", "barrier_abort"],
}
PRIMITIVES_WAITS = {
    "lock", "acquire", "semaphore", "semaphore_acquire", "event_wait", "condition_wait", "put", "get", "join", "barrier",
}  # fmt: skip
KINDS = {
    kind: weight
    for weight, kinds in [
        (10, ["sleep"]),
        (4, ["start", "try", "await", "cancel", "burst", "timeout", "group"]),
        (2, ["mark", "gather", "wait", "wait_for", "shield", "as_completed", "future_await", "reschedule"]),
    ]
    for kind in kinds
}


class Context:
    """The place in a function at which a statement is drawn."""

    def __init__(self, function, to_start):
        self.function = function
        self.to_start = to_start
        self.depth = 0
        self.in_loop = False
        self.in_handler = False

    def deeper(self, **changes):
        inner = Context(self.function, self.to_start)
        inner.depth = self.depth + 1
        inner.in_loop = self.in_loop
        inner.in_handler = self.in_handler
        for name, value in changes.items():
            setattr(inner, name, value)
        return inner


class Generator:
    def __init__(self, seed, profile):
        self.random = random.Random(f"{profile} {seed}")
        self.profile = profile
        self.next_slot = 0
        self.next_label = 0
        self.next_value = 0
        # For each slot, the lowest number of the functions that must end before the slot's future is done. Only a
        # function with a lower number may wait for the slot.
        self.levels = {}
        self.task_slots = []
        self.future_slots = []

    # Small draws.

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, things):
        return self.random.choice(things)

    def slot(self, level):
        self.next_slot += 1
        self.levels[self.next_slot] = level
        return self.next_slot

    def value(self):
        self.next_value += 1
        return self.next_value

    def channel(self):
        self.next_label += 1
        return f"callback{self.next_label}"

    def delay(self):
        if self.times == "ties":
            return self.pick([0, 0, 1, 1, 1, 2, 2, 3])
        if self.times == "spread":
            return self.pick([0, *range(1, 25)])
        return self.pick([0, 1, 1, 2, 3, 5, 7, 11, 13])

    def limit(self):
        """Draws the time limit of a timeout, long enough that the body does something before it."""
        return None if self.chance(0.05) else self.delay() + (self.delay() if self.chance(0.5) else 0)

    def message(self):
        return self.pick(["a", "b"]) if self.profile == "messages" and self.chance(0.4) else None

    # The plan.

    def program(self):
        self.draw_plan()
        program = {"functions": []}
        for index in range(self.function_count):
            context = Context(index, [slot for slot, parent in self.parents.items() if parent == index])
            program["functions"].append(self.function(context))
        program.update(self.objects)
        return program

    def draw_plan(self):
        self.times = self.pick(["ties", "spread", "mixed", "mixed"])
        self.size = self.pick([3, 5, 7, 9])
        tasks = self.pick([1, 2, 3, 3, 4, 5])
        helpers = self.pick([0, 0, 1, 2])
        self.function_count = 1 + tasks + helpers
        # `parents` says for each task's slot which function starts the task. A helper function never becomes a task: other
        # functions call it.
        self.parents = {}
        self.functions_of = {}
        for function in range(1, tasks + 1):
            for _ in range(2 if self.chance(0.1) else 1):
                slot = self.slot(function)
                self.task_slots.append(slot)
                self.functions_of[slot] = function
                self.parents[slot] = 0 if self.chance(0.6) else self.random.randrange(function)
        for _ in range(self.pick([0, 1, 1, 2, 3])):
            self.future_slots.append(self.slot(self.function_count))
        groups = dict(CORE)
        self.objects = {}
        if self.profile == "sync":
            self.draw_objects()
            wanted = [name for name in SYNC if name in self.objects]
            groups.update({name: SYNC[name] for name in wanted})
            focus = wanted + self.random.sample(list(CORE), 3)
        else:
            focus = self.random.sample(list(CORE), self.pick([2, 3, 4, 5]))
        self.weights = {kind: KINDS.get(kind, 1) for kind in ALWAYS}
        background = self.pick([0, 0.1, 0.5])
        for name, kinds in groups.items():
            for kind in kinds:
                extra = KINDS.get(kind, 1) * (4 if name in focus else background)
                self.weights[kind] = self.weights.get(kind, 0) + extra

    def draw_objects(self):
        r = self.random
        for name in r.sample(list(SYNC), self.pick([1, 1, 2, 3])):
            number = self.pick([1, 1, 2])
            if name == "locks":
                self.objects["locks"] = number
            elif name == "semaphores":
                self.objects[name] = [[self.pick([0, 1, 1, 2]), self.chance(0.3)] for _ in range(number)]
            elif name == "events":
                self.objects["events"] = number
            elif name == "conditions":
                self.objects[name] = [None] * number
                self.objects["counters"] = 1
            elif name == "queues":
                kinds = ["fifo", "fifo", "fifo", "lifo", "priority"]
                self.objects[name] = [[self.pick(kinds), self.pick([0, 1, 1, 2])] for _ in range(number)]
            else:
                self.objects[name] = [self.pick([1, 2, 2, 3])]
        if self.objects.get("locks") and self.objects.get("conditions") and self.chance(0.5):
            # This condition uses the first lock of the program, which other statements take without the condition.
            self.objects["conditions"][0] = 0
        # A careless program may release a lock that another task holds, and wait on a condition without its lock.
        self.objects["careless"] = self.chance(0.4)

    # Blocks.

    def function(self, context):
        body = []
        if context.function == 0:
            for slot in self.future_slots:
                body.append(["future", slot])
                if self.chance(0.6):
                    # Without this timer most programs would hang on a future that no statement completes.
                    set_it = ["set_result", slot, self.value()]
                    if self.chance(0.25):
                        set_it = ["set_exception", slot, "E1"]
                    body.append(["later", self.delay() + self.delay(), self.channel(), [set_it]])
            while self.objects and self.chance(0.5):
                body.append(["later", self.delay() + self.delay(), self.channel(), self.actions(context)])
            while context.to_start and self.chance(0.7):
                body += self.one(context, "start")
        body += self.block(context, self.size)
        while context.to_start:
            body += self.one(context, "start")
        if context.function == 0:
            body += self.ending()
        else:
            end = self.pick(["return", "return", "return", "raise", "nothing"])
            if end == "return":
                body.append(["return", self.value()])
            elif end == "raise":
                body.append(self.draw_raise(context))
            if self.chance(0.2):
                body = [["try", body, [], self.block(context.deeper(), 2)]]
        return body

    def ending(self):
        """Draws the end of the main function. It mostly waits for the tasks; otherwise the end of the run cancels them."""
        tasks = [slot for slot in self.task_slots]
        kind = self.pick(["wait", "wait", "gather", "sleep", "leave"])
        if kind == "wait":
            return [["wait", tasks, None, "ALL_COMPLETED"], *([["probe", slot] for slot in tasks])]
        if kind == "gather":
            return [["gather", self.slot(0), tasks, True, True]]
        if kind == "sleep":
            return [["sleep", 60], *([["probe", slot] for slot in tasks])]
        return []

    def block(self, context, size):
        statements = []
        while size > 0:
            drawn = self.one(context)
            statements += drawn
            size -= max(1, len(drawn))
        return statements

    def inner(self, context, **changes):
        deeper = context.deeper(**changes)
        return self.block(deeper, self.pick([1, 2, 2, 3]) if deeper.depth < 4 else 1)

    def one(self, context, kind=None):
        """Draws a statement, or a few that belong together. Returns an empty list if the drawn kind cannot stand here."""
        if kind is None:
            kind = self.random.choices(list(self.weights), list(self.weights.values()))[0]
        drawn = getattr(self, f"draw_{kind}")(context)
        if drawn is None:
            return []
        statements = drawn if drawn and isinstance(drawn[0], list) else [drawn]
        if kind in PRIMITIVES_WAITS and self.chance(0.6 if context.function == 0 else 0.2):
            # Without a time limit most programs would hang at this wait.
            return [self.guarded(["timeout", self.delay() + 1, statements], 0.8)]
        return statements

    # What can be referred to.

    def below(self, context):
        """Returns the slots for which this function may wait."""
        return [slot for slot, level in self.levels.items() if level > context.function]

    def reference(self, context):
        if self.chance(0.1):
            return self.pick(["self", "parent"])
        return self.pick(list(self.levels))

    def item(self, context):
        """Draws something to wait for: a slot, or a function to start and the slot for its task."""
        if context.to_start and self.chance(0.5):
            slot = context.to_start.pop(0)
            return [self.functions_of[slot], slot]
        slots = self.below(context)
        return self.pick(slots) if slots else None

    def items(self, context):
        found = [self.item(context) for _ in range(self.pick([1, 2, 2, 3]))]
        return [item for item in found if item is not None]

    def level(self, items):
        levels = [item[0] if isinstance(item, list) else self.levels[item] for item in items]
        return min(levels, default=self.function_count)

    # Statements.

    def draw_sleep(self, context):
        return ["sleep", self.delay()]

    def draw_mark(self, context):
        return ["mark", self.value()]

    def draw_start(self, context):
        if not context.to_start:
            return None
        slot = context.to_start.pop(0)
        function = self.functions_of[slot]
        kind = self.random.choices(
            ["create", "group", "gather", "wait_for", "shield"],
            [8, 2 * self.weights.get("group", 0.2), 2, 1, 1],
        )[0]
        if kind == "create":
            return ["create", slot, function]
        if kind == "group":
            body = [["create_in_group", 0, slot, function]]
            while context.to_start and self.chance(0.6):
                other = context.to_start.pop(0)
                body.append(["create_in_group", 0, other, self.functions_of[other]])
            return self.guarded(["group", body + self.inner(context)], 0.5)
        if kind == "gather":
            items = [[function, slot], *self.items(context)]
            outer = self.slot(self.level(items))
            return self.guarded(["gather", outer, items, self.chance(0.4), self.chance(0.6)], 0.5)
        if kind == "wait_for":
            return self.guarded(["wait_for", [function, slot], self.limit()], 0.6)
        return self.guarded(["shield", self.slot(function), [function, slot], self.chance(0.7)], 0.5)

    def guarded(self, statement, probability):
        """Puts the statement into a `try` with the given probability, so that an error often does not end the function."""
        if not self.chance(probability):
            return statement
        kind = self.pick(["error", "error", "all", "cancel"])
        return ["try", [statement], [[kind, []]], None]

    def draw_try(self, context):
        body = self.inner(context)
        handlers = []
        for kind in self.random.sample(["cancel", "error", "all", "timeout", "group", "E1"], self.pick([0, 1, 1, 2])):
            handler = self.inner(context, in_handler=True) if self.chance(0.6) else []
            if self.chance(0.4):
                handler.append(["reraise"])
            handlers.append([kind, handler])
        final = self.inner(context) if self.chance(0.4) or not handlers else None
        return ["try", body, handlers, final]

    def draw_cleanup(self, context):
        """Draws a `try` whose `finally` waits, because a second cancel may come during such a wait."""
        final = [["sleep", self.delay()], *self.inner(context)]
        return ["try", self.inner(context), [], final]

    def draw_swallow(self, context):
        handler = [["uncancel", "self"]] if self.chance(0.5) else []
        return ["try", self.inner(context), [["cancel", handler + self.inner(context, in_handler=True)]], None]

    def draw_raise(self, context):
        return ["raise", self.pick(["E1", "E1", "E2", "CancelledError"])]

    def draw_reraise(self, context):
        return ["reraise"] if context.in_handler else None

    def draw_return(self, context):
        return ["return", self.value()] if context.depth > 0 and self.chance(0.3) else None

    def draw_loop(self, context):
        return ["loop", self.pick([2, 2, 3]), self.inner(context, in_loop=True)]

    def draw_leave_loop(self, context):
        return [self.pick(["break", "continue"])] if context.in_loop else None

    def draw_call(self, context):
        if context.function + 1 >= self.function_count or context.depth > 3:
            return None
        return ["call", self.random.randrange(context.function + 1, self.function_count)]

    def draw_await(self, context):
        slots = self.below(context)
        return self.guarded(["await", self.pick(slots)], 0.4) if slots else None

    def draw_future_await(self, context):
        if not self.future_slots:
            return None
        return self.guarded(["await", self.pick(self.future_slots)], 0.4)

    def draw_cancel(self, context):
        return ["cancel", self.reference(context), self.message()]

    def draw_cancel_twice(self, context):
        ref = self.reference(context)
        return [["cancel", ref, self.message()], ["cancel", ref, self.message()]]

    def draw_cancel_self(self, context):
        return ["cancel", "self", self.message()]

    def draw_cancel_parent(self, context):
        return ["cancel", "parent", self.message()]

    def draw_uncancel(self, context):
        return ["uncancel", self.pick(["self", self.reference(context)])]

    def draw_cancelling(self, context):
        return ["cancelling", self.pick(["self", self.reference(context)])]

    def draw_probe(self, context):
        return ["probe", self.reference(context)]

    def draw_who(self, context):
        return ["who"]

    def draw_set_variable(self, context):
        return ["set_variable", self.value()]

    def draw_get_variable(self, context):
        return ["get_variable"]

    def draw_new_future(self, context):
        return ["future", self.pick(self.future_slots)] if self.future_slots and self.chance(0.3) else None

    def draw_set_result(self, context):
        return ["set_result", self.pick(self.future_slots), self.value()] if self.future_slots else None

    def draw_set_exception(self, context):
        if not self.future_slots:
            return None
        return ["set_exception", self.pick(self.future_slots), self.pick(["E1", "E2"])]

    def draw_when_done(self, context):
        return ["when_done", self.pick(list(self.levels)), self.channel(), self.actions(context)]

    def draw_later(self, context):
        delay = None if self.chance(0.2) else self.delay()
        return ["later", delay, self.channel(), self.actions(context)]

    def draw_burst(self, context):
        """Draws several statements that run in one turn. A typical case wakes a task and cancels the same task."""
        return [self.action(context) for _ in range(self.pick([2, 2, 3]))]

    def actions(self, context):
        return [self.action(context) for _ in range(self.pick([0, 1, 1, 2]))]

    def action(self, context):
        """Draws a statement that does not wait."""
        draws = [self.draw_cancel] * 4
        if self.future_slots:
            draws += [self.draw_set_result, self.draw_set_result, self.draw_set_exception]
        sync = {
            "locks": [self.draw_release] if self.objects.get("careless") else [self.draw_locked],
            "semaphores": [self.draw_semaphore_release] * 2,
            "events": [self.draw_event_set, self.draw_event_set, self.draw_event_clear],
            "conditions": [self.draw_notify, self.draw_count],
            "queues": [self.draw_put_nowait, self.draw_put_nowait, self.draw_get_nowait, self.draw_task_done],
        }
        for name, more in sync.items():
            if self.objects.get(name):
                draws += more * 2
        if self.chance(0.15):
            draws = [self.draw_uncancel, self.draw_cancelling, self.draw_probe, self.draw_get_variable]
        return self.pick(draws)(context)

    def draw_gather(self, context):
        items = self.items(context)
        if not items:
            return None
        outer = self.slot(self.level(items))
        return self.guarded(["gather", outer, items, self.chance(0.4), True], 0.5)

    def draw_gather_later(self, context):
        items = self.items(context)
        if not items:
            return None
        return ["gather", self.slot(self.level(items)), items, self.chance(0.4), False]

    def draw_shield(self, context):
        item = self.item(context)
        if item is None:
            return None
        return self.guarded(["shield", self.slot(self.level([item])), item, True], 0.4)

    def draw_shield_later(self, context):
        item = self.item(context)
        return None if item is None else ["shield", self.slot(self.level([item])), item, False]

    def draw_wait(self, context):
        slots = self.below(context)
        if not slots:
            return None
        chosen = self.random.sample(slots, min(len(slots), self.pick([1, 2, 2, 3])))
        limit = self.delay() if self.chance(0.4) else None
        return ["wait", chosen, limit, self.pick(["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"])]

    def draw_wait_for(self, context):
        item = self.item(context)
        return None if item is None else self.guarded(["wait_for", item, self.limit()], 0.6)

    def draw_as_completed(self, context):
        items = self.items(context)
        stream = self.chance(0.4)
        # A program that leaves an `async for` over as_completed early would differ: Tasktree cancels the timer of the
        # limit, but asyncio keeps it, and so finds a deadlock later. So a stream gets no limit.
        limit = self.delay() if not stream and self.chance(0.5) else None
        return self.guarded(["as_completed", items, limit, stream], 0.4) if items else None

    def draw_timeout(self, context):
        return self.guarded(["timeout", self.limit(), self.inner(context)], 0.6)

    def draw_reschedule(self, context):
        return ["reschedule", self.pick([0, 0, 1]), None if self.chance(0.2) else self.delay()]

    def draw_expired(self, context):
        return ["expired", self.pick([0, 0, 1])]

    def draw_group(self, context):
        if context.to_start and self.chance(0.7):
            return self.draw_start_group(context)
        return self.guarded(["group", self.inner(context)], 0.4)

    def draw_start_group(self, context):
        body = []
        while context.to_start and (not body or self.chance(0.6)):
            slot = context.to_start.pop(0)
            body.append(["create_in_group", 0, slot, self.functions_of[slot]])
        return self.guarded(["group", body + self.inner(context)], 0.5)

    def draw_create_in_group(self, context):
        if not context.to_start:
            return None
        slot = context.to_start.pop(0)
        return ["create_in_group", self.pick([0, 0, 1]), slot, self.functions_of[slot]]

    # Statements of the primitives.

    def index(self, name):
        things = self.objects[name]
        return self.random.randrange(things if isinstance(things, int) else len(things))

    def draw_lock(self, context):
        return ["lock", self.index("locks"), self.inner(context)]

    def draw_acquire(self, context):
        index = self.index("locks")
        if self.objects["careless"] and self.chance(0.3):
            return ["acquire", index]
        return [["acquire", index], *self.inner(context), ["release", index]]

    def draw_release(self, context):
        if not self.objects["careless"]:
            return None
        return ["release", self.index("locks")]

    def draw_locked(self, context):
        return ["locked", self.index("locks")]

    def draw_semaphore(self, context):
        return ["semaphore", self.index("semaphores"), self.inner(context)]

    def draw_semaphore_acquire(self, context):
        return ["semaphore_acquire", self.index("semaphores")]

    def draw_semaphore_release(self, context):
        return ["semaphore_release", self.index("semaphores")]

    def draw_semaphore_locked(self, context):
        return ["semaphore_locked", self.index("semaphores")]

    def draw_event_wait(self, context):
        return ["event_wait", self.index("events")]

    def draw_event_set(self, context):
        return ["event_set", self.index("events")]

    def draw_event_clear(self, context):
        return ["event_clear", self.index("events")]

    def draw_event_is_set(self, context):
        return ["event_is_set", self.index("events")]

    def draw_condition_wait(self, context):
        index = self.index("conditions")
        wait = ["condition_wait", index]
        if self.chance(0.3):
            wait = ["condition_wait_for", index, 0, self.pick([1, 1, 2, 3])]
        if self.objects["careless"] and self.chance(0.3):
            return wait
        body = [wait] if self.chance(0.6) else [*self.inner(context), wait, *self.inner(context)]
        return ["condition", index, body]

    def draw_condition_notify(self, context):
        index = self.index("conditions")
        notify = ["notify_all", index] if self.chance(0.4) else ["notify", index, self.pick([1, 1, 2])]
        body = [["count", 0], notify] if self.chance(0.6) else [notify]
        if self.chance(0.4):
            body += self.inner(context)
        return ["condition", index, body]

    def draw_notify(self, context):
        return ["notify", self.index("conditions"), self.pick([1, 1, 2])]

    def draw_count(self, context):
        return ["count", 0]

    def draw_put(self, context):
        return ["put", self.index("queues"), self.value()]

    def draw_get(self, context):
        index = self.index("queues")
        return [["get", index], ["task_done", index]] if self.chance(0.3) else ["get", index]

    def draw_put_nowait(self, context):
        return ["put_nowait", self.index("queues"), self.value()]

    def draw_get_nowait(self, context):
        return ["get_nowait", self.index("queues")]

    def draw_task_done(self, context):
        return ["task_done", self.index("queues")]

    def draw_join(self, context):
        return ["join", self.index("queues")]

    def draw_size(self, context):
        return ["size", self.index("queues")]

    def draw_shut_down(self, context):
        return ["shut_down", self.index("queues"), self.chance(0.4)] if self.chance(0.3) else None

    def draw_barrier(self, context):
        return ["barrier", self.index("barriers")]

    def draw_barrier_reset(self, context):
        return ["barrier_reset", self.index("barriers")] if self.chance(0.5) else None

    def draw_barrier_abort(self, context):
        return ["barrier_abort", self.index("barriers")] if self.chance(0.3) else None
