import type { CoroutineFunction } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from '../actors/actor.ts'
import { type BackoffOptions, checkBackoff, sumOfDelays } from '../supervision/backoff.ts'
import { checkMailbox, type MailboxOptions } from '../messages/mailbox.ts'
import type { Decision } from './incarnation.ts'
import type { SpawnOptions } from '../actors/spawn.ts'

/** When a child that has ended is started again: always; after an error or a kill; never. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

export interface ChildOptions {
  /** @defaultValue 'permanent' */
  restart?: RestartType
  /**
   * How long it may take to stop, in milliseconds, before it is killed; `'kill'`: at once.
   * @defaultValue 5000, for supervisors Infinity
   */
  shutdown?: number | 'kill'
  /** Its end by itself may end its supervisor: see `autoShutdown`. Not for permanent children. */
  significant?: boolean
  /** How long it may take to start, in milliseconds. @defaultValue no limit */
  startTimeout?: number
  /** Once stopped by hand it is not started again when its group is. */
  stickyStop?: boolean
  /** What a failure leads to, instead of what the restart type says. `resume`: the actor goes on with its state. */
  decide?: (error: unknown) => Decision
  /** When it was killed and what it awaited goes on without it: the restart goes ahead, or the supervisor fails. @defaultValue 'proceed' */
  onZombie?: 'proceed' | 'escalate'
}

export interface ActorOptions extends ChildOptions {
  mailbox?: MailboxOptions
}

export interface ResourceOptions<R> extends ChildOptions {
  /**
   * Settles when the resource has ended by itself: a rejection is a failure, a number other than 0 too.
   * @defaultValue its method `wait`, when it has one
   */
  ended?: (resource: R) => PromiseLike<unknown>
}

export interface DynamicOptions extends Omit<SupervisorOptions, 'children' | 'strategy'> {
  /** @defaultValue Infinity */
  maxChildren?: number
  /** Makes the spec of each child from what `startChild` is given. */
  template?: (...args: never[]) => ChildSpec
}

export interface SupervisorOptions {
  /** What is restarted when one child fails: that one; all; that one and those started after it. @defaultValue 'one-for-one' */
  strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  /** So many restarts are allowed within `within`. @defaultValue 3 */
  maxRestarts?: number
  /** Milliseconds. @defaultValue 5000 */
  within?: number
  /** Counts restarts for each child alone. @defaultValue false */
  perChild?: boolean
  /** How long to wait before a restart. @defaultValue not at all */
  backoff?: BackoffOptions
  /** Ends the supervisor when a significant child has ended by itself; or when all of them have. @defaultValue 'never' */
  autoShutdown?: 'never' | 'any' | 'all'
  /** One after the other, the last first; or all at once. @defaultValue 'ordered' */
  stopMode?: 'ordered' | 'parallel'
  /** In the order of their start; a function is called at each start, and may return `'ignore'`: nothing is started. */
  children?: readonly ChildSpec[] | (() => readonly ChildSpec[] | 'ignore')
}

interface BaseSpec {
  readonly id: string
  readonly restart: RestartType
  readonly shutdown: number | 'kill'
  readonly significant: boolean
  readonly startTimeout?: number | undefined
  readonly stickyStop: boolean
  readonly decide?: ((error: unknown) => Decision) | undefined
  readonly onZombie: 'proceed' | 'escalate'
}

export interface ActorSpec<A extends Actor = Actor> extends BaseSpec {
  readonly kind: 'actor'
  readonly actorClass: ActorClass<A, never[]>
  readonly args: readonly unknown[] | (() => readonly unknown[])
  readonly mailbox?: MailboxOptions | undefined
}

export interface TaskSpec extends BaseSpec {
  readonly kind: 'task'
  readonly coroutine: CoroutineFunction<[], unknown>
}

export interface SupervisorSpec extends BaseSpec {
  readonly kind: 'supervisor'
  readonly options: SupervisorOptions
}

export interface ResourceSpec<R = unknown> extends BaseSpec {
  readonly kind: 'resource'
  readonly make: () => R | PromiseLike<R>
  readonly ended?: ((resource: never) => PromiseLike<unknown>) | undefined
}

export interface DynamicSpec extends BaseSpec {
  readonly kind: 'dynamic'
  readonly options: DynamicOptions
}

/** What a supervisor needs to start a child, again and again. Made by `child.actor`, `child.task` and so on. */
export type ChildSpec = ActorSpec | TaskSpec | SupervisorSpec | ResourceSpec | DynamicSpec

const childOptionNames: readonly string[] = [
  'restart',
  'shutdown',
  'significant',
  'startTimeout',
  'stickyStop',
  'decide',
  'onZombie',
]
const supervisorOptionNames: readonly string[] = [
  'strategy',
  'maxRestarts',
  'within',
  'perChild',
  'backoff',
  'autoShutdown',
  'stopMode',
  'children',
]

