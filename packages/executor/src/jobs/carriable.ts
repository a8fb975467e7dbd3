/**
 * Checks values before they are sent to a worker or back, and refuses a value whose copy would silently be empty.
 * Node's own classes keep their data in private fields: structured clone turns an AbortSignal into `{}`, and `node:v8`
 * does the same to a URL or a Blob.
 *
 * The engine offers no hook for this check, so the code walks through the values before they are copied. For a job with
 * primitive arguments the walk costs nothing that can be measured, and for a tree of objects a fraction of the cost of
 * its copy.
 */
import { types } from 'node:util'
import type { Transferable } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'
import { entriesOf, isDenseArray, itemsOf } from './containers.ts'

export type Medium = 'thread' | 'process'

/** Classes whose objects arrive empty in another thread. A class that a runtime lacks is skipped. */
const hollowInThreads = [
  'AbortController',
  'CompressionStream',
  'DecompressionStream',
  'Event',
  'EventTarget',
  'FormData',
  'Headers',
  'Request',
  'Response',
  'TextDecoder',
  'TextDecoderStream',
  'TextEncoder',
  'TextEncoderStream',
  'URL',
  'URLPattern',
  'URLSearchParams',
]

/**
 * Classes whose objects arrive empty in another process: the classes of `hollowInThreads`, and five more. Between
 * threads, the engine itself copies or refuses the objects of these five classes.
 */
const hollowInProcesses = [
  ...hollowInThreads,
  'Blob',
  'CryptoKey',
  'ReadableStream',
  'TransformStream',
  'WritableStream',
]

/**
 * For each prototype that a check has met: whether objects with this prototype are refused. One map is for objects that
 * are sent to threads, and one is for objects that are sent to processes.
 */
const verdicts: Record<Medium, WeakMap<object, boolean>> = {
  thread: new WeakMap(),
  process: new WeakMap(),
}

function isHollow(prototype: object, medium: Medium): boolean {
  let verdict = verdicts[medium].get(prototype)
  if (verdict === undefined) {
    verdict = inheritsHollow(prototype, medium)
    verdicts[medium].set(prototype, verdict)
  }
  return verdict
}

function inheritsHollow(prototype: object, medium: Medium): boolean {
  const names = medium === 'thread' ? hollowInThreads : hollowInProcesses
  const hollow = new Set(names.map((name) => prototypeOf((globalThis as Names)[name])))
  const { WebAssembly } = globalThis as { WebAssembly?: { Module: unknown } }
  if (medium === 'process') hollow.add(prototypeOf(WebAssembly?.Module))
  for (let each: object | null = prototype; each !== null; each = Object.getPrototypeOf(each)) {
    if (hollow.has(each)) return true
    if (medium === 'process' && Object.getOwnPropertySymbols(each).some(isCloneHook)) return true
  }
  return false
}

/**
 * If an array has at most this many items, the check first looks whether any item is an object. If none is, the check
 * ends there, because this is cheaper than the full walk through the values.
 */
const longestShort = 8

function holdsPrimitives(list: readonly unknown[]): boolean {
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    if (typeof item === 'object' && item !== null) return false
  }
  return true
}

/**
 * Whether the symbol names the method with which classes of Node, such as BlockList, copy themselves to another thread.
 * `node:v8` ignores that method.
 */
function isCloneHook({ description }: symbol): boolean {
  return description === 'messaging_clone_symbol'
}

type Names = Record<string, unknown>

function prototypeOf(type: unknown): object | undefined {
  return typeof type === 'function' ? (type.prototype as object) : undefined
}

/**
 * Walks through everything that a copy of `value` would contain, except the objects in `moved`.
 *
 * @throws {TypeError} when an object in `value` would arrive empty
 * @throws whatever reading `value` throws
 */
export function assertCarriable(
  value: unknown,
  medium: Medium,
  moved: readonly Transferable[] = [],
): void {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value) && value.length <= longestShort && holdsPrimitives(value)) return
  const seen = new Set<unknown>(moved)
  const waiting: object[] = [value]
  const visit = (part: unknown): void => {
    if (typeof part === 'object' && part !== null && !seen.has(part)) waiting.push(part)
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    if (isDenseArray(next)) {
      for (let i = 0; i < next.length; i++) visit(next[i])
      continue
    }
    const prototype = Object.getPrototypeOf(next) as object | null
    if (prototype !== null && prototype !== Object.prototype) {
      if (ArrayBuffer.isView(next)) continue
      const entries = entriesOf(next)
      if (entries !== null) {
        for (const [key, item] of entries) {
          visit(key)
          visit(item)
        }
        continue
      }
      const items = itemsOf(next)
      if (items !== null) {
        for (const item of items) visit(item)
        continue
      }
      if (types.isNativeError(next)) {
        // The copy of an error contains no objects except the copy of its `cause`.
        visit(next.cause)
        continue
      }
      if (isHollow(prototype, medium)) {
        throw new TypeError(`${describe(next)} could not be cloned: its copy would be empty`)
      }
    }
    for (const key of Object.keys(next)) visit((next as Names)[key])
  }
}
