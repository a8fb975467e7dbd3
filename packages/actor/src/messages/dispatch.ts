import type { Actor } from '../actors/actor.ts'
import { ReplyError } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Handlers that stand in for the methods of the same names. */
export type Behaviour = Record<string, (...args: never[]) => unknown>

/** Calls the method that a message names, or does what the message brings with it. */
export function dispatch(
  actor: Actor,
  behaviour: Behaviour | null,
  envelope: Envelope,
  path: string,
): unknown {
  const { type, args, action } = envelope
  if (action !== null) return action()
  const method = behaviour?.[type] ?? (actor as unknown as Record<string, unknown>)[type]
  if (typeof method !== 'function') throw new ReplyError(`${path} has no method ${type}`)
  return Reflect.apply(method, actor, args)
}
