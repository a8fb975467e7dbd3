import { currentTask } from '@tasktree/core'
import { describe } from '@tasktree/core/lowlevel'
import { AsyncLocalStorage } from 'node:async_hooks'
import { FrameworkExchange } from './framework-exchange.ts'

/** An event that an `EventSource` of a browser receives. */
export interface ServerSentEvent {
  /** The text of the event; it may have several lines. */
  data?: string | undefined
  /** The name that listeners have registered for. @defaultValue 'message' */
  event?: string | undefined
  /** The id of the event. A client that connects again sends the last id that it got, as `Last-Event-ID`. */
  id?: string | undefined
  /** How many milliseconds a client waits before it connects again. */
  retry?: number | undefined
  /** A line that clients ignore, which keeps the connection alive. */
  comment?: string | undefined
}

const encoder = new TextEncoder()
const lineEnd = /\r\n|\r|\n/

/**
 * Returns a response that sends each of `events`, and ends after the last one. When the client leaves, the wait of the
 * source is cancelled, and its `finally` blocks run. The source is asked for its next event only when the client has taken
 * the previous event.
 *
 * @throws {TypeError} when `events` cannot be iterated
 *
 * @example
 *     async function* prices() {
 *       for (const price of [7, 8]) yield { event: 'price', data: String(price) }
 *     }
 *     await using server = await serve(() => sse(prices()))
 *     const body = await (await fetch(server.url)).text()
 *     console.log(body.split('\n\n')[1]?.split('\n')) // [ 'event: price', 'data: 8' ]
 */
export function sse(events: AsyncIterable<ServerSentEvent>): Response {
  if (typeof events !== 'object' || events === null || !(Symbol.asyncIterator in events)) {
    throw new TypeError(`sse takes an async iterable of events, got ${describe(events)}`)
  }
  let iterator: AsyncIterator<ServerSentEvent> | null = null
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    iterator ??= events[Symbol.asyncIterator]()
    const { done, value } = await iterator.next()
    if (done === true) {
      controller.close()
      return
    }
    try {
      controller.enqueue(encoder.encode(formatEvent(value)))
    } catch (error) {
      await iterator.return?.()
      throw error
    }
  }
  const task = currentTask()
  const isOfFramework = task !== null && FrameworkExchange.hasTask(task)
  const inThisContext = AsyncLocalStorage.snapshot()
  const body = new ReadableStream<Uint8Array>(
    {
      // `serve` reads the body in the task of the request, so a cancel of that task reaches the waits of the source. Hono's
      // server reads the body outside of that task, so the source is put into the task, as long as the task has not ended.
      pull: (controller) =>
        isOfFramework && !task.done() ? inThisContext(pull, controller) : pull(controller),
      async cancel() {
        await (iterator ?? events[Symbol.asyncIterator]()).return?.()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' },
  })
}

function formatEvent(event: ServerSentEvent): string {
  if (typeof event !== 'object' || event === null) {
    throw new TypeError(`an event of sse must be an object, got ${describe(event)}`)
  }
  const { data, event: name, id, retry, comment } = event
  let text = ''
  if (comment !== undefined) for (const line of lines('comment', comment)) text += `: ${line}\n`
  if (name !== undefined) text += `event: ${oneLine('event', name)}\n`
  if (id !== undefined) text += `id: ${oneLine('id', id)}\n`
  if (retry !== undefined) {
    if (!Number.isInteger(retry) || retry < 0) {
      throw new TypeError(
        `retry of an event must be a whole number of milliseconds, got ${describe(retry)}`,
      )
    }
    text += `retry: ${retry}\n`
  }
  if (data !== undefined) for (const line of lines('data', data)) text += `data: ${line}\n`
  return `${text}\n`
}

function lines(name: string, value: unknown): string[] {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} of an event must be a string, got ${describe(value)}`)
  }
  return value.split(lineEnd)
}

/** Returns `value` if it is one line. A line break in it would begin another field of the event. */
function oneLine(name: string, value: unknown): string {
  const all = lines(name, value)
  if (all.length > 1 || (value as string).includes('\0')) {
    throw new TypeError(`${name} of an event must be one line without a NUL`)
  }
  return value as string
}
