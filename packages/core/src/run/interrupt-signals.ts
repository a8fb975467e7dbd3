/** A run. The listener of this file calls `interrupt` when the process gets SIGINT or SIGTERM. */
export interface Interruptible {
  /**
   * Cancels the main task because of `signal`. Returns false if an earlier signal has done so, or the main task is
   * done; the process then exits, unless `interrupt` of another run returns true.
   */
  interrupt(signal: NodeJS.Signals): boolean
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

const interruptible = new Set<Interruptible>()
/**
 * The key of a property that marks a listener of a signal which only passes the signal on, as the listener of
 * `@tasktree/subprocess` does for child processes. Such a listener does not mean that the program handles the signal,
 * so `run` still handles the signal.
 */
const passesOn: symbol = Symbol.for('@tasktree/core.passesSignalsOn')

/**
 * The signals that this file listens for. If the program has a listener for a signal when the first run begins, this
 * file does not listen for that signal, as CPython does not.
 */
const listening = new Set<HandledSignal>()

/**
 * Calls `main.interrupt()` for each SIGINT and SIGTERM that no other code handles, until the returned function is
 * called. All runs in the process share one listener for each signal. In a worker thread this function does nothing.
 */
export function interruptOnSignals(main: Interruptible): () => void {
  if (!isMainThread) return () => {}
  interruptible.add(main)
  if (interruptible.size === 1) listen()
  return () => {
    if (interruptible.delete(main) && interruptible.size === 0) unlisten()
  }
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
