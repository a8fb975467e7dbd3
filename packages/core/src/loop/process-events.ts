import { SystemClock } from './clock.ts'

/** A main task, as signals and the end of the process see it. */
export interface Interruptible {
  /** False when it has been interrupted already. */
  interrupt(signal: NodeJS.Signals): boolean
  /** The process would exit while it waits. */
  deadlocked(): void
}

/** Looked up and not imported, because workerd has no such module. */
const isMainThread =
  (process.getBuiltinModule?.('node:worker_threads') as { isMainThread?: boolean } | undefined)
    ?.isMainThread ?? true

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const
type HandledSignal = keyof typeof exitCodes
const handledSignals = Object.keys(exitCodes) as HandledSignal[]

const systemClock = new SystemClock()
const watched = new Set<Interruptible>()
const interruptible = new Set<Interruptible>()
/**
 * Marks a listener that only passes a signal on, as the one of `@tasktree/subprocess` does for child processes. It is no
 * handler of the program's own, so `run` handles the signal all the same.
 */
const passesOn: symbol = Symbol.for('@tasktree/core.passesSignalsOn')

/** The signals that we listen for: not one that the program handles itself, as in CPython. */
const listening = new Set<HandledSignal>()

/** Watches over a main task until the returned function is called. One listener each serves all runs. */
export function watchProcess(main: Interruptible, handleSignals: boolean): () => void {
  watched.add(main)
  if (watched.size === 1) process.on('beforeExit', onBeforeExit)
  if (handleSignals && isMainThread) {
    interruptible.add(main)
    if (interruptible.size === 1) listen()
  }
  return () => {
    watched.delete(main)
    if (watched.size === 0) process.off('beforeExit', onBeforeExit)
    if (interruptible.delete(main) && interruptible.size === 0) unlisten()
  }
}

function onBeforeExit(): void {
  for (const main of watched) main.deadlocked()
  // What the cancelled tasks do now is microtasks, which do not count as life: without this the
  // process would end before it could be seen that they hang again.
  systemClock.yieldToIO(() => {})
}

function listen(): void {
  for (const signal of handledSignals) {
    if (process.listeners(signal).some((listener) => !(passesOn in listener))) continue
    process.on(signal, onSignal)
    listening.add(signal)
  }
}

function unlisten(): void {
  for (const signal of listening) process.off(signal, onSignal)
  listening.clear()
}

/** How many callers have taken each signal over. */
const takenOver = new Map<NodeJS.Signals, number>()

/**
 * From now on `run` leaves `signal` to the caller, also in runs that have begun: it does not cancel their main task. Until
 * the returned function is called.
 */
export function takeSignal(signal: NodeJS.Signals): () => void {
  takenOver.set(signal, (takenOver.get(signal) ?? 0) + 1)
  let isTaken = true
  return () => {
    if (isTaken) takenOver.set(signal, (takenOver.get(signal) as number) - 1)
    isTaken = false
  }
}

function onSignal(signal: NodeJS.Signals): void {
  if ((takenOver.get(signal) ?? 0) > 0) return
  let taken = false
  for (const main of interruptible) taken = main.interrupt(signal) || taken
  if (!taken) process.exit(exitCodes[signal as HandledSignal])
}
