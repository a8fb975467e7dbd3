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
