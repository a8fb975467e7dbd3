import { runningScope } from '../context/async-context.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { Cancellation } from './cancellation.ts'
import { watchRejections } from '../loop/unhandled-rejections.ts'
import { taskCancel } from './channels.ts'
import type { Frame } from './frame.ts'

type Message = string | CancelledError | undefined

/**
 * A frame (the running body of a task or scope) whose cancel was passed on to its waits, but is not announced yet.
 * `isAccepted` says whether at least one of these waits will throw.
 */
interface Unannounced {
  readonly frame: Frame
  readonly msg: Message
  readonly isAccepted: boolean
}

/**
 * Whether the newest `cancel` of a future has come back to a task that this cancel had reached before. This happens if
 * tasks wait for each other in a circle. `cancelWait`, which has called that `cancel`, reads and clears this.
 */
let isCircle = false
/**
 * The number of calls of `cancel` that are nested inside each other now. For example, the cancel of a gather calls the
 * cancel of its children. When the number is 0 again, the cancels are announced. While it is greater than `deepest`,
 * new cancels are put off.
 */
let depth = 0
/**
 * The frames whose cancel was passed on but not announced yet. To announce means to abort signals, and, if no wait has
 * accepted the cancel, to make the cancel pending, so that it ends the next wait. The outermost call of cancel does
 * this at its end, because a listener of a signal may cancel other tasks, and must find the first cancel complete.
 */
const unannounced: Unannounced[] = []

/** A cancel that is put off until the calls of cancel around it have returned. */
interface Deferred {
  /** The frame that waits on `wait`; null if `wait` is the child of a gather. */
  readonly frame: Frame | null
  readonly wait: Future<unknown>
  readonly msg: Message
}

/**
 * Cancels that are nested deeper than this are put off, because each nested cancel takes several stack frames, and the
 * stack has room for about 10,000 stack frames.
 */
const deepest = 200
const deferred: Deferred[] = []
/**
 * While deferred cancels are left, a task that was cancelled keeps its mark `isBeingPassedOn`, although its cancel was
 * passed on. This list holds the Cancellations of such tasks. If a deferred cancel comes back to one of them, the mark
 * shows that the tasks wait for each other in a circle.
 */
const marked: Cancellation[] = []

/**
 * Cancels `first`: cancels the futures that its code waits on. If such a future is a task, the cancel is passed on to
 * the futures that this task waits on, and so on. If tasks wait for each other in a circle, the cancel comes back to a
 * task that it has reached before. Then the last wait of the circle is ended, and its future stays pending. Returns
 * false, and does nothing, if `first` is the outermost frame of a task, and an outer call of this function is passing a
 * cancel of that task on at this moment.
 *
 * A line of tasks that each wait for the next is followed in a loop and not by recursion, because it may be longer than
 * the stack is deep.
 */
export function cancelFrame(first: Frame, msg: Message): boolean {
  const isFromInside = isRunning(first)
  if (isFromInside) first.scopeLoop.holdFor(first.task ?? first)
  watchRejections(first.scopeLoop)
  if (!begin(first, isFromInside)) {
    isCircle = true
    return false
  }
  let last = first
  /**
   * If each task of a line waits only for the next: the frames before `last` in this line. Null if there is only one
   * frame, which is the usual case.
   */
  let others: Frame[] | null = null
  let isAccepted = false
  let isComplete = false
  depth++
  try {
    for (;;) {
      const owner = soleOwner(last)
      const next = owner?.soleWait() ?? null
      const execution = next?.done() === false ? next.ownExecution() : null
      if (owner === null || next === null || execution === null) {
        isAccepted = cancelWaits(last, msg, last.cancellation as Cancellation)
        break
      }
      if (!begin(execution, false)) {
        owner.interrupt(next, msg)
        isAccepted = true
        break
      }
      noteCancelledWaits(last)
      others ??= []
      others.push(last)
      last = execution
    }
    isComplete = true
  } finally {
    endPassingOn(last)
    if (others !== null) for (const frame of others) endPassingOn(frame)
    depth--
    if (!isComplete) announceOutermost()
  }
  unannounced.push({ frame: last, msg, isAccepted })
  if (others !== null) {
    for (const frame of others.toReversed()) unannounced.push({ frame, msg, isAccepted: true })
  }
  announceOutermost()
  return true
}

