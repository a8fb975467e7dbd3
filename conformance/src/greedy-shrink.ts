/**
 * The code that the shrinkers of all kinds of programs share. A shrinker searches for a smaller program that still fails. Each
 * shrinker knows the statements of its kind of program, and lists the programs that are a little smaller than a given program.
 */

/**
 * Replaces the program by the first of its `smallerPrograms` that still fails, until none of them fails. The search is greedy,
 * so the result may not be the smallest failing program.
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

/** Yields copies of the block from which a part is removed: first the whole, then each half, each quarter, … each statement. */
export function* withoutParts<S>(block: readonly S[]): Generator<S[]> {
  for (let size = block.length; size > 0; size = Math.floor(size / 2)) {
    for (let start = 0; start < block.length; start += size) yield block.toSpliced(start, size)
  }
}

/** A `try` statement: its name, its body, the kind of errors that it catches, the handler of these errors, and its `finally`. */
type Try<S, C> = ['try', S[], C | null, S[], S[] | null]

/** Yields the statements that may replace a `try`: its body, its handler, or a `try` whose blocks contain less. */
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
