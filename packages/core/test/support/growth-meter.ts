// A program that `growth.ts` starts. Its argument is a module that exports operations. Each message names an operation, and the
// answer says how many times more the operation costs with ten times as many things.
import { Session } from 'node:inspector/promises'
import { Runner } from '@tasktree/core'
import type { Growth, Operation } from './growth.ts'

declare const gc: () => void

/** `GROWTH=full` compares 10,000 things with 100,000, which takes several minutes for a package. */
const many = process.env['GROWTH'] === 'full' ? 100_000 : 10_000
const few = many / 10

const { operations } = (await import(process.argv[2] as string)) as {
  operations: Record<string, Operation>
}
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })

/** Returns how often the functions and blocks of the packages have run since the last call. */
async function takeSteps(): Promise<number> {
  const { result } = await session.post('Profiler.takePreciseCoverage')
  return result
    .filter(({ url }) => /\/packages\/\w+\/src\//.test(url))
    .flatMap(({ functions }) => functions)
    .flatMap(({ ranges }) => ranges)
    .reduce((sum, { count }) => sum + count, 0)
}

/** Returns the cost of the operation with `n` things: the steps, and the milliseconds of processor time. */
async function cost(operation: Operation, n: number): Promise<{ steps: number; time: number }> {
  const runner = new Runner({ handleSignals: false })
  const act = await runner.run(async () => operation(n))
  gc()
  await takeSteps()
  const time = await runner.run(async () => {
    const before = process.threadCpuUsage()
    await act()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  })
  const steps = await takeSteps()
  await runner.close()
  return { steps, time }
}

async function measure(name: string): Promise<void> {
  const operation = operations[name] as Operation
  const [first, second] = [await cost(operation, few), await cost(operation, few)]
  const large = await cost(operation, many)
  const small = { steps: second.steps, time: Math.max(first.time, second.time, 1) }
  const growth: Growth = { steps: large.steps / small.steps, time: large.time / small.time }
  process.send?.({ name, growth })
}

process.on('message', (name: string) => void measure(name))
