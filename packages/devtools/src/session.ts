import { getEventLoop, sleep } from '@tasktree/core'
import { WebSocket } from 'ws'
import { Failure } from './failure.ts'
import { hasEnded } from './target.ts'

/** A message of the inspector protocol: a call, its answer, or an event. */
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Record<string, unknown>
  readonly result?: Record<string, unknown>
  readonly error?: { readonly message: string }
}

interface Waiter {
  readonly resolve: (result: Record<string, unknown>) => void
  readonly reject: (error: Error) => void
}

/** How many milliseconds an answer may take if the caller does not set another time. */
const usualPatience = 5_000

/** A session with the inspector of a process, or with the inspector of one of its worker threads. */
export class Session {
  readonly #pid: number
  readonly #send: (text: string) => void
  readonly #waiters = new Map<number, Waiter>()
  readonly #listeners = new Map<string, (params: Record<string, unknown>) => void>()
  #latest = 0
  #isClosed = false

  constructor(pid: number, send: (text: string) => void) {
    this.#pid = pid
    this.#send = send
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  receive(text: string): void {
    const { id, method, params, result, error } = read(text)
    if (method !== undefined) this.#listeners.get(method)?.(params ?? {})
    const waiter = this.#waiters.get(id ?? -1)
    if (waiter === undefined) return
    this.#waiters.delete(id ?? -1)
    if (error === undefined) waiter.resolve(result ?? {})
    else waiter.reject(new Failure(`process ${this.#pid}: ${error.message}`))
  }

  /** Marks the session as closed. Every call that waits for an answer fails. */
  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#waiters.values()) {
      reject(new Failure(`process ${this.#pid} has ended, or has closed its inspector`))
    }
    this.#waiters.clear()
  }

  on(method: string, listener: (params: Record<string, unknown>) => void): void {
    this.#listeners.set(method, listener)
  }

  /** Calls a method of the inspector. @throws {Failure} when there is no answer in time, or the process ends */
  async call(
    method: string,
    params: object = {},
    patience: number = usualPatience,
  ): Promise<Record<string, unknown>> {
    if (this.#isClosed) throw new Failure(`process ${this.#pid} has ended`)
    const id = ++this.#latest
    const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>()
    this.#waiters.set(id, { resolve, reject })
    const timer = getEventLoop().callLater(patience, () => {
      this.#waiters.delete(id)
      reject(
        new Failure(
          `process ${this.#pid} does not answer: it may be inside a synchronous call such as execSync, or be stopped`,
        ),
      )
    })
    this.#send(JSON.stringify({ id, method, params }))
    try {
      return await promise
    } finally {
      timer.cancel()
    }
  }

  /** Evaluates an expression whose value is plain data. @throws {Failure} when the expression throws */
  async evaluate(expression: string, patience?: number): Promise<unknown> {
    const params = { expression, returnByValue: true, silent: true }
    const { result, exceptionDetails } = (await this.call(
      'Runtime.evaluate',
      params,
      patience,
    )) as {
      result?: { value?: unknown }
      exceptionDetails?: { exception?: { description?: string } }
    }
    if (exceptionDetails !== undefined) {
      const reason = exceptionDetails.exception?.description?.split('\n')[0] ?? 'unknown'
      throw new Failure(`process ${this.#pid}: ${reason}`)
    }
    return result?.value
  }
}

/**
 * Reads a message. A server that only resembles an inspector may send any text. For a text that is not a JSON object, returns
 * a message without fields.
 */
function read(text: string): Message {
  try {
    const message: unknown = JSON.parse(text)
    return typeof message === 'object' && message !== null ? message : {}
  } catch {
    return {}
  }
}

/** Connects to an inspector. When the connection ends, the session is closed. */
export async function connect(
  pid: number,
  url: string,
): Promise<{ session: Session; socket: WebSocket }> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 0 })
  const session = new Session(pid, (text) => socket.send(text))
  socket.on('message', (data) => session.receive((data as Buffer).toString()))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.on('open', () => resolve())
  socket.on('error', (error) => {
    reject(new Failure(`process ${pid} refused the connection to its inspector: ${error.message}`))
  })
  socket.on('close', () => {
    session.close()
    reject(new Failure(`process ${pid} has closed its inspector`))
  })
  try {
    await promise
  } catch (error) {
    // A process that is ending closes its connections some moments before /proc shows that the process has ended.
    await sleep(100)
    throw hasEnded(pid) ? new Failure(`process ${pid} has ended`) : error
  }
  return { session, socket }
}
