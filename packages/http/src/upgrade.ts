import { currentTask, type CancelledError, type Task } from '@tasktree/core'
import { createServiceTask } from '@tasktree/core/lowlevel'
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { requestUrl } from './accept-request.ts'
import { taskName } from './exchange.ts'
import { ClientGoneError, isPlainCancel } from './errors.ts'
import type { RequestOwner } from './incoming-body.ts'
import { IncomingRequest } from './incoming-request.ts'
import { isResponse, type Sender, sendResponse } from './send-response.ts'
import { sendStatus } from './send-status.ts'
import { type Service, Work } from './service.ts'

/**
 * Takes over a connection that its client wants to upgrade, for example to a WebSocket. If the handler throws or returns a
 * Response, the client gets that response, and the upgrade is refused.
 */
export type UpgradeHandler = (
  request: Request,
  socket: Duplex,
  head: Buffer,
) => PromiseLike<Response | void> | Response | void

/** An upgraded connection. Its task is cancelled when the connection closes. */
export class Upgrade extends Work implements RequestOwner, Sender {
  readonly incoming: IncomingMessage
  readonly maxBody: number = Infinity
  readonly #service: Service
  readonly #socket: Duplex
  #task: Task<void> | null = null
  #request: Request | null = null
  #outgoing: ServerResponse | null = null

  constructor(service: Service, incoming: IncomingMessage, socket: Duplex) {
    super()
    this.incoming = incoming
    this.#service = service
    this.#socket = socket
  }

  begin(onUpgrade: UpgradeHandler, head: Buffer): void {
    const socket = this.#socket
    // Without a listener an error of the connection would end the process. After an error the connection emits `close`.
    socket.on('error', () => {})
    const url = requestUrl(this.incoming)
    if (url === null || this.#service.isFull() || this.#service.isDraining) {
      this.#refuse(url === null ? 400 : 503)
      return
    }
    this.#service.add(this)
    const request = new IncomingRequest(this, url) as unknown as Request
    this.#request = request
    const run = (): Promise<void> => this.#run(() => onUpgrade(request, socket, head))
    const task = createServiceTask(run, { name: taskName(this.incoming), eager: true })
    socket.once('close', () => this.leave())
    task.addDoneCallback(() => this.#service.remove(this))
  }

  get signal(): AbortSignal {
    return (this.#task as Task<void>).signal
  }

  leave(): void {
    if (this.#task?.done() === false) this.#task.cancel(new ClientGoneError())
  }

  continue(): void {}

  stop(reason: CancelledError): void {
    this.#task?.cancel(reason)
  }

  mustClose(): boolean {
    return true
  }

  reportUnlessCancelled(error: unknown): void {
    if (!isPlainCancel(error)) this.#report(error)
  }

  get outgoing(): ServerResponse {
    this.#outgoing ??= responseOn(this.#socket, this.incoming)
    return this.#outgoing
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  async #run(hook: () => ReturnType<UpgradeHandler>): Promise<void> {
    const task = currentTask() as Task<void>
    this.#task = task
    try {
      const response = await responseOf(hook)
      if (response !== undefined) await sendResponse(this, response)
    } catch (error) {
      this.#socket.destroy()
      if (task.cancelling() > 0 && isPlainCancel(error)) throw error
      this.#report(error)
    }
  }

  #report(error: unknown): void {
    const task = this.#task as Task<void>
    this.#service.report(
      error,
      this.#request as Request,
      task,
      `the upgrade ${task.name} has failed`,
    )
  }

  #refuse(status: number): void {
    sendStatus(this.outgoing, status, { connection: 'close' })
  }
}

/** Returns the result of the hook, or the Response that the hook throws. */
async function responseOf(hook: () => ReturnType<UpgradeHandler>): Promise<Response | void> {
  try {
    return await hook()
  } catch (error) {
    if (isResponse(error)) return error
    throw error
  }
}

/**
 * Returns a response that writes to `socket`, and then ends it. Node makes no response for an upgrade, because it hands
 * the connection over to the program.
 */
function responseOn(socket: Duplex, incoming: IncomingMessage): ServerResponse {
  const outgoing = new ServerResponse(incoming)
  const onDrain = (): void => {
    outgoing.emit('drain')
  }
  outgoing.shouldKeepAlive = false
  outgoing.assignSocket(socket as Socket)
  socket.on('drain', onDrain)
  outgoing.once('finish', () => {
    socket.off('drain', onDrain)
    outgoing.detachSocket(socket as Socket)
    socket.end()
  })
  return outgoing
}