function checkKeys(what: string, options: object, allowed: readonly string[]): void {
  for (const key of Object.keys(options)) {
    if (!allowed.includes(key)) {
      throw new TypeError(`${what} has no option ${key}; there are ${allowed.join(', ')}`)
    }
  }
}

function checkChoice(field: string, value: string | undefined, choices: readonly string[]): void {
  if (value === undefined || choices.includes(value)) return
  throw new TypeError(`${field} must be one of ${choices.join(', ')}; got ${describe(value)}`)
}

export function checkNumber(field: string, value: unknown, low: number, integer: boolean): void {
  if (value === undefined) return
  if (typeof value !== 'number' || Number.isNaN(value)) {
    throw new TypeError(`${field} must be a number, got ${describe(value)}`)
  }
  if (value < low || (integer && !Number.isInteger(value))) {
    throw new RangeError(`${field} must be ${integer ? 'an integer ' : ''}>= ${low}, got ${value}`)
  }
}

function baseSpec(id: string, options: ChildOptions, budget: number, own: string[]): BaseSpec {
  if (typeof id !== 'string' || id === '' || id.includes('/')) {
    throw new TypeError(
      `a child's id must be a string, not empty and without a slash; got ${typeof id === 'string' ? JSON.stringify(id) : describe(id)}`,
    )
  }
  const what = `child ${JSON.stringify(id)}`
  checkKeys(what, options, [...childOptionNames, ...own])
  checkChoice(`${what}: restart`, options.restart, ['permanent', 'transient', 'temporary'])
  checkChoice(`${what}: onZombie`, options.onZombie, ['proceed', 'escalate'])
  if (options.shutdown !== 'kill') checkNumber(`${what}: shutdown`, options.shutdown, 0, false)
  checkNumber(`${what}: startTimeout`, options.startTimeout, 0, false)
  if (options.decide !== undefined && typeof options.decide !== 'function') {
    throw new TypeError(`${what}: decide must be a function, got ${describe(options.decide)}`)
  }
  const restart = options.restart ?? 'permanent'
  if (options.significant === true && restart === 'permanent') {
    throw new RangeError(`${what}: significant needs restart transient or temporary, got permanent`)
  }
  return {
    id,
    restart,
    shutdown: options.shutdown ?? budget,
    significant: options.significant ?? false,
    startTimeout: options.startTimeout,
    stickyStop: options.stickyStop ?? false,
    decide: options.decide,
    onZombie: options.onZombie ?? 'proceed',
  }
}

/** @throws {TypeError} */
export function checkSupervisorObject(options: unknown): void {
  if (typeof options === 'object' && options !== null) return
  throw new TypeError(`a supervisor's options must be an object, got ${describe(options)}`)
}

/** @throws {TypeError} @throws {RangeError} naming the field */
function checkSupervisor(options: SupervisorOptions): void {
  checkSupervisorObject(options)
  checkKeys('a supervisor', options, supervisorOptionNames)
  checkChoice('strategy', options.strategy, ['one-for-one', 'one-for-all', 'rest-for-one'])
  checkNumber('maxRestarts', options.maxRestarts, 0, true)
  checkNumber('within', options.within, 0, false)
  if (options.within === 0) throw new RangeError('within must be more than 0 ms, got 0')
  checkChoice('autoShutdown', options.autoShutdown, ['never', 'any', 'all'])
  checkChoice('stopMode', options.stopMode, ['ordered', 'parallel'])
  checkPace(options)
  if (Array.isArray(options.children)) checkChildren(options.children, options.autoShutdown)
}

/** Back-off that makes the restarts rarer than the limit counts would restart for ever. */
function checkPace(options: SupervisorOptions): void {
  const { backoff, maxRestarts = 3, within = 5000 } = options
  if (backoff === undefined) return
  checkBackoff(backoff)
  if (backoff.maxAttempts !== undefined) return
  const sum = sumOfDelays(backoff, maxRestarts)
  if (within > sum) return
  throw new RangeError(
    `within must be more than the delays of ${maxRestarts} restarts in a row, ${sum} ms, or the limit is never reached; got ${within}. Raise it, or set backoff.maxAttempts`,
  )
}

/** @throws {TypeError} @throws {RangeError} naming the child and the field */
export function checkChildren(
  children: readonly ChildSpec[],
  autoShutdown: SupervisorOptions['autoShutdown'],
): void {
  const ids = new Set<string>()
  for (const spec of children) {
    checkSpec(spec, autoShutdown)
    if (ids.has(spec.id)) throw new RangeError(`duplicate child id ${JSON.stringify(spec.id)}`)
    ids.add(spec.id)
  }
}

export function checkSpec(spec: ChildSpec, autoShutdown: SupervisorOptions['autoShutdown']): void {
  if (typeof spec !== 'object' || spec === null || typeof spec.kind !== 'string') {
    throw new TypeError(`a child must be made by child.actor, child.task, …; got ${describe(spec)}`)
  }
  if (spec.significant && (autoShutdown ?? 'never') === 'never') {
    throw new RangeError(
      `child ${JSON.stringify(spec.id)}: significant needs a supervisor with autoShutdown any or all, got never`,
    )
  }
}

