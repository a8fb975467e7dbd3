import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context-vars.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Frame } from '../tasks/frame.ts'

/**
 * What the running code belongs to: a loop, a frame (the object for a task, for a `timeout` or the like), and the
 * context variables that the code sees. The AsyncLocalStorage `storage` holds the Environment of the running code. The
 * class `Frame` implements this interface.
 */
export interface Environment {
  /**
   * @internal the frame (the object for a task, scope or loop) to which the waits of the running code belong; null
   * if `Context.run` has called this code outside of every frame
   */
  readonly frame: Frame | null
  /** @internal the loop that the code belongs to */
  readonly loop: EventLoop
  /**
   * @internal returns the Context (the values of the context variables) that the running code sees. A task that has no
   * Context yet makes one in this call.
   */
  contextVars(): Context
}

/**
 * One AsyncLocalStorage carries the Environment of the running code (its loop, frame and context variables) through
 * every await, even if a native promise is awaited.
 *
 * The problem: Node keeps the values of all AsyncLocalStorage objects ("storages") in one map, and copies that map each
 * time code sets the value of a storage. The copy costs 0.1 microseconds and 200 bytes for each task.
 *
 * The idea: Node 24 and later keep the map in a property of each AsyncResource. This file puts a map object of its own
 * in that property. The map object refers to a map that Node has made, adds the Environment, and copies nothing. When
 * this file is loaded, it tests whether Node accepts such a map object. If the test fails, this file uses only Node's
 * public functions.
 */
const storage = new AsyncLocalStorage<Environment>()
/**
 * Used to find the map in which Node keeps the AsyncLocalStorage values of the running code. No code sets a value of
 * this storage. But each map that this file has made returns itself as the value. So `newestMap.getStore()` returns the
 * map of the running code if this file has made that map, and otherwise undefined. Without this storage, the map could
 * be found only by making an AsyncResource, an object that would be thrown away at once.
 */
const newestMap = new AsyncLocalStorage<OwnMap>()
const manualDestroy = { requireManualDestroy: true }

/**
 * A map from AsyncLocalStorage objects to their values, with the methods that Node calls on such a map. The value of
 * `storage` is an Environment, which says to which loop and task the running code belongs. All other values are those
 * of `outer`: a map that Node has made (see `outerMap`), or undefined if there are no other values.
 */
class EnvironmentMap implements Iterable<[unknown, unknown]> {
  readonly outer: ReadonlyMap<unknown, unknown> | undefined
  environment: Environment | undefined

  constructor(environment: Environment, outer: ReadonlyMap<unknown, unknown> | undefined) {
    this.environment = environment
    this.outer = outer
  }

  get(store: unknown): unknown {
    if (store === storage) return this.environment
    return store === newestMap ? this : this.outer?.get(store)
  }

  has(store: unknown): boolean {
    return store === storage || store === newestMap || this.outer?.has(store) === true
  }

  /**
   * Lists the entries of this map. Node calls this method to copy the map, when the running code sets the value of
   * another AsyncLocalStorage.
   */
  *[Symbol.iterator](): IterableIterator<[unknown, unknown]> {
    if (this.outer !== undefined)
      for (const entry of this.outer) if (entry[0] !== storage) yield entry
    yield [storage, this.environment]
  }

  disable(store: unknown): void {
    if (store === storage) this.environment = undefined
    else (this.outer as { disable?(store: unknown): void } | undefined)?.disable?.(store)
  }
}

/**
 * An Environment says to which loop and task the running code belongs. Node can also use an EnvironmentAsMap as its map
 * of AsyncLocalStorage values, because `standForMaps` has added the methods of such a map to the class. If no other
 * AsyncLocalStorage has a value, Node gets this object in place of a map, which saves 10% of the memory of a task. The
 * iterator yields the object itself, as the only entry of the map.
 */
export interface EnvironmentAsMap extends Environment {
  [Symbol.iterator](): Iterator<unknown>
}

export function standForMaps(prototype: EnvironmentAsMap): void {
  const isOurs = (store: unknown): boolean => store === storage || store === newestMap
  Object.defineProperties(prototype, {
    get: {
      value(this: EnvironmentAsMap, store: unknown) {
        return isOurs(store) ? this : undefined
      },
    },
    has: { value: isOurs },
    disable: { value: () => {} },
    // Node copies the map of AsyncLocalStorage values when code sets the value of another AsyncLocalStorage. If an
    // Environment is used as the map, the iterator yields the Environment itself. Node then reads the Environment as an
    // entry of the map: property 0 is the key, and property 1 is the value.
    0: { value: storage },
    1: {
      get(this: EnvironmentAsMap) {
        return this
      },
    },
  })
}

