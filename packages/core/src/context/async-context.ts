import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context-vars.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'

/** What running code belongs to: a frame of a task, or a callback of a loop. A frame is its own scope. */
export interface Scope {
  /** @internal the frame that waits belong to here; null in plain code that runs in a Context */
  readonly frame: Frame | null
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
 * AsyncResource (Node since 24), a map of ours stands in its place, which adds the scope to the
 * caller's map without a copy. It is tried out when this module is loaded, and where anything about it
 * is not as expected the storage is entered as everywhere else.
 */
const storage = new AsyncLocalStorage<Scope>()
/** Never entered: a map of ours that is the newest answers with itself, which spares making a resource to see it. */
const newestMap = new AsyncLocalStorage<OwnMap>()
const manualDestroy = { requireManualDestroy: true }

/** What the platform asks of the map it keeps: of the newest map, each storage its value. */
class ScopeMap implements Iterable<[unknown, unknown]> {
  readonly outer: ReadonlyMap<unknown, unknown> | undefined
  scope: Scope | undefined

  constructor(scope: Scope, outer: ReadonlyMap<unknown, unknown> | undefined) {
    this.scope = scope
    this.outer = outer
  }

  get(store: unknown): unknown {
    if (store === storage) return this.scope
    return store === newestMap ? this : this.outer?.get(store)
  }

  has(store: unknown): boolean {
    return store === storage || store === newestMap || this.outer?.has(store) === true
  }

  /** Another storage is entered inside: its map is a copy of this one. */
  *[Symbol.iterator](): IterableIterator<[unknown, unknown]> {
    if (this.outer !== undefined)
      for (const entry of this.outer) if (entry[0] !== storage) yield entry
    yield [storage, this.scope]
  }

  disable(store: unknown): void {
    if (store === storage) this.scope = undefined
    else (this.outer as { disable?(store: unknown): void } | undefined)?.disable?.(store)
  }
}

/**
 * A scope whose class `standForMaps` was called with: where the caller's map is empty it stands for the map
 * itself, which spares a tenth of what each task takes. Where it is the running scope, iterating it yields it, once.
 */
export interface MapScope extends Scope {
  [Symbol.iterator](): Iterator<unknown>
}

export function standForMaps(prototype: MapScope): void {
  const isOurs = (store: unknown): boolean => store === storage || store === newestMap
  Object.defineProperties(prototype, {
    get: {
      value(this: MapScope, store: unknown) {
        return isOurs(store) ? this : undefined
      },
    },
    has: { value: isOurs },
    disable: { value: () => {} },
    // Node copies this map when another AsyncLocalStorage is entered; the copy must contain this frame.
    0: { value: storage },
    1: {
      get(this: MapScope) {
        return this
      },
    },
  })
}

export type OwnMap = ScopeMap | MapScope
type ContextMap = OwnMap | ReadonlyMap<unknown, unknown> | undefined
type MapHolder = AsyncResource & Record<symbol, ContextMap>

const mapKey: symbol | null = findMapKey()

/** An asynchronous context that code is to run in. */
export type AsyncContext = ContextMap | AsyncResource

/** Lends itself to every captured map while code is run in it; made when there is a key for them. */
const carrier: MapHolder | null = mapKey === null ? null : makeResource()

/** The caller's asynchronous context, other libraries' storages included, with `scope` put in: `runInAsyncContext` runs code in it. */
export function captureAsyncContext(scope: Scope): ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  return new ScopeMap(scope, outerMap(mapKey, currentMap()))
}

/** The same for a scope that may be its own map; `map` is the caller's `currentMap`. */
export function captureOwnContext<S extends MapScope>(
  scope: S,
  map: OwnMap | undefined,
): S | ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  const outer = outerMap(mapKey, map)
  return outer === undefined ? scope : new ScopeMap(scope, outer)
}

/** The map that running code is in, when it is one of ours. */
export function currentMap(): OwnMap | undefined {
  return newestMap.getStore()
}

/** The running scope, for a caller that has looked up the map already. */
export function scopeOfMap(map: OwnMap | undefined): Scope | undefined {
  if (map === undefined) return storage.getStore()
  return map instanceof ScopeMap ? map.scope : map
}

/** The caller's map but for its own scope, which the new one hides: kept, it would hold every task's creator in memory. */
function outerMap(
  key: symbol,
  ours: OwnMap | undefined,
): ReadonlyMap<unknown, unknown> | undefined {
  if (ours !== undefined) return ours instanceof ScopeMap ? ours.outer : undefined
  const map = makeResource()[key] as ReadonlyMap<unknown, unknown> | undefined
  return map === undefined || (map.size === 1 && map.has(storage)) ? undefined : map
}

