import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  cancelScope,
  captureAwaitSites,
  coroutine,
  createTask,
  type DeadlockError,
  ensureFuture,
  failAfter,
  Future,
  gather,
  newEventLoop,
  Runner,
  run,
  type RuntimeSnapshot,
  shield,
  sleep,
  sleepForever,
  snapshot,
  type Task,
  taskGroup,
  type TaskSnapshot,
  timeout,
  TimeoutError,
  wait,
  why,
} from '@tasktree/core'
import { addSnapshotPart, Claim, DetailedFuture, durationText } from '@tasktree/core/lowlevel'
import { runVirtual } from '@tasktree/core/testing'
import { afterEach, expect, test } from 'vitest'

afterEach(() => captureAwaitSites(false))

function find(name: string, of: RuntimeSnapshot = snapshot()): TaskSnapshot {
  const found = of.loops.flatMap(({ tasks }) => tasks).filter((task) => task.name === name)
  expect(found.map((task) => task.name)).toEqual([name])
  return found[0] as TaskSnapshot
}

test('the age of a task in snapshot() does not include a pause of the loop before the task was made', async () => {
  await run(async () => {
    const gate = new Future<void>()
    const made: Task[] = []
    const makers = Array.from({ length: 3 }, () =>
      createTask(async () => {
        await gate
        made.push(createTask(sleepForever))
      }),
    )
    await sleep(0)
    let end = 0
    setTimeout(() => {
      end = performance.now()
      gate.setResult()
    }, 300)
    await gather(makers)
    const ages = made.map((task) => find(task.name).age)
    for (const [i, task] of made.entries()) {
      expect(ages[i]).toBeLessThanOrEqual(performance.now() - end + 2)
      task.cancel()
    }
  })
})

test('snapshot() shows the state of each task, its parent, its age and what it waits for', async () => {
  await runVirtual(async () => {
    const gate = new Future<void>()
    const waiter = createTask(
      async () => {
        await gate
      },
      { name: 'waiter' },
    )
    expect(find('waiter')).toMatchObject({ state: 'created', waitingOn: [], age: 0 })
    const watcher = createTask(
      async () => {
        await waiter
      },
      { name: 'watcher' },
    )
    await sleep(1_500)
    const main = find('Task-1')
    expect(main).toMatchObject({ state: 'running', parent: null, waitingOn: [], age: 1_500 })
    expect(snapshot().running.task).toBe(main.id)
    expect(snapshot().running.stack[0]).toMatch(/snapshot\.test\.ts:\d+/)
    expect(find('waiter')).toMatchObject({ state: 'waiting', parent: main.id, age: 1_500 })
    expect(find('waiter').waitingOn).toEqual([{ kind: 'future', label: 'a future' }])
    expect(find('watcher').waitingOn).toEqual([
      { kind: 'task', label: "task 'waiter'", task: find('waiter').id },
    ])
    gate.setResult()
    expect(find('waiter').state).toBe('ready')
    expect(find('watcher').state).toBe('waiting')
    await watcher
    expect(
      snapshot()
        .loops.flatMap(({ tasks }) => tasks)
        .map(({ name }) => name),
    ).toEqual(['Task-1'])
  })
})

test('snapshot() and why() describe a task in a foreign await, and a task with several waits', async () => {
  await runVirtual(async () => {
    const never = new Promise<void>(() => {})
    const foreign = createTask(() => never, { name: 'foreign' })
    const known = createTask(
      async () => {
        await ensureFuture(never)
      },
      { name: 'known' },
    )
    const many = createTask(
      async () => {
        await Promise.all([sleep(100), sleepForever(), foreign])
      },
      { name: 'many' },
    )
    await sleep(10)
    foreign.cancel()
    const text = 'a promise that Tasktree does not know'
    expect(find('foreign')).toMatchObject({ state: 'waiting', cancelling: 1 })
    expect(find('foreign').waitingOn).toEqual([{ kind: 'foreign', label: text }])
    expect(find('known').waitingOn).toEqual([{ kind: 'foreign', label: text }])
    expect(why(foreign)).toBe(`foreign waits for ${text}`)
    expect(why(known)).toBe(`known waits for ${text}`)
    expect(find('many').waitingOn.map(({ kind }) => kind)).toEqual(['sleep', 'sleep', 'task'])
    expect(why(many)).toBe(
      'many waits for 3 things at once: it sleeps for another 90 ms; and sleeps until it is cancelled; ' +
        `and waits for task 'foreign', which waits for ${text}`,
    )
  }).catch((error: unknown) => {
    // The task that awaits a native promise cannot end, so the run ends with a DeadlockError.
    if ((error as Error).name !== 'DeadlockError') throw error
  })
})

