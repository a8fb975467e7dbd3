/** Returns the error with which `promise` rejects. Throws if `promise` does not reject. */
export async function thrown(promise: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await promise
  } catch (error) {
    return error
  }
  throw new Error(`nothing was thrown, the value is ${String(value)}`)
}
