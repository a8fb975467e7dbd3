import type { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { taskCancel } from './channels.ts'
import { Waiter } from './waiter.ts'

type Message = string | CancelledError | undefined

/** A task that has passed a cancel on. */
interface Ending {
  readonly task: Waiter<unknown>
  readonly msg: Message
  readonly isAccepted: boolean
}

/** Set by a cancel that has come back to a task that it went through; looked at by the wait that it came by. */
let cameRound = false
/** Of cancels within cancels: a gather passes its own on to its children. */
let depth = 0
/** Those of inner cancels, for the outermost: what listens to a cancel may cancel others, and must find it all done. */
const endings: Ending[] = []

/**
 * Passes a cancel of `first` on to what it waits on, and to what that waits on in turn. A task that waits, round a
 * circle, for one that the cancel went through, and so for itself, goes on without what it waits on.
 * False when it comes to a task that it went through.
 *
 * Down a line of tasks that each wait for the next it goes in a loop: the line may be longer than the stack is deep.
 */
export function spreadCancel(first: Waiter<unknown>, msg: Message): boolean {
  if (!begin(first)) {
    cameRound = true
    return false
  }
  let last = first
  /** Those before it: most lines have one task. */
  let others: Waiter<unknown>[] | null = null
  let isAccepted = false
  let isSpread = false
  depth++
  try {
    for (;;) {
      const next = last.soleWait()
      if (!(next instanceof Waiter) || next.done()) {
        if (next !== null) isAccepted = cancelWait(last, next, msg)
        else
          for (const wait of last.severalWaits())
            isAccepted = cancelWait(last, wait, msg) || isAccepted
        break
      }
      if (!begin(next)) {
        last.interrupt(next, msg)
        isAccepted = true
        break
      }
      others ??= []
      others.push(last)
      last = next
    }
    isSpread = true
  } finally {
    last.cancellation.isSpreading = false
    if (others !== null) for (const task of others) task.cancellation.isSpreading = false
    depth--
    if (!isSpread) endOutermost()
  }
  endings.push({ task: last, msg, isAccepted })
  if (others !== null) {
    for (const task of others.toReversed()) endings.push({ task, msg, isAccepted: true })
  }
  endOutermost()
  return true
}

/** Delivers a remembered cancel to `wait`, on which `task` has begun to wait; whether it was accepted. */
export function deliverCancel(task: Waiter<unknown>, wait: Future<unknown>, msg: Message): boolean {
  const { cancellation } = task
  const wasSpreading = cancellation.isSpreading
  cancellation.isSpreading = true
  depth++
  try {
    return cancelWait(task, wait, msg)
  } finally {
    cancellation.isSpreading = wasSpreading
    depth--
    endOutermost()
  }
}

function begin(task: Waiter<unknown>): boolean {
  const { cancellation } = task
  if (cancellation.isSpreading) return false
  cancellation.count++
  cancellation.isSpreading = true
  return true
}

function cancelWait(task: Waiter<unknown>, wait: Future<unknown>, msg: Message): boolean {
  cameRound = false
  const isAccepted = wait.cancel(msg)
  if (!cameRound) return isAccepted
  cameRound = false
  if (!wait.done()) task.interrupt(wait, msg)
  return true
}

function endOutermost(): void {
  if (depth > 0 || endings.length === 0) return
  // What listens may cancel in its turn, which has its own endings and its own end of them.
  for (const ending of endings.splice(0)) end(ending)
}

function end({ task, msg, isAccepted }: Ending): void {
  const { cancellation } = task
  cancellation.message = msg
  if (!cancellation.abort() && !isAccepted) {
    cancellation.pending = true
    cancellation.remembered = msg
    task.getLoop().monitor?.cancelRemembered(task.scopeTask)
  }
  if (taskCancel.hasSubscribers) taskCancel.publish({ task: task.scopeTask })
}
