import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context.ts'
import type { EventLoop } from './loop.ts'
import type { Task } from './task.ts'

/** What running code belongs to: a task, or a callback of a loop. A Task is its own scope. */
export interface Scope {
  /** @internal null in a loop callback */
  readonly scopeTask: Task | null
  /** @internal */
  readonly scopeLoop: EventLoop
  /** @internal the context variables that are seen here, made on first use */
  scopeContext(): Context
}

/**
 * One AsyncLocalStorage carries the running scope through every await, of native promises too.
 *
 * Entering a storage copies the map that holds those of all libraries: a tenth of a microsecond and 200
 * bytes for each task, more than a task's own. Where the platform keeps that map in a property of each
 * AsyncResource (Node since 24), a frame of ours stands in its place, which adds the scope to the
 * caller's map without a copy. It is tried out when this module is loaded, and where anything about it
 * is not as expected the storage is entered as everywhere else.
 */
const storage = new AsyncLocalStorage<Scope>()
const manualDestroy = { requireManualDestroy: true }

/** What the platform asks of the map it keeps: of the newest frame, each storage its value. */
class ScopeFrame implements Iterable<[unknown, unknown]> {
  readonly #outer: ReadonlyMap<unknown, unknown> | undefined
  #scope: Scope | undefined

  constructor(scope: Scope, outer: ScopeFrame | ReadonlyMap<unknown, unknown> | undefined) {
    this.#scope = scope
    // The caller's own scope is hidden by this one: kept, it would hold every task's creator in memory.
    this.#outer = outer instanceof ScopeFrame ? outer.#outer : outer
  }

  get(store: unknown): unknown {
    return store === storage ? this.#scope : this.#outer?.get(store)
  }

  has(store: unknown): boolean {
    return store === storage || this.#outer?.has(store) === true
  }

  /** Another storage is entered inside: its frame is a copy of this one. */
  *[Symbol.iterator](): IterableIterator<[unknown, unknown]> {
    if (this.#outer !== undefined)
      for (const entry of this.#outer) if (entry[0] !== storage) yield entry
    yield [storage, this.#scope]
  }

  disable(store: unknown): void {
    if (store === storage) this.#scope = undefined
    else (this.#outer as { disable?(store: unknown): void } | undefined)?.disable?.(store)
  }
}

type Framed = AsyncResource & Record<symbol, ScopeFrame | ReadonlyMap<unknown, unknown> | undefined>

const frameKey: symbol | null = findFrameKey()

/**
 * The caller's asynchronous context, other libraries' storages included, with `scope` put in: code is run
 * in it later, by `runInAsyncScope`, and calls `enterScope` first.
 */
export function captureAsyncContext(scope: Scope): AsyncResource {
  const resource = new AsyncResource('Tasktree', manualDestroy) as Framed
  if (frameKey !== null) resource[frameKey] = new ScopeFrame(scope, resource[frameKey])
  return resource
}

/** Only inside `runInAsyncScope` of what `captureAsyncContext` gave for `scope`, which puts the outer one back. */
export function enterScope(scope: Scope): void {
  if (frameKey === null) storage.enterWith(scope)
}

/** Remembers `scope` and what the caller's other storages hold, to run code outside of whoever calls. */
export function makeAsyncContext(scope: Scope): AsyncResource {
  return storage.run(scope, () => new AsyncResource('Tasktree', manualDestroy))
}

export function runInScope<T>(scope: Scope, fn: () => T): T {
  return storage.run(scope, fn)
}

export function currentScope(): Scope | undefined {
  return storage.getStore()
}

function findFrameKey(): symbol | null {
  try {
    const resource = new AsyncResource('Tasktree', manualDestroy) as Framed
    const key = Object.getOwnPropertySymbols(resource).find(
      (symbol) => symbol.description === 'context_frame',
    )
    return key !== undefined && isCarried(key) ? key : null
  } catch {
    return null
  }
}

/** Whether a frame of ours is seen, restored, and copied by another storage, as the platform's own is. */
function isCarried(key: symbol): boolean {
  const other = new AsyncLocalStorage<string>()
  const scope = {} as Scope
  const seen: unknown[] = []
  const resource = other.run('outer', () => new AsyncResource('Tasktree', manualDestroy)) as Framed
  resource[key] = new ScopeFrame(scope, resource[key])
  const look = (): void => void seen.push(storage.getStore(), other.getStore())
  resource.runInAsyncScope(() => {
    look()
    other.run('inner', look)
    const inside = new AsyncResource('Tasktree', manualDestroy)
    storage.run(null as never, () => inside.runInAsyncScope(look))
    other.exit(look)
    look()
  })
  look()
  const expected = [
    scope,
    'outer',
    scope,
    'inner',
    scope,
    'outer',
    scope,
    undefined,
    scope,
    'outer',
  ]
  return [...expected, undefined, undefined].every((value, i) => seen[i] === value)
}
