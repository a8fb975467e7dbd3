import * as core from '@tasktree/core'
import * as lowlevel from '@tasktree/core/lowlevel'
import * as testing from '@tasktree/core/testing'
import { expect, test } from 'vitest'

test('the main door', () => {
  expect(Object.keys(core).toSorted()).toMatchInlineSnapshot(`
    [
      "ALL_COMPLETED",
      "CancelScope",
      "CancelledError",
      "Context",
      "ContextVar",
      "Coroutine",
      "DeadlockError",
      "EventLoop",
      "ExceptionGroup",
      "FIRST_COMPLETED",
      "FIRST_EXCEPTION",
      "Future",
      "Handle",
      "InvalidStateError",
      "KeyboardInterrupt",
      "LookupError",
      "Runner",
      "RuntimeError",
      "Sleeper",
      "Task",
      "TaskGroup",
      "TaskManager",
      "Timeout",
      "TimeoutError",
      "TimerHandle",
      "Token",
      "allTasks",
      "any",
      "asCompleted",
      "cancelScope",
      "cancelTasks",
      "captureAwaitSites",
      "checkpoint",
      "copyContext",
      "coroutine",
      "createTask",
      "currentScope",
      "currentTask",
      "detached",
      "effectiveDeadline",
      "ensureFuture",
      "failAfter",
      "formatTaskTree",
      "gather",
      "getEventLoop",
      "getRunningLoop",
      "isCancelled",
      "isCoroutine",
      "isCoroutineFunction",
      "isFuture",
      "iterate",
      "moveOnAfter",
      "newEventLoop",
      "race",
      "run",
      "runMain",
      "shield",
      "shielded",
      "sleep",
      "sleepForever",
      "snapshot",
      "staggeredRace",
      "taskGroup",
      "taskSignal",
      "timeout",
      "timeoutAt",
      "wait",
      "waitFor",
      "why",
    ]
  `)
})

test('the lowlevel door', () => {
  expect(Object.keys(lowlevel).toSorted()).toMatchInlineSnapshot(`
    [
      "Claim",
      "DetailedFuture",
      "Frame",
      "LinkedList",
      "LiveList",
      "Tracing",
      "abandon",
      "abortError",
      "addSnapshotPart",
      "afterDelay",
      "bodyWaitsFor",
      "cancelIsDue",
      "cancelOnAbort",
      "checkBody",
      "checkCancelMessage",
      "checkCount",
      "checkDelay",
      "checkDuration",
      "checkFlag",
      "checkOptions",
      "checkSignal",
      "completed",
      "createServiceTask",
      "currentFrame",
      "deferred",
      "describe",
      "detailsOf",
      "durationText",
      "growingDelay",
      "hasFailed",
      "isIterable",
      "isThenable",
      "observe",
      "printable",
      "runInNewFrame",
      "startAtCaller",
      "takeRejections",
      "takeSignal",
      "taskId",
      "timelineOf",
      "waitAnyway",
      "waitDetails",
      "whenLostUnseen",
    ]
  `)
})

test('the testing door', () => {
  expect(Object.keys(testing).toSorted()).toMatchInlineSnapshot(`
    [
      "LeakError",
      "ScheduleError",
      "VirtualClock",
      "explore",
      "runVirtual",
      "watchLeaks",
    ]
  `)
})

test('each export leaves through exactly one door', () => {
  const names = [core, lowlevel, testing].flatMap((door) => Object.keys(door))
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
})
