import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Context } from './context-vars.ts'
import type { EventLoop } from '../loop/loop.ts'
import type { Task } from '../tasks/task.ts'

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
/** Never entered: a frame of ours that is the newest answers with itself, which spares making a resource to see it. */
const newestFrame = new AsyncLocalStorage<OwnFrame>()
const manualDestroy = { requireManualDestroy: true }

/** What the platform asks of the map it keeps: of the newest frame, each storage its value. */
class ScopeFrame implements Iterable<[unknown, unknown]> {
  readonly outer: ReadonlyMap<unknown, unknown> | undefined
  scope: Scope | undefined

  constructor(scope: Scope, outer: ReadonlyMap<unknown, unknown> | undefined) {
    this.scope = scope
    this.outer = outer
  }

  get(store: unknown): unknown {
    if (store === storage) return this.scope
    return store === newestFrame ? this : this.outer?.get(store)
  }

  has(store: unknown): boolean {
    return store === storage || store === newestFrame || this.outer?.has(store) === true
  }

  /** Another storage is entered inside: its frame is a copy of this one. */
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
 * A scope whose class `standForFrames` was called with: where the caller's map is empty it stands for the frame
 * itself, which spares a tenth of what each task takes. Where it is the running scope, iterating it yields it, once.
 */
export interface FrameScope extends Scope {
  [Symbol.iterator](): Iterator<unknown>
}

export function standForFrames(prototype: FrameScope): void {
  const isOurs = (store: unknown): boolean => store === storage || store === newestFrame
  Object.defineProperties(prototype, {
    get: {
      value(this: FrameScope, store: unknown) {
        return isOurs(store) ? this : undefined
      },
    },
    has: { value: isOurs },
    disable: { value: () => {} },
    // A copy is made of the entries that it yields, and so it is its own one entry.
    0: { value: storage },
    1: {
      get(this: FrameScope) {
        return this
      },
    },
  })
}

export type OwnFrame = ScopeFrame | FrameScope
type Frame = OwnFrame | ReadonlyMap<unknown, unknown> | undefined
type Framed = AsyncResource & Record<symbol, Frame>

const frameKey: symbol | null = findFrameKey()

/** An asynchronous context that code is to run in. */
export type AsyncContext = Frame | AsyncResource

/** Lends itself to every captured frame while code is run in it; made when there is a key for them. */
const carrier: Framed | null = frameKey === null ? null : makeResource()

/** The caller's asynchronous context, other libraries' storages included, with `scope` put in: `runInAsyncContext` runs code in it. */
export function captureAsyncContext(scope: Scope): ScopeFrame | AsyncResource {
  if (frameKey === null) return makeResource()
  return new ScopeFrame(scope, outerFrame(frameKey, currentFrame()))
}

/** The same for a scope that may be its own frame; `frame` is the caller's `currentFrame`. */
export function captureOwnContext<S extends FrameScope>(
  scope: S,
  frame: OwnFrame | undefined,
): S | ScopeFrame | AsyncResource {
  if (frameKey === null) return makeResource()
  const outer = outerFrame(frameKey, frame)
  return outer === undefined ? scope : new ScopeFrame(scope, outer)
}

/** The frame that running code is in, when it is one of ours. */
export function currentFrame(): OwnFrame | undefined {
  return newestFrame.getStore()
}

/** The running scope, for who has looked for the frame. */
export function scopeOfFrame(frame: OwnFrame | undefined): Scope | undefined {
  if (frame === undefined) return storage.getStore()
  return frame instanceof ScopeFrame ? frame.scope : frame
}

/** The caller's map but for its own scope, which the new one hides: kept, it would hold every task's creator in memory. */
function outerFrame(
  key: symbol,
  ours: OwnFrame | undefined,
): ReadonlyMap<unknown, unknown> | undefined {
  if (ours !== undefined) return ours instanceof ScopeFrame ? ours.outer : undefined
  const map = makeResource()[key] as ReadonlyMap<unknown, unknown> | undefined
  return map === undefined || (map.size === 1 && map.has(storage)) ? undefined : map
}

/** Calls `fn` on `scope`, in what `captureAsyncContext` gave for it. */
export function runInAsyncContext<S extends Scope>(
  context: AsyncContext,
  scope: S,
  fn: (this: S) => void,
): void {
  if (carrier === null) (context as AsyncResource).runInAsyncScope(enterAndCall<S>, scope, fn)
  else resumeAsyncContext(context, scope, fn)
}

/** The end of the resource's scope puts the outer one back. */
function enterAndCall<S extends Scope>(this: S, fn: (this: S) => void): void {
  storage.enterWith(this)
  fn.call(this)
}

/** The asynchronous context of running code, its scope included: `resumeAsyncContext` goes on in it. */
export function saveAsyncContext(): AsyncContext {
  if (frameKey === null) return makeResource()
  return newestFrame.getStore() ?? makeResource()[frameKey]
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
  const key = frameKey as symbol
  // It is read before `fn` is called, which may come back here.
  carrier[key] = context as Frame
  carrier.runInAsyncScope(fn, subject)
  carrier[key] = undefined
}

/** Remembers `scope` and what the caller's other storages hold, to run code outside of whoever calls. */
export function makeAsyncContext(scope: Scope): AsyncResource {
  return withoutTrace(() => storage.run(scope, makeResource))
}

/** Who leaves a storage goes on in a copy of the map from before, with that storage in it: the caller keeps his own. */
function withoutTrace<T>(fn: () => T): T {
  return makeResource().runInAsyncScope(fn)
}

export function runInScope<T>(scope: Scope, fn: () => T): T {
  return storage.run(scope, fn)
}

export function currentScope(): Scope | undefined {
  return storage.getStore()
}

function makeResource(): Framed {
  return new AsyncResource('Tasktree', manualDestroy) as Framed
}

function findFrameKey(): symbol | null {
  try {
    const resource = makeResource()
    const key = Object.getOwnPropertySymbols(resource).find(
      (symbol) => symbol.description === 'context_frame',
    )
    return key !== undefined && withoutTrace(() => areFramesCarried(key)) ? key : null
  } catch {
    return null
  }
}

/** Whether frames of ours are seen, restored, and copied by another storage, as the platform's own are. */
function areFramesCarried(key: symbol): boolean {
  const other = new AsyncLocalStorage<string>()
  const resource = other.run('outer', makeResource)
  const scope = {} as Scope
  const own = {
    *[Symbol.iterator]() {
      yield this
    },
  } as unknown as FrameScope
  standForFrames(own)
  return (
    isCarried(key, new ScopeFrame(scope, resource[key] as never), scope, other, 'outer') &&
    isCarried(key, own, own, other, undefined)
  )
}

function isCarried(
  key: symbol,
  frame: Frame,
  scope: Scope,
  other: AsyncLocalStorage<string>,
  outer: string | undefined,
): boolean {
  const seen: unknown[] = []
  const resource = makeResource()
  resource[key] = frame
  const look = (): void =>
    void seen.push(storage.getStore(), other.getStore(), newestFrame.getStore())
  resource.runInAsyncScope(() => {
    look()
    other.run('inner', look)
    const inside = makeResource()
    storage.run(null as never, () => inside.runInAsyncScope(look))
    other.exit(look)
    look()
  })
  look()
  // Whoever has entered another storage and left it goes on in a frame of the platform's, with the same values.
  const expected = [
    [scope, outer, frame],
    [scope, 'inner', undefined],
    [scope, outer, undefined],
    [scope, undefined, undefined],
    [scope, outer, undefined],
    [undefined, undefined, undefined],
  ]
  return expected.flat().every((value, i) => seen[i] === value)
}
