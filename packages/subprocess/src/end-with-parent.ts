/**
 * Ends the children when this process ends.
 *
 * If only this module listens to a signal when the signal comes, the signal would have ended this process without the
 * module. So the module first ends the children, and then lets the signal end this process, even if other code has
 * begun to listen to the signal in the meantime. If other code listens when the signal comes, the other code decides
 * what happens to the children. Then this module only passes a SIGINT on to the children, as the terminal would do if
 * they were in the process group of the terminal.
 *
 * After `process.exit` or an uncaught error, the event loop makes no more turns. So the 'exit' listener sends SIGTERM to
 * the children. On Linux it then blocks until they have ended, but at most for `EXIT_GRACE`, and sends SIGKILL to the
 * children that are still alive.
 */
import { constants } from 'node:os'
import { isMainThread } from 'node:worker_threads'
import { livingGroups } from './group-liveness.ts'
import { isDead, readProcStat } from './proc-stat.ts'

/** What this module needs to know about a running child. */
export interface Dependent {
  readonly pid: number
  readonly group: boolean
  /** Whether the child has the terminal. Then SIGINT and SIGQUIT are for the child only, not for this process. */
  readonly foreground: boolean
  readonly killGrace: number
  send(signal: NodeJS.Signals): void
  /** Ends the child: sends `signal`, and SIGKILL if the child does not end. Calls `gone` when the child has ended. */
  end(signal: NodeJS.Signals, gone: () => void): void
}

/** The longest time in milliseconds that the 'exit' listener waits for children which have been sent SIGTERM. */
const EXIT_GRACE = 1_000

/**
 * The signals by which users and supervisors end a program. Signals that stand for a crash, such as SIGABRT, and signals that
 * a program may use for its own purposes, such as SIGUSR2, are not among them.
 */
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const
/** The signals that a terminal sends to the whole foreground group, for Ctrl-C and Ctrl-\. */
const terminalSignals = ['SIGINT', 'SIGQUIT'] as const
const live = new Set<Dependent>()
/** The signal that will end this process as soon as its children have ended; null when there was none. */
let endedBy: NodeJS.Signals | null = null
/** How many children must still end before this process ends itself. */
let waitingFor = 0
/** The number of signals by which this process was asked to end. Set to 0 when this process has no children. */
let asked = 0
/** True while the listeners of a signal run. The listener of this module runs first. */
let isDispatching = false

/**
 * Makes `child` end when this process ends, until the returned function is called. Listeners are installed only while
 * there are children.
 */
export function endWithParent(child: Dependent): () => void {
  live.add(child)
  if (live.size === 1) {
    process.on('exit', onExit)
    if (isMainThread && endedBy === null) {
      // `onSignal` is added as the first listener, so that it has already counted the signal when another listener
      // calls process.exit().
      for (const signal of signals) process.prependListener(signal, onSignal)
    }
  }
  if (child.foreground && isMainThread) silenceOthers()
  // A child that is started while this process is ending, for example by a restart, must be ended too.
  if (endedBy !== null) endFirst(child, endedBy)
  return () => {
    if (!live.delete(child)) return
    if (child.foreground) letOthersHear()
    if (live.size > 0) return
    asked = 0
    process.off('exit', onExit)
    if (isMainThread && endedBy === null) stopListening()
  }
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, onSignal)
}

function onExit(): void {
  const isImpatient = isDispatching && asked > 1
  for (const child of live) child.send(isImpatient ? 'SIGKILL' : 'SIGTERM')
  if (isImpatient || process.platform !== 'linux') return
  const now = performance.now()
  let left = [...live].map((child) => ({
    child,
    deadline: now + Math.min(child.killGrace, EXIT_GRACE),
  }))
  // `Atomics.wait` blocks this thread, which is harmless here: no other code can run in the thread any more.
  const clock = new Int32Array(new SharedArrayBuffer(4))
  for (let pause = 1; left.length > 0; pause = Math.min(2 * pause, 50)) {
    Atomics.wait(clock, 0, 0, pause)
    const groups = livingGroups(
      new Set(left.filter(({ child }) => child.group).map(({ child }) => child.pid)),
    )
    left = left.filter(({ child, deadline }) => {
      if (child.group ? !groups.has(child.pid) : !isAlive(child.pid)) return false
      if (performance.now() < deadline) return true
      child.send('SIGKILL')
      return false
    })
  }
}

function isAlive(pid: number): boolean {
  const stat = readProcStat(pid)
  return stat === 'unknown' || (stat !== null && !isDead(stat))
}

function onSignal(signal: NodeJS.Signals): void {
  if ((signal === 'SIGINT' || signal === 'SIGQUIT') && hasForeground()) {
    // A child with its own process group gets no signal from the terminal, so this listener passes the signal on. A
    // child without its own group gets a signal of the terminal directly.
    for (const child of live) if (child.foreground && child.group) child.send(signal)
    return
  }
  asked++
  isDispatching = true
  queueMicrotask(() => {
    isDispatching = false
  })
  if (process.listenerCount(signal) > 1) {
    if (signal === 'SIGINT') for (const child of live) if (child.group) child.send(signal)
    return
  }
  if (endedBy !== null) {
    // This is the second signal, so the children are killed at once.
    for (const child of live) child.send('SIGKILL')
    return die(signal)
  }
  endedBy = signal
  for (const child of live) endFirst(child, signal)
}

// Tells `run` of core to handle the signal although this listener is installed. While other code listens too, this
// listener only passes a SIGINT on to the children.
Object.defineProperty(onSignal, Symbol.for('@tasktree/core.passesSignalsOn'), { value: true })

function endFirst(child: Dependent, signal: NodeJS.Signals): void {
  waitingFor++
  child.end(child.group ? signal : 'SIGTERM', () => {
    if (--waitingFor === 0) die(signal)
  })
}

/**
 * Ends this process by `signal`. The listeners of the signal are removed first, because the signal does not end a
 * process that listens to it. A listener of other code that is removed here was added after the signal had come, which
 * was too late to keep this process alive.
 */
function die(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // Linux lets no signal end the first process of a container, so this process exits with the code that stands for one.
  if (process.pid === 1) process.exit(128 + constants.signals[signal])
}

type Listener = (...args: unknown[]) => void

/**
 * Maps each signal of the terminal to the listeners of other code, in their order, which are removed while a child has
 * the terminal. Empty while no child has the terminal.
 */
const silenced = new Map<(typeof terminalSignals)[number], Listener[]>()

function hasForeground(): boolean {
  for (const child of live) if (child.foreground) return true
  return false
}

function ignore(): void {}

/**
 * Removes the listeners of other code to the signals of the terminal, including the listener of core's `run`. While a
 * child has the terminal, these signals are for the child only, and a listener cannot keep a signal from the other
 * listeners.
 *
 * The removed listeners are added again later, even one that its owner has tried to remove in the meantime: at that time
 * the listener was not installed, so the attempt had no effect.
 */
function silenceOthers(): void {
  if (silenced.size > 0) return
  for (const signal of terminalSignals) {
    const listeners = (process.rawListeners(signal) as Listener[]).filter(
      (each) => each !== (onSignal as Listener),
    )
    silenced.set(signal, listeners)
    process.on(signal, ignore)
    for (const listener of listeners) process.off(signal, listener)
  }
}

function letOthersHear(): void {
  if (hasForeground()) return
  for (const [signal, listeners] of silenced) {
    for (const listener of listeners) process.on(signal, listener)
    process.off(signal, ignore)
  }
  silenced.clear()
}
