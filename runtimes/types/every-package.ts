// test/typescript.test.ts compiles this file with every supported version of TypeScript, and in each way of resolving modules. It
// uses an export of every package.
import { Actor, spawn } from '@tasktree/actor'
import { type Task, createTask } from '@tasktree/core'
import { Claim } from '@tasktree/core/lowlevel'
import { watchLeaks } from '@tasktree/core/testing'
import { attach } from '@tasktree/devtools'
import plugin from '@tasktree/eslint-plugin'
import { ThreadPoolExecutor } from '@tasktree/executor'
import { map } from '@tasktree/flow'
import { serve } from '@tasktree/http'
import { startJobd } from '@tasktree/jobd'
import { connect } from '@tasktree/nats'
import { openConnection } from '@tasktree/net'
import { instrument } from '@tasktree/otel'
import { type StreamReader, copy } from '@tasktree/streams'
import { run } from '@tasktree/subprocess'
import { Lock } from '@tasktree/sync'

class Counter extends Actor {
  add(n: number): number {
    return n
  }
}

export async function use(reader: StreamReader): Promise<void> {
  const counter = await spawn(Counter)
  const sum: number = await counter.ask.add(1)
  const task: Task<number> = createTask(async () => sum)
  const doubled: number[] = await map([1, await task], async (n) => 2 * n)
  const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  const job: number = await pool.submit((n: number) => n, doubled.length)
  const lock: Lock = new Lock({ name: `lock ${job}` })
  const leaks: string[] = watchLeaks().find()
  const [, writer] = await openConnection('localhost', leaks.length)
  await copy(reader, writer)
  const ended = await run('true', [])
  const code: number | null = ended.returncode
  const rules: object = plugin.rules
  const doors = [attach, connect, instrument, serve, startJobd, Claim, lock, rules, code]
  if (doors.length === 0) throw new Error('no door')
}
