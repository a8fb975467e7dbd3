import { type CancelledError, type EventLoop, Future, isCancelled } from '@tasktree/core'
import { SupervisorStopping } from './errors.ts'

export interface Operation {
  run(): Promise<void>
  /** The supervisor ends: it will not run. */
  drop(): void
}

/** What a supervisor has to do, first come first served. */
export class OperationQueue {
  #batch: Operation[] = []
  #next = 0
  #incoming: Operation[] = []

  push(operation: Operation): void {
    this.#incoming.push(operation)
  }

  shift(): Operation | null {
    if (this.#next === this.#batch.length) {
      if (this.#incoming.length === 0) return null
      this.#batch = this.#incoming
      this.#incoming = []
      this.#next = 0
    }
    return this.#batch[this.#next++] as Operation
  }

  dropAll(): void {
    for (let each = this.shift(); each !== null; each = this.shift()) each.drop()
  }
}

/** What a caller asked of a supervisor. Cancelled while it waits in line it is not done; later what it does is undone first. */
export class Request<T> extends Future<T> implements Operation {
  readonly #path: string
  readonly #work: () => Promise<T>
  readonly #undo: () => void
  #running = false
  #cancelled = false
  #message: string | CancelledError | undefined

  constructor(loop: EventLoop, path: string, work: () => Promise<T>, undo: () => void) {
    super({ loop })
    this.#path = path
    this.#work = work
    this.#undo = undo
  }

  async run(): Promise<void> {
    if (this.done()) return
    this.#running = true
    try {
      const value = await this.#work()
      this.#end(() => this.setResult(value))
    } catch (error) {
      if (isCancelled(error)) {
        this.#end(() => this.drop())
        throw error
      }
      this.#end(() => this.setException(error))
    }
  }

  #end(settle: () => void): void {
    if (this.done()) return
    if (this.#cancelled) super.cancel(this.#message)
    else settle()
  }

  drop(): void {
    if (!this.done()) this.setException(new SupervisorStopping(this.#path))
  }

  override cancel(msg?: string | CancelledError): boolean {
    if (!this.#running || this.done()) return super.cancel(msg)
    this.#cancelled = true
    this.#message = msg
    this.#undo()
    return true
  }
}
