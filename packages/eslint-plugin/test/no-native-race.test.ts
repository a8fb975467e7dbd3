import { noNativeRace } from '../src/no-native-race.ts'
import { type Invalid, testRule } from './support/linters.ts'

const replace = (name: string, output: string) => [{ messageId: 'replace', data: { name }, output }]

const reported = (code: string, output: string): Invalid => ({
  code,
  errors: [{ messageId: 'race', suggestions: replace('race', output) }],
})

testRule('no-native-race', noNativeRace, {
  valid: [
    // The elements are not futures of Tasktree.
    `Promise.race([fetch('a'), fetch('b')])`,
    `import { sleep } from 'somewhere'; Promise.race([sleep(1), work()])`,
    `import { run } from '@tasktree/core'; Promise.all([save(), load()])`,
    // These call the functions of core, another Promise than the global one, or other methods of Promise.
    `import { race, sleep } from '@tasktree/core'; await race([sleep(1), sleep(2)])`,
    `import { sleep } from '@tasktree/core'; import Promise from 'other'; Promise.race([sleep(1)])`,
    `import { sleep } from '@tasktree/core'; Promise.allSettled([sleep(1)])`,
    `import { sleep } from '@tasktree/core'; Promise.resolve(sleep(1)); Promise[method]([sleep(1)])`,
    // Each `run` is a separate program, so no cancel reaches it from outside.
    `import { run } from '@tasktree/core'; await Promise.all([run(a), run(b)])`,
    `import * as core from '@tasktree/core'; await Promise.all([core.run(a), core.run(b)])`,
    `import { run as start } from '@tasktree/core'; await Promise.all([start(a), start(b)])`,
    // The result of a wait is a value of the program, and not of Tasktree.
    `import { Queue } from '@tasktree/sync'
     const queue = new Queue()
     const item = await queue.get()
     await Promise.all([item.save()])`,
    // The origin is unknown for a parameter, a variable that changes, the promise of an async function, and an unknown list.
    `import { sleep } from '@tasktree/core'; const f = (ms) => Promise.race([ms])`,
    `import { sleep } from '@tasktree/core'; let a = sleep(1); a = other(); Promise.race([a])`,
    `import { sleep } from '@tasktree/core'; Promise.all(list.map(async () => sleep(1)))`,
    `import { sleep } from '@tasktree/core'; Promise.all(list); Promise.race(); Promise.all(...lists)`,
    `import { sleep } from '@tasktree/core'; const a = b; const b = a; Promise.race([a])`,
    `import { sleep } from '@tasktree/core'; const a = [...b]; const b = [...a]; Promise.race(a)`,
    `import { sleep } from '@tasktree/core'; function f(sleep) { return Promise.race([sleep(1)]) }`,
    `import { isCancelled } from '@tasktree/core'; Promise.all([isCancelled(error)])`,
    `import { Queue } from '@tasktree/sync'
     class A { get() { return Promise.race([this.queue.get(), this[name].get()]) } }`,
  ],
  invalid: [
    {
      code: `import { sleep } from '@tasktree/core'\nawait Promise.race([fetch('a'), sleep(1)])`,
      errors: [
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `import { sleep, race } from '@tasktree/core'\nawait race([fetch('a'), sleep(1)])`,
          ),
        },
      ],
    },
    {
      code: `import { Queue } from '@tasktree/sync'
const queue = new Queue<number>()
const first = queue.get()
await Promise.any([first!, (other as Promise<number>)])`,
      errors: [
        {
          messageId: 'any',
          suggestions: replace(
            'any',
            `import { any } from '@tasktree/core'
import { Queue } from '@tasktree/sync'
const queue = new Queue<number>()
const first = queue.get()
await any([first!, (other as Promise<number>)])`,
          ),
        },
      ],
    },
    // gather does all that Promise.all does, so the rule has an automatic fix.
    {
      code: `import { createTask as start } from '@tasktree/core'\nawait Promise.all([start(a), start(b)])`,
      output: `import { createTask as start, gather } from '@tasktree/core'\nawait gather([start(a), start(b)])`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import { gather as all, sleep } from '@tasktree/core'\nawait Promise.all(list.map((ms) => sleep(ms)))`,
      output: `import { gather as all, sleep } from '@tasktree/core'\nawait all(list.map((ms) => sleep(ms)))`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import * as core from '@tasktree/core'\nawait Promise.all(Array.from({ length: 2 }, function () { return core.sleep(1) }))`,
      output: `import { gather } from '@tasktree/core'\nimport * as core from '@tasktree/core'\nawait gather(Array.from({ length: 2 }, function () { return core.sleep(1) }))`,
      errors: [{ messageId: 'all' }],
    },
    // gather does not accept plain values, and the other elements may be plain values.
    {
      code: `import { sleep } from '@tasktree/core'\nawait Promise.all([sleep(1), 2])`,
      errors: [
        {
          messageId: 'all',
          suggestions: replace(
            'gather',
            `import { sleep, gather } from '@tasktree/core'\nawait gather([sleep(1), 2])`,
          ),
        },
      ],
    },
    // Types and fields lead to Tasktree too.
    {
      code: `import { race, type Future } from '@tasktree/core'
import type { Queue } from '@tasktree/sync'
class Worker {
  #queue: Queue<number>
  run(stop: Future<void>) { return Promise.race([this.#queue.get(), stop]) }
}`,
      errors: [
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `import { race, type Future } from '@tasktree/core'
import type { Queue } from '@tasktree/sync'
class Worker {
  #queue: Queue<number>
  run(stop: Future<void>) { return race([this.#queue.get(), stop]) }
}`,
          ),
        },
      ],
    },
    // The file imports only types from core, so the suggestion adds a new import for the value.
    {
      code: `import type { Task } from '@tasktree/core'\nconst f = (task: Task) => Promise.race([task, other])`,
      errors: [
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `import { race } from '@tasktree/core'\nimport type { Task } from '@tasktree/core'\nconst f = (task: Task) => race([task, other])`,
          ),
        },
      ],
    },
    // A parameter of the constructor can declare a field. A type can be a union with null, or can have the name of its module.
    {
      code: `import { race, type Future } from '@tasktree/core'
import type * as sync from '@tasktree/sync'
class Worker {
  #stop: Future<void> | null = null
  constructor(private readonly queue: sync.Queue<number>) {}
  run() { return Promise.race([this.queue.get(), other]) ?? Promise.race([this.#stop!, other]) }
}`,
      errors: [
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `import { race, type Future } from '@tasktree/core'
import type * as sync from '@tasktree/sync'
class Worker {
  #stop: Future<void> | null = null
  constructor(private readonly queue: sync.Queue<number>) {}
  run() { return race([this.queue.get(), other]) ?? Promise.race([this.#stop!, other]) }
}`,
          ),
        },
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `import { race, type Future } from '@tasktree/core'
import type * as sync from '@tasktree/sync'
class Worker {
  #stop: Future<void> | null = null
  constructor(private readonly queue: sync.Queue<number>) {}
  run() { return Promise.race([this.queue.get(), other]) ?? race([this.#stop!, other]) }
}`,
          ),
        },
      ],
    },
    // The list is a constant array. Other code may have added other values to it, unless its type forbids that.
    {
      code: `import { createTask, gather } from '@tasktree/core'\nconst tasks = urls.map((url) => createTask(() => load(url)))\nawait Promise.all(tasks)`,
      errors: [
        {
          messageId: 'all',
          suggestions: replace(
            'gather',
            `import { createTask, gather } from '@tasktree/core'\nconst tasks = urls.map((url) => createTask(() => load(url)))\nawait gather(tasks)`,
          ),
        },
      ],
    },
    {
      code: `import { gather, type Task } from '@tasktree/core'\nconst tasks: Task<void>[] = []\nawait Promise.all(tasks)`,
      output: `import { gather, type Task } from '@tasktree/core'\nconst tasks: Task<void>[] = []\nawait gather(tasks)`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import { gather, type Future } from '@tasktree/core'\nconst f = (futures: readonly Future<void>[]) => Promise.all(futures)`,
      output: `import { gather, type Future } from '@tasktree/core'\nconst f = (futures: readonly Future<void>[]) => gather(futures)`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import { gather, type Task } from '@tasktree/core'\nconst f = (...tasks: Task<void>[]) => Promise.all(tasks)`,
      output: `import { gather, type Task } from '@tasktree/core'\nconst f = (...tasks: Task<void>[]) => gather(tasks)`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import { gather, type Future } from '@tasktree/core'\nclass A { #all: ReadonlyArray<Future<void>> = []; end() { return Promise.all(this.#all) } }`,
      output: `import { gather, type Future } from '@tasktree/core'\nclass A { #all: ReadonlyArray<Future<void>> = []; end() { return gather(this.#all) } }`,
      errors: [{ messageId: 'all' }],
    },
    // `run` of @tasktree/subprocess has the same name as `run` of core, but a cancel reaches it.
    {
      code: `import { run } from '@tasktree/subprocess'\nimport { gather } from '@tasktree/core'\nawait Promise.all([run(a), run(b)])`,
      output: `import { run } from '@tasktree/subprocess'\nimport { gather } from '@tasktree/core'\nawait gather([run(a), run(b)])`,
      errors: [{ messageId: 'all' }],
    },
    // A list may be spread into another list.
    {
      code: `import { gather, sleep } from '@tasktree/core'\nawait Promise.all([...list.map((ms) => sleep(ms)), sleep(1)])`,
      output: `import { gather, sleep } from '@tasktree/core'\nawait gather([...list.map((ms) => sleep(ms)), sleep(1)])`,
      errors: [{ messageId: 'all' }],
    },
    {
      code: `import { gather, type Task } from '@tasktree/core'\nconst f = (tasks: Task<void>[]) => Promise.all([...tasks])`,
      errors: [
        {
          messageId: 'all',
          suggestions: replace(
            'gather',
            `import { gather, type Task } from '@tasktree/core'\nconst f = (tasks: Task<void>[]) => gather([...tasks])`,
          ),
        },
      ],
    },
    // In JavaScript without types: modules that `require` or `import()` loads, defaults, `let`, and fields that a constructor sets.
    {
      code: `const { race, sleep: nap } = require('@tasktree/core')\nPromise.race([nap(1), other])`,
      errors: [
        {
          messageId: 'race',
          suggestions: replace(
            'race',
            `const { race, sleep: nap } = require('@tasktree/core')\nrace([nap(1), other])`,
          ),
        },
      ],
    },
    reported(
      `const core = await import('@tasktree/core')\nPromise.race([core.sleep(1), other])`,
      `import { race } from '@tasktree/core'\nconst core = await import('@tasktree/core')\nrace([core.sleep(1), other])`,
    ),
    reported(
      `import * as core from '@tasktree/core'\nconst { sleep: nap } = core\nPromise.race([nap(1), other])`,
      `import * as core from '@tasktree/core'\nconst { sleep: nap, race } = core\nrace([nap(1), other])`,
    ),
    reported(
      `import { race, Future } from '@tasktree/core'\nlet nap = new Future()\nPromise.race([nap, other])`,
      `import { race, Future } from '@tasktree/core'\nlet nap = new Future()\nrace([nap, other])`,
    ),
    reported(
      `import { race, Future } from '@tasktree/core'\nfunction f(end = new Future()) { Promise.race([end, other]) }`,
      `import { race, Future } from '@tasktree/core'\nfunction f(end = new Future()) { race([end, other]) }`,
    ),
    reported(
      `import { race, Future } from '@tasktree/core'
class A {
  constructor() { this.end = new Future() }
  f() { Promise.race([this.end, other]) }
}`,
      `import { race, Future } from '@tasktree/core'
class A {
  constructor() { this.end = new Future() }
  f() { race([this.end, other]) }
}`,
    ),
    // The file uses the name `race` for something else, so there is no suggestion.
    {
      code: `import { sleep } from '@tasktree/core'\nconst race = 1\nawait Promise.race([sleep(1), flag ? sleep(2) : sleep(3)])`,
      errors: [{ messageId: 'race' }],
    },
    {
      code: `import { gather, sleep } from '@tasktree/core'\nfunction f(gather) { return Promise.all([sleep(1)]) }`,
      errors: [{ messageId: 'all' }],
    },
  ],
})
