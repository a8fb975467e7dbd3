import type { CoroutineFunction } from '@tasktree/core'
import { checkOptions, describe } from '@tasktree/core/lowlevel'
import type { Actor, ActorClass } from '../actors/actor.ts'
import type { BackoffOptions } from './backoff.ts'
import { baseSpec, checkNumber, checkSupervisor } from './check-spec.ts'
import { checkMailbox, type MailboxOptions } from '../messages/mailbox.ts'
import type { Decision } from './incarnation.ts'
import type { SpawnOptions } from '../actors/spawn.ts'

/**
 * Says when a child that has ended is restarted. `permanent`: always. `transient`: after an error or a kill, unless
 * `ref.stop()` was called. `temporary`: never.
 */
export type RestartType = 'permanent' | 'transient' | 'temporary'

export interface ChildOptions {
  /** @defaultValue 'permanent' */
  restart?: RestartType
  /**
   * How long the child may take to stop, in milliseconds. After that time the supervisor kills the child. With
   * `'kill'`, the supervisor kills the child at once.
   * @defaultValue 5000, for supervisors Infinity
   */
  shutdown?: number | 'kill'
  /**
   * Whether the end of this child may end its supervisor. The supervisor's option `autoShutdown` says in which cases. A
   * permanent child cannot have this option.
   * @defaultValue false
   */
  significant?: boolean
  /**
   * How long the child may take to start, in milliseconds. After that time the start fails.
   * @defaultValue no limit
   */
  startTimeout?: number
  /**
   * Depending on its option `strategy`, a supervisor that restarts one child restarts other children too. Such a
   * restart also starts a child that `stopChild` has stopped. If `stickyStop` of that child is true, it stays stopped.
   * @defaultValue false
   */
  stickyStop?: boolean
  /**
   * Called with the error when this child has crashed. The returned decision says what follows the crash, and replaces
   * the rule of the option `restart`. But a temporary child is never restarted. With `resume` an actor goes on with its
   * state. For a task, a resource or a supervisor, `resume` is logged as an error, because their code has ended with the
   * crash; then, and if the function throws or returns nothing, the option `restart` decides.
   */
  decide?: (error: unknown) => Decision
  /**
   * What the supervisor does when the child was killed but its code still runs, because that code awaits a promise that
   * cannot be cancelled. `proceed`: the supervisor acts as if that code had ended. `escalate`: the supervisor ends,
   * except after `stopChild`.
   * @defaultValue 'proceed'
   */
  onZombie?: 'proceed' | 'escalate'
}

export interface ActorOptions extends ChildOptions {
  mailbox?: MailboxOptions
}

export interface ResourceOptions<R> extends ChildOptions {
  /**
   * Returns a promise that settles when the resource ends by itself. If the promise rejects, or resolves with a number
   * other than 0, the resource has failed.
   * @defaultValue the method `wait` of the resource, if there is one
   */
  ended?: (resource: R) => PromiseLike<unknown>
}

export interface DynamicOptions extends Omit<SupervisorOptions, 'children' | 'strategy'> {
  /** @defaultValue Infinity */
  maxChildren?: number
  /** Makes the spec of each child from the arguments of `startChild`. */
  template?: (...args: never[]) => ChildSpec
}

export interface SupervisorOptions {
  /**
   * Which children are restarted when one child fails. `one-for-one`: the failed child. `one-for-all`: all children.
   * `rest-for-one`: the failed child and the children after it.
   * @defaultValue 'one-for-one'
   */
  strategy?: 'one-for-one' | 'one-for-all' | 'rest-for-one'
  /**
   * The largest number of restarts within `within` milliseconds. When another restart would be needed, the supervisor
   * ends with RestartLimitError.
   * @defaultValue 3
   */
  maxRestarts?: number
  /** The time window of `maxRestarts`, in milliseconds. @defaultValue 5000 */
  within?: number
  /** Whether the restarts of each child are counted separately. @defaultValue false */
  perChild?: boolean
  /** How long to wait before a restart. @defaultValue no wait */
  backoff?: BackoffOptions
  /**
   * Ends the supervisor when a child with the option `significant` has ended and is not restarted, other than by
   * `stopChild`. `any`: in each case. `all`: if all other significant children have ended too.
   * @defaultValue 'never'
   */
  autoShutdown?: 'never' | 'any' | 'all'
  /**
   * How the supervisor stops its children when it ends. `ordered`: one child after the other, in the reverse order of
   * their start. `parallel`: all children at once.
   * @defaultValue 'ordered', for dynamic supervisors 'parallel'
   */
  stopMode?: 'ordered' | 'parallel'
  /**
   * The children in the order of their start. If `children` is a function, it is called at each start of the
   * supervisor. If the function returns `'ignore'`, the supervisor is not started.
   */
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

/**
 * The description of a child. The supervisor uses the description to start the child, and to start it again at each
 * restart. `child.actor`, `child.task` and the other functions of `child` make such descriptions.
 */
export type ChildSpec = ActorSpec | TaskSpec | SupervisorSpec | ResourceSpec | DynamicSpec

/**
 * The arguments of a constructor, or a function that returns the arguments. The function is called at each start and
 * restart.
 */
export type Args<P extends unknown[]> = P | (() => P)

/**
 * The parameters that follow the class in `spawn` and `child.actor`. `args` is optional when the constructor needs no
 * arguments.
 */
export type Rest<P extends unknown[], O> = [] extends P
  ? [args?: Args<P>, options?: O]
  : [args: Args<P>, options?: O]

/**
 * Makes child specs (descriptions of children) for the option `children` and for `startChild`.
 *
 * @example
 *     class Clerk extends Actor {}
 *     await using system = await ActorSystem.start({
 *       name: 'office',
 *       children: [
 *         child.actor('clerk', Clerk, [], { restart: 'transient' }),
 *         child.supervisor('jobs', {
 *           strategy: 'one-for-all',
 *           children: [child.task('poller', () => sleepForever())],
 *         }),
 *       ],
 *     })
 *     console.log(system.root.whichChildren().map(({ id }) => id)) // [ 'clerk', 'jobs' ]
 */
export const child: {
  /**
   * Describes an actor. Each incarnation (run) of the actor gets the same arguments. If the incarnations must not share
   * the arguments, pass a function that makes them.
   */
  actor<A extends Actor, P extends unknown[]>(
    id: string,
    actorClass: ActorClass<A, P>,
    ...rest: Rest<P, ActorOptions>
  ): ActorSpec<A>
  /** Describes a coroutine that runs as a task. When the coroutine returns, the child ends normally. */
  task(id: string, coroutine: CoroutineFunction<[], unknown>, options?: ChildOptions): TaskSpec
  /** Describes a supervisor with children under it. */
  supervisor(id: string, supervisor: SupervisorOptions, options?: ChildOptions): SupervisorSpec
  /**
   * Describes a resource: an object that must be disposed, such as a pool or a server. `make` creates a new resource at
   * each start of the child, and this resource is disposed when the child stops. If the resource has a method `start`,
   * that method is called and awaited.
   */
  resource<R extends AsyncDisposable | Disposable>(
    id: string,
    make: () => R | PromiseLike<R>,
    options?: ResourceOptions<R>,
  ): ResourceSpec<R>
  /** Describes a supervisor whose children are started and stopped at run time. */
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

/**
 * Makes the spec (description) of an actor for `spawn`. Without the option `name`, the actor gets the name that
 * `makeName` makes from the name of its class.
 */
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
