/** What a promise came to, as a value: `{ value }`, or `{ error }` with the error's name. */
export async function outcome(
  promise: PromiseLike<unknown>,
): Promise<{ value: unknown } | { error: string }> {
  try {
    return { value: await promise }
  } catch (error) {
    return { error: error instanceof Error ? error.name : String(error) }
  }
}