/** The arguments of a constructor, or what makes them anew for each incarnation. */
export type Args<P extends unknown[]> = P | (() => P)

/** What comes after the class: arguments only where its constructor needs them. */
export type Rest<P extends unknown[], O> = [] extends P
  ? [args?: Args<P>, options?: O]
  : [args: Args<P>, options?: O]

/** The specs of children, for `children` and `startChild`. */
export const child: {
  /** An actor. Its arguments are used for each incarnation: what must not be shared is made by a function. */
  actor<A extends Actor, P extends unknown[]>(
    id: string,
    actorClass: ActorClass<A, P>,
    ...rest: Rest<P, ActorOptions>
  ): ActorSpec<A>
  /** A coroutine, started as a task. Returning is a normal end. */
  task(id: string, coroutine: CoroutineFunction<[], unknown>, options?: ChildOptions): TaskSpec
  /** A supervisor with children of its own. */
  supervisor(id: string, supervisor: SupervisorOptions, options?: ChildOptions): SupervisorSpec
  /** Anything that is made, may fail, and is disposed. When it has a method `start` that is called, and awaited. */
  resource<R extends AsyncDisposable | Disposable>(
    id: string,
    make: () => R | PromiseLike<R>,
    options?: ResourceOptions<R>,
  ): ResourceSpec<R>
  /** A supervisor whose children come and go at run time. */
  dynamic(id: string, dynamic?: DynamicOptions, options?: ChildOptions): DynamicSpec
} = {
  actor(id, actorClass, ...rest) {
    const [args, options] = rest
    return actorSpec(id, actorClass, args, options)
  },
  task(id, coroutine, options = {}) {
    const base = baseSpec(id, options, 5000, [])
    if (typeof coroutine !== 'function') {
      throw new TypeError(
        `child ${JSON.stringify(id)} needs a function, got ${describe(coroutine)}`,
      )
    }
    return Object.freeze({ ...base, kind: 'task' as const, coroutine })
  },
  supervisor(id, supervisor, options = {}) {
    checkSupervisor(supervisor)
    const base = baseSpec(id, options, Infinity, [])
    return Object.freeze({ ...base, kind: 'supervisor' as const, options: supervisor })
  },
  resource(id, make, options = {}) {
    const base = baseSpec(id, options, 5000, ['ended'])
    if (typeof make !== 'function') {
      throw new TypeError(`child ${JSON.stringify(id)} needs a function, got ${describe(make)}`)
    }
    return Object.freeze({ ...base, kind: 'resource' as const, make, ended: options.ended })
  },
  dynamic(id, dynamic = {}, options = {}) {
    const { maxChildren, template, ...supervisor } = dynamic
    checkSupervisor(supervisor)
    if (maxChildren !== Infinity) checkNumber('maxChildren', maxChildren, 0, true)
    if (template !== undefined && typeof template !== 'function') {
      throw new TypeError(`template must be a function, got ${describe(template)}`)
    }
    const base = baseSpec(id, options, Infinity, [])
    return Object.freeze({ ...base, kind: 'dynamic' as const, options: dynamic })
  },
}

/** Of an actor that is spawned; a name that nobody gave is made of the class's. */
export function spawnedSpec<A extends Actor, P extends unknown[]>(
  actorClass: ActorClass<A, P>,
  [args, options]: Rest<P, SpawnOptions>,
  makeName: (className: string) => string,
): ActorSpec<A> {
  if (typeof actorClass !== 'function') {
    throw new TypeError(`spawn takes a class that extends Actor, got ${describe(actorClass)}`)
  }
  checkOptions(options)
  const mailbox = options?.mailbox
  return actorSpec(options?.name ?? makeName(actorClass.name), actorClass, args, {
    restart: 'temporary',
    ...(mailbox === undefined ? {} : { mailbox }),
  })
}

function actorSpec<A extends Actor, P extends unknown[]>(
  id: string,
  actorClass: ActorClass<A, P>,
  args: Args<P> | undefined,
  options: ActorOptions = {},
): ActorSpec<A> {
  const base = baseSpec(id, options, 5000, ['mailbox'])
  if (typeof actorClass !== 'function') {
    throw new TypeError(
      `child ${JSON.stringify(id)} needs a class that extends Actor, got ${describe(actorClass)}`,
    )
  }
  if (args !== undefined && typeof args !== 'function' && !Array.isArray(args)) {
    throw new TypeError(
      `child ${JSON.stringify(id)}: args must be an array or a function, got ${describe(args)}`,
    )
  }
  if (options.mailbox !== undefined) checkMailbox(options.mailbox)
  return Object.freeze({
    ...base,
    kind: 'actor' as const,
    actorClass: actorClass as unknown as ActorClass<A, never[]>,
    args: args ?? [],
    mailbox: options.mailbox,
  })
}
