import { currentFrame } from '../context/current.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import { Cancellation } from './cancellation.ts'
import { watchRejections } from '../loop/unhandled-rejections.ts'
import { taskCancel } from './channels.ts'
import type { Frame } from './frame.ts'
import { unshieldedFramesOf } from './frame-tree.ts'

type Message = string | CancelledError | undefined

/**
 * A cancel of `frame` (the object for one scope or task) that was passed on to the waits of the frame, but has not
 * aborted the AbortSignals of the scope or task yet. `isAccepted` says whether the cancel has ended at least one of
 * these waits.
 */
interface Unannounced {
  readonly frame: Frame
  readonly msg: Message
  readonly isAccepted: boolean
}

/**
 * Whether the newest call of `future.cancel()` has reached a task that is passing on this same cancel. This happens if
 * tasks wait for each other in a circle. The function `cancelWait`, which has made that call, reads this variable and
 * sets it back to false.
 */
let isCircle = false
/**
 * The number of calls of `cancel` that are nested inside each other now. For example, the cancel of a gather calls the
 * cancel of its children. When this number is 0 again, the AbortSignals of the cancelled scopes and tasks are aborted.
 * While this number is greater than `deepest`, new cancels are put off until the outer calls have returned. Otherwise
 * the nested calls could overflow the call stack.
 */
let depth = 0
/**
 * The cancels that were passed on to waits but not announced yet. To announce a cancel means to abort the AbortSignals
 * of the scope or task, and, if the cancel has ended no wait, to make it pending, so that it ends the next wait.
 * The outermost call of `cancel` announces these cancels at its end, because a listener of a signal may cancel other
 * tasks, and must find the first cancel complete.
 */
const unannounced: Unannounced[] = []

/** A cancel of the future `wait` that is made later, when the outer calls of `cancel` have returned. */
interface Deferred {
  /**
   * The frame (the object for one scope or task) whose code waits on `wait`; null if `wait` is the child of a
   * gather, which no code awaits by itself.
   */
  readonly frame: Frame | null
  readonly wait: Future<unknown>
  readonly msg: Message
}

/**
 * If more than this many calls of `cancel` are nested, further cancels are put off. Each nested call takes several
 * stack frames, and the call stack has room for about 10,000 stack frames.
 */
const deepest = 200
const deferred: Deferred[] = []
/**
 * The Cancellations of tasks whose cancel was passed on while deferred cancels were left. Their mark `isBeingPassedOn`
 * stays true until `runDeferred` has made the deferred cancels. If a deferred cancel comes back to such a task, the
 * mark shows that the tasks wait for each other in a circle.
 */
const marked: Cancellation[] = []

/**
 * Cancels `first` (the object for one scope or task): cancels the futures that its code waits on. If such a future
 * is a task, the cancel goes on to the futures that this task waits on, and so on. If tasks wait for each other in a
 * circle, the cancel comes back to a task that it has reached before. Then the last wait of the circle throws, although
 * its future stays pending.
 *
 * Returns false, and cancels nothing, if `first` is the outermost frame of a task, and an outer call of this function
 * is passing on a cancel of that task at this moment. Then tasks wait for each other in a circle, and the caller has
 * nothing to do: `isCircle` is set, and `cancelWait` ends the last wait of the circle. Otherwise returns true.
 *
 * If each of many tasks waits only for the next, these tasks are cancelled in a loop and not by recursion, because
 * there may be more of them than the call stack allows.
 */