/**
 * Returns `frame` and the frames inside it, the outermost first. Frames with a shield, and the frames inside them, are
 * left out, because a shield keeps cancels out.
 */
function framesInside(frame: Frame): Frame[] {
  const frames = [frame]
  // The list grows during the loop. There is no recursion, because nested scopes may be deeper than the stack.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.isShielded) child.cancelKeptOut()
      else frames.push(child)
    }
  }
  return frames
}

/**
 * Returns the frame that has all the waits, among `frame` and the frames inside it; null if no frame has a wait, or if
 * more than one has.
 */
function soleOwner(frame: Frame): Frame | null {
  if (frame.firstChild === null) return frame.hasOwnWaits() ? frame : null
  let owner: Frame | null = null
  for (const each of framesInside(frame)) {
    if (!each.hasOwnWaits()) continue
    if (owner !== null) return null
    owner = each
  }
  return owner
}

/**
 * Cancels the futures of all waits of `frame` and of the frames inside it, and notes these waits in `cancellation`.
 * Returns whether at least one future has accepted the cancel, so that its wait will throw.
 */
export function cancelWaits(frame: Frame, msg: Message, cancellation: Cancellation): boolean {
  const own = frame.firstChild === null ? frame.ownWait() : null
  if (own !== null) {
    const isAccepted = cancelWait(frame, own, msg)
    if (isAccepted) cancellation.noteWaitCancelled(frame, frame.numberOf(frame))
    return isAccepted
  }
  const accepted = new Set<Future<unknown>>()
  const frames = frame.firstChild === null ? [frame] : framesInside(frame)
  for (const each of frames) {
    each.eachWait((key, future, began) => {
      if (!accepted.has(future) && !cancelWait(each, future, msg)) return
      accepted.add(future)
      cancellation.noteWaitCancelled(key, began)
    })
  }
  return accepted.size > 0
}

function noteCancelledWaits(frame: Frame): void {
  const cancellation = frame.cancellation as Cancellation
  for (const each of framesInside(frame)) {
    each.eachWait((key, _future, began) => cancellation.noteWaitCancelled(key, began))
  }
}

/**
 * Passes a cancel of `frame` on to the future of one of its waits. Returns whether that wait will throw: the future
 * has accepted the cancel, or the wait was interrupted because it is part of a circle.
 */
export function cancelWait(frame: Frame, wait: Future<unknown>, msg: Message): boolean {
  if (depth > deepest) return defer(frame, wait, msg)
  const root = outermost(frame)
  root.cancellation ??= new Cancellation(root)
  const { cancellation } = root
  const wasBeingPassedOn = cancellation.isBeingPassedOn
  cancellation.isBeingPassedOn = true
  depth++
  try {
    isCircle = false
    const isAccepted = wait.cancel(msg)
    if (isAccepted) cancellation.cancelledFuture = wait
    if (!isCircle) return isAccepted
    isCircle = false
    if (!wait.done()) frame.interrupt(wait, msg)
    return true
  } finally {
    if (!wasBeingPassedOn) unmark(cancellation)
    depth--
    announceOutermost()
  }
}

/** Passes a cancel of a gather on to one of its children. Returns whether the child has accepted it. */
export function cancelChild(child: Future<unknown>, msg: Message): boolean {
  if (depth > deepest) return defer(null, child, msg)
  depth++
  try {
    return child.cancel(msg)
  } finally {
    depth--
    announceOutermost()
  }
}

/**
 * Puts off the cancel of the future `wait`, on which `frame` waits. Returns false if `wait` is done. Otherwise returns
 * true, because a pending future nearly always accepts a cancel. If `wait` does not accept it later, `runDeferred`
 * makes the cancel of the frame pending.
 */
function defer(frame: Frame | null, wait: Future<unknown>, msg: Message): boolean {
  if (wait.done()) return false
  deferred.push({ frame, wait, msg })
  return true
}

function runDeferred(): void {
  depth++
  try {
    // `deferred` grows during this loop, so the cancels that are added are made too.
    for (const { frame, wait, msg } of deferred) {
      if (frame === null) wait.cancel(msg)
      else if (!cancelWait(frame, wait, msg)) {
        const { cancellation } = outermost(frame)
        if (cancellation === null) continue
        cancellation.pending = true
        cancellation.remembered = msg
      }
    }
  } finally {
    depth--
    deferred.length = 0
    for (const cancellation of marked.splice(0)) cancellation.isBeingPassedOn = false
  }
}

