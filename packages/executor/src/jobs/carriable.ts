/**
 * Finds values that a copy would empty without a word. Node's own classes keep their data in private fields:
 * structured clone turns an AbortSignal, and `node:v8` a URL or a Blob, into `{}`. Such a value is refused.
 *
 * The engine offers no hook for this, so the values are walked before they are copied. A walk costs a job with
 * primitive arguments nothing that can be measured, and a tree of objects a fraction of its copy.
 */
import type { Transferable } from 'node:worker_threads'
import { describe } from '@tasktree/core/lowlevel'

export type Medium = 'thread' | 'process'

/** Classes that no copy carries. Where a runtime lacks one of them, nothing needs refusing. */
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

/** Classes that a copy for another thread carries, or refuses by itself, and one for another process empties. */
const hollowInProcesses = [
  ...hollowInThreads,
  'Blob',
  'CryptoKey',
  'ReadableStream',
  'TransformStream',
  'WritableStream',
]

/** Longer arrays are sparse, and their items are listed by their keys: counting through the holes takes seconds. */
const longestDense = 2 ** 25

/** For each prototype that was met: whether its objects are refused. */
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

/** Arrays of up to this many items are looked through before the walk with its bookkeeping begins. */
const longestShort = 8

function holdsPrimitives(list: readonly unknown[]): boolean {
  for (let i = 0; i < list.length; i++) {
    const item = list[i]
    if (typeof item === 'object' && item !== null) return false
  }
  return true
}

/** Node's own classes, such as BlockList, have such a method to be copied for another thread. `node:v8` ignores it. */
function isCloneHook({ description }: symbol): boolean {
  return description === 'messaging_clone_symbol'
}

type Names = Record<string, unknown>

function prototypeOf(type: unknown): object | undefined {
  return typeof type === 'function' ? (type.prototype as object) : undefined
}

/**
 * Looks at everything that a copy of `value` would contain, except what `moved` lists.
 *
 * @throws {TypeError} when something in it would arrive empty
 * @throws what `value` throws while it is read
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
    if (Array.isArray(next) && next.length <= longestDense) {
      for (let i = 0; i < next.length; i++) visit(next[i])
      continue
    }
    const prototype = Object.getPrototypeOf(next) as object | null
    if (prototype !== null && prototype !== Object.prototype) {
      if (ArrayBuffer.isView(next)) continue
      if (next instanceof Map) {
        for (const [key, item] of next) {
          visit(key)
          visit(item)
        }
        continue
      }
      if (next instanceof Set) {
        for (const item of next) visit(item)
        continue
      }
      if (next instanceof Error) {
        // Of an error the engine copies nothing else that could hold an object.
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
