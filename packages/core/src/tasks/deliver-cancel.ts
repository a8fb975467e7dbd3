import { currentFrame } from '../context/current.ts'
import { type CancelledError, isCancelled, toCancelledError } from '../errors/errors.ts'
import { Future } from '../futures/future.ts'
import type { Reaction } from '../futures/reaction.ts'
import type { Frame } from './frame.ts'
import { ABANDONED, beginCleanup, CLOSING, endCleanup, Interruption, OPEN } from './frame-waits.ts'
import { callLaterUnref } from '../loop/clock.ts'
import { unwatchRejections, watchRejections } from '../loop/unhandled-rejections.ts'
import { levelOf, strikeNewWait } from './level-cancel.ts'
import type { Cancellation } from './cancellation.ts'
import { cancelWait, strikeWaits } from './propagate-cancel.ts'
import { canSeeFlows, watchFlows } from './promise-hook.ts'

/** A wait has begun in a frame that has been cancelled, that is inside another one, or whose body has ended. */
export function beginWait(frame: Frame, reaction: Reaction, future: Future<unknown>): void {
  let due: Frame | null = null
  /** Frames further out are behind a shield. */
  let isShut = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state !== OPEN) each.link()
    const { cancellation } = each
    cancellation?.confirm()
    if (!isShut && cancellation?.takeDue() === true) due ??= each
    isShut ||= each.isShielded
  }
  const level = levelOf(frame)
  if (due === null || !isWaitOf(frame, reaction)) {
    if (level !== null) strikeNewWait(frame, reaction, future, level)
    return
  }
  const cancel = due.cancellation
  if (!cancelWait(frame, future, cancel?.remembered)) return
  const key = frame.keyOf(reaction)
  // A cancel that is due in an inner and in an outer frame is delivered once.
  for (let each: Frame | null = due; each !== null; each = each.parent) {
    const { cancellation } = each
    if (cancellation?.pending === true) cancellation.strikeNew(key, frame.numberOf(key))
    if (each.isShielded) break
  }
  strikeInner(frame, due)
  if (frame.task !== null) frame.scopeLoop.monitor?.cancelDelivered(frame.task)
}

/** The cancel of `due` has struck a wait of `frame`: the scopes in between must let it go on. */
function strikeInner(frame: Frame, due: Frame): void {
  for (let each: Frame | null = frame; each !== null && each !== due; each = each.parent) {
    each.strikeFromOutside()
  }
}

/** Ends the waits of `frame`, whose shield has fallen, for the pending cancel of `outer`; without a wait it stays pending. */
export function deliverPending(frame: Frame, outer: Frame): void {
  const cancellation = outer.cancellation as Cancellation
  const wasStruck = strikeWaits(frame, cancellation.remembered, cancellation)
  if (wasStruck) cancellation.pending = false
}

/** Code that passed two nameless functions of its own to `then` does not wait: the check drops it from the waits. */
function isWaitOf(frame: Frame, reaction: Reaction): boolean {
  return frame.holdsWait(reaction)
}

/**
 * The turn of a wait of `frame` has come, after `future` has ended. Returns the cancel to throw instead of the outcome,
 * or null.
 */
export function resumeWait(
  frame: Frame,
  key: Reaction,
  future: Future<unknown>,
): CancelledError | null {
  const { task, scopeLoop: loop } = frame
  if (task !== null) loop.hold(task)
  else if (frame.state !== OPEN) loop.hold(frame)
  if (frame.cancellation === null && frame.parent === null) return null
  let due: Frame | null = null
  let isShut = false
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    const { cancellation } = each
    const wasShut: boolean = isShut
    isShut ||= each.isShielded
    if (cancellation === null) continue
    const isStruck = cancellation.takeStruck(key)
    const isDue: boolean = !wasShut && cancellation.takeDue()
    if (!isStruck && !isDue) continue
    if (task !== null) loop.monitor?.cancelThrown(task, key)
    if (isDue) {
      cancellation.pending = false
      due ??= each
      if (!isStruck) cancellation.strikeNow(frame.numberOf(key))
    }
    beginStruckTurn(each)
  }
  if (due !== null) strikeInner(frame, due)
  if (future instanceof Interruption) return future.cancelledError()
  if (due === null || future.cancelled()) return null
  // A gather that was cancelled fails with a CancelledError, which stays, as in asyncio.
  if (future.done() && isCancelled(future.exception())) return null
  return toCancelledError(due.cancellation?.remembered)
}

