import { notify } from './notice.ts'

function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? ''
}

export const hasPassword = meta('jobd-password') === 'yes'
const token = meta('jobd-token')

/** Asks the server. @throws what it answers */
export async function get<T>(path: string): Promise<T> {
  return read<T>(await fetch(path))
}

/** Changes something; what goes wrong is shown. Null then. */
export async function post<T>(path: string, body: unknown = {}): Promise<T | null> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Jobd-Token': token },
      body: JSON.stringify(body),
    })
    return await read<T>(response)
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error))
    return null
  }
}

async function read<T>(response: Response): Promise<T> {
  // The password is asked for again: the server was started anew.
  if (response.status === 401) location.reload()
  const value: unknown = await response.json()
  if (!response.ok) throw new Error((value as { error: string }).error)
  return value as T
}
