import {
  asCompleted,
  cancelScope,
  ContextVar,
  createTask,
  ensureFuture,
  formatTaskTree,
  Future,
  gather,
  getEventLoop,
  newEventLoop,
  run,
  Runner,
  runMain,
  shielded,
  snapshot,
  taskGroup,
  TaskManager,
  wait,
} from '@tasktree/core'
import { explore, runVirtual, VirtualClock } from '@tasktree/core/testing'
import { expect, test } from 'vitest'
import { refusesWrongOptions } from './support/wrong-options.ts'

const noop = async (): Promise<void> => {}
const task = { name: 'text', context: 'other', eager: 'flag', signal: 'other' } as const
const runner = { debug: 'flag', loop: 'other', handleSignals: 'flag' } as const

refusesWrongOptions({
  asCompleted: [(o) => asCompleted([noop], o), { timeout: 'delay' }],
  gather: [(o) => gather([noop], o), { returnExceptions: 'flag' }],
  wait: [(o) => wait([new Future()], o), { timeout: 'delay', returnWhen: 'other' }],
  ContextVar: [(o) => new ContextVar('v', o), {}],
  Future: [(o) => new Future(o), { loop: 'other' }],
  'Future.addDoneCallback': [
    (o) => new Future().addDoneCallback(() => {}, o),
    { context: 'other' },
  ],
  'EventLoop.callSoon': [(o) => getEventLoop().callSoon(() => {}, o), { context: 'other' }],
  'EventLoop.callLater': [(o) => getEventLoop().callLater(0, () => {}, o), { context: 'other' }],
  'EventLoop.callAt': [(o) => getEventLoop().callAt(0, () => {}, o), { context: 'other' }],
  'EventLoop.createTask': [(o) => getEventLoop().createTask(noop, o), task],
  createTask: [(o) => createTask(noop, o), { ...task, loop: 'other' }],
  ensureFuture: [(o) => ensureFuture(noop, o), { loop: 'other' }],
  newEventLoop: [(o) => newEventLoop(o), { clock: 'other' }],
  run: [(o) => run(noop, o), { ...runner, signal: 'other' }],
  runMain: [(o) => runMain(noop, o), { ...runner, signal: 'other' }],
  Runner: [(o) => new Runner(o), runner],
  'Runner.run': [(o) => new Runner().run(noop, o), { signal: 'other' }],
  TaskManager: [(o) => new TaskManager(o), { onError: 'fn', maxTasks: 'count' }],
  cancelScope: [
    (o) => cancelScope(noop, o),
    { timeout: 'delay', deadline: 'delay', signal: 'other', shield: 'flag', name: 'text' },
  ],
  shielded: [(o) => shielded(noop, o), { grace: 'duration' }],
  taskGroup: [(o) => taskGroup(noop, o), { limit: 'count', name: 'text' }],
  snapshot: [(o) => snapshot(o), { stacks: 'flag' }],
  formatTaskTree: [(o) => formatTaskTree(o), { loop: 'other' }],
  explore: [(o) => explore(noop, o), { seeds: 'count', seed: 'delay' }],
  runVirtual: [(o) => runVirtual(noop, o), { seed: 'delay', start: 'delay' }],
  VirtualClock: [(o) => new VirtualClock(o), { start: 'delay' }],
})

test.each([5, null, { eager: 'yes' }, { name: 5 }, { context: {} }, { signal: 5 }])(
  'TaskGroup.createTask refuses wrong options at once: %o',
  (options) =>
    runVirtual(() =>
      taskGroup(async (group) => {
        expect(() => group.createTask(noop, options as never)).toThrow(TypeError)
      }),
    ),
)