export type OwnMap = EnvironmentMap | EnvironmentAsMap
type ContextMap = OwnMap | ReadonlyMap<unknown, unknown> | undefined
type MapHolder = AsyncResource & Record<symbol, ContextMap>

/**
 * The symbol of the property in which an AsyncResource holds its map of AsyncLocalStorage values. If the symbol is
 * null, this file cannot use that property, and uses only Node's public functions.
 */
const mapKey: symbol | null = findMapKey()

/**
 * The values of all AsyncLocalStorage objects at one moment, with which code can be run later. This is the map in which
 * Node keeps the values, or an AsyncResource that holds that map if this file cannot use the map itself.
 */
export type AsyncContext = ContextMap | AsyncResource

/**
 * The AsyncResource with which `resumeAsyncContext` calls code: a saved map of AsyncLocalStorage values is put in the
 * property `mapKey` of this object, and Node uses that map during the call. Null if `mapKey` is null.
 */
const carrier: MapHolder | null = mapKey === null ? null : makeResource()

/**
 * Captures the caller's values of all AsyncLocalStorage objects, including the values of other libraries, and adds
 * `environment`. `runInAsyncContext` takes the result, and runs code with these values.
 */
export function captureAsyncContext(environment: Environment): EnvironmentMap | AsyncResource {
  if (mapKey === null) return makeResource()
  return new EnvironmentMap(environment, outerMap(mapKey, currentMap()))
}

/**
 * Captures the caller's AsyncLocalStorage values and adds `environment`, as `captureAsyncContext` does. But if the
 * caller has no other values, no map is made: the result is `environment` itself, which Node can use as a map. `map`
 * must be the value that `currentMap()` returns in the caller.
 */
export function captureOwnContext<S extends EnvironmentAsMap>(
  environment: S,
  map: OwnMap | undefined,
): S | EnvironmentMap | AsyncResource {
  if (mapKey === null) return makeResource()
  const outer = outerMap(mapKey, map)
  return outer === undefined ? environment : new EnvironmentMap(environment, outer)
}

/**
 * Returns the map that holds the AsyncLocalStorage values of the running code, if this library has made that map: an
 * EnvironmentMap, or an Environment that Node uses as a map. Returns undefined if Node has made the map itself, or if
 * there is no map.
 */
export function currentMap(): OwnMap | undefined {
  return newestMap.getStore()
}

/**
 * Returns the Environment of the running code, which says to which loop and task that code belongs; undefined outside
 * of every loop. `map` must be the value that `currentMap()` returns now. A caller that needs both the map and the
 * Environment looks up the map once, and passes it.
 */
export function environmentOfMap(map: OwnMap | undefined): Environment | undefined {
  if (map === undefined) return storage.getStore()
  return map instanceof EnvironmentMap ? map.environment : map
}

/**
 * Returns the map for the field `outer` of a new EnvironmentMap: the map with the AsyncLocalStorage values of the
 * caller; undefined if only this library has a value there. `ours` is the value that `currentMap()` has returned:
 * - an EnvironmentMap: the result is the field `outer` of `ours`, and not `ours` itself. Otherwise the new map would
 *   refer to the Environment of the caller, and so keep the creator of each task in memory.
 * - an Environment: there are no other values, so the result is undefined.
 * - undefined: the result is the map that Node keeps under `key`.
 */
function outerMap(
  key: symbol,
  ours: OwnMap | undefined,
): ReadonlyMap<unknown, unknown> | undefined {
  if (ours !== undefined) return ours instanceof EnvironmentMap ? ours.outer : undefined
  const map = makeResource()[key] as ReadonlyMap<unknown, unknown> | undefined
  return map === undefined || (map.size === 1 && map.has(storage)) ? undefined : map
}

/**
 * Calls `fn` with `environment` as `this`, and with the AsyncLocalStorage values in `context`, which
 * `captureAsyncContext` or `captureOwnContext` has returned for this `environment`.
 */
export function runInAsyncContext<S extends Environment>(
  context: AsyncContext,
  environment: S,
  fn: (this: S) => void,
): void {
  if (carrier !== null) resumeAsyncContext(context, environment, fn)
  else
    (context as AsyncResource).runInAsyncScope(
      canEnter ? enterAndCall<S> : runAndCall<S>,
      environment,
      fn,
    )
}

