import { expect, test } from 'vitest'

const notNumbers: readonly unknown[] = ['5', true, {}]

type Kind = 'count' | 'duration' | 'delay' | 'flag' | 'text' | 'list' | 'record' | 'fn' | 'other'

/** For each kind of option, some values that an option of this kind must refuse. */
const wrongValues: Record<Kind, readonly unknown[]> = {
  /** A whole number of at least 0 or 1. */
  count: [-1, 0.5, NaN, ...notNumbers],
  /** A number of milliseconds of at least 0. */
  duration: [-1, NaN, ...notNumbers],
  /** A number of milliseconds, where a negative one counts as 0. */
  delay: [NaN, ...notNumbers],
  flag: ['yes', 0, {}],
  text: [5, {}],
  list: [5, 'x', {}],
  record: [5, 'x', null],
  fn: [5, 'x', {}],
  /** An object of one class, or one of a few words. */
  other: [5, 'x', {}],
}

/** A function that calls something with options, the kind of each option, and the options that the call always needs. */
export type Taking = [
  call: (options: never) => unknown,
  kinds: Record<string, Kind>,
  given?: object,
]

/**
 * Tests that each call throws at once, with a TypeError or a RangeError that says what it got. The call gets options that are
 * not an object, and each option with each value that is not of the option's kind.
 */
export function refusesWrongOptions(calls: Record<string, Taking>): void {
  test.each(Object.entries(calls))('%s refuses wrong options at once', (_name, taking) => {
    const [call, kinds, given] = taking
    const accepted: string[] = []
    const tryWith = (options: unknown, what: string): void => {
      try {
        const result = call(options as never)
        // The call was accepted, which this test reports below. A later failure of its promise must not end the test.
        if (result instanceof Object && 'catch' in result)
          void (result as Promise<unknown>).catch(() => {})
        accepted.push(what)
      } catch (error) {
        if (!(error instanceof TypeError) && !(error instanceof RangeError)) throw error
        if (!error.message.includes('got ')) accepted.push(`${what} (${error.message})`)
      }
    }
    for (const options of [5, 'x', null]) tryWith(options, `options ${String(options)}`)
    for (const [option, kind] of Object.entries(kinds)) {
      for (const value of wrongValues[kind]) {
        tryWith({ ...given, [option]: value }, `${option}: ${JSON.stringify(value)}`)
      }
    }
    expect(accepted).toEqual([])
  })
}
