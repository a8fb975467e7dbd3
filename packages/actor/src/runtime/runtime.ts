import { Broadcast } from '@tasktree/sync'
import { type EventLoop, Future, getEventLoop } from '@tasktree/core'
import { DeadLetters } from '../messages/dead-letters.ts'
import {
  actorRestart,
  restartTracing,
  actorStart,
  actorStop,
  type DeadLetterReason,
  type SystemEvent,
} from './events.ts'
import { consoleLogger, Log } from './logger.ts'
import type { Child } from '../children/child.ts'
import type { Envelope } from '../messages/envelope.ts'
import { Registry } from './registry.ts'

/**
 * The state that all children of one ActorSystem share. The actors that belong to no ActorSystem share one Runtime for
 * each event loop.
 */
export class Runtime {
  readonly loop: EventLoop
  readonly log: Log
  readonly events: Broadcast<SystemEvent> = new Broadcast({ lag: 'drop-oldest', capacity: 1000 })
  readonly deadLetters: DeadLetters = new DeadLetters()
  readonly registry: Registry = new Registry()
  /**
   * The future that a tell returns when the mailbox accepts the message at once; it has already resolved with true. All
   * such tells return the same future, so that a tell needs no memory for a future of its own.
   */
  readonly accepted: Future<boolean>
  readonly refused: Future<boolean>
  /**
   * Returns the child at a path, given as the list of its parts; null when no child has that path. The ActorSystem sets
   * this function; for actors that belong to no ActorSystem, `spawn` sets it.
   */
  find: (path: readonly string[]) => Child | null = () => null
  lateReplies = 0
  #named = 0

  constructor(loop: EventLoop, log: Log) {
    this.loop = loop
    this.log = log
    this.accepted = new Future<boolean>({ loop })
    this.accepted.setResult(true)
    this.refused = new Future<boolean>({ loop })
    this.refused.setResult(false)
  }

  /**
   * Makes a name for a child that was started without a name: the name of the class with a small first letter, and a
   * new number, such as `worker-3` for the class Worker.
   */
  makeName(className: string): string {
    return `${className.replace(/^[A-Z]/, (letter) => letter.toLowerCase())}-${++this.#named}`
  }

  get #hasSubscribers(): boolean {
    return this.events.statistics().subscribers > 0
  }

  /**
   * Whether any code listens to the events of the system. While this is false, the callers of `emit` skip making
   * events.
   */
  get observed(): boolean {
    return (
      this.#hasSubscribers ||
      actorStart.hasSubscribers ||
      actorStop.hasSubscribers ||
      actorRestart.hasSubscribers ||
      restartTracing.isOn
    )
  }

  emit(event: SystemEvent): void {
    if (this.#hasSubscribers) void this.events.publish(event)
    if (event.type === 'started') actorStart.publish(event)
    else if (event.type === 'exited') actorStop.publish(event)
    else if (event.type === 'restarting') {
      actorRestart.publish(event)
      if (restartTracing.isOn) restartTracing.run(event, event, () => {})
      if (restartTracing.isLive) restartTracing.settle(event, {})
    }
  }

  deadLetter(path: string, envelope: Envelope, reason: DeadLetterReason): void {
    const letter = this.deadLetters.add(path, envelope, reason)
    if (this.#hasSubscribers) this.emit({ type: 'dead-letter', letter })
  }
}

const runtimes = new WeakMap<EventLoop, Runtime>()

/** Returns the Runtime that the actors of the current event loop share if they belong to no ActorSystem. */
export function runtimeOfLoop(): Runtime {
  const loop = getEventLoop()
  let runtime = runtimes.get(loop)
  if (runtime === undefined) {
    runtime = new Runtime(loop, new Log(consoleLogger))
    runtimes.set(loop, runtime)
  }
  return runtime
}
