/** Tests what the commands show for threads whose snapshots the tests make up. */
import { run, type TaskSnapshot } from '@tasktree/core'
import { type Attached, Failure, ps, pstree, type ThreadSnapshot } from '@tasktree/devtools'
import { expect, test } from 'vitest'
import { Session } from '../src/session.ts'
import { findTask } from '../src/task-commands.ts'

/** Makes a session to a thread whose snapshot has these tasks. */
function sessionOf(tasks: readonly Partial<TaskSnapshot>[]): Session {
  const session: Session = new Session(1, (text) => {
    const { id, params } = JSON.parse(text) as { id: number; params: { expression: string } }
    const isLook = params.expression.startsWith('JSON')
    const value = isLook ? JSON.stringify(snapshotOf(tasks)) : false
    session.receive(JSON.stringify({ id, result: { result: { value } } }))
  })
  return session
}

function snapshotOf(tasks: readonly Partial<TaskSnapshot>[]): ThreadSnapshot {
  const usual = { state: 'waiting', parent: null, waitingOn: [], age: 1, cancelling: 0 }
  return {
    thread: 'main',
    time: 0,
    running: { task: null, stack: [] },
    loops: [{ time: 0, turns: 0, tasks: tasks.map((task) => ({ ...usual, ...task })) }],
  } as unknown as ThreadSnapshot
}

function attachedTo(threads: { name: string; session: Session }[]): Attached {
  return { pid: 1, threads, main: threads[0]?.session } as Attached
}

test('a task is found in the thread that has it, even if two threads have the same name', () =>
  run(async () => {
    const main = sessionOf([{ id: 1, name: 'main task' }])
    const first = sessionOf([{ id: 1, name: 'one' }])
    const second = sessionOf([
      { id: 1, name: 'two' },
      { id: 7, name: 'seven' },
    ])
    const attached = attachedTo([
      { name: 'main', session: main },
      { name: 'worker', session: first },
      { name: 'worker', session: second },
    ])
    expect((await findTask(attached, 'two')).session).toBe(second)
    expect((await findTask(attached, '7')).session).toBe(second)
    const ambiguous = findTask(attached, '1')
    await expect(ambiguous).rejects.toThrow(Failure)
    await expect(ambiguous).rejects.toThrow(
      '3 threads have a task 1: use one of the names main task, one, two',
    )
  }))

test('a session ignores a text that is not a message of the inspector', () =>
  run(async () => {
    const session = new Session(1, () => {
      for (const text of ['', 'no json', 'null', '7', '[]', '{"id":"x"}', '{"id":99}']) {
        session.receive(text)
      }
      session.receive('{"id":1,"result":{"result":{"value":42}}}')
    })
    expect(await session.evaluate('6 * 7')).toBe(42)
  }))

test('ps prints a table of 200,000 tasks', { tags: 'slow' }, () => {
  const tasks = Array.from({ length: 200_000 }, (_, id) => ({ id, name: `task ${id}` }))
  expect(ps([snapshotOf(tasks)]).split('\n')).toHaveLength(200_001)
})

test('ps and pstree escape control characters and line ends in names', () => {
  const name = 'GET /\n\u001b[2Jboo\u009b'
  const waitingOn = [{ kind: 'lock', label: "lock 'a\nb'", note: 'held by \u0007' }]
  const snapshot = snapshotOf([{ id: 1, name, waitingOn }])
  for (const text of [ps([snapshot]), pstree(1, [snapshot])]) {
    expect(text.split('\n')).toHaveLength(2)
    expect(text).toContain('GET /\\n\\u001b[2Jboo\\u009b')
    expect(text).toContain("lock 'a\\nb' (held by \\u0007)")
    // oxlint-disable-next-line eslint/no-control-regex -- the codes for colours are allowed
    expect(text.replace(/\u001b\[\d+m/g, '')).not.toMatch(/[^\P{Cc}\n]/u)
  }
})
