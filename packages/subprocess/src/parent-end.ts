import { isMainThread } from 'node:worker_threads'

/** A running child, as the end of its parent sees it. */
export interface Dependent {
  readonly group: boolean
  send(signal: NodeJS.Signals): void
  /** Ends it, beginning with `signal`. */
  end(signal: NodeJS.Signals, gone: () => void): void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const live = new Set<Dependent>()
/** The signal that is ending this process, as soon as its children have gone. */
let endedBy: NodeJS.Signals | null = null
/** How many children it waits for. */
let left = 0

/** Ends `child` with this process, until the returned function is called. There are listeners only while there are children. */
export function endWithParent(child: Dependent): () => void {
  live.add(child)
  if (live.size === 1) {
    process.on('exit', onExit)
    if (isMainThread && endedBy === null) {
      for (const signal of signals) process.on(signal, onSignal)
    }
  }
  // What is started in these last moments, by a restart, must not be left behind.
  if (endedBy !== null) endFirst(child, endedBy)
  return () => {
    if (!live.delete(child) || live.size > 0) return
    process.off('exit', onExit)
    if (isMainThread && endedBy === null) stopListening()
  }
}

function stopListening(): void {
  for (const signal of signals) process.off(signal, onSignal)
}

/** Nothing can be waited for here: they are told. */
function onExit(): void {
  for (const child of live) child.send('SIGTERM')
}

/**
 * A terminal's Ctrl-C reaches its own process group only: children in groups of their own get it from
 * here. Where nobody else listens, the signal would have ended this process: it still does, but first
 * its children are ended. Where somebody does, it is for the program to say what SIGTERM and SIGHUP
 * mean for its children.
 */
function onSignal(signal: NodeJS.Signals): void {
  const alone = process.listenerCount(signal) === 1
  if (!alone) {
    if (signal === 'SIGINT') for (const child of live) if (child.group) child.send(signal)
    return
  }
  if (endedBy !== null) {
    // Asked twice: without any more patience.
    for (const child of live) child.send('SIGKILL')
    return die(signal)
  }
  endedBy = signal
  for (const child of live) endFirst(child, signal)
}

function endFirst(child: Dependent, signal: NodeJS.Signals): void {
  left++
  child.end(child.group ? signal : 'SIGTERM', () => {
    if (--left === 0) die(signal)
  })
}

function die(signal: NodeJS.Signals): void {
  stopListening()
  process.kill(process.pid, signal)
}