function beginStruckTurn(frame: Frame): void {
  const { cancellation } = frame
  if (cancellation === null || cancellation.isInTurn || frame.task === null) return
  cancellation.beginTurn()
  watchFlows()
  frame.scopeLoop.atTurnEnd(() => cancellation.endTurn(canSeeFlows))
}

/**
 * A CancelledError leaves the scope of `frame`: it carries the cancels of the frames around it that came while the body
 * was in a foreign await. A cancel that the running code itself asked for stays due, as in CPython.
 */
export function deliverWith(frame: Frame): void {
  let inner = frame
  for (let each = frame.parent; each !== null && !inner.isShielded; each = each.parent) {
    inner = each
    const { cancellation } = each
    if (cancellation?.pending !== true || cancellation.isFromInside) continue
    cancellation.pending = false
    cancellation.strikeNow(each.newestEnded)
    strikeInner(frame, each)
    beginStruckTurn(each)
  }
}

/** Whether no wait may begin in `frame`: its loop is closed, or a cancelled scope around it waits for its last flows. */
export function mustRefuse(frame: Frame): boolean {
  if (frame.scopeLoop.isClosed()) return true
  for (let each: Frame | null = frame; each !== null; each = each.parent) {
    if (each.state === CLOSING || each.state === ABANDONED) return true
  }
  return false
}

/** How often code of a frame was refused a wait. */
const refusals = new WeakMap<Frame, number>()
/** Refusals that take one turn of the loop each; later ones wait for twice as many milliseconds each time. */
const quickRefusals = 4
const longestRefusal = 1_000

/**
 * A future that ends as cancelled after a turn of the loop, I/O included. Code that catches the error and waits again, in
 * a loop, is slowed down, so that it does not keep the processor busy.
 */
export function refuse(frame: Frame, future: Future<unknown>): Future<never> {
  // What it would have been given must go to the next in line; a task that others wait for goes on.
  if (future.ownExecution() === null) future.cancel()
  const isClosed = frame.scopeLoop.isClosed()
  const refusal = new Future<never>(isClosed ? {} : { loop: frame.scopeLoop })
  const loop = refusal.getLoop()
  const count = refusals.get(frame) ?? 0
  refusals.set(frame, count + 1)
  const run = (): void => {
    // The run is over, and so is its watch for calls that nobody awaits.
    if (isClosed) watchRejections(refusal)
    refusal.cancel('the scope around this wait was cancelled and has ended')
    if (isClosed) unwatchRejections(refusal)
  }
  if (count < quickRefusals) loop.pushAfterIO({ run })
  else {
    const delay = Math.min(2 ** (count - quickRefusals), longestRefusal)
    if (isClosed) callLaterUnref(delay, run)
    else loop.addTimer({ run, heapIndex: -1, heapOrder: 0 }, loop.time() + delay)
  }
  return refusal
}

/**
 * Waits for `future` in clean-up of this library's own: in a frame that refuses new waits, or in a cancelled scope, it
 * waits outside of every frame. Otherwise a cancel interrupts it like any other wait.
 */
export async function awaitAnyway(frame: Frame, future: Future<void>): Promise<void> {
  const isRefused = frame.mustRefuse()
  if (!isRefused && levelOf(frame) === null) {
    await future
    return
  }
  // Nobody waits for a flow that is refused its waits.
  const running = isRefused ? null : currentFrame()
  if (running !== null) beginCleanup(running)
  try {
    await frame.scopeLoop.runDetached(async () => future)
  } finally {
    if (running !== null) endCleanup(running)
  }
}
