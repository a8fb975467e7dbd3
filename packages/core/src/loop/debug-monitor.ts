import { machineTime } from './clock.ts'
import type { EventLoop } from './loop.ts'
import type { Task } from '../tasks/task.ts'

/**
 * Debug mode's eyes: what is slow, what delays a cancel, what outlives its task. Each finding is a
 * process warning of type TasktreeWarning.
 */
export class DebugMonitor {
  readonly #loop: EventLoop
  #turnStart = 0
  readonly #remembered = new WeakMap<Task, number>()

  constructor(loop: EventLoop) {
    this.#loop = loop
  }

  turnBegan(): void {
    this.#turnStart = machineTime()
  }

  turnEnded(task: Task): void {
    const took = machineTime() - this.#turnStart
    if (took > this.#loop.slowCallbackDuration) {
      warn(`executing ${task.name} took ${took.toFixed(0)} ms without letting others run`)
    }
  }

  callbackEnded(name: string, start: number): void {
    const took = machineTime() - start
    if (took > this.#loop.slowCallbackDuration) {
      warn(`executing callback ${name === '' ? '(anonymous)' : name} took ${took.toFixed(0)} ms`)
    }
  }

  cancelRemembered(task: Task): void {
    if (task.started && !this.#remembered.has(task)) this.#remembered.set(task, machineTime())
  }

  cancelDelivered(task: Task): void {
    const since = this.#remembered.get(task)
    if (since === undefined) return
    this.#remembered.delete(task)
    const delay = machineTime() - since
    if (delay > this.#loop.slowCallbackDuration) {
      warn(
        `the cancel of ${task.name} was delayed ${delay.toFixed(0)} ms by an await of a foreign promise: ` +
          'await ensureFuture(promise), or pass it taskSignal()',
      )
    }
  }

  taskEnded(task: Task): void {
    this.cancelDelivered(task)
    const left = task.waitingOn.size
    if (left > 0) {
      warn(
        `${task.name} has ended while work it began still waits on ${left} future(s): was a call not awaited?`,
      )
    }
  }
}

function warn(message: string): void {
  process.emitWarning(message, 'TasktreeWarning')
}
