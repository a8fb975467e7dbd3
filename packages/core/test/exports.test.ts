import * as core from '@tasktree/core'
import * as lowlevel from '@tasktree/core/lowlevel'
import * as testing from '@tasktree/core/testing'
import { expect, test } from 'vitest'

test('the main door', () => {
  expect(Object.keys(core).toSorted()).toMatchInlineSnapshot(`
    [
      "ALL_COMPLETED",
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
      "asCompleted",
      "cancelTasks",
      "copyContext",
      "coroutine",
      "createTask",
      "currentTask",
      "detached",
      "ensureFuture",
      "formatTaskTree",
      "gather",
      "getEventLoop",
      "getRunningLoop",
      "isCancelled",
      "isCoroutine",
      "isCoroutineFunction",
      "isFuture",
      "moveOnAfter",
      "newEventLoop",
      "run",
      "shield",
      "sleep",
      "staggeredRace",
      "taskGroup",
      "taskSignal",
      "timeout",
      "timeoutAt",
      "wait",
      "waitFor",
    ]
  `)
})

test('the lowlevel door', () => {
  expect(Object.keys(lowlevel).toSorted()).toMatchInlineSnapshot(`
    [
      "Claim",
      "Frame",
      "abandon",
      "abortError",
      "cancelOnAbort",
      "checkBody",
      "checkCancelMessage",
      "checkCount",
      "checkDelay",
      "checkDuration",
      "checkOptions",
      "checkSignal",
      "completed",
      "currentFrame",
      "describe",
      "hasFailed",
      "isIterable",
      "isThenable",
      "observe",
      "runInNewFrame",
      "startAtCaller",
      "takeRejections",
      "timelineOf",
    ]
  `)
})

test('the testing door', () => {
  expect(Object.keys(testing).toSorted()).toMatchInlineSnapshot(`
    [
      "ScheduleError",
      "VirtualClock",
      "explore",
      "runVirtual",
    ]
  `)
})

test('each export leaves through exactly one door', () => {
  const names = [core, lowlevel, testing].flatMap((door) => Object.keys(door))
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted())
})
