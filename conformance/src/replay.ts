import { coreAsyncSteps, coreSyncSteps } from './core-statements.ts'
import { GeneratorInterpreter } from './generator-interpreter.ts'
import { type AsyncSteps, Interpreter, type SyncSteps } from './interpreter.ts'
import { syncPackageAsyncSteps, syncPackageSyncSteps } from './sync-statements.ts'
import type { Outcome, Program, Recorded } from './program.ts'

/** The first line in which a channel (the trace of a task or of a callback) differs between a recorded run and a new run. */
export interface Difference {
  channel: string
  line: number
  expected: string | undefined
  actual: string | undefined
}

const syncSteps: SyncSteps = { ...coreSyncSteps, ...syncPackageSyncSteps }
const asyncSteps: AsyncSteps = { ...coreAsyncSteps, ...syncPackageAsyncSteps }

/** A run that takes more milliseconds of real time than this hangs, because virtual time passes at once. */
const patience = 10_000

const interpreters = { async: Interpreter, generators: GeneratorInterpreter }
/** How the bodies of a program's tasks are run: as async functions or as generator coroutines. */
export type Style = keyof typeof interpreters
export const styles: readonly Style[] = ['async', 'generators']

export async function runProgram(program: Program, style: Style): Promise<Outcome> {
  const interpreter = new interpreters[style](program, syncSteps, asyncSteps)
  const hung = Promise.withResolvers<never>()
  // `runVirtual` waits a second before it calls a program deadlocked while a timer is open that keeps the process alive, because
  // that timer may be the program's. So this timer does not keep the process alive.
  const alarm = setTimeout(() => {
    hung.reject(new Error('the program hangs'))
  }, patience).unref()
  try {
    return await Promise.race([interpreter.run(), hung.promise])
  } finally {
    clearTimeout(alarm)
  }
}

/** Runs the program, and returns the first difference from the recorded run, or null if nothing differs. */
export async function replay(recorded: Recorded, style: Style): Promise<Difference | null> {
  return firstDifference(recorded, await runProgram(recorded.program, style))
}

/** Returns the earliest difference in virtual time, because later differences may only be consequences of it. */
export function firstDifference(expected: Outcome, actual: Outcome): Difference | null {
  const found: Difference[] = []
  const channels = new Set([...Object.keys(expected.traces), ...Object.keys(actual.traces)])
  for (const channel of channels) {
    const difference = compareLines(channel, expected.traces[channel], actual.traces[channel])
    if (difference !== null) found.push(difference)
  }
  if (found.length > 0) return found.toSorted((a, b) => timeOf(a) - timeOf(b))[0] as Difference
  for (const path of new Set([...Object.keys(expected.ends), ...Object.keys(actual.ends)])) {
    const [expectedEnd, actualEnd] = [expected.ends[path], actual.ends[path]]
    if (expectedEnd === actualEnd) continue
    return { channel: `end of ${path}`, line: 0, expected: expectedEnd, actual: actualEnd }
  }
  return null
}

function compareLines(
  channel: string,
  expected: string[] = [],
  actual: string[] = [],
): Difference | null {
  for (let line = 0; line < Math.max(expected.length, actual.length); line++) {
    if (expected[line] !== actual[line])
      return { channel, line, expected: expected[line], actual: actual[line] }
  }
  return null
}

function timeOf({ expected, actual }: Difference): number {
  const times = [expected, actual].map((line) => (line === undefined ? Infinity : parseInt(line)))
  return Math.min(...times)
}
