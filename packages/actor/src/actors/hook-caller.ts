import { isThenable } from '@tasktree/core/lowlevel'
import { AbandonableWait, inTask } from '../children/abandonable-wait.ts'
import { internalEnvelope } from '../messages/envelope.ts'
import { HandlerFlow, runInFlow } from '../messages/handler-flow.ts'
import type { Hooks } from './actor.ts'
import type { ActorIncarnation } from './actor-incarnation.ts'

/**
 * Calls the hooks `onStart` and `onStop` of one incarnation, and waits until they have finished. A kill ends this wait
 * even if the code of the hook still runs.
 */
export class HookCaller {
  readonly #incarnation: ActorIncarnation
  readonly #wait = new AbandonableWait()
  /**
   * The name of the hook that `#wait` waits for. If the actor is killed during the wait, the hook goes on, and a warning
   * in the log names the hook. Null while `#wait` waits for no hook.
   */
  #waitsFor: string | null = null
  /** The HandlerFlow (one run of a handler or hook) of the hook that runs now; otherwise null. */
  flow: HandlerFlow | null = null

  constructor(incarnation: ActorIncarnation) {
    this.#incarnation = incarnation
  }

  /** Calls a hook of the actor, if the actor has this hook, and waits until the hook has finished. */
  async call(name: 'onStart' | 'onStop', call: (hooks: Hooks) => unknown): Promise<void> {
    const incarnation = this.#incarnation
    const hooks = incarnation.hooks()
    if (hooks?.[name] === undefined) return
    const envelope = internalEnvelope(name, () => call(hooks))
    const flow = new HandlerFlow(incarnation, envelope, incarnation.task, performance.now())
    this.flow = flow
    try {
      const result = runInFlow(flow, () => call(hooks))
      if (isThenable(result))
        await this.#settle(
          name,
          runInFlow(flow, () => inTask(result)),
        )
    } finally {
      flow.end()
      this.flow = null
    }
  }

  /**
   * Waits for `promise`, which the hook `name` has returned. A kill ends this wait: the method then throws `abandoned`.
   * A cancel of the task does not end this wait; the cancel reaches the future that the hook awaits.
   */
  async #settle(name: string, promise: PromiseLike<unknown>): Promise<unknown> {
    this.#waitsFor = name
    try {
      return await this.#wait.begin(promise)
    } finally {
      this.#wait.end()
      this.#waitsFor = null
    }
  }

  /**
   * Called after a kill. Ends the wait for a hook. Returns the name of the hook and the promise that it has returned,
   * because its code may still run. Returns null if there was no wait.
   */
  abandon(): { readonly name: string; readonly promise: PromiseLike<unknown> } | null {
    const name = this.#waitsFor
    const promise = this.#wait.abandon()
    return promise === null || name === null ? null : { name, promise }
  }
}