/** Calls `fn` on `scope`, in what `captureAsyncContext` gave for it. */
export function runInAsyncContext<S extends Scope>(
  context: AsyncContext,
  scope: S,
  fn: (this: S) => void,
): void {
  if (carrier !== null) resumeAsyncContext(context, scope, fn)
  else
    (context as AsyncResource).runInAsyncScope(
      canEnter ? enterAndCall<S> : runAndCall<S>,
      scope,
      fn,
    )
}

/** Whether the runtime can enter a storage for the rest of a scope; workerd can only run a function in one. */
const canEnter: boolean = ((): boolean => {
  try {
    makeResource().runInAsyncScope(() => storage.enterWith(undefined as never))
    return true
  } catch {
    return false
  }
})()

function runAndCall<S extends Scope>(this: S, fn: (this: S) => void): void {
  storage.run(this, () => fn.call(this))
}

/** The end of the resource's scope puts the outer one back. */
function enterAndCall<S extends Scope>(this: S, fn: (this: S) => void): void {
  storage.enterWith(this)
  fn.call(this)
}

/** The asynchronous context of running code, its scope included: `resumeAsyncContext` goes on in it. */
export function saveAsyncContext(): AsyncContext {
  if (mapKey === null) return makeResource()
  return newestMap.getStore() ?? makeResource()[mapKey]
}

/** Calls `fn` on `subject`, in what `saveAsyncContext` gave. */
export function resumeAsyncContext<S>(
  context: AsyncContext,
  subject: S,
  fn: (this: S) => void,
): void {
  if (carrier === null) {
    ;(context as AsyncResource).runInAsyncScope(fn, subject)
    return
  }
  const key = mapKey as symbol
  // It is read before `fn` is called, which may come back here.
  carrier[key] = context as ContextMap
  carrier.runInAsyncScope(fn, subject)
  carrier[key] = undefined
}

/** Remembers `scope` and what the caller's other storages hold, to run code outside of the caller's scope. */
export function makeAsyncContext(scope: Scope): AsyncResource {
  return withoutTrace(() => storage.run(scope, makeResource))
}

/** Code that leaves a storage goes on in a copy of the earlier map, with that storage in it. Here the caller keeps its own map. */
function withoutTrace<T>(fn: () => T): T {
  return makeResource().runInAsyncScope(fn)
}

export function runInScope<T>(scope: Scope, fn: () => T): T {
  return storage.run(scope, fn)
}

export function runningScope(): Scope | undefined {
  return storage.getStore()
}

function makeResource(): MapHolder {
  return new AsyncResource('Tasktree', manualDestroy) as MapHolder
}

function findMapKey(): symbol | null {
  try {
    const resource = makeResource()
    const key = Object.getOwnPropertySymbols(resource).find(
      (symbol) => symbol.description === 'context_frame',
    )
    return key !== undefined && withoutTrace(() => areMapsCarried(key)) ? key : null
  } catch {
    return null
  }
}

/** Whether maps of ours are seen, restored, and copied by another storage, as the platform's own are. */
function areMapsCarried(key: symbol): boolean {
  const other = new AsyncLocalStorage<string>()
  const resource = other.run('outer', makeResource)
  const scope = {} as Scope
  const own = {
    *[Symbol.iterator]() {
      yield this
    },
  } as unknown as MapScope
  standForMaps(own)
  return (
    isCarried(key, new ScopeMap(scope, resource[key] as never), scope, other, 'outer') &&
    isCarried(key, own, own, other, undefined)
  )
}

function isCarried(
  key: symbol,
  map: ContextMap,
  scope: Scope,
  other: AsyncLocalStorage<string>,
  outer: string | undefined,
): boolean {
  const seen: unknown[] = []
  const resource = makeResource()
  resource[key] = map
  const look = (): void =>
    void seen.push(storage.getStore(), other.getStore(), newestMap.getStore())
  resource.runInAsyncScope(() => {
    look()
    other.run('inner', look)
    const inside = makeResource()
    storage.run(null as never, () => inside.runInAsyncScope(look))
    other.exit(look)
    look()
  })
  look()
  // Whoever has entered another storage and left it goes on in a map of the platform's, with the same values.
  const expected = [
    [scope, outer, map],
    [scope, 'inner', undefined],
    [scope, outer, undefined],
    [scope, undefined, undefined],
    [scope, outer, undefined],
    [undefined, undefined, undefined],
  ]
  return expected.flat().every((value, i) => seen[i] === value)
}
