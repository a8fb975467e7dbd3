import { runningScope } from '../context/async-context.ts'
import type { CancelledError } from '../errors/errors.ts'
import type { Future } from '../futures/future.ts'
import { Cancellation } from './cancellation.ts'
import { watchRejections } from '../loop/unhandled-rejections.ts'
import { taskCancel } from './channels.ts'
import type { Frame } from './frame.ts'

type Message = string | CancelledError | undefined

/** A frame that has passed a cancel on. */
interface Ending {
  readonly frame: Frame
  readonly msg: Message
  readonly isAccepted: boolean
}

/** Set by a cancel that has come back to a task that it went through; read by the wait through which it came back. */
let cameRound = false
/** The number of cancels that are on their way, each inside the one before: a gather passes its cancel on to its children. */
let depth = 0
/**
 * The frames whose cancel is complete but has not been announced. The outermost cancel announces them, because a
 * listener may cancel other tasks and must find all of it done.
 */
const endings: Ending[] = []

/** A cancel that is put off until the cancels around it have returned. */
interface Deferred {
  /** The frame that waits for `wait`; null for the child of a gather. */
  readonly frame: Frame | null
  readonly wait: Future<unknown>
  readonly msg: Message
}

/** Cancels that are nested deeper than this are put off: each takes some frames of the stack, which has about 10,000. */
const deepest = 200
const deferred: Deferred[] = []
/** The tasks that the cancel went through. They stay marked until the deferred cancels are done, which may come back. */
const marked: Cancellation[] = []

/**
 * Cancels `first`: passes the cancel on to what its code waits on, and to what those tasks wait on in turn. When the
 * cancel comes round to a task that it went through, the last wait of that circle is interrupted.
 * Returns false when it has come back to a task that it went through.
 *
 * It goes down a line of tasks that each wait for the next in a loop, because the line may be longer than the stack
 * is deep.
 */
export function cancelFrame(first: Frame, msg: Message): boolean {
  const isFromInside = isRunning(first)
  if (isFromInside) first.scopeLoop.holdFor(first.task ?? first)
  watchRejections(first.scopeLoop)
  if (!begin(first, isFromInside)) {
    cameRound = true
    return false
  }
  let last = first
  /** The frames before it in the line: most lines have one frame. */
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
        isAccepted = strikeWaits(last, msg, last.cancellation as Cancellation)
        break
      }
      if (!begin(execution, false)) {
        owner.interrupt(next, msg)
        isAccepted = true
        break
      }
      noteStruck(last)
      others ??= []
      others.push(last)
      last = execution
    }
    isComplete = true
  } finally {
    endSpreading(last)
    if (others !== null) for (const frame of others) endSpreading(frame)
    depth--
    if (!isComplete) announceOutermost()
  }
  endings.push({ frame: last, msg, isAccepted })
  if (others !== null) {
    for (const frame of others.toReversed()) endings.push({ frame, msg, isAccepted: true })
  }
  announceOutermost()
  return true
}

/** `frame` and the frames inside it that no shield keeps out, the outermost first. */
function framesInside(frame: Frame): Frame[] {
  const frames = [frame]
  // The list grows while it is read: nested scopes may be deeper than the stack.
  for (const each of frames) {
    for (let child = each.firstChild; child !== null; child = child.next) {
      if (child.isShielded) child.heldBack()
      else frames.push(child)
    }
  }
  return frames
}

/** The frame, `frame` or one inside it, that has the only wait of them all; null for none and for several. */
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

/** Cancels every wait of `frame` and of the frames inside it, for `cancellation`; whether one accepted. */
export function strikeWaits(frame: Frame, msg: Message, cancellation: Cancellation): boolean {
  const own = frame.firstChild === null ? frame.ownWait() : null
  if (own !== null) {
    const isAccepted = cancelWait(frame, own, msg)
    if (isAccepted) cancellation.strike(frame, frame.numberOf(frame))
    return isAccepted
  }
  const accepted = new Set<Future<unknown>>()
  const frames = frame.firstChild === null ? [frame] : framesInside(frame)
  for (const each of frames) {
    each.eachWait((key, future, began) => {
      if (!accepted.has(future) && !cancelWait(each, future, msg)) return
      accepted.add(future)
      cancellation.strike(key, began)
    })
  }
  return accepted.size > 0
}

