import { isCancelled, RuntimeError } from '@tasktree/core'
import { type Barrier, BoundedSemaphore, BrokenBarrierError } from '@tasktree/sync'
import type { AsyncSteps, End, Interpreter, Scope, SyncSteps } from './interpreter.ts'
import { at } from './primitives.ts'
import type { Statement } from './program.ts'
import { show } from './show.ts'

interface Lockable {
  acquire(): PromiseLike<Disposable>
  release(): void
}

/**
 * Does what Python's `async with` does: holds the lock while `body` runs. In a careless program another task may release the lock
 * meanwhile. asyncio then throws an error at the end of the scope, and so does `release()`. A `using` declaration would not,
 * because its disposer ignores a lock that has been released already.
 */
async function holding(
  lockable: Lockable,
  careless: boolean | undefined,
  body: () => Promise<End | undefined>,
): Promise<End | undefined> {
  if (careless !== true) {
    using _ = await lockable.acquire()
    return await body()
  }
  await lockable.acquire()
  try {
    return await body()
  } finally {
    lockable.release()
  }
}

function scopeBody(
  run: Interpreter,
  scope: Scope,
  label: string,
  body: Statement[],
): () => Promise<End | undefined> {
  return async () => {
    run.trace(scope, label)
    return run.block(body, scope)
  }
}

/** Traces the result of a wait, or the error that ended it. A CancelledError is thrown on and not traced. */
async function attemptWait(
  run: Interpreter,
  scope: Scope,
  label: string,
  wait: () => PromiseLike<unknown>,
): Promise<void> {
  try {
    run.trace(scope, `${label} ${show(await wait())}`)
  } catch (error) {
    if (isCancelled(error)) throw error
    run.trace(scope, `${label} ${show(error)}`)
  }
}

async function withBarrier(
  run: Interpreter,
  scope: Scope,
  index: number,
  call: (barrier: Barrier) => Promise<void>,
): Promise<void> {
  const barrier = at(run.primitives.barriers, index)
  await call(barrier)
  run.trace(scope, `barrier ${index} waiting ${barrier.nWaiting} broken ${show(barrier.broken)}`)
}

export const syncPackageSyncSteps: SyncSteps<
  | 'release'
  | 'locked'
  | 'semaphore_release'
  | 'semaphore_locked'
  | 'event_set'
  | 'event_clear'
  | 'event_is_set'
  | 'count'
  | 'notify'
  | 'notify_all'
  | 'put_nowait'
  | 'get_nowait'
  | 'task_done'
  | 'size'
  | 'shut_down'
> = {
  release(run, scope, index) {
    run.attempt(scope, `release ${index}`, () => at(run.primitives.locks, index).release())
  },
  locked(run, scope, index) {
    run.trace(scope, `locked ${index} ${show(at(run.primitives.locks, index).locked())}`)
  },
  semaphore_release(run, scope, index) {
    const semaphore = at(run.primitives.semaphores, index)
    run.attempt(scope, `semaphore_release ${index}`, () => semaphore.release())
  },
  semaphore_locked(run, scope, index) {
    const locked = at(run.primitives.semaphores, index).locked()
    run.trace(scope, `semaphore_locked ${index} ${show(locked)}`)
  },
  event_set(run, _scope, index) {
    at(run.primitives.events, index).set()
  },
  event_clear(run, _scope, index) {
    at(run.primitives.events, index).clear()
  },
  event_is_set(run, scope, index) {
    run.trace(scope, `event_is_set ${index} ${show(at(run.primitives.events, index).isSet())}`)
  },
  count(run, _scope, counter) {
    run.primitives.counters[counter] = at(run.primitives.counters, counter) + 1
  },
  notify(run, scope, index, number) {
    const condition = at(run.primitives.conditions, index)
    run.attempt(scope, `notify ${index}`, () => condition.notify(number))
  },
  notify_all(run, scope, index) {
    const condition = at(run.primitives.conditions, index)
    run.attempt(scope, `notify_all ${index}`, () => condition.notifyAll())
  },
  put_nowait(run, scope, index, value) {
    const queue = at(run.primitives.queues, index)
    run.attempt(scope, `put_nowait ${index} ${value}`, () => queue.putNowait(value))
  },
  get_nowait(run, scope, index) {
    const queue = at(run.primitives.queues, index)
    run.attempt(scope, `get_nowait ${index}`, () => queue.getNowait())
  },
  task_done(run, scope, index) {
    const queue = at(run.primitives.queues, index)
    run.attempt(scope, `task_done ${index}`, () => queue.taskDone())
  },
  size(run, scope, index) {
    const queue = at(run.primitives.queues, index)
    run.trace(scope, `size ${index} ${queue.qsize()} ${show(queue.empty())} ${show(queue.full())}`)
  },
  shut_down(run, _scope, index, immediate) {
    at(run.primitives.queues, index).shutdown(immediate)
  },
}