/**
 * Whether the runtime has a working `enterWith`, which sets the value of an AsyncLocalStorage until the running
 * callback ends. In workerd, the runtime of Cloudflare, only `run` works.
 */
const canEnter: boolean = ((): boolean => {
  try {
    makeResource().runInAsyncScope(() => storage.enterWith(undefined as never))
    return true
  } catch {
    return false
  }
})()

function runAndCall<S extends Environment>(this: S, fn: (this: S) => void): void {
  storage.run(this, () => fn.call(this))
}

/**
 * Sets the value of `storage` to `this`, and calls `fn`. `runInAsyncScope` calls this function, and Node then restores
 * the earlier value.
 */
function enterAndCall<S extends Environment>(this: S, fn: (this: S) => void): void {
  storage.enterWith(this)
  fn.call(this)
}

/**
 * Returns the asynchronous context (the values of every AsyncLocalStorage) of the running code. `resumeAsyncContext`
 * takes the result, and runs code with these values.
 */
export function saveAsyncContext(): AsyncContext {
  if (mapKey === null) return makeResource()
  return newestMap.getStore() ?? makeResource()[mapKey]
}

/**
 * Calls `fn` with `subject` as `this`, and with the AsyncLocalStorage values in `context`, which `saveAsyncContext` has
 * returned.
 */
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
  // Node reads `carrier[key]` before it calls `fn`. So `fn` may itself call `resumeAsyncContext`, and so change the
  // property, without harm. The property is cleared even if `fn` throws. Otherwise the values would stay in memory
  // until the next call.
  carrier[key] = context as ContextMap
  try {
    carrier.runInAsyncScope(fn, subject)
  } finally {
    carrier[key] = undefined
  }
}

/**
 * Returns an AsyncResource that holds `environment`, and the caller's values of all other AsyncLocalStorage objects.
 * Code that runs in this AsyncResource has the loop, the task and the context variables of `environment`, and not of
 * the caller.
 */
export function makeAsyncContext(environment: Environment): AsyncResource {
  return callAndRestoreMap(() => storage.run(environment, makeResource))
}

/**
 * Calls `fn`, and then restores the map in which Node keeps the caller's AsyncLocalStorage values. Otherwise
 * `storage.run` in `fn` would leave the caller with a copy of that map, with one more entry.
 */
function callAndRestoreMap<T>(fn: () => T): T {
  return makeResource().runInAsyncScope(fn)
}

export function runInEnvironment<T>(environment: Environment, fn: () => T): T {
  return storage.run(environment, fn)
}

export function currentEnvironment(): Environment | undefined {
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
    return key !== undefined && callAndRestoreMap(() => areMapsCarried(key)) ? key : null
  } catch {
    return null
  }
}

/**
 * Whether Node accepts a map of this file in the property `key` of an AsyncResource, where Node keeps its own map of
 * AsyncLocalStorage values. Tested are three things: storages find their values in the map, Node restores the map after
 * a call, and Node copies the map when the value of another storage is set.
 */
function areMapsCarried(key: symbol): boolean {
  const other = new AsyncLocalStorage<string>()
  const resource = other.run('outer', makeResource)
  const environment = {} as Environment
  const own = {
    *[Symbol.iterator]() {
      yield this
    },
  } as unknown as EnvironmentAsMap
  standForMaps(own)
  return (
    isCarried(
      key,
      new EnvironmentMap(environment, resource[key] as never),
      environment,
      other,
      'outer',
    ) && isCarried(key, own, own, other, undefined)
  )
}

function isCarried(
  key: symbol,
  map: ContextMap,
  environment: Environment,
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
  // One row for each call of `record`, in the order of the calls: the values of `storage`, `other` and `newestMap`.
  // These are three AsyncLocalStorages, of which `newestMap` has a value in `map` only. So the third value tells
  // whether Node used `map` itself or a copy.
  const expected = [
    // Node uses `map`.
    [environment, outer, map],
    // In `other.run`: Node has copied `map`, to give `other` another value.
    [environment, 'inner', undefined],
    // In a resource that was made after `other.run` had returned: Node has not gone back to `map`.
    [environment, outer, undefined],
    // In `other.exit`, which takes the value of `other` away.
    [environment, undefined, undefined],
    // After `other.exit`.
    [environment, outer, undefined],
    // After `resource.runInAsyncScope`: the values from before, when `map` was not in use.
    [undefined, undefined, undefined],
  ]
  return expected.flat().every((value, i) => seen[i] === value)
}
