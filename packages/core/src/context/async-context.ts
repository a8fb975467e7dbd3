import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context-vars.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'

/**
 * A scope tells to which loop and frame the running code belongs, and which context variables that code sees. The
 * AsyncLocalStorage `storage` holds the scope of the running code. The class `Frame` implements this interface.
 */
export interface Scope {
  /**
   * @internal the frame (the running body of a task, scope or loop) to which the waits of the running code belong; null
   * if `Context.run` has called this code outside of every frame
   */
  readonly frame: Frame | null
  /** @internal */
  readonly scopeLoop: EventLoop
  /** @internal returns the context variables that code in this scope sees; the first call may create them */
  scopeContext(): Context
}

/**
 * One AsyncLocalStorage carries the Scope of the running code (its loop, its frame and its context variables) through
 * every await, even if the awaited promise is a native one.
 *
 * The problem: Node keeps the values of all AsyncLocalStorage objects ("storages") in one map, and copies that map each
 * time code enters a storage. The copy costs 0.1 microseconds and 200 bytes for each task.
 *
 * The idea: Node 24 and later keep the map in a property of each AsyncResource. This file puts its own map object in
 * that property. This object adds the scope to the caller's map and copies nothing. When this module is loaded, it
 * tests whether Node accepts such an object. If the test fails, this module enters the storage by Node's public
 * functions instead.
 */
const storage = new AsyncLocalStorage<Scope>()
/**
 * No code enters this storage. But each map that this file has made returns itself as the value of this storage. So
 * `newestMap.getStore()` returns the map of the running code, if this file has made that map. Without this storage, the
 * map could be found only by making an AsyncResource, which takes longer.
 */
const newestMap = new AsyncLocalStorage<OwnMap>()
const manualDestroy = { requireManualDestroy: true }

/**
 * A map from storages to their values, with the methods that Node calls on such a map. It adds one Scope (the loop, the
 * frame and the context variables of the running code) to the map of the caller, `outer`, without copying `outer`.
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
 * A Scope (the loop, the frame and the context variables of the running code) that Node can also use as a map from
 * storages to values, because `standForMaps` has added the methods of such a map to its class. If no other storage is
 * entered, Node gets the scope in place of a map, which saves 10% of the memory of a task. The iterator of the scope
 * yields the scope itself, as the only entry of the map.
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
    // Node copies the running code's map when that code enters another AsyncLocalStorage. If the map is a scope, its
    // iterator yields the scope itself. Node then reads the scope as an entry of the map: property 0 is the key, and
    // property 1 is the value.
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

/** The symbol of the property in which an AsyncResource holds its map; null if this file cannot use that property. */
const mapKey: symbol | null = findMapKey()

/**
 * An asynchronous context in which code can be run: a map from storages to their values. If `mapKey` is null, it is an
 * AsyncResource that holds such a map.
 */
export type AsyncContext = ContextMap | AsyncResource

/**
 * The AsyncResource with which `resumeAsyncContext` calls code in a captured map: during the call, the property
 * `mapKey` of this object holds the map. Null if `mapKey` is null.
 */
const carrier: MapHolder | null = mapKey === null ? null : makeResource()

/**
 * Captures the caller's asynchronous context, including the storages of other libraries, and adds `scope` to it. The
 * caller passes the result to `runInAsyncContext`.
 */
export function captureAsyncContext(scope: Scope): ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  return new ScopeMap(scope, outerMap(mapKey, currentMap()))
}

/**
 * Captures the caller's asynchronous context and adds `scope` to it, as `captureAsyncContext` does. Because `scope` can
 * itself be used as a map of storages, no map is made if the caller has no other storage: the result is then `scope`.
 * `map` is the value that `currentMap()` returns in the caller.
 */
export function captureOwnContext<S extends MapScope>(
  scope: S,
  map: OwnMap | undefined,
): S | ScopeMap | AsyncResource {
  if (mapKey === null) return makeResource()
  const outer = outerMap(mapKey, map)
  return outer === undefined ? scope : new ScopeMap(scope, outer)
}

/**
 * Returns the map that holds the AsyncLocalStorage values of the running code, if that map is an object of this file: a
 * ScopeMap, or a scope that is used as a map. Returns undefined if Node has made that map itself, or if there is none.
 */
export function currentMap(): OwnMap | undefined {
  return newestMap.getStore()
}

/**
 * Returns the Scope of the running code: its loop, its frame and its context variables. `map` must be the value that
 * `currentMap()` returns now. Callers that need both values pass it, so that the map is looked up only once.
 */
export function scopeOfMap(map: OwnMap | undefined): Scope | undefined {
  if (map === undefined) return storage.getStore()
  return map instanceof ScopeMap ? map.scope : map
}

/**
 * Returns the caller's map of storages without the caller's scope; a map for a new scope refers to it. Returns
 * undefined if the map holds no other storage. `ours` is the value that `currentMap()` has returned. If `ours` is
 * undefined, the function reads the map that Node keeps under `key`. The caller's scope is left out, because the new
 * scope would hide it anyway, and a reference to it would keep the creator of each task in memory.
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

/**
 * Returns the asynchronous context (the values of every AsyncLocalStorage) of the running code, for
 * `resumeAsyncContext`.
 */
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
 * Returns an AsyncResource with `scope` and with the caller's values of all other storages. Code that runs in this
 * AsyncResource belongs to `scope`, and not to the caller's scope.
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
  const record = (): void =>
    void seen.push(storage.getStore(), other.getStore(), newestMap.getStore())
  resource.runInAsyncScope(() => {
    record()
    other.run('inner', record)
    const inside = makeResource()
    storage.run(null as never, () => inside.runInAsyncScope(record))
    other.exit(record)
    record()
  })
  record()
  // Lines 3 and 5 test code that runs after another storage was entered and left again. That code runs in a map that
  // Node has made, with the same values, so `newestMap` is undefined there.
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
