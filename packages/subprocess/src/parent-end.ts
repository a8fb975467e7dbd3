/**
 * Ends the children when this process ends.
 *
 * A signal that nobody else listens to would have ended this process. It still does, but the children are ended first.
 * When the program listens to the signal too, the program decides what becomes of its children; then a SIGINT is only
 * passed on, as the terminal would do if the children were in the process group of the terminal.
 *
 * `process.exit` and an uncaught error leave no turn of the loop, so the 'exit' listener blocks until the children
 * have ended, for at most `EXIT_GRACE`, and then sends SIGKILL.
 */
import { isMainThread } from 'node:worker_threads'
import { livingGroups } from './group-watch.ts'
import { isDead, readProcStat } from './proc-stat.ts'

/** A running child, as the end of its parent sees it. */
export interface Dependent {
  readonly pid: number
  readonly group: boolean
  /** Whether it has the terminal: then a SIGINT is for the child alone. */
  readonly foreground: boolean
  readonly killGrace: number
  send(signal: NodeJS.Signals): void
  /** Ends it, beginning with `signal`. */
  end(signal: NodeJS.Signals, gone: () => void): void
}

/** The longest time in milliseconds that the 'exit' listener waits for children which have been sent SIGTERM. */
const EXIT_GRACE = 1_000

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
/** What a terminal sends to the whole foreground group: Ctrl-C and Ctrl-\. */
const terminalSignals = ['SIGINT', 'SIGQUIT'] as const
const live = new Set<Dependent>()
/** The signal that is ending this process as soon as its children have gone. */
let endedBy: NodeJS.Signals | null = null
/** How many children the program waits for before it dies. */
let waitingFor = 0
/** How many signals have asked the program to end since it last had no children. */
let asked = 0
/** While the listeners of a signal run: this module's listener comes first. */
let isDispatching = false

/** Ends `child` with this process, until the returned function is called. There are listeners only while there are children. */
export function endWithParent(child: Dependent): () => void {
  live.add(child)
  if (live.size === 1) {
    process.on('exit', onExit)
    if (isMainThread && endedBy === null) {
      // First, so that a listener that calls process.exit() finds the signal counted.
      for (const signal of signals) process.prependListener(signal, onSignal)
    }
  }
  if (child.foreground && isMainThread) silenceOthers()
  // A child that is started in these last moments, by a restart, must not be left behind.
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
  // Nothing else can run in this thread any more.
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
  return stat !== null && !isDead(stat)
}

function onSignal(signal: NodeJS.Signals): void {
  if (signal === 'SIGINT' && hasForeground()) {
    // Without a terminal nobody else passes the signal on.
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
    // The second signal: no more patience.
    for (const child of live) child.send('SIGKILL')
    return die(signal)
  }
  endedBy = signal
  for (const child of live) endFirst(child, signal)
}

// Core's `run` handles a signal although this listener is there, which handles nothing by itself while others listen.
Object.defineProperty(onSignal, Symbol.for('@tasktree/core.passesSignalsOn'), { value: true })

function endFirst(child: Dependent, signal: NodeJS.Signals): void {
  waitingFor++
  child.end(child.group ? signal : 'SIGTERM', () => {
    if (--waitingFor === 0) die(signal)
  })
}

function die(signal: NodeJS.Signals): void {
  stopListening()
  process.kill(process.pid, signal)
}

type Listener = (...args: unknown[]) => void

/** The listeners of others that were taken off while a child has the terminal, in their order. */
const silenced = new Map<(typeof terminalSignals)[number], Listener[]>()

function hasForeground(): boolean {
  for (const child of live) if (child.foreground) return true
  return false
}

function ignore(): void {}

/**
 * Takes the listeners of others off, the one of core's `run` among them, since a listener cannot keep a signal from the
 * next one. A listener that its owner removes meanwhile comes back all the same: the owner finds nothing to remove.
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
