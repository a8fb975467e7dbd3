import type { Actor } from '../actors/actor.ts'
import { ReplyError } from '../errors.ts'
import type { Envelope } from './envelope.ts'

/** Handlers that stand in for the methods of the same names. */
export type Behaviour = Record<string, (...args: never[]) => unknown>

/** Calls the handler of a message: the function in `behaviour`, the actor's method, or what a message of the library does. */
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

/** Never what every object has (`toString`, `hasOwnProperty`), and never the result of a getter. */
function findMethod(actor: Actor, name: string, kind: Envelope['kind']): unknown {
  if (kind.declared) return (actor as unknown as Record<string, unknown>)[name]
  if (kind.refused) return undefined
  return Object.getOwnPropertyDescriptor(actor, name)?.value
}
