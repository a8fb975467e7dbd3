import { SystemClock } from './clock.ts'

/**
 * The main task of a run. The listeners of this file call its methods when the process gets a signal, and when Node is
 * about to exit.
 */
export interface Interruptible {
  /**
   * Cancels the main task because of `signal`. Returns false if an earlier signal has cancelled the task already; the
   * process then exits, unless the program has another main task whose `interrupt` returns true.
   */
  interrupt(signal: NodeJS.Signals): boolean
  /** Called when Node is about to exit because nothing can happen any more, while the main task still waits. */
  deadlocked(): void
}

/**
 * Whether this is the main thread. An `import` of node:worker_threads would fail in workerd, which does not have this
 * module. So the module is requested at run time.
 */
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
 * The key of a property that marks a listener of a signal which only passes the signal on, as the listener of
 * `@tasktree/subprocess` does for child processes. Such a listener does not mean that the program handles the signal,
 * so `run` still handles the signal.
 */
const passesOn: symbol = Symbol.for('@tasktree/core.passesSignalsOn')

/**
 * The signals that this file listens for. If the program has a listener for a signal, this file does not listen for it,
 * as CPython does not.
 */
const listening = new Set<HandledSignal>()

/**
 * Calls `main.deadlocked()` when Node is about to exit. If `handleSignals` is true, also calls `main.interrupt()` for
 * each SIGINT and SIGTERM. No more calls are made after the returned function was called. All runs in the process share
 * one listener for each event.
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
  // `deadlocked()` cancels tasks, and their clean-up runs in microtasks, which do not keep the process alive. This
  // empty callback keeps the process alive until Node has handled I/O once more. Then Node emits `beforeExit` again, so
  // a clean-up that hangs is found too.
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

/** For each signal, how many callers of `takeSignal` handle the signal alone now. */
const takenOver = new Map<NodeJS.Signals, number>()

/**
 * Lets the caller handle `signal` alone: until the returned function is called, `signal` does not cancel the main task
 * of any `run`. A `run` that began before the call of `takeSignal` is no exception.
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
