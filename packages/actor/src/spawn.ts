import type { Actor, ActorClass } from './actor.ts'
import type { ActorRef } from './actor-ref.ts'
import { type ActorSpec, type Rest, spawnedSpec } from './child-spec.ts'
import { type Home, looseHome } from './home.ts'
import type { MailboxOptions } from './mailbox.ts'
import { Nursery } from './nursery.ts'

export interface SpawnOptions {
  /** @defaultValue the class's name, numbered */
  name?: string
  mailbox?: MailboxOptions
}

const nurseries = new WeakMap<Home, Nursery>()

/**
 * Starts an actor outside of any system: nobody starts it again. Settles when its `onStart` has. It is
 * a task like any other: when `run` ends it is stopped.
 *
 * @throws {TypeError} {@link RangeError} for wrong arguments
 * @throws what its constructor or `onStart` throws
 * @throws {AlreadyStarted} when an actor of that name runs
 */
export function spawn<A extends Actor, P extends unknown[]>(
  actorClass: ActorClass<A, P>,
  ...rest: Rest<P, SpawnOptions>
): Promise<ActorRef<A>> {
  const home = looseHome()
  return start(
    home,
    spawnedSpec(actorClass, rest, (className) => home.makeName(className)),
  )
}

async function start<A extends Actor>(home: Home, spec: ActorSpec<A>): Promise<ActorRef<A>> {
  let nursery = nurseries.get(home)
  if (nursery === undefined) {
    nursery = new Nursery('', null, home)
    nurseries.set(home, nursery)
  }
  const slot = await nursery.start(spec)
  if (slot === null) throw new TypeError(`${spec.id} said in onStart that it is not needed`)
  return slot.ref as unknown as ActorRef<A>
}
