import type { CoroutineFunction } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from '../actors/actor.ts'
import type { BackoffOptions } from '../supervision/backoff.ts'
import { baseSpec, checkNumber, checkSupervisor } from './check-spec.ts'
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

export interface BaseSpec {
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
