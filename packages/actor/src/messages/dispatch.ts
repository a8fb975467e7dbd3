import type { Actor } from '../actors/actor.ts'
import { ReplyError } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Functions that replace the methods of the same names: see `ctx.become`. */
export type Behaviour = Record<string, (...args: never[]) => unknown>

/**
 * Handles a message: calls the function in `behaviour`, the method of the actor, or the action of a library message.
 * Returns the result of the call.
 */
export function dispatch(
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
 * Returns the method for a message; undefined when there is no such method. Members that every object has (`toString`,
 * `hasOwnProperty`) and getters are not methods.
 */
function findMethod(actor: Actor, name: string, kind: Envelope['kind']): unknown {
  if (kind.declared) return (actor as unknown as Record<string, unknown>)[name]
  if (kind.refused) return undefined
  return Object.getOwnPropertyDescriptor(actor, name)?.value
}