test('snapshot() does not show a call of then as a wait, and the callbacks are still called', async () => {
  await run(async () => {
    const gate = new Future<number>()
    const seen: number[] = []
    const task = createTask(
      async () => {
        void gate.then(
          (value) => seen.push(value),
          () => {},
        )
        await new Promise((resolve) => setTimeout(resolve, 5))
      },
      { name: 'chaining' },
    )
    await sleep(1)
    for (let i = 0; i < 3; i++) expect(find('chaining').waitingOn[0]?.kind).toBe('foreign')
    gate.setResult(7)
    await task
    expect(seen).toEqual([7])
  })
})

test('snapshot() shows the scopes around a task and the nearest deadline', async () => {
  await runVirtual(async () => {
    const start = snapshot().loops[0]?.time ?? NaN
    const task = createTask(
      () =>
        timeout(5_000, () =>
          cancelScope(
            () =>
              taskGroup(
                async (group) => {
                  group.createTask(() => sleepForever(), { name: 'member' })
                  await sleepForever()
                },
                { name: 'crew' },
              ),
            { timeout: 3_000, name: 'import' },
          ),
        ),
      { name: 'scoped' },
    )
    await sleep(1_000)
    expect(find('scoped')).toMatchObject({
      scope: 'crew',
      deadline: start + 3_000,
      scopes: [
        { kind: 'timeout', deadline: start + 5_000 },
        { kind: 'scope', name: 'import', deadline: start + 3_000 },
        { kind: 'group', name: 'crew' },
      ],
    })
    expect(find('member')).toMatchObject({
      scope: 'crew',
      deadline: start + 3_000,
      group: find('scoped').id,
      parent: find('scoped').id,
    })
    expect(why(task)).toBe(
      "scoped (in scope 'import', which ends in 2 s) sleeps until it is cancelled",
    )
    task.cancel()
    await wait([task])
  })
})

test('why() goes through gather, wait, shield and groups to the task that is waited for', async () => {
  await runVirtual(async () => {
    const slow = createTask(() => sleep(60_000), { name: 'slow' })
    const says = async (name: string, body: () => PromiseLike<unknown>): Promise<string> => {
      const task = createTask(body, { name })
      await sleep(10)
      const text = why(task)
      task.cancel()
      await wait([task])
      return text.replace(/\d+ (s|ms)/, '1 min')
    }
    const rest = 'which sleeps for another 1 min'
    expect(await says('a', () => shield(slow))).toBe(`a waits for task 'slow', ${rest}`)
    expect(await says('w', () => wait([slow]))).toBe(
      `w waits for wait() (1 left), first task 'slow', ${rest}`,
    )
    expect(await says('g', async () => gather([shield(slow), sleep(5)]))).toBe(
      `g waits for gather() (1 left), which waits for task 'slow', ${rest}`,
    )
    expect(
      await says('t', () =>
        taskGroup(async (group) => {
          group.createTask(async () => shield(slow), { name: 'inner' })
        }),
      ),
    ).toMatch(/^t waits for the tasks of its group \(1 left\), first task 'inner', which /)
    slow.cancel()
    await wait([slow])
  })
})

test('why() and DeadlockError explain a circle of three tasks that wait for each other', async () => {
  const message = await runVirtual(async () => {
    const tasks: Task[] = []
    for (const [i, name] of ['a', 'b', 'c'].entries()) {
      tasks.push(
        createTask(
          async () => {
            await tasks[(i + 1) % 3]
          },
          { name },
        ),
      )
    }
    await sleep(1)
    const text =
      "a waits for task 'b', which waits for task 'c', which waits for task 'a': a circle"
    expect(why(tasks[0] as Task)).toBe(text)
    expect(find('c').waitingOn[0]?.task).toBe(find('a').id)
    await tasks[0]
  }).catch((error: DeadlockError) => error.message)
  expect(message).toContain(
    "Task-1 waits for task 'a', which waits for task 'b', which waits for task 'c', which waits for task 'a': a circle\n",
  )
  expect(message).toContain("\n  b waits for task 'c', which waits for task 'a', which")
})

