/** What an awaitable rejects with. @throws when it does not reject */
export async function rejection(awaitable: PromiseLike<unknown>): Promise<unknown> {
  let value: unknown
  try {
    value = await awaitable
  } catch (error) {
    return error
  }
  throw new Error(`it did not reject, it gave ${String(value)}`)
}
