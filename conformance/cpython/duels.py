"""Draws programs of one kind: several tasks wait for one thing, and a driver wakes and cancels them in one turn.

Such a turn is where a library loses permits, items and cancels: a waiter is cancelled after it was woken and before
it ran, while other waiters stand in the queue behind it. The random programs of generator.py seldom do this.
"""

from generator import Generator

# The things that the waiters of a program can wait for. `Duel.wait_once` says how a waiter waits for each thing, and
# `Duel.wakes` says how the driver wakes such a waiter. "group" stands three times because it is drawn most often.
CORE = ["future", "task", "gather", "shield", "wait", "group", "group", "group", "as_completed"]
SYNC = ["lock", "semaphore", "event", "condition", "queue get", "queue put", "join", "barrier"]


class Duel(Generator):
    def program(self):
        self.times = self.pick(["ties", "ties", "mixed"])
        self.objects = {}
        kinds = CORE if self.profile == "core-duels" else SYNC
        self.thing = self.pick(kinds)
        self.future = self.slot(99)
        self.waiters = [self.slot(1 + i) for i in range(self.pick([2, 2, 3, 4]))]
        # The slot of a helper task, which some waiters wait for.
        self.helper = self.slot(98)
        self.draw_thing()
        self.first_helper = len(self.waiters) + 1
        waiters = [self.waiter() for _ in self.waiters]
        helpers = [self.helper_body() for _ in range(3)]
        functions = [self.driver(self.first_helper), *waiters, *helpers]
        return {"functions": functions, **self.objects}

    def draw_thing(self):
        thing = self.thing
        if thing == "lock":
            self.objects = {"locks": 1, "careless": self.chance(0.3)}
        elif thing == "semaphore":
            self.objects = {"semaphores": [[self.pick([0, 0, 1]), False]]}
        elif thing == "event":
            self.objects = {"events": 1}
        elif thing == "condition":
            self.objects = {"locks": 1, "conditions": [0], "counters": 1, "careless": False}
        elif thing == "barrier":
            self.objects = {"barriers": [self.pick([2, 3])]}
        elif thing in ("queue get", "queue put", "join"):
            kind = self.pick(["fifo", "fifo", "lifo", "priority"])
            self.objects = {"queues": [[kind, self.pick([0, 1, 2]) if thing != "queue put" else self.pick([1, 2])]]}

    # Waiters.

    def waiter(self):
        body = []
        for _ in range(self.pick([1, 1, 2])):
            body += self.attempt()
        if self.chance(0.3):
            body = [["sleep", self.delay()], *body]
        return [*body, ["return", self.value()]]

    def attempt(self):
        """Draws one wait, the scopes around it (some of them cancel it by themselves), and what the waiter does after a cancel."""
        statements = self.wait_once()
        for _ in range(self.pick([0, 0, 1, 2])):
            statements = self.wrapped(statements)
        kind = self.pick(["none", "none", "swallow", "retry", "cleanup", "clean up and go on"])
        if kind == "swallow":
            return [["try", statements, [["cancel", [["cancelling", "self"]]]], None]]
        if kind == "retry":
            return [["try", statements, [["cancel", [["uncancel", "self"], *self.wait_once()]]], None]]
        if kind == "cleanup":
            return [["try", statements, [], [["sleep", self.delay()]]]]
        if kind == "clean up and go on":
            return [["try", statements, [["all", [["sleep", self.delay()], *self.wait_once()]]], None]]
        return statements

    def wrapped(self, statements):
        kind = self.pick(["timeout", "timeout", "group", "finally", "call"])
        if kind == "timeout":
            timeout = ["timeout", self.pick([1, 1, 2, 2, 3, 4]), statements]
            return [["try", [timeout], [["timeout", []]], None]] if self.chance(0.7) else [timeout]
        if kind == "group":
            return [["group", statements]]
        if kind == "finally":
            return [["try", statements, [], [["cancelling", "self"]]]]
        return [["loop", 1, statements]]

    def wait_once(self):
        thing = self.thing
        held = [["sleep", self.delay()]] if self.chance(0.5) else [["mark", self.value()]]
        if thing == "lock":
            return [["lock", 0, held]]
        if thing == "semaphore":
            return [["semaphore", 0, held]] if self.chance(0.6) else [["semaphore_acquire", 0], *held]
        if thing == "event":
            return [["event_wait", 0]]
        if thing == "condition":
            wait = ["condition_wait", 0] if self.chance(0.7) else ["condition_wait_for", 0, 0, self.pick([1, 2])]
            return [["condition", 0, [wait, *(held if self.chance(0.3) else [])]]]
        if thing == "queue get":
            return [["get", 0], *([["task_done", 0]] if self.chance(0.3) else [])]
        if thing == "queue put":
            return [["put", 0, self.value()]]
        if thing == "join":
            return [["join", 0]]
        if thing == "barrier":
            return [["barrier", 0]]
        if thing == "group":
            return [self.group_of_helpers()]
        return [self.combined()]

    def group_of_helpers(self):
        """Draws a group whose tasks fail or end (some of them while they are being cancelled) and whose body waits, fails or ends."""
        body = [
            ["create_in_group", 0, self.slot(98), self.first_helper + self.random.randrange(3)]
            for _ in range(self.pick([1, 1, 2, 3]))
        ]
        end = self.pick(["await", "await", "sleep", "raise", "nothing", "nested"])
        if end == "await":
            body.append(["await", self.future])
        elif end == "sleep":
            body.append(["sleep", self.delay()])
        elif end == "raise":
            body += [["sleep", self.delay()], ["raise", "E2"]]
        elif end == "nested":
            body.append(["group", [["create_in_group", 0, self.slot(98), self.first_helper], ["await", self.future]]])
        group = ["group", body]
        return ["try", [group], [["group", [["cancelling", "self"]]]], None] if self.chance(0.5) else group

    def combined(self):
        thing = self.thing
        target = self.helper if thing == "task" or self.chance(0.4) else self.future
        if thing == "gather":
            items = [target, self.future] if self.chance(0.5) else [target]
            return ["gather", self.slot(98), items, self.chance(0.5), True]
        if thing == "shield":
            return ["shield", self.slot(98), target, True]
        if thing == "wait":
            mode = self.pick(["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"])
            return ["wait", [self.helper, self.future], self.pick([None, 1, 2, 3]), mode]
        if thing == "as_completed":
            return ["as_completed", [target, self.future], None, self.chance(0.5)]
        return ["wait_for", target, self.pick([1, 2, 3, 4])] if self.chance(0.4) else ["await", target]

    def helper_body(self):
        body = [["sleep", self.pick([1, 2, 2, 3])], ["return", self.value()]]
        if self.chance(0.3):
            body[-1] = ["raise", "E1"]
        if self.chance(0.5):
            handler = [["sleep", self.delay()], self.pick([["reraise"], ["reraise"], ["raise", "E2"], ["mark", 0]])]
            body = [["try", body, [["cancel", handler]], None]]
        return body

    # The driver.

    def driver(self, helper):
        body = [["future", self.future], ["create", self.helper, helper]]
        create = [["create", slot, index] for index, slot in enumerate(self.waiters, 1)]
        if self.thing == "lock" and not self.objects["careless"]:
            # The lock is released at the end of the scope. The strokes after it happen in the same turn.
            held = [*create, *self.strokes(self.pick([1, 1, 2]))]
            body += [["lock", 0, held], *[self.stroke() for _ in range(self.pick([1, 2, 3]))]]
        else:
            body += [*self.before(), *create]
        body += self.strokes(self.pick([1, 2, 2, 3]))
        body += [["sleep", 20], *self.relief(), ["wait", [*self.waiters, self.helper], 40, "ALL_COMPLETED"]]
        return body + [["probe", slot] for slot in self.waiters] + self.look()

    def strokes(self, instants):
        body = []
        for _ in range(instants):
            body.append(["sleep", self.pick([0, 1, 1, 1, 2])])
            body += [self.stroke() for _ in range(self.pick([2, 3, 3, 4]))]
        return body

    def before(self):
        if self.thing == "lock":
            return [["acquire", 0]]
        if self.thing == "queue put":
            return [["put_nowait", 0, self.value()] for _ in range(self.objects["queues"][0][1])]
        if self.thing == "join":
            return [["put_nowait", 0, self.value()]]
        return []

    def stroke(self):
        """Draws one statement of the driver that does not wait: a cancel of a waiter, or something that wakes one."""
        if self.chance(0.45):
            return ["cancel", self.pick(self.waiters), None]
        if self.chance(0.08):
            return [self.pick(["uncancel", "cancelling", "probe"]), self.pick(self.waiters)]
        return self.pick(self.wakes())

    def wakes(self):
        thing = self.thing
        if thing == "lock":
            return [["release", 0], ["release", 0], ["locked", 0]] if self.objects["careless"] else [["locked", 0]]
        if thing == "semaphore":
            return [["semaphore_release", 0], ["semaphore_release", 0], ["semaphore_locked", 0]]
        if thing == "event":
            return [["event_set", 0], ["event_set", 0], ["event_clear", 0]]
        if thing == "condition":
            # The condition's lock is free here, so taking it does not wait.
            notify = self.pick([["notify", 0, self.pick([1, 1, 2])], ["notify_all", 0]])
            return [["condition", 0, [["count", 0], notify]], ["condition", 0, [notify]]]
        if thing == "queue get":
            return [["put_nowait", 0, self.value()], ["put_nowait", 0, self.value()], ["get_nowait", 0], ["size", 0]]
        if thing == "queue put":
            return [["get_nowait", 0], ["get_nowait", 0], ["put_nowait", 0, self.value()], ["size", 0]]
        if thing == "join":
            return [["task_done", 0], ["put_nowait", 0, self.value()], ["get_nowait", 0]]
        if thing == "barrier":
            return [["barrier_reset", 0], ["barrier_abort", 0]]
        wakes = [["set_result", self.future, self.value()], ["set_exception", self.future, "E1"]]
        return [wakes[0], *wakes, ["cancel", self.future, None], ["cancel", self.helper, None]]

    def relief(self):
        """Draws statements that wake most of the waiters that still wait, so that few programs hang."""
        thing = self.thing
        if not self.chance(0.8):
            return []
        relief = {
            "lock": [["release", 0]] if self.objects.get("careless") else [["locked", 0]],
            "semaphore": [["semaphore_release", 0]] * 4,
            "event": [["event_set", 0]],
            "condition": [["condition", 0, [["count", 0], ["count", 0], ["notify_all", 0]]]],
            "queue get": [["put_nowait", 0, self.value()] for _ in range(4)],
            "queue put": [["get_nowait", 0], ["sleep", 0], ["sleep", 0]] * 4,
            "join": [["task_done", 0]] * 4,
            "barrier": [["barrier_abort", 0]],
        }
        return relief.get(thing, [["set_result", self.future, self.value()]])

    def look(self):
        """Draws a statement that shows the state of the thing at the end."""
        looks = {"lock": ["locked", 0], "semaphore": ["semaphore_locked", 0], "condition": ["locked", 0]}
        if self.thing in looks:
            return [looks[self.thing]]
        return [["size", 0]] if "queues" in self.objects else []
