import { describe } from '@tasktree/core/lowlevel'
import { entriesOf, isDenseArray, itemsOf } from './containers.ts'

/**
 * How many levels `explainUncloneable` descends. At each level it copies everything below that level, so without this
 * limit a value with thousands of levels would take seconds.
 */
const deepest = 50

/**
 * Explains why `root` cannot be sent: returns the path to the first value in it that `send` refuses, and a description
 * of that value. The search looks where structured clone looks: own properties, and the contents of arrays, maps and
 * sets. `thrown` is the error that sending `root` threw. This function never throws, even if reading the values throws.
 */
export function explainUncloneable(
  root: unknown,
  name: string,
  send: (value: unknown) => void,
  thrown: unknown,
): string {
  const seen = new Set<unknown>([root])
  let current = root
  let path = name
  let reason = thrown
  for (let level = 0; level < deepest; level++) {
    const found = findPart(current, seen, send)
    if (found === null) break
    seen.add(found.value)
    path += found.step
    current = found.value
    reason = found.thrown
    if (found.isUnreadable) return `${path} cannot be read: ${sayWhy(reason)}`
    // A value that is nested too deeply has no part that is wrong, so the path to it would tell nothing.
    if (isTooDeep(reason)) break
  }
  if (isTooDeep(reason)) return `${name} is nested too deeply (${sayWhy(reason)})`
  return `${path} is ${show(current)}, which cannot be cloned: ${sayWhy(reason)}`
}

interface Part {
  readonly step: string
  readonly value: unknown
  readonly thrown: unknown
  /** True when a getter or a proxy threw, so that there is no value to search. */
  readonly isUnreadable: boolean
}

function findPart(
  whole: unknown,
  seen: ReadonlySet<unknown>,
  send: (value: unknown) => void,
): Part | null {
  try {
    for (const [step, read] of listParts(whole)) {
      let value: unknown
      try {
        value = read()
      } catch (thrown) {
        return { step, value: undefined, thrown, isUnreadable: true }
      }
      if (seen.has(value)) continue
      try {
        send(value)
      } catch (thrown) {
        return { step, value, thrown, isUnreadable: false }
      }
    }
  } catch {
    // The parts cannot be listed, because the object is a revoked proxy or has a proxy trap that throws.
  }
  return null
}

function* listParts(whole: unknown): Generator<[step: string, read: () => unknown]> {
  if (typeof whole !== 'object' || whole === null || ArrayBuffer.isView(whole)) return
  const entries = entriesOf(whole)
  const items = itemsOf(whole)
  if (isDenseArray(whole)) {
    for (let i = 0; i < whole.length; i++) yield [`[${i}]`, () => whole[i]]
  } else if (entries !== null) {
    for (const [key, item] of entries) {
      yield [` key ${show(key)}`, () => key]
      const shown = typeof key === 'string' ? JSON.stringify(key) : show(key)
      yield [`.get(${shown})`, () => item]
    }
  } else if (items !== null) {
    for (const item of items) yield [' item', () => item]
  } else {
    for (const key of Object.keys(whole)) {
      const isName = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
      const step = isName ? `.${key}` : `[${JSON.stringify(key)}]`
      yield [step, () => (whole as Record<string, unknown>)[key]]
    }
  }
}

function isTooDeep(thrown: unknown): boolean {
  return sayWhy(thrown).includes('call stack')
}

/** Describes any value in a few words, even a function whose name cannot be read. */
export function show(value: unknown): string {
  try {
    return describe(value)
  } catch {
    return 'a function that cannot be inspected'
  }
}

/** Returns the message of any thrown value, even if reading the value throws. */
export function sayWhy(thrown: unknown): string {
  try {
    if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
      return String(thrown.message)
    }
  } catch {
    // Reading the message threw, so the value is described without looking into it.
  }
  return `${show(thrown)} was thrown`
}
