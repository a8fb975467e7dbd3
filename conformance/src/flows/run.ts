import { setImmediate as nextTurn } from 'node:timers/promises'
import { EventLoop, isCancelled, run, Runner } from '@tasktree/core'
import { runVirtual, VirtualClock } from '@tasktree/core/testing'
import { FlowInterpreter } from './interpreter.ts'
import type { Mode, Program } from './program.ts'
import type { Fault } from './trace.ts'

export interface Report {
  faults: Fault[]
  lines: string[]
  /** Whether code of the run is still active, so that its thread must not be used again. */
  hangs: boolean
}

/**
 * Runs a program in this thread, and reports each broken rule of `trace.ts`. A program that takes more than `patience` milliseconds
 * of real time counts as one that hangs: virtual time passes at once, and in the mode `real` the waits of a program are short. If the
 * program spins, this function never returns.
 */
export async function runProgram(program: Program, mode: Mode, patience: number): Promise<Report> {
  const interpreter = new FlowInterpreter(program, mode)
  const { trace } = interpreter
  const onRejection = (reason: unknown): void => {
    // When core has a listener of its own, it handles the rejections that are cancels. Without a listener of core, such a
    // rejection would end the process, and is a fault.
    if (isCancelled(reason) && process.listenerCount('unhandledRejection') > 1) return
    trace.fault('I4', `unhandled rejection: ${String(reason)}`)
  }
  process.on('unhandledRejection', onRejection)
  const hung = Promise.withResolvers<'hung'>()
  // `runVirtual` waits a second before it calls a program deadlocked while a timer is open that keeps the process alive, because
  // that timer may be the program's. So this timer does not keep the process alive.
  const alarm = setTimeout(() => {
    hung.resolve('hung')
  }, patience).unref()
  let hangs = false
  try {
    const main = (): Promise<void> => interpreter.main()
    const running = start(main, mode, program.schedule)
    hangs = (await Promise.race([running, hung.promise])) === 'hung'
    if (hangs) trace.fault('I4', 'the run hangs')
  } catch (error) {
    trace.fault('I4', `the run fails: ${String(error).split('\n')[0]}`)
  } finally {
    clearTimeout(alarm)
  }
  for (let i = 0; i < 3; i++) await nextTurn()
  process.off('unhandledRejection', onRejection)
  if (!hangs) trace.settled()
  return { faults: trace.faults, lines: trace.lines, hangs }
}

async function start(main: () => Promise<void>, mode: Mode, seed: number | null): Promise<void> {
  if (mode === 'real') await run(main, { handleSignals: false })
  else if (mode === 'virtual') await runVirtual(main, seed === null ? {} : { seed })
  else await runCoarse(main)
}

/** A virtual clock that shows only multiples of 4 ms: it rounds each time up. */
class CoarseClock extends VirtualClock {
  override now(): number {
    return Math.ceil(super.now() / 4) * 4
  }
}

async function runCoarse(main: () => Promise<void>): Promise<void> {
  const loop = new EventLoop({ clock: new CoarseClock() })
  const runner = new Runner({ loop, handleSignals: false })
  try {
    await runner.run(main)
  } finally {
    await runner.close()
    loop.close()
  }
}
