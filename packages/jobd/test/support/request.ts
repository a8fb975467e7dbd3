import { once } from 'node:events'
import { type IncomingMessage, request as httpRequest } from 'node:http'

export interface Answer {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

export interface RequestOptions {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/**
 * Sends a request on a new connection, and returns the response before its body is read. It does not use `fetch`, because `fetch`
 * does not send a Host header of the caller.
 */
export async function open(url: string, options: RequestOptions = {}): Promise<IncomingMessage> {
  const { method = 'GET', headers = {}, body } = options
  const request = httpRequest(url, { method, headers, agent: false })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return response
}

export async function send(url: string, options: RequestOptions = {}): Promise<Answer> {
  const response = await open(url, options)
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** Returns the headers that an open page of the server would send with its requests. */
export async function pageHeaders(page: string, cookie = ''): Promise<Record<string, string>> {
  const { text } = await send(page, { headers: cookie === '' ? {} : { cookie } })
  const token = /name="jobd-token" content="([^"]+)"/.exec(text)?.[1] ?? ''
  return {
    Origin: new URL(page).origin,
    'X-Jobd-Token': token,
    'Content-Type': 'application/json',
    ...(cookie === '' ? {} : { cookie }),
  }
}
