import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context-vars.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'

/**
 * Says to which loop, frame and context variables the running code belongs. The AsyncLocalStorage `storage` holds the
 * scope of the running code. A `Frame` implements this interface itself.
 */
export interface Scope {
  /** @internal the frame that owns the waits of this code; null in plain code that runs in a Context */
  readonly frame: Frame | null
  /** @internal */
  readonly scopeLoop: EventLoop
  /** @internal the context variables that this code sees; the first call may make them */
  scopeContext(): Context
}

/**
 * One AsyncLocalStorage carries the running scope through every await, of native promises too.
 *
 * The problem: Node keeps the values of all storages in one map, and copies that map each time code enters a storage.
 * The copy costs 0.1 microseconds and 200 bytes for each task, more than the task itself.
 *
 * The idea: Node 24 and later keep the map in a property of each AsyncResource. This file puts an object of its own
 * there, which adds the scope to the caller's map without a copy. When the module is loaded, it tests whether that
 * works. If anything differs from what it expects, the storage is entered by the public API instead.
 */
const storage = new AsyncLocalStorage<Scope>()
/**
 * A storage that is never entered. If this file has made the running code's map of storages, that map gives itself as
 * the value of this storage. So `newestMap.getStore()` finds the map without making an AsyncResource.
 */
const newestMap = new AsyncLocalStorage<OwnMap>()
const manualDestroy = { requireManualDestroy: true }

/**
 * A map of storages to values, as Node keeps one. This map adds one scope to the map of the caller, `outer`, without
 * copying `outer`.
 */
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

  /**
   * Lists the entries of this map. Node calls this to copy the map, when code that runs in it enters another storage.
   */
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
 * A scope that can be its own map of storages: `standForMaps` has added the methods of such a map to its class. If no
 * other storage is entered, the scope is used as the map, which saves 10% of the memory of a task. Iterating it yields
 * one entry, the scope itself.
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
    // Node copies the running code's map when that code enters another AsyncLocalStorage. If a scope is the map,
    // its iterator yields the scope, and Node reads the scope as an entry: 0 is the key, 1 the value.
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

/**
 * An asynchronous context in which code can be run: a map of Node's storages to their values. If `findMapKey` has found
 * no key, it is an AsyncResource that holds such a map.
 */
export type AsyncContext = ContextMap | AsyncResource

/**
 * The one AsyncResource in which code runs with any captured map: `resumeAsyncContext` stores the map in it under
 * `mapKey` for the duration of a call. Null if `findMapKey` has found no key.
 */
const carrier: MapHolder | null = mapKey === null ? null : makeResource()

/**
 * Captures the caller's asynchronous context, with the storages of other libraries, and adds `scope` to it. Pass the
 * result to `runInAsyncContext`.
 */
export function captureAsyncContext(scope: Scope): ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  return new ScopeMap(scope, outerMap(mapKey, currentMap()))
}

/**
 * Captures the caller's asynchronous context and adds `scope` to it, as `captureAsyncContext` does, for a scope that
 * can be its own map of storages. `map` is what `currentMap()` returns in the caller.
 */
export function captureOwnContext<S extends MapScope>(
  scope: S,
  map: OwnMap | undefined,
): S | ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  const outer = outerMap(mapKey, map)
  return outer === undefined ? scope : new ScopeMap(scope, outer)
}

/** The running code's map of storages if it is one that this file made; undefined if it is a map of Node's. */
export function currentMap(): OwnMap | undefined {
  return newestMap.getStore()
}

/** Returns the running scope; `map` is what `currentMap()` has just returned, which saves a second look. */
export function scopeOfMap(map: OwnMap | undefined): Scope | undefined {
  if (map === undefined) return storage.getStore()
  return map instanceof ScopeMap ? map.scope : map
}

/**
 * Returns the caller's map of storages without the caller's scope; undefined if nothing is left. `ours` is what
 * `currentMap()` has returned; if it is undefined, the map that Node keeps under `key` is taken. The new scope would
 * hide the caller's scope anyway, and a reference to the caller's scope would keep the creator of each task in memory.
 */
function outerMap(
  key: symbol,
  ours: OwnMap | undefined,
): ReadonlyMap<unknown, unknown> | undefined {
  if (ours !== undefined) return ours instanceof ScopeMap ? ours.outer : undefined
  const map = makeResource()[key] as ReadonlyMap<unknown, unknown> | undefined
  return map === undefined || (map.size === 1 && map.has(storage)) ? undefined : map
}

/**
 * Calls `fn` with `scope` as `this`, in the asynchronous context that `captureAsyncContext` has returned for that
 * scope.
 */
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

/**
 * Whether the runtime has a working `enterWith`, which enters a storage until the running callback ends. In workerd
 * only `run` works.
 */
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

/** Enters the storage and calls `fn`. When `runInAsyncScope` returns, Node restores the caller's scope. */
function enterAndCall<S extends Scope>(this: S, fn: (this: S) => void): void {
  storage.enterWith(this)
  fn.call(this)
}

/** Returns the asynchronous context of the running code with its scope, for `resumeAsyncContext`. */
export function saveAsyncContext(): AsyncContext {
  if (mapKey === null) return makeResource()
  return newestMap.getStore() ?? makeResource()[mapKey]
}

/** Calls `fn` with `subject` as `this`, in the asynchronous context that `saveAsyncContext` has returned. */
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
  // Node reads this property before it calls `fn`. So `fn` may call this function again, and change the property,
  // without harm.
  carrier[key] = context as ContextMap
  carrier.runInAsyncScope(fn, subject)
  carrier[key] = undefined
}

/**
 * Returns an AsyncResource with `scope` and with the caller's values of all other storages. Code that is run in it is
 * outside of the caller's scope.
 */
export function makeAsyncContext(scope: Scope): AsyncResource {
  return withoutTrace(() => storage.run(scope, makeResource))
}

/**
 * Calls `fn` in an AsyncResource and restores the caller's map afterwards. Otherwise `storage.run` in `fn` would leave
 * the caller in a copy of its map, with one more entry.
 */
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

/**
 * Whether a map made by this file works when it is put in the property `key` of an AsyncResource, where Node keeps its
 * own map: storages find their values in it, Node restores it after a call, and copies it when another storage is
 * entered.
 */
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
  // The last lines test code that has entered another storage and left it again. It then runs in a map that Node has
  // made, with the same values, so `newestMap` is undefined there.
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