test('snapshot() lists 62 tasks once each, although 2^30 chains of waits lead to the last task', async () => {
  await run(async () => {
    const bottom = createTask(() => sleepForever(), { name: 'bottom' })
    let below: Task[] = [bottom]
    for (let level = 0; level < 30; level++) {
      const of = below
      below = [0, 1].map((i) =>
        createTask(async () => void (await Promise.all(of)), { name: `${level}.${i}` }),
      )
    }
    await sleep(1)
    const { tasks } = snapshot().loops[0] as { tasks: TaskSnapshot[] }
    expect(tasks).toHaveLength(62)
    expect(new Set(tasks.map(({ id }) => id)).size).toBe(62)
    expect(JSON.stringify(snapshot()).length).toBeLessThan(40_000)
    expect(why(below[0] as Task).length).toBeLessThan(20_000)
    // The cancel begins at the bottom, because a cancel of the top would go along each of the 2^30 ways.
    bottom.cancel()
    await wait(below)
  })
})

test('captureAwaitSites gives the file and line of awaits in async functions, generators and Promise.all', () => {
  const file = join(import.meta.dirname, 'support/await-sites.mjs')
  const source = readFileSync(file, 'utf8').split('\n')
  const lineOf = (mark: string): string =>
    `${file}:${1 + source.findIndex((line) => line.endsWith(`// line: ${mark}`))}`
  const { stdout, stderr } = spawnSync(process.execPath, ['--conditions=@tasktree/source', file], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  const waits = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; at?: string; stack?: string[] })
  const of = (name: string): (string | undefined)[] =>
    waits.filter((wait) => wait.name === name).map(({ at }) => at)
  expect(of('async')).toEqual([lineOf('inner')])
  expect(waits.find(({ name }) => name === 'async')?.stack).toEqual([
    lineOf('inner'),
    lineOf('outer'),
  ])
  expect(of('generator')).toEqual([lineOf('yield')])
  expect(of('all')).toEqual([lineOf('inner'), lineOf('all')])
  // The task "silent" began to wait before the sites were captured.
  expect(of('silent')).toEqual([undefined])
})

test('snapshot() has the file and line of each await in debug mode', async () => {
  const runner = new Runner({ debug: true })
  await runner.run(async () => {
    createTask(async () => await sleepForever(), { name: 'debugged' })
    await sleep(1)
    expect(find('debugged').waitingOn[0]?.at).toMatch(/snapshot\.test\.ts:\d+$/)
  })
  await runner.close()
})

test('snapshot() and why() escape control characters in the names of tasks', async () => {
  await run(async () => {
    const task = createTask(() => sleepForever(), { name: 'evil\u001b[2J\r\n\u202ename' })
    await sleep(1)
    const escaped = String.raw`evil\x1b[2J\r\n\u202ename`
    expect(find(escaped).name).toBe(escaped)
    expect(why(task)).toBe(`${escaped} sleeps until it is cancelled`)
  })
})

test('addSnapshotPart adds a part to snapshot(), shows its error if it throws, and can be undone', async () => {
  const remove = addSnapshotPart('caches', () => [{ name: 'users', size: 3 }])
  const removeBad = addSnapshotPart('bad', () => {
    throw new Error('broken')
  })
  expect(snapshot()).toMatchObject({
    caches: [{ name: 'users', size: 3 }],
    bad: { error: 'Error: broken' },
  })
  remove()
  removeBad()
  expect(snapshot()).not.toHaveProperty('caches')
  expect(() => addSnapshotPart('loops', () => [])).toThrow(RangeError)
  expect(() => addSnapshotPart('', () => [])).toThrow(TypeError)
  expect(() => addSnapshotPart('x', null as never)).toThrow(TypeError)
  expect(() => snapshot({ stacks: 1 as never })).toThrow(TypeError)
  expect(() => why({} as never)).toThrow('why takes a Task, got')
  expect(() => captureAwaitSites('yes' as never)).toThrow(TypeError)
})

