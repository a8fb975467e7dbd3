/** The actors of one shard. Their parent is an actor of its own, so that the tree shows them, and a stop ends them all. */
import {
  Actor,
  type ActorClass,
  type ActorContext,
  child,
  type ChildSpec,
  type LocalActorRef,
} from '@tasktree/actor'
import { describe } from '@tasktree/core/lowlevel'
import { token } from '../wire/names.ts'
import type { EntityType } from './entity-type.ts'

export class ShardActors {
  readonly #type: EntityType
  #context: ActorContext | null = null

  constructor(type: EntityType) {
    this.#type = type
  }

  /** Returns the spec of the parent of the actors. The parent must run before the first actor is started. */
  spec(): ChildSpec {
    return child.actor('entities', Parent, [
      (context) => {
        this.#context = context
      },
    ])
  }

  warn(text: string, error: unknown): void {
    this.#context?.log.warn(text, error)
  }

  /**
   * Starts the actor of `key`. `prepare` is called with the actor when its constructor has returned, before its `onStart`.
   *
   * @throws what the constructor, `prepare` or `onStart` throws
   */
  async start(key: string, prepare: (actor: Actor) => void): Promise<LocalActorRef> {
    const { name, actorClass, args, capacity } = this.#type
    if (this.#context === null) throw new TypeError('the parent of the entities does not run')
    const makeArgs = (): unknown[] => {
      const made: unknown = args(key)
      if (Array.isArray(made)) return made
      throw new TypeError(
        `the option args of the entity ${name} must return a list, got ${describe(made)}`,
      )
    }
    return this.#context.spawn(prepared(actorClass, prepare), makeArgs, {
      name: token(key),
      mailbox: { capacity, overflow: 'reject' },
    })
  }
}

class Parent extends Actor {
  readonly #started: (context: ActorContext) => void

  constructor(started: (context: ActorContext) => void) {
    super()
    this.#started = started
  }

  protected override onStart(): void {
    this.#started(this.ctx)
  }
}

/** Returns a subclass of `actorClass` with the same name, whose constructor calls `prepare` at its end. */
function prepared(
  // oxlint-disable-next-line typescript/no-explicit-any -- any class of actors
  actorClass: ActorClass<Actor, any[]>,
  prepare: (actor: Actor) => void,
): ActorClass<Actor, unknown[]> {
  const made = class extends actorClass {
    constructor(...args: unknown[]) {
      super(...args)
      prepare(this)
    }
  }
  Object.defineProperty(made, 'name', { value: actorClass.name })
  return made
}
