import {
  createTask,
  currentTask,
  getEventLoop,
  type CancelledError,
  type Task,
} from '@tasktree/core'
import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { requestUrl } from './accept.ts'
import { taskName } from './exchange.ts'
import { ClientGoneError, isOfCancel } from './errors.ts'
import type { RequestOwner } from './incoming-body.ts'
import { IncomingRequest } from './incoming-request.ts'
import { isResponse } from './send-response.ts'
import type { Service, Work } from './service.ts'

/**
 * Takes over a connection that its client wants to upgrade, as to a WebSocket. A Response that it throws or returns
 * refuses the upgrade.
 */
export type UpgradeHandler = (
  request: Request,
  socket: Duplex,
  head: Buffer,
) => PromiseLike<Response | void> | Response | void

/** An upgraded connection. Its task is cancelled when the connection closes. */
export class Upgrade implements RequestOwner, Work {
  readonly incoming: IncomingMessage
  readonly maxBody: number = Infinity
  readonly #service: Service
  readonly #socket: Duplex
  #task: Task<void> | null = null

  constructor(service: Service, incoming: IncomingMessage, socket: Duplex) {
    this.incoming = incoming
    this.#service = service
    this.#socket = socket
  }

  begin(onUpgrade: UpgradeHandler, head: Buffer): void {
    const socket = this.#socket
    // Without a listener an error of the connection would end the process. The close that follows it is noticed.
    socket.on('error', () => {})
    const url = requestUrl(this.incoming)
    if (url === null || this.#service.isFull() || this.#service.isDraining) {
      this.#refuse(url === null ? 400 : 503)
      return
    }
    this.#service.add(this)
    const request = new IncomingRequest(this, url) as unknown as Request
    const run = (): Promise<void> => this.#run(() => onUpgrade(request, socket, head), request)
    const task = createTask(run, { name: taskName(this.incoming), eager: true })
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

  async #run(hook: () => ReturnType<UpgradeHandler>, request: Request): Promise<void> {
    const task = currentTask() as Task<void>
    this.#task = task
    try {
      const response = await hook()
      if (response !== undefined) this.#refuse(response.status)
    } catch (error) {
      if (isResponse(error)) {
        this.#refuse(error.status)
        return
      }
      this.#socket.destroy()
      if (task.cancelling() > 0 && isOfCancel(error)) throw error
      const { onError } = this.#service
      if (onError !== undefined) onError(error, request)
      else {
        const message = `the upgrade ${task.name} has failed`
        getEventLoop().callExceptionHandler({ message, exception: error, task })
      }
    }
  }

  #refuse(status: number): void {
    const reason = STATUS_CODES[status] ?? ''
    this.#socket.end(
      `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
  }
}