export function cancelFrame(first: Frame, msg: Message): boolean {
  const isFromInside = isRunning(first)
  if (isFromInside) first.loop.holdFor(first.task ?? first)
  watchRejections(first.loop)
  if (!begin(first, isFromInside)) {
    isCircle = true
    return false
  }
  let last = first
  /**
   * If each of several tasks waits only for the next: the frames (the objects for one scope or task) that the `for`
   * loop below has passed. The frame that the `for` loop has reached is in `last`, and not in this list. Null if the
   * `for` loop has passed no frame, which is the usual case.
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
 * Returns `frame` and the frames inside it, without those behind a shield, and tells each shield that it has kept a
 * cancel out. (A frame is the object for one scope or task.)
 */
function framesInside(frame: Frame): Frame[] {
  return unshieldedFramesOf(frame, (shield) => shield.cancelKeptOut())
}

/**
 * Returns the only frame that has waits, among `frame` and the frames inside it. (A frame is the object for one scope
 * or task.) Returns null if no frame has waits, or if more than one has. The caller then uses `cancelWaits`, which
 * cancels any number of waits.
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
 * Cancels the futures on which code of `frame` (the object for one scope or task) and of the scopes inside it waits,
 * and notes these waits in `cancellation`. Returns whether `cancel()` of at least one of these futures has returned
 * true, so that the wait for it will throw. If `frame` has no scopes inside, the caller must have called its `soleWait`
 * or `dropFalseWaits` (see `ownWait`).
 */
export function cancelWaits(frame: Frame, msg: Message, cancellation: Cancellation): boolean {
  const own = frame.firstChild === null ? frame.ownWait() : null
  if (own !== null) {
    const isAccepted = cancelWait(frame, own, msg)
    noteCancel(cancellation, isAccepted, frame, frame.numberOf(frame), msg)
    return isAccepted
  }
  const accepted = new Set<Future<unknown>>()
  const frames = frame.firstChild === null ? [frame] : framesInside(frame)
  for (const each of frames) {
    each.eachWait((key, future, began) => {
      const isAccepted = accepted.has(future) || cancelWait(each, future, msg)
      if (isAccepted) accepted.add(future)
      noteCancel(cancellation, isAccepted, key, began, msg)
    })
  }
  return accepted.size > 0
}

/**
 * Notes in `cancellation` that a cancel with the message `msg` has come to the wait that `key` identifies,
 * the wait with the number `began`. `isAccepted` says whether the cancel has ended this wait. If not, the wait throws
 * when it resumes.
 */
export function noteCancel(
  cancellation: Cancellation,
  isAccepted: boolean,
  key: Reaction,
  began: number,
  msg: Message,
): void {
  if (isAccepted) cancellation.noteWaitCancelled(key, began)
  else cancellation.noteWaitOwed(key, msg)
}

function noteCancelledWaits(frame: Frame): void {
  const cancellation = frame.cancellation as Cancellation
  for (const each of framesInside(frame)) {
    each.eachWait((key, _future, began) => cancellation.noteWaitCancelled(key, began))
  }
}

/**
 * Passes a cancel of `frame` (the object for one scope or task) on to `wait`, a future that its code waits on. Returns
 * true if `wait.cancel()` has returned true, or if tasks wait for each other in a circle, and the code stops waiting
 * although the future `wait` stays pending. If the cancel is put off, returns the result of `defer`.
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

/**
 * Passes a cancel of a `gather` on to `child`, one of the futures that the gather waits for. Returns the result of
 * `child.cancel()`: false if `child` is done or has refused the cancel. If the cancel is put off, returns the result of
 * `defer`.
 */
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
 * Puts off the cancel of the future `wait`. `frame` is the object for the scope or task whose code waits on `wait`, or
 * null if `wait` is a child of a gather. Returns false if `wait` is done. Otherwise returns true, because `cancel()` of
 * a pending future nearly always returns true. If `wait.cancel()` later returns false, `runDeferred` makes the next
 * wait of the task of `frame` throw a CancelledError.
 */
function defer(frame: Frame | null, wait: Future<unknown>, msg: Message): boolean {
  if (wait.done()) return false
  deferred.push({ frame, wait, msg })
  return true
}

function runDeferred(): void {
  depth++
  try {
    // The cancels that are added to `deferred` during this loop are made too.
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
 * Counts a cancel of `frame` (the object for one scope or task), and marks its task (`isBeingPassedOn`), because the
 * cancel is now passed on to the waits. Returns false, and does nothing, if `frame` is the outermost frame of a task
 * that is marked already: then tasks wait for each other in a circle.
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

/** Whether the code that runs now belongs to `frame` (the object for one scope or task) or to a scope inside it. */
function isRunning(frame: Frame): boolean {
  for (let each = currentFrame(); each !== null; each = each.parent) {
    if (each === frame) return true
  }
  return false
}

function announceOutermost(): void {
  if (depth > 0) return
  if (deferred.length > 0) runDeferred()
  if (unannounced.length === 0) return
  // `announce` aborts AbortSignals, and a listener of such a signal may cancel other tasks. Each such cancel calls this
  // function again, which must not announce the same entries a second time. So the list is emptied before the first
  // listener runs.
  for (const each of unannounced.splice(0)) announce(each)
}

function announce({ frame, msg, isAccepted }: Unannounced): void {
  const cancellation = frame.cancellation as Cancellation
  cancellation.message = msg
  if (frame.firstChild !== null) cancelBesideShields(frame, msg)
  const isTaken = endOtherWork(frame, msg, cancellation)
  if (!isTaken && (!isAccepted || cancellation.isFromInside)) {
    cancellation.pending = true
    cancellation.remembered = msg
    if (frame.task !== null) frame.loop.monitor?.cancelRemembered(frame.task)
  }
  const { task } = frame
  if (task !== null && frame.parent === null && taskCancel.hasSubscribers) {
    taskCancel.publish({ task })
  }
}

/**
 * Cancels the tasks of each group inside `frame` (the object for one scope or task), if a shield (a scope that keeps
 * out cancels from outside) is open inside the group. Usually the body of a group gets the cancel first, and then the
 * group cancels its tasks. But a body that waits inside a shield does not get the cancel. The tasks of the group are
 * outside of that shield, so they are cancelled here.
 */
function cancelBesideShields(frame: Frame, msg: Message): void {
  /** The frames inside `frame` that have a shield inside. */
  const around = new Set<Frame>()
  const frames = unshieldedFramesOf(frame, (shield) => {
    shield.cancelKeptOut()
    let each = shield.enclosing
    for (; each !== null && each !== frame && !around.has(each); each = each.enclosing) {
      around.add(each)
    }
  })
  for (const each of frames) {
    if (!around.has(each)) continue
    each.noteMembersCancelled()
    for (const task of each.members) {
      const cancel = (): void => {
        if (!task.done() && task.ownExecution().cancelling() === 0) task.cancel(msg)
      }
      if (task.started) cancel()
      // As in Trio, a task that has not started begins before it is cancelled: its first step is already in the ready
      // queue, and the cancel is put behind it in the queue.
      else frame.loop.push({ run: cancel })
    }
  }
}

/**
 * Passes a cancel on to `frame` (the object for one scope or task) and to the scopes inside it. `cancelWaits` ends the
 * waits on futures; this function does the rest. (1) If the body of a scope has returned a promise whose work was begun
 * outside of the scope, the scope stops waiting for this promise. (2) The AbortSignals abort. `cancellation` belongs to
 * the scope or task that was cancelled: `frame`, or a frame around it. Returns true if code knows of the cancel, which
 * then need not end a later wait: a scope has stopped waiting for a promise, or a listener has read `aborted` or
 * `reason` of a signal during this call.
 */
export function endOtherWork(frame: Frame, msg: Message, cancellation: Cancellation): boolean {
  const frames = frame.firstChild === null ? [frame] : framesInside(frame)
  let isTaken = false
  for (const each of frames) isTaken = each.abandonReturned(msg) || isTaken
  for (const each of frames)
    isTaken = each.cancellation?.abort(msg, cancellation) === true || isTaken
  if (isTaken) cancellation.noteLearnt()
  return isTaken
}
