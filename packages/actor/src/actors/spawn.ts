import type { Actor, ActorClass } from './actor.ts'
import type { LocalActorRef } from './local-actor-ref.ts'
import { type ActorSpec, type Rest, spawnedSpec } from '../children/child-spec.ts'
import { descend } from '../children/lookup.ts'
import { type Runtime, runtimeOfLoop } from '../runtime/runtime.ts'
import type { MailboxOptions } from '../messages/mailbox.ts'
import { UnsupervisedChildren } from '../children/unsupervised-children.ts'

export interface SpawnOptions {
  /** The last part of the actor's path. @defaultValue the name of the class, with a number */
  name?: string
  mailbox?: MailboxOptions
}

const spawned = new WeakMap<Runtime, UnsupervisedChildren>()

/**
 * Starts an actor that belongs to no ActorSystem. The actor is not restarted when it ends. The promise settles when the
 * hook `onStart` has finished. Like every task, the actor is cancelled when `run` ends.
 *
 * @throws {TypeError} for wrong arguments
 * @throws {RangeError} for arguments whose value is out of range
 * @throws the error that the constructor or `onStart` of the actor throws
 * @throws {AlreadyStarted} when an actor of that name runs
 *
 * @example
 *     class Greeter extends Actor {
 *       #greeting: string
 *       constructor(greeting: string) {
 *         super()
 *         this.#greeting = greeting
 *       }
 *       greet(name: string): string {
 *         return `${this.#greeting}, ${name}`
 *       }
 *     }
 *     const greeter = await spawn(Greeter, ['hello'], { name: 'greeter' })
 *     console.log(await greeter.ask.greet('Ada')) // hello, Ada
 *     await greeter.stop()
 */
export function spawn<A extends Actor, P extends unknown[]>(
  actorClass: ActorClass<A, P>,
  ...rest: Rest<P, SpawnOptions>
): Promise<LocalActorRef<A>> {
  const runtime = runtimeOfLoop()
  return start(
    runtime,
    spawnedSpec(actorClass, rest, (className) => runtime.makeName(className)),
  )
}

async function start<A extends Actor>(
  runtime: Runtime,
  spec: ActorSpec<A>,
): Promise<LocalActorRef<A>> {
  let ownChildren = spawned.get(runtime)
  if (ownChildren === undefined) {
    const top = new UnsupervisedChildren('', null, runtime)
    ownChildren = top
    spawned.set(runtime, top)
    runtime.find = ([name, ...rest]) => (name === undefined ? null : descend(top.find(name), rest))
  }
  const child = await ownChildren.start(spec)
  if (child === null) throw new TypeError(`${spec.id} said in onStart that it is not needed`)
  return child.ref as unknown as LocalActorRef<A>
}