export const syncPackageAsyncSteps: AsyncSteps<
  | 'lock'
  | 'acquire'
  | 'semaphore'
  | 'semaphore_acquire'
  | 'event_wait'
  | 'condition'
  | 'condition_wait'
  | 'condition_wait_for'
  | 'put'
  | 'get'
  | 'join'
  | 'barrier'
  | 'barrier_reset'
  | 'barrier_abort'
> = {
  async lock(run, scope, index, body) {
    const inner = scopeBody(run, scope, `lock ${index}`, body)
    return holding(at(run.primitives.locks, index), run.program.careless, inner)
  },
  async acquire(run, scope, index) {
    await at(run.primitives.locks, index).acquire()
    run.trace(scope, `acquired ${index}`)
  },
  async semaphore(run, scope, index, body) {
    const semaphore = at(run.primitives.semaphores, index)
    // The release of a BoundedSemaphore may throw. If the body has thrown too, `using` would combine both errors in a
    // SuppressedError, which Python does not do. So this semaphore is released by hand.
    const byHand = semaphore instanceof BoundedSemaphore
    return holding(semaphore, byHand, scopeBody(run, scope, `semaphore ${index}`, body))
  },
  async semaphore_acquire(run, scope, index) {
    await at(run.primitives.semaphores, index).acquire()
    run.trace(scope, `semaphore_acquired ${index}`)
  },
  async event_wait(run, scope, index) {
    run.trace(scope, `event ${index} ${show(await at(run.primitives.events, index).wait())}`)
  },
  async condition(run, scope, index, body) {
    const inner = scopeBody(run, scope, `condition ${index}`, body)
    return holding(at(run.primitives.conditions, index), run.program.careless, inner)
  },
  async condition_wait(run, scope, index) {
    const condition = at(run.primitives.conditions, index)
    try {
      run.trace(scope, `condition_wait ${index} ${show(await condition.wait())}`)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      run.trace(scope, `condition_wait ${index} ${show(error)}`)
    } finally {
      // The task holds the lock again, whether the wait ended by a notify or by a cancel.
      run.trace(scope, `condition_locked ${index} ${show(condition.locked())}`)
    }
  },
  async condition_wait_for(run, scope, index, counter, least) {
    const { conditions, counters } = run.primitives
    try {
      await at(conditions, index).waitFor(() => at(counters, counter) >= least)
      run.trace(scope, `condition_wait_for ${index} ${counters[counter]}`)
    } catch (error) {
      if (!(error instanceof RuntimeError)) throw error
      run.trace(scope, `condition_wait_for ${index} ${show(error)}`)
    }
  },
  async put(run, scope, index, value) {
    const queue = at(run.primitives.queues, index)
    await attemptWait(run, scope, `put ${index}`, async () => {
      await queue.put(value)
      return value
    })
  },
  async get(run, scope, index) {
    await attemptWait(run, scope, `got ${index}`, () => at(run.primitives.queues, index).get())
  },
  async join(run, scope, index) {
    await at(run.primitives.queues, index).join()
    run.trace(scope, `joined ${index}`)
  },
  async barrier(run, scope, index) {
    try {
      const place = await at(run.primitives.barriers, index).wait()
      run.trace(scope, `barrier ${index} ${place}`)
    } catch (error) {
      if (!(error instanceof BrokenBarrierError)) throw error
      run.trace(scope, `barrier ${index} ${show(error)}`)
    }
  },
  async barrier_reset(run, scope, index) {
    await withBarrier(run, scope, index, (barrier) => barrier.reset())
  },
  async barrier_abort(run, scope, index) {
    await withBarrier(run, scope, index, (barrier) => barrier.abort())
  },
}
