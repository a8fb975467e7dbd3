/** Gives the payload as it is, unless it is empty. @throws {RangeError} for an empty one */
export function parseText(what: string): (payload: string) => string {
  return (payload) => {
    if (payload.trim() === '') throw new RangeError(`expected ${what}, got an empty payload`)
    return payload
  }
}

/** Reads a whole number from 0 to `most`. @throws {RangeError} for anything else */
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
