import { InvalidArgumentError } from 'commander'
import type { LimitChange } from '../jobs/kind-limits.ts'

/** Returns a parser of whole numbers for an option or an argument. */
export function wholeNumber(least: number, most = 2 ** 50): (text: string) => number {
  return (text) => {
    const n = Number(text)
    if (!/^-?\d+$/.test(text) || n < least || n > most) {
      throw new InvalidArgumentError(
        `Expected a whole number from ${least} to ${most}, got '${text}'.`,
      )
    }
    return n
  }
}

export const portNumber: (text: string) => number = wholeNumber(0, 65_535)
export const milliseconds: (text: string) => number = wholeNumber(0)
export const jobId: (text: string) => number = wholeNumber(1)

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Reads a duration, and returns milliseconds: 500, 500ms, 30s, 15m, 12h, 7d. */
export function duration(text: string): number {
  const [, digits = '', unit = 'ms'] = /^(\d{1,15})(ms|s|m|h|d)?$/.exec(text) ?? []
  const ms = Number(digits) * units[unit as keyof typeof units]
  if (digits === '' || ms > 2 ** 50)
    throw new InvalidArgumentError(
      `Expected milliseconds or a number with ms, s, m, h or d, as in 7d, of at most ${2 ** 50} ms, got '${text}'.`,
    )
  return ms
}

/** Reads a duration, or the word `forever`. */
export function durationOrForever(text: string): number {
  return text === 'forever' ? Infinity : duration(text)
}

/** Reads a limit: 4 for concurrency; 10/s, 10/m, 10/h, 10/d, or 10/500 (10 in 500 milliseconds) for a rate. */
function parseLimit(text: string): LimitChange {
  const [, digits = '', unit] = /^(\d{1,9})(?:\/(s|m|h|d|\d{1,9}))?$/.exec(text) ?? []
  const n = Number(digits)
  if (digits === '' || n < 1)
    throw new InvalidArgumentError(
      `Expected a limit like 4, or 10/s, 10/m, 10/h, 10/d, or 10/500 for 500 ms, got '${text}'.`,
    )
  if (unit === undefined) return { concurrency: n }
  const per = unit in units ? units[unit as keyof typeof units] : Number(unit)
  return { rate: { limit: n, per } }
}

/** Reads the times of a schedule: a duration, which becomes a number of milliseconds, or a cron pattern. */
export function scheduleTimes(text: string): string | number {
  return /^\d+(ms|s|m|h|d)?$/.test(text) ? duration(text) : text
}

/** Reads kind=limit, or kind:group=limit for the jobs of one group, and adds it to the limits of all kinds. */
export function addLimit(
  text: string,
  all: Readonly<Record<string, LimitChange>>,
): Record<string, LimitChange> {
  const at = text.lastIndexOf('=')
  const name = text.slice(0, at)
  if (at < 1) throw new InvalidArgumentError(`Expected kind=limit, as in resize=4, got '${text}'.`)
  const isGroup = name.endsWith(':group')
  const kind = isGroup ? name.slice(0, -':group'.length) : name
  const { concurrency, rate } = parseLimit(text.slice(at + 1))
  const change: LimitChange = isGroup
    ? {
        ...(concurrency === undefined ? {} : { groupConcurrency: concurrency }),
        ...(rate === undefined ? {} : { groupRate: rate }),
      }
    : {
        ...(concurrency === undefined ? {} : { concurrency }),
        ...(rate === undefined ? {} : { rate }),
      }
  return { ...all, [kind]: { ...all[kind], ...change } }
}
