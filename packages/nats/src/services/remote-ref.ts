import type { ActorRef, Ask, AskOptions, ExitReason, Tell, TellOptions } from '@tasktree/actor'
import { cancelOnAbort, checkOptions, describe } from '@tasktree/core/lowlevel'
import { Context, type Future } from '@tasktree/core'
import { JobSerializationError } from '@tasktree/executor'
import type { AskMessage } from '../wire/ask-message.ts'
import { textOf } from '../wire/readable.ts'
import { traceparent } from '../wire/trace.ts'
import type { OpenAsks } from './open-asks.ts'
import { RemoteAsk } from './remote-ask.ts'
import type { Route } from './service-route.ts'

export interface LookupOptions {
  /**
   * What an ask does when the mailbox is full. With `wait` its message is sent again until the time of the ask is over; with
   * `reject` it fails with MailboxFull. @defaultValue 'wait'
   */
  overflow?: 'wait' | 'reject'
}

const defaultTimeout = 5_000

/**
 * Names that the language, the console, a debugger or a test framework reads from any object. The proxies have no messages of
 * these names. With a method `then`, for example, a proxy would look like a promise.
 */
const notMessages: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'toString',
  'valueOf',
  'inspect',
  'constructor',
  'asymmetricMatch',
  'nodeType',
])

type Send = (method: string, args: readonly unknown[]) => Future<unknown>

/**
 * The ref of an actor on another machine. An ask fails with NoProc if no node serves the name, with ConnectionLost as soon as
 * the connection is lost, with NodeLost if the node that handles it has died, with AskTimeout at its timeout, and otherwise
 * with the same errors as an ask of a local ref.
 *
 * @example
 *     import { Actor, ActorSystem, child } from '@tasktree/actor'
 *     import { MemoryServer } from '@tasktree/nats/testing'
 *
 *     class Clerk extends Actor {
 *       greet(name: string): string {
 *         return `hello ${name}`
 *       }
 *     }
 *     const own = cluster({ connector: new MemoryServer().connector })
 *     const system: ActorSystem = await ActorSystem.start({
 *       name: 'app',
 *       children: [
 *         own.child(),
 *         child.actor('clerk', Clerk),
 *         own.service('clerk', () => system.lookup(Clerk, 'clerk')),
 *       ],
 *     })
 *     const clerk = own.lookup<Clerk>('clerk') // any program of the cluster may do this
 *     console.log(clerk.path, await clerk.ask.greet('Ada')) // nats:clerk hello Ada
 *     await system.stop()
 */
export class RemoteRef<A> implements ActorRef<A> {
  readonly path: string
  readonly ask: Ask<A>
  readonly tell: Tell<A>
  readonly #asks: OpenAsks
  readonly #route: Route
  readonly #waits: boolean

  /** @internal made by `cluster.lookup` and `cluster.ref` */
  constructor(asks: OpenAsks, name: string, route: Route, options: LookupOptions) {
    this.#asks = asks
    this.#route = route
    this.#waits = options.overflow !== 'reject'
    this.path = `nats:${name}`
    this.ask = sends(
      (method, args) => this.#ask(method, args, 'ask', {}),
      (given: AskOptions = {}) => {
        checkAskOptions(given)
        return inContext(given.context, (method, args) => this.#ask(method, args, 'ask', given))
      },
    ) as Ask<A>
    this.tell = sends(
      (method, args) => this.#tell(method, args),
      (given: TellOptions = {}) => {
        checkOptions(given)
        return inContext(
          given.context,
          given.confirm === true
            ? (method, args) => this.#confirmedTell(method, args)
            : (method, args) => this.#tell(method, args),
        )
      },
    ) as Tell<A>
  }

  /** Settles when the cluster handle of this program has ended. It does not follow the actors behind the name. */
  get whenStopped(): Future<ExitReason> {
    return this.#asks.untilStopped()
  }

  #message(
    kind: AskMessage['kind'],
    method: string,
    args: readonly unknown[],
    timeout: number,
  ): AskMessage {
    const body = this.#encode(method, args)
    const id = this.#route.nameOf({ kind, method, body }) ?? this.#asks.newId()
    return { id, method, kind, timeout, traceparent: traceparent.get(), body }
  }

  #encode(method: string, args: readonly unknown[]): Uint8Array {
    try {
      return this.#asks.link.codec.encode(args)
    } catch (cause) {
      const message = `the arguments of ${this.path} ${method} cannot be sent: ${textOf(cause)}`
      throw new JobSerializationError(message, { cause })
    }
  }

  #ask(
    method: string,
    args: readonly unknown[],
    kind: 'ask' | 'confirm',
    { timeout = defaultTimeout, signal }: AskOptions,
  ): Future<unknown> {
    const ask = new RemoteAsk(this.#asks, {
      path: this.path,
      route: this.#route,
      message: this.#message(kind, method, args, timeout),
      waits: this.#waits,
    })
    return cancelOnAbort(ask, signal)
  }

  /** Sends a message at most once. The result is true if it was sent, and false if there is no connection. */
  #tell(method: string, args: readonly unknown[]): Future<unknown> {
    return this.#route.tell(this.#asks.link, this.#message('tell', method, args, Infinity))
  }

  #confirmedTell(method: string, args: readonly unknown[]): Future<unknown> {
    return this.#ask(method, args, 'confirm', {})
  }
}

/**
 * Returns a function that sends in `context`. Only the trace context of `context` travels to the actor.
 *
 * @throws {TypeError} when `context` is not a Context
 */
function inContext(context: Context | undefined, send: Send): Send {
  if (context === undefined) return send
  if (context instanceof Context) return (method, args) => context.run(() => send(method, args))
  throw new TypeError(`the option context must be a Context, got ${describe(context)}`)
}

/** Returns an object that has a method for each message, and can be called with options. */
function sends<O>(send: Send, withOptions: (options: O) => Send): unknown {
  const call = (options: O): unknown => methods(withOptions(options), Object.create(null) as object)
  return methods(send, call)
}

function methods(send: Send, target: object): unknown {
  const made = new Map<string, (...args: readonly unknown[]) => Future<unknown>>()
  return new Proxy(target, {
    get(_target, name) {
      if (typeof name !== 'string' || notMessages.has(name)) return undefined
      let method = made.get(name)
      if (method === undefined) made.set(name, (method = (...args) => send(name, args)))
      return method
    },
  })
}

/** @throws {TypeError} when an option is wrong, or works only within one process */
function checkAskOptions(options: AskOptions): void {
  checkOptions(options)
  const { timeout, reentrant, idempotencyKey } = options
  if (timeout !== undefined && (typeof timeout !== 'number' || Number.isNaN(timeout))) {
    throw new TypeError(
      `the option timeout must be a number of milliseconds, got ${describe(timeout)}`,
    )
  }
  for (const [name, value] of Object.entries({ reentrant, idempotencyKey })) {
    if (value === undefined) continue
    throw new TypeError(`the option ${name} is for actors of one process: leave it out here`)
  }
}

/** @throws {TypeError} when an option is wrong */
export function checkLookup(options: LookupOptions): void {
  checkOptions(options)
  const { overflow } = options
  if (overflow === undefined || overflow === 'wait' || overflow === 'reject') return
  throw new TypeError(`the option overflow must be 'wait' or 'reject', got ${describe(overflow)}`)
}
