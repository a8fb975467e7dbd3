import { InvalidArgumentError } from 'commander'

/** A parser of whole numbers for an option or an argument. */
export function wholeNumber(least: number, most = 2 ** 50): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (!/^-?\d+$/.test(text) || n < least || n > most) {
      const range = most === 2 ** 50 ? `of at least ${least}` : `from ${least} to ${most}`
      throw new InvalidArgumentError(`Expected a whole number ${range}, got '${text}'.`)
    }
    return n
  }
}

export const portNumber: (text: string) => number = wholeNumber(0, 65_535)
export const milliseconds: (text: string) => number = wholeNumber(0)
export const jobId: (text: string) => number = wholeNumber(1)

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds, or a number with a unit: 500ms, 30s, 15m, 12h, 7d. */
export function duration(text: string): number {
  const [, digits = '', unit = 'ms'] = /^(\d{1,15})(ms|s|m|h|d)?$/.exec(text) ?? []
  const ms = Number(digits) * units[unit as keyof typeof units]
  if (digits === '' || ms > 2 ** 50)
    throw new InvalidArgumentError(
      `Expected milliseconds or a number with ms, s, m, h or d, as in 7d, got '${text}'.`,
    )
  return ms
}

/** A duration, or the word `forever`. */
export function durationOrForever(text: string): number {
  return text === 'forever' ? Infinity : duration(text)
}
