/**
 * What the shrinkers of all kinds of programs share. Each of them knows its own statements, and says which programs are a
 * little smaller than a program.
 */

/**
 * Makes a program smaller for as long as one of `smallerPrograms` still fails. It is greedy, so the result may not be the
 * smallest program.
 */
export async function shrinkGreedily<P>(
  program: P,
  smallerPrograms: (program: P) => Iterable<P>,
  stillFails: (candidate: P) => Promise<boolean>,
): Promise<P> {
  let smallest = program
  for (let found = true; found;) {
    found = false
    for (const candidate of smallerPrograms(smallest)) {
      if (!(await stillFails(candidate))) continue
      smallest = candidate
      found = true
      break
    }
  }
  return smallest
}

/** The block without its halves, quarters, … and single statements. */
export function* withoutParts<S>(block: readonly S[]): Generator<S[]> {
  for (let size = block.length; size > 0; size = Math.floor(size / 2)) {
    for (let start = 0; start < block.length; start += size) yield block.toSpliced(start, size)
  }
}

/** A statement with a body, the errors that it catches, the handler of these, and a `finally`. */
type Try<S, C> = ['try', S[], C | null, S[], S[] | null]

/** What may stand in the place of a `try`: its blocks, or the `try` with less in it. */
export function* smallerTries<S, C>(
  [name, body, catches, handler, final]: Try<S, C>,
  smallerBlocks: (block: readonly S[]) => Iterable<S[]>,
): Generator<(S | Try<S, C>)[]> {
  yield body
  yield handler
  if (final !== null) yield [...body, ...final]
  if (final !== null && catches !== null) {
    yield [[name, body, null, [], final]]
    yield [[name, body, catches, handler, null]]
  }
  for (const smaller of smallerBlocks(body)) yield [[name, smaller, catches, handler, final]]
  for (const smaller of smallerBlocks(handler)) yield [[name, body, catches, smaller, final]]
  if (final === null) return
  for (const smaller of smallerBlocks(final)) yield [[name, body, catches, handler, smaller]]
}