function noteStruck(frame: Frame): void {
  const cancellation = frame.cancellation as Cancellation
  for (const each of framesInside(frame)) {
    each.eachWait((key, _future, began) => cancellation.strike(key, began))
  }
}

/** Passes a cancel of `frame` on to one of its waits; whether that accepted it. */
export function cancelWait(frame: Frame, wait: Future<unknown>, msg: Message): boolean {
  if (depth > deepest) return defer(frame, wait, msg)
  const root = outermost(frame)
  root.cancellation ??= new Cancellation(root)
  const { cancellation } = root
  const wasSpreading = cancellation.isSpreading
  cancellation.isSpreading = true
  depth++
  try {
    cameRound = false
    const isAccepted = wait.cancel(msg)
    if (isAccepted) cancellation.struckWait = wait
    if (!cameRound) return isAccepted
    cameRound = false
    if (!wait.done()) frame.interrupt(wait, msg)
    return true
  } finally {
    if (!wasSpreading) unmark(cancellation)
    depth--
    announceOutermost()
  }
}

/** Passes a cancel of a gather on to one of its children; whether that accepted it. */
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

/** A future that is pending is taken to accept the cancel; `runDeferred` corrects that where it does not. */
function defer(frame: Frame | null, wait: Future<unknown>, msg: Message): boolean {
  if (wait.done()) return false
  deferred.push({ frame, wait, msg })
  return true
}

function runDeferred(): void {
  depth++
  try {
    // The list grows meanwhile.
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
    for (const cancellation of marked.splice(0)) cancellation.isSpreading = false
  }
}

function unmark(cancellation: Cancellation): void {
  if (deferred.length > 0) marked.push(cancellation)
  else cancellation.isSpreading = false
}

function outermost(frame: Frame): Frame {
  let root = frame
  for (let each = frame.parent; each !== null; each = each.parent) root = each
  return root
}

/** False when `frame` is the outermost frame of a task that the cancel went through already. */
function begin(frame: Frame, isFromInside: boolean): boolean {
  const root = outermost(frame)
  root.cancellation ??= new Cancellation(root)
  if (root === frame && root.cancellation.isSpreading) return false
  root.cancellation.isSpreading = true
  frame.cancellation ??= new Cancellation(frame)
  frame.cancellation.begin(isFromInside)
  return true
}

function endSpreading(frame: Frame): void {
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
  if (endings.length === 0) return
  // A listener may cancel in its turn; that cancel announces its own endings.
  for (const ending of endings.splice(0)) announce(ending)
}

function announce({ frame, msg, isAccepted }: Ending): void {
  const cancellation = frame.cancellation as Cancellation
  cancellation.message = msg
  if (frame.firstChild !== null) cancelBesideShields(frame, msg)
  const isTaken = giveUpPromise(frame, msg) || abortSignals(frame, msg)
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
 * A group cancels its tasks when the cancel strikes its body. A body that is behind a shield is not struck yet, and its
 * tasks are not behind that shield: they are cancelled at once.
 */
function cancelBesideShields(frame: Frame, msg: Message): void {
  for (const each of framesInside(frame)) {
    if (each === frame || !hasShieldInside(each)) continue
    for (const task of each.members) {
      const cancel = (): void => {
        if (!task.done() && task.ownExecution().cancelling() === 0) task.cancel(msg)
      }
      if (task.started) cancel()
      // As in Trio it begins first: its first step is in the ready queue already.
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

/** Ends the waits of scopes for promises of work that was begun outside of them. */
function giveUpPromise(frame: Frame, msg: Message): boolean {
  let isTaken = false
  for (const each of frame.firstChild === null ? [frame] : framesInside(frame)) {
    isTaken = each.giveUp(msg) || isTaken
  }
  return isTaken
}

/** Aborts the signals of `frame` and of the frames inside it; whether a listener has taken a reason. */
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
