import { SystemClock } from './clock.ts'

/** A main task, to which this file passes signals and the end of the process. */
export interface Interruptible {
  /**
   * Cancels the main task because of `signal`. Returns false if a signal has interrupted the task before: the process
   * then exits.
   */
  interrupt(signal: NodeJS.Signals): boolean
  /** Called when Node is about to exit because nothing can happen any more, while the main task still waits. */
  deadlocked(): void
}

/** Whether this is the main thread. The module is looked up and not imported, because workerd does not have it. */
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
 * Marks a listener that only passes a signal on, as the listener of `@tasktree/subprocess` does for child processes.
 * Such a listener does not mean that the program handles the signal, so `run` handles it all the same.
 */
const passesOn: symbol = Symbol.for('@tasktree/core.passesSignalsOn')

/**
 * The signals that this file listens for. A signal for which the program has a listener is left to the program, as in
 * CPython.
 */
const listening = new Set<HandledSignal>()

/**
 * Tells `main` of the end of the process and, if `handleSignals` is true, of SIGINT and SIGTERM, until the returned
 * function is called. All runs share one listener per event.
 */
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
  // `deadlocked()` cancels tasks, whose clean-up runs in microtasks, and these do not keep the process alive.
  // Without this callback the process would end before Node could emit `beforeExit` again for a clean-up that hangs
  // too.
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

/** How many callers of `takeSignal` handle each signal at present. */
const takenOver = new Map<NodeJS.Signals, number>()

/**
 * Leaves `signal` to the caller: until the returned function is called, `signal` does not cancel the main task of any
 * `run`, even of a run that has begun before.
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
