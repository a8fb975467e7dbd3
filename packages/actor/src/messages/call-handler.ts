import type { Actor } from '../actors/actor.ts'
import { ReplyError } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Functions that handle messages in place of the methods of the same names. An actor passes them to `ctx.become`. */
export type Behaviour = Record<string, (...args: never[]) => unknown>

/**
 * Calls the handler of a message, and returns what the handler returned. For a message that this package itself has
 * made, such as a timer's tick, the handler is `envelope.action`. For any other message, the handler is the function in
 * `behaviour` with the name of the message, or else the method of the actor with that name.
 */
export function callHandler(
  actor: Actor,
  behaviour: Behaviour | null,
  envelope: Envelope,
  path: string,
): unknown {
  const { kind, args, action } = envelope
  if (action !== null) return action()
  const { name } = kind
  const handler =
    behaviour !== null && Object.hasOwn(behaviour, name) && !kind.refused
      ? behaviour[name]
      : findMethod(actor, name, kind)
  if (typeof handler !== 'function') throw new ReplyError(`${path} has no method ${name}`)
  return Reflect.apply(handler, actor, args)
}

/**
 * Returns the method of the actor that handles a message called `name`; undefined when there is no such method. Members
 * that every object has (`toString`, `hasOwnProperty`) and getters are not methods.
 */
function findMethod(actor: Actor, name: string, kind: Envelope['kind']): unknown {
  if (kind.declared) return (actor as unknown as Record<string, unknown>)[name]
  if (kind.refused) return undefined
  return Object.getOwnPropertyDescriptor(actor, name)?.value
}
