import type { Actor, LocalActorRef } from '@tasktree/actor'
import { isCancelled } from '@tasktree/core'
import type { ShardActors } from './shard-actors.ts'

/** The actor of one key, which runs or does not. There is never more than one: the next one starts when the last has ended. */
export class Activation {
  readonly #actors: ShardActors
  readonly #key: string
  #current: Promise<LocalActorRef> | null = null
  #ref: LocalActorRef | null = null
  #ended: PromiseLike<unknown> | null = null
  /** Called when the actor has ended, for whatever reason. */
  onEnd: (() => void) | null = null

  constructor(actors: ShardActors, key: string) {
    this.#actors = actors
    this.#key = key
  }

  /** Returns the ref of the running actor, after starting one if there is none. @throws what the start throws */
  get(prepare: (actor: Actor) => void): Promise<LocalActorRef> {
    // The callback that tells of the end comes a turn later than the end.
    if (this.#current === null || this.#ref?.status === 'stopped') {
      this.#ref = null
      this.#current = this.#start(prepare)
    }
    return this.#current
  }

  async #start(prepare: (actor: Actor) => void): Promise<LocalActorRef> {
    try {
      await this.#ended
      const ref = await this.#actors.start(this.#key, prepare)
      this.#ref = ref
      const { whenStopped } = ref
      this.#ended = whenStopped
      whenStopped.addDoneCallback(() => {
        if (this.#ref === ref) this.#forget()
      })
      return ref
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  #forget(): void {
    this.#current = null
    this.#ref = null
    this.onEnd?.()
  }

  /** Ends the actor if it runs: after the messages that it has, or at once with `detail`, the reason that its `onStop` gets. */
  async stop(detail?: unknown): Promise<void> {
    const current = this.#current
    if (current === null) return
    let ref: LocalActorRef
    try {
      ref = await current
    } catch (error) {
      if (isCancelled(error)) throw error
      // The actor did not start; the caller of `get` has the error.
      return
    }
    await (detail === undefined ? ref.drain() : ref.stop(detail))
  }
}
