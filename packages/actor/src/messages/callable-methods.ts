import type { Actor } from '../actors/actor.ts'

export type AnyActorClass = abstract new (...args: never[]) => Actor

/** The names of the members that every actor has, and that no message can call. */
const reserved: ReadonlySet<string> = new Set([
  'constructor',
  'ctx',
  'onStart',
  'onStop',
  'onDown',
  'onUndelivered',
])

/**
 * Returns whether messages cannot call the method `name`, because every actor has it, or because `hidden`, a list of the
 * actor's class, names it.
 */
export function isRefused(name: string, hidden: ReadonlySet<string>): boolean {
  return reserved.has(name) || hidden.has(name)
}

/**
 * Returns the names of the methods of a class and its base classes. Leaves out a method that a subclass overrides with
 * a getter.
 */
export function methodsOf(actorClass: AnyActorClass): string[] {
  const found = new Map<string, unknown>()
  for (
    let level: unknown = actorClass.prototype;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (!found.has(name)) found.set(name, property.value)
    }
  }
  return [...found].filter(([, method]) => typeof method === 'function').map(([name]) => name)
}
