/**
 * The functions of this file find a child by its name or path, and check that the child has the class that the caller
 * expects.
 */
import { describe } from '@tasktree/core/lowlevel'
import type { Runtime } from '../runtime/runtime.ts'
import type { Child } from './child.ts'
import type { ChildRef } from './child-ref.ts'

/** An actor class, or the class of a ref, such as SupervisorRef. */
export type LookupClass = abstract new (...args: never[]) => unknown

/** The arguments of `lookup`: a path or a name, with or without a class before it. */
export type LookupArguments = [expected: LookupClass, pathOrName: string] | [pathOrName: string]

/**
 * Returns the ref under a registered name of `runtime`, or at a path. Returns null when no ref has that name or path.
 *
 * @throws {TypeError} when the ref that was found has another class than the caller expects
 */
export function lookup(runtime: Runtime, args: LookupArguments): ChildRef | null {
  const [expected, pathOrName] = args.length === 1 ? [null, args[0]] : args
  if (typeof pathOrName !== 'string') {
    throw new TypeError(`lookup takes a path or a name, got ${describe(pathOrName)}`)
  }
  if (expected !== null && typeof expected !== 'function') {
    throw new TypeError(`lookup takes a class before the path, got ${describe(expected)}`)
  }
  const ref = runtime.registry.lookup(pathOrName) ?? runtime.find(partsOf(pathOrName))?.ref ?? null
  return expected === null ? ref : checkClass(ref, expected)
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '')
}

/** Returns the child at the path `parts`, which is relative to `from`. Returns null when no child has that path. */
export function descend(from: Child | null, parts: readonly string[]): Child | null {
  let child = from
  for (const part of parts) child = child?.childWithId(part) ?? null
  return child
}

/**
 * Returns `ref` if `expected` is its class, or the class of the actor at `ref`. Returns null if `ref` is null.
 * @throws {TypeError} when neither the class of `ref` nor the class of its actor is `expected`
 */
export function checkClass(ref: ChildRef | null, expected: LookupClass): ChildRef | null {
  if (ref === null || ref instanceof expected) return ref
  const { spec } = ref.target
  const found = spec.kind === 'actor' ? spec.actorClass : null
  if (found !== null && (found === expected || found.prototype instanceof expected)) return ref
  const what = found === null ? `the child of kind ${ref.kind}` : `an actor of class ${found.name}`
  throw new TypeError(`at ${ref.path} is ${what}, not ${expected.name}`)
}
