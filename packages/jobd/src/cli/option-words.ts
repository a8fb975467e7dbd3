/** Returns the given options in the form of words of the protocol. */
export function wordsOf<O extends object>(
  options: O,
  names: readonly (keyof O & string)[],
): (string | number)[] {
  return names.flatMap((name) => {
    const value = options[name] as string | number | undefined
    return value === undefined ? [] : [name.toUpperCase(), value]
  })
}
