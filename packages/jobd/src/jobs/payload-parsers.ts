/** Returns a parser that accepts every text that is not empty. It throws a RangeError for an empty text. */
export function parseText(what: string): (payload: string) => string {
  return (payload) => {
    if (payload.trim() === '') throw new RangeError(`expected ${what}, got an empty payload`)
    return payload
  }
}

/** Returns a parser of whole numbers from 0 to `most`. It throws a RangeError for anything else. */
export function parseWholeNumber(what: string, most: number): (payload: string) => number {
  return (payload) => {
    const n = Number(payload)
    if (!/^\d+$/.test(payload) || n > most)
      throw new RangeError(
        `expected ${what} from 0 to ${most}, got ${JSON.stringify(payload.slice(0, 64))}`,
      )
    return n
  }
}
