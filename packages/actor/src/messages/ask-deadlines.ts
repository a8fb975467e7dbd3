import { type EventLoop, sleep, type TimerHandle } from '@tasktree/core'
import { observe } from '@tasktree/core/lowlevel'
import type { AskFuture } from './ask.ts'

/**
 * The asks of one loop with the same timeout, a line in which the first is always the next to expire:
 * one timer serves them all, and an ask that is answered steps out in O(1). A timer an ask would cost
 * more than everything else that an ask does.
 */
class Deadlines {
  readonly #loop: EventLoop
  readonly #timeout: number
  #first: AskFuture | null = null
  #last: AskFuture | null = null
  #timer: TimerHandle | null = null
  #checking = false

  constructor(loop: EventLoop, timeout: number) {
    this.#loop = loop
    this.#timeout = timeout
  }

  add(ask: AskFuture): void {
    ask.deadline = this.#loop.time() + this.#timeout
    ask.disarm = this.#remove
    const last = this.#last
    ask.earlier = last
    if (last === null) this.#first = ask
    else last.later = ask
    this.#last = ask
    if (this.#timer === null) this.#arm(ask)
  }

  #arm(ask: AskFuture): void {
    this.#timer = this.#loop.callAt(ask.deadline, this.#strike)
  }

  readonly #strike = (): void => {
    this.#timer = null
    const now = this.#loop.time()
    for (let ask = this.#first; ask !== null && ask.deadline <= now; ask = this.#first) {
      this.#remove(ask)
      ask.expire(this.#timeout)
    }
    if (this.#first !== null) this.#arm(this.#first)
  }

  readonly #remove = (ask: AskFuture): void => {
    const { earlier, later } = ask
    if (earlier === null) this.#first = later
    else earlier.later = later
    if (later === null) this.#last = earlier
    else later.earlier = earlier
    ask.earlier = null
    ask.later = null
    ask.disarm = null
    if (this.#first === null && !this.#checking) this.#checkLater()
  }

  /** An idle line must not keep the process alive; one ask after the other must not set a timer each. */
  #checkLater(): void {
    if (this.#loop.isClosed()) return
    this.#checking = true
    observe(sleep(0), () => {
      this.#checking = false
      if (this.#first !== null) return
      this.#timer?.cancel()
      this.#timer = null
    })
  }
}

const lines = new WeakMap<EventLoop, Map<number, Deadlines>>()

/** The ask expires `timeout` milliseconds from now, unless it is disarmed. */
export function watchDeadline(ask: AskFuture, timeout: number): void {
  const loop = ask.getLoop()
  let ofLoop = lines.get(loop)
  if (ofLoop === undefined) {
    ofLoop = new Map()
    lines.set(loop, ofLoop)
  }
  let line = ofLoop.get(timeout)
  if (line === undefined) {
    line = new Deadlines(loop, timeout)
    ofLoop.set(timeout, line)
  }
  line.add(ask)
}