function unmark(cancellation: Cancellation): void {
  if (deferred.length > 0) marked.push(cancellation)
  else cancellation.isBeingPassedOn = false
}

function outermost(frame: Frame): Frame {
  let root = frame
  for (let each = frame.parent; each !== null; each = each.parent) root = each
  return root
}

/**
 * Counts a cancel of `frame`, and marks its task, because the cancel is now passed on. Returns false, and does nothing,
 * if `frame` is the outermost frame of a task that is marked already: then the tasks wait in a circle.
 */
function begin(frame: Frame, isFromInside: boolean): boolean {
  const root = outermost(frame)
  root.cancellation ??= new Cancellation(root)
  if (root === frame && root.cancellation.isBeingPassedOn) return false
  root.cancellation.isBeingPassedOn = true
  frame.cancellation ??= new Cancellation(frame)
  frame.cancellation.begin(isFromInside)
  return true
}

function endPassingOn(frame: Frame): void {
  unmark(outermost(frame).cancellation as Cancellation)
}

/** Whether the code that runs now is inside `frame`. */
function isRunning(frame: Frame): boolean {
  for (let each = runningScope()?.frame ?? null; each !== null; each = each.parent) {
    if (each === frame) return true
  }
  return false
}

function announceOutermost(): void {
  if (depth > 0) return
  if (deferred.length > 0) runDeferred()
  if (unannounced.length === 0) return
  // A listener may cancel other tasks, and that call announces the frames in this list. So the list is emptied
  // before the first listener runs.
  for (const each of unannounced.splice(0)) announce(each)
}

function announce({ frame, msg, isAccepted }: Unannounced): void {
  const cancellation = frame.cancellation as Cancellation
  cancellation.message = msg
  if (frame.firstChild !== null) cancelBesideShields(frame, msg)
  const isTaken = abandonReturnedPromises(frame, msg) || abortSignals(frame, msg)
  if (!isTaken && (!isAccepted || cancellation.isFromInside)) {
    cancellation.pending = true
    cancellation.remembered = msg
    if (frame.task !== null) frame.scopeLoop.monitor?.cancelRemembered(frame.task)
  }
  const { task } = frame
  if (task !== null && frame.parent === null && taskCancel.hasSubscribers) {
    taskCancel.publish({ task })
  }
}

/**
 * Finds the groups inside `frame` whose body contains a shield, and cancels the tasks of these groups. Usually the body
 * of a group gets the cancel first, and then the group cancels its tasks. While the body waits inside a shield, it does
 * not get the cancel. The tasks are outside of that shield, so they are cancelled here.
 */
function cancelBesideShields(frame: Frame, msg: Message): void {
  for (const each of framesInside(frame)) {
    if (each === frame || !hasShieldInside(each)) continue
    for (const task of each.members) {
      const cancel = (): void => {
        if (!task.done() && task.ownExecution().cancelling() === 0) task.cancel(msg)
      }
      if (task.started) cancel()
      // As in Trio, a task that has not started begins before it is cancelled: its first step is already in the
      // ready queue, and the cancel joins the queue behind that.
      else frame.scopeLoop.push({ run: cancel })
    }
  }
}

function hasShieldInside(frame: Frame): boolean {
  for (const each of framesInside(frame)) {
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.isShielded) return true
    }
  }
  return false
}

/**
 * Ends each wait of a scope inside `frame` for a promise that its body has returned, if the work behind that promise
 * was begun outside of the scope. Returns whether there was such a wait.
 */
function abandonReturnedPromises(frame: Frame, msg: Message): boolean {
  let isTaken = false
  for (const each of frame.firstChild === null ? [frame] : framesInside(frame)) {
    isTaken = each.abandonReturned(msg) || isTaken
  }
  return isTaken
}

/**
 * Aborts the signals of `frame` and of the frames inside it. Returns whether a listener has read one of these signals.
 */
function abortSignals(frame: Frame, msg: Message): boolean {
  let isTaken = false
  const cancellation = frame.cancellation as Cancellation
  const frames = frame.firstChild === null ? [frame] : framesInside(frame)
  for (const each of frames) {
    if (each.cancellation === null) continue
    isTaken = each.cancellation.abort(msg, cancellation) || isTaken
  }
  return isTaken
}