test('why() shows the description of a Claim of the program, and the error of a description that throws', async () => {
  class Ticket extends Claim<void> {
    override describeWait(): string {
      return 'a ticket'
    }
    protected override claim(): void {}
    protected override decline(): void {}
  }
  class Broken extends Ticket {
    override describeWait(): string {
      throw new Error('no words')
    }
  }
  await run(async () => {
    const task = createTask(async () => await new Ticket(), { name: 'guest' })
    const lost = createTask(async () => await new Broken(), { name: 'lost' })
    const detailed = createTask(
      async () =>
        await new DetailedFuture(() => ({ kind: 'x', label: 'the x', note: 'a note', next: task })),
      { name: 'detailed' },
    )
    await sleep(1)
    expect(why(task)).toBe('guest waits for a ticket')
    expect(why(lost)).toBe('lost waits for a future that cannot be described: Error: no words')
    expect(why(detailed)).toBe(
      "detailed waits for the x (a note), first task 'guest', which waits for a ticket",
    )
  })
})

test('snapshot() gives each generator in a Promise.all the line of its own `yield*`', async () => {
  captureAwaitSites(true)
  await run(async () => {
    const first = coroutine(function* () {
      yield* sleep(5)
    })
    const second = coroutine(function* () {
      yield* sleep(5)
    })
    const task = createTask(() => Promise.all([first(), second()]))
    await sleep(1)
    const [shown] = snapshot().loops.flatMap(({ tasks }) =>
      tasks.filter(({ name }) => name === task.name),
    )
    const lines = shown?.waitingOn.map(({ at }) =>
      Number(/snapshot\.test\.ts:(\d+)$/.exec(at ?? '')?.[1]),
    )
    expect(lines).toEqual([lines?.[0], (lines?.[0] ?? NaN) + 3])
    await task
  })
})

test('snapshot() lists each loop until it is closed', async () => {
  const before = snapshot().loops.length
  const loop = newEventLoop()
  expect(snapshot().loops).toHaveLength(before + 1)
  loop.close()
  expect(snapshot().loops).toHaveLength(before)
})

test("the function at Symbol.for('tasktree.snapshot') calls no code of the program", () => {
  const program = `
    import { createTask, run, sleep, captureAwaitSites } from '@tasktree/core'
    captureAwaitSites(true)
    Error.prepareStackTrace = () => { throw new Error('called') }
    await run(async () => {
      createTask(async () => { await sleep(1e6) }, { name: 'quiet' })
      await sleep(5)
      const see = globalThis[Symbol.for('tasktree.snapshot')]
      const { loops } = see()
      console.log(loops[0].tasks.map((task) => task.name + ' ' + task.state).join())
      console.log(see.why('quiet').split(' at ')[0], see.cancel('nobody'))
    })`
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@tasktree/source', '--input-type=module', '-e', program],
    { encoding: 'utf8', cwd: import.meta.dirname },
  )
  expect(stderr).toBe('')
  expect(stdout).toBe(
    'Task-1 running,quiet waiting\nquiet sleeps for another 1000 s null\n'.replace(
      '1000 s',
      '16 min 40 s',
    ),
  )
})

test.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [1_500, '1.5 s'],
  [2_000, '2 s'],
  [41_000, '41 s'],
  [59_900, '1 min'],
  [185_000, '3 min 5 s'],
  [7_800_000, '2 h 10 min'],
  [97_200_000, '1 d 3 h'],
])('durationText(%d) is %s', (ms, text) => {
  expect(durationText(ms)).toBe(text)
})

test('why() tells that the deadline of a task has passed', async () => {
  await runVirtual(async () => {
    const task = createTask(
      () =>
        failAfter(10, async () => {
          try {
            await sleepForever()
          } finally {
            await new Promise<void>((resolve) => setTimeout(resolve, 5))
          }
        }),
      { name: 'late' },
    )
    await sleep(20)
    expect(why(task)).toBe(
      'late (in a scope, whose time has passed) waits for a promise that Tasktree does not know',
    )
    await wait([task])
    expect(task.exception()).toBeInstanceOf(TimeoutError)
  })
})
