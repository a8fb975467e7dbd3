import {
  asCompleted,
  CancelledError,
  currentTask,
  ExceptionGroup,
  Future,
  gather,
  isCancelled,
  RuntimeError,
  shield,
  sleep,
  Task,
  taskGroup,
  TimeoutError,
  timeout,
  type Timeout,
  wait,
  waitFor,
} from '@tasktree/core'
import type { AsyncSteps, Body, End, Interpreter, SyncSteps } from './interpreter.ts'
import { describeState, show } from './show.ts'

/** An error that a program throws on purpose. The program gives its name, so a trace shows it apart from the library's errors. */
class ProgramError extends Error {
  constructor(name: string) {
    super()
    this.name = name
  }
}

function makeError(kind: string): Error {
  return kind === 'CancelledError' ? new CancelledError() : new ProgramError(kind)
}

export function catches(kind: string, error: unknown): boolean {
  if (kind === 'all') return true
  if (kind === 'cancel') return isCancelled(error)
  if (kind === 'error') return !isCancelled(error)
  if (kind === 'timeout') return error instanceof TimeoutError
  if (kind === 'group') return error instanceof ExceptionGroup
  return error instanceof Error && error.name === kind
}

/**
 * Returns the future in the slot if a program may complete it, and otherwise null. A program must not complete a task or the
 * future of a `gather`, because these set their own outcomes.
 */
function plainFuture(run: Interpreter, slot: number): Future<unknown> | null {
  const future = run.slots.get(slot)
  return future?.constructor === Future ? future : null
}

function outward<T>(scopes: readonly T[], up: number): T | undefined {
  return scopes[scopes.length - 1 - up]
}

export const coreSyncSteps: SyncSteps<
  | 'mark'
  | 'raise'
  | 'reraise'
  | 'return'
  | 'break'
  | 'continue'
  | 'create'
  | 'cancel'
  | 'uncancel'
  | 'cancelling'
  | 'probe'
  | 'who'
  | 'set_variable'
  | 'get_variable'
  | 'future'
  | 'set_result'
  | 'set_exception'
  | 'when_done'
  | 'later'
  | 'reschedule'
  | 'expired'
  | 'create_in_group'
> = {
  mark(run, scope, label) {
    run.trace(scope, `mark ${label}`)
  },
  raise(_run, _scope, kind) {
    throw makeError(kind)
  },
  reraise(_run, scope) {
    // oxlint-disable-next-line typescript/only-throw-error -- throws again what was caught, of any type
    if (scope.handling !== null) throw scope.handling.error
  },
  return(_run, _scope, value) {
    return { kind: 'return', value }
  },
  break() {
    return { kind: 'break' }
  },
  continue() {
    return { kind: 'continue' }
  },
  create(run, scope, slot, fn) {
    run.newTask(scope, slot, fn)
  },
  cancel(run, scope, ref, message) {
    const target = run.target(ref, scope)
    if (target === null) return
    run.trace(scope, `cancel ${ref} ${show(target.cancel(message ?? undefined))}`)
  },
  uncancel(run, scope, ref) {
    const target = run.target(ref, scope)
    if (target instanceof Task) run.trace(scope, `uncancel ${ref} ${target.uncancel()}`)
  },
  cancelling(run, scope, ref) {
    const target = run.target(ref, scope)
    if (target instanceof Task) run.trace(scope, `cancelling ${ref} ${target.cancelling()}`)
  },
  probe(run, scope, ref) {
    const target = run.target(ref, scope)
    run.trace(scope, `probe ${ref} ${target === null ? 'none' : describeState(target)}`)
  },
  who(run, scope) {
    run.trace(scope, `who ${show(currentTask()?.name)}`)
  },
  set_variable(run, _scope, value) {
    run.variable.set(value)
  },
  get_variable(run, scope) {
    run.trace(scope, `variable ${run.variable.get()}`)
  },
  future(run, _scope, slot) {
    run.slots.set(slot, new Future<unknown>())
  },
  set_result(run, scope, slot, value) {
    const target = plainFuture(run, slot)
    if (target === null) return
    run.attempt(scope, `set_result ${slot}`, () => target.setResult(value))
  },
  set_exception(run, scope, slot, kind) {
    const target = plainFuture(run, slot)
    if (target === null) return
    run.attempt(scope, `set_exception ${slot}`, () => target.setException(makeError(kind)))
  },
  when_done(run, _scope, slot, channel, actions) {
    run.slots.get(slot)?.addDoneCallback((future) => {
      run.callback(channel, `done ${describeState(future)}`, actions)
    })
  },
  later(run, _scope, delay, channel, actions) {
    const callback = (): void => run.callback(channel, 'fires', actions)
    if (delay === null) run.loop.callSoon(callback)
    else run.loop.callLater(delay, callback)
  },
  reschedule(run, scope, up, delay) {
    const target = outward(scope.timeouts, up)
    if (target === undefined) return
    const when = delay === null ? null : run.loop.time() + delay
    run.attempt(scope, `reschedule ${up}`, () => target.reschedule(when))
  },
  expired(run, scope, up) {
    const target = outward(scope.timeouts, up)
    if (target === undefined) return
    run.trace(scope, `expired ${up} ${show(target.expired())} when ${show(target.when())}`)
  },
  create_in_group(run, scope, up, slot, fn) {
    const target = outward(scope.groups, up)
    if (target === undefined) return
    try {
      run.newTask(scope, slot, fn, target)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      run.trace(scope, `create_in_group ${up} ${show(error)}`)
    }
  },
}

