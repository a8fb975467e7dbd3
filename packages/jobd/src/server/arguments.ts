/** A command that a client has used wrongly. The client gets an error reply with `code` before the message. */
export class CommandError extends Error {
  override readonly name: string = 'CommandError'
  readonly code: string

  constructor(message: string, code = 'ERR') {
    super(message)
    this.code = code
  }
}

/**
 * The largest number in a command. As milliseconds it is about 35,700 years, and its sum with a date is still an exact
 * integer.
 */
export const largest: number = 2 ** 50

/**
 * Reads a whole number from `least` to `most`. `most` must not be above `largest`, because a number that does not fit
 * into an integer of the jobs' file would crash the store.
 *
 * @throws {CommandError} when `text` is not such a number
 */
export function parseNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number = largest,
): number {
  const n = Number(text)
  if (text === undefined || !/^-?\d{1,16}$/.test(text) || n < least || n > most)
    throw new CommandError(
      `${name} must be a whole number from ${least} to ${most}, got '${(text ?? '').slice(0, 64)}'`,
    )
  return n
}

/**
 * Reads options, which are names and values in turn. Each name may occur once.
 *
 * @throws {CommandError} for a name that is not in `names` or occurs twice, and for a name without a value
 */
export function parseOptions(
  words: readonly string[],
  names: readonly string[],
): Map<string, string> {
  const options = new Map<string, string>()
  for (let i = 0; i < words.length; i += 2) {
    const name = (words[i] as string).toUpperCase()
    const value = words[i + 1]
    if (!names.includes(name)) throw new CommandError(`syntax error: there are ${names.join(', ')}`)
    if (options.has(name)) throw new CommandError(`syntax error: ${name} twice`)
    if (value === undefined) throw new CommandError(`syntax error: ${name} has no value`)
    options.set(name, value)
  }
  return options
}
