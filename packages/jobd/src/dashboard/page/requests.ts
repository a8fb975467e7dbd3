import { notify } from './notice.ts'

export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? ''
}

export const hasPassword = meta('jobd-password') === 'yes'
export const token = meta('jobd-token')

/** A request that has no answer after this many milliseconds has failed. */
const patience = 15_000

/** Asks the server. @throws an error with the server's message when the server refuses */
export async function get<T>(path: string): Promise<T> {
  return read<T>(await fetch(path, { signal: AbortSignal.timeout(patience) }))
}

/** Sends a change. @throws an error with the server's message when the server refuses */
export async function change<T>(path: string, body: unknown = {}): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Jobd-Token': token },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  })
  return read<T>(response)
}

/** Sends a change. When it fails, a notice shows the reason, and the result is null. */
export async function post<T>(path: string, body: unknown = {}): Promise<T | null> {
  try {
    return await change<T>(path, body)
  } catch (error) {
    notify(reasonOf(error))
    return null
  }
}

/** Returns the reason of a failed request, as the user is told it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `No answer from the server within ${patience / 1_000} s`
  // A TypeError means that the server cannot be reached. Its message is different in each browser, and not helpful.
  return error instanceof TypeError ? 'The server cannot be reached' : error.message
}

async function read<T>(response: Response): Promise<T> {
  // The server was restarted and asks for the password again.
  if (response.status === 401) location.reload()
  const text = await response.text()
  if (response.ok) return JSON.parse(text) as T
  throw new Error(errorIn(text) ?? `The server answered ${response.status} ${response.statusText}`)
}

/**
 * Returns the error message in a response; null if there is none, for example in the page of a proxy that cannot reach
 * the server.
 */
function errorIn(text: string): string | null {
  try {
    return (JSON.parse(text) as { error?: string }).error ?? null
  } catch {
    return null
  }
}