export const coreAsyncSteps: AsyncSteps<
  | 'loop'
  | 'try'
  | 'call'
  | 'sleep'
  | 'await'
  | 'gather'
  | 'shield'
  | 'wait'
  | 'wait_for'
  | 'as_completed'
  | 'timeout'
  | 'group'
> = {
  async loop(run, scope, count, body) {
    for (let i = 0; i < count; i++) {
      const end = await run.block(body, scope)
      if (end?.kind === 'break') break
      if (end?.kind === 'return') return end
    }
    return undefined
  },
  async try(run, scope, body, handlers, final) {
    let end: End | undefined
    try {
      try {
        end = await run.block(body, scope)
      } catch (error) {
        const handler = handlers.find(([kind]) => catches(kind, error))
        if (handler === undefined) throw error
        run.trace(scope, `caught ${show(error)}`)
        end = await run.block(handler[1], { ...scope, handling: { error } })
      }
    } finally {
      if (final !== null) {
        run.trace(scope, 'finally')
        const finalEnd = await run.block(final, scope)
        // In Python, as in JavaScript, a `return` in a `finally` block drops the error.
        // oxlint-disable-next-line eslint/no-unsafe-finally
        if (finalEnd !== undefined) return finalEnd
      }
    }
    return end
  },
  async call(run, scope, fn) {
    const end = await run.block(run.functionBody(fn), { ...scope, handling: null })
    run.trace(scope, `called ${show(end?.kind === 'return' ? end.value : null)}`)
  },
  async sleep(run, scope, delay) {
    run.trace(scope, `slept ${show(await sleep(delay, delay))}`)
  },
  async await(run, scope, slot) {
    const future = run.slots.get(slot)
    if (future === undefined) run.trace(scope, `await ${slot} none`)
    else run.trace(scope, `await ${slot} ${show(await future)}`)
  },
  async gather(run, scope, slot, items, returnExceptions, now) {
    const awaitables = run.awaitables(items, scope)
    const outer: Future<unknown> = returnExceptions
      ? gather(awaitables, { returnExceptions })
      : gather(awaitables)
    run.slots.set(slot, outer)
    if (now) run.trace(scope, `gather ${slot} ${show(await outer)}`)
  },
  async shield(run, scope, slot, item, now) {
    const [found] = run.awaitables([item], scope)
    if (found === undefined) return
    const outer = shield(found)
    run.slots.set(slot, outer)
    if (now) run.trace(scope, `shield ${slot} ${show(await outer)}`)
  },
  async wait(run, scope, slots, limit, mode) {
    const filled = slots.filter((slot) => run.slots.has(slot))
    if (filled.length === 0) return
    const futureOf = (slot: number): Future<unknown> => run.slots.get(slot) as Future<unknown>
    const waitedFor = new Map(filled.map((slot) => [slot, futureOf(slot)]))
    const parts = await wait(waitedFor.values(), { timeout: limit, returnWhen: mode })
    const [done, pending] = [parts.done, parts.pending].map((part) =>
      filled.filter((slot) => part.has(waitedFor.get(slot) as Future<unknown>)),
    )
    run.trace(scope, `wait done ${show(done)} pending ${show(pending)}`)
  },
  async wait_for(run, scope, item, limit) {
    let awaitable: Future<unknown> | Body | undefined
    if (Array.isArray(item)) {
      const [fn, slot] = item
      // `waitFor` runs a function inline, in this task. If the limit is 0, `waitFor` makes a task that never begins instead.
      const inline = limit === null || limit > 0
      awaitable = inline
        ? () => run.body(fn, { ...scope, timeouts: [], handling: null })
        : () => run.implicit(scope, slot, fn)
    } else {
      awaitable = run.slots.get(item)
    }
    if (awaitable === undefined) return
    run.trace(scope, `wait_for ${show(await waitFor(awaitable, limit))}`)
  },
  async as_completed(run, scope, items, limit, stream) {
    const completions = asCompleted(run.awaitables(items, scope), { timeout: limit })
    if (stream) {
      for await (const result of completions) run.trace(scope, `completed ${show(result)}`)
      return
    }
    for (const next of completions) {
      try {
        run.trace(scope, `completed ${show(await next)}`)
      } catch (error) {
        if (isCancelled(error)) throw error
        run.trace(scope, `completed ${show(error)}`)
      }
    }
  },
  async timeout(run, scope, delay, body) {
    let timeoutScope: Timeout | null = null
    try {
      return await timeout(delay, async (inner) => {
        timeoutScope = inner
        return run.block(body, { ...scope, timeouts: [...scope.timeouts, inner] })
      })
    } finally {
      run.trace(scope, `timeout expired ${show((timeoutScope as Timeout | null)?.expired())}`)
    }
  },
  async group(run, scope, body) {
    const end = await taskGroup(async (group) => {
      const bodyEnd = await run.block(body, { ...scope, groups: [...scope.groups, group] })
      run.trace(scope, 'group waits')
      return bodyEnd
    })
    run.trace(scope, 'group ended')
    return end
  },
}
