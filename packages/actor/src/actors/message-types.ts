import type { Context, Future } from '@tasktree/core'
import type { AskOptions } from '../messages/ask.ts'
import type { ReplyPort } from '../messages/deferred-replies.ts'
import type { Actor } from './actor.ts'
import type { LocalActorRef } from './local-actor-ref.ts'

/** Members of every actor that are not messages. */
type Hook = 'onStart' | 'onStop' | 'onDown' | 'onUndelivered' | 'ctx'

type IsSame<X, Y> =
  (<T>() => T extends X ? 1 : 2) extends <T>() => T extends Y ? 1 : 2 ? true : false

/**
 * True when the property `K` of `A` cannot be assigned. Such a property is a getter without a setter, or a `readonly`
 * field. TypeScript cannot tell these two apart.
 */
type IsReadonly<A, K extends keyof A> = IsSame<Pick<A, K>, Readonly<Pick<A, K>>>

type IsMessage<A, K extends keyof A> = K extends Hook
  ? false
  : A[K] extends (...args: never[]) => unknown
    ? IsReadonly<A, K> extends true
      ? false
      : true
    : false

/** The names of an actor's messages: its public methods. */
export type MessageName<A> = {
  [K in keyof A]-?: IsMessage<A, K> extends true ? K : never
}[keyof A]

/**
 * The type that an ask resolves with, for a method with the return type `R`. If the method returns a ReplyPort, this is
 * the type of the later answer.
 */
export type Reply<R> = Awaited<R> extends ReplyPort<infer T> ? T : Awaited<R>

/**
 * The type of `ref.ask.method`, for a method of type `F`. If the method has overloads, the type has the last four
 * overloads. If the method has fewer than four, TypeScript repeats the first overload. If the method has a type
 * parameter, the constraint of that parameter replaces it.
 */
type AskOf<F> = F extends {
  (...args: infer P1): infer R1
  (...args: infer P2): infer R2
  (...args: infer P3): infer R3
  (...args: infer P4): infer R4
}
  ? IsSame<[P1, R1], [P4, R4]> extends true
    ? (...args: P1) => Future<Reply<R1>>
    : ((...args: P1) => Future<Reply<R1>>) &
        ((...args: P2) => Future<Reply<R2>>) &
        ((...args: P3) => Future<Reply<R3>>) &
        ((...args: P4) => Future<Reply<R4>>)
  : never

type TellOf<F> = F extends {
  (...args: infer P1): unknown
  (...args: infer P2): unknown
  (...args: infer P3): unknown
  (...args: infer P4): unknown
}
  ? (...args: P1 | P2 | P3 | P4) => Future<boolean>
  : never

export type Asks<A> = { readonly [K in MessageName<A>]: AskOf<A[K]> }

export type Tells<A> = { readonly [K in MessageName<A>]: TellOf<A[K]> }

/**
 * The type of `ref.ask`, which has a method for each message. It can also be called with options, as in
 * `ref.ask({ timeout: 100 }).method(...)`.
 */
export type Ask<A> = Asks<A> & ((options: AskOptions) => Asks<A>)

export interface TellOptions {
  /**
   * If true, a tell to an actor on another machine waits until the message is in the mailbox of that actor. Without
   * this option, a message to another machine may be lost on the way without notice.
   * @defaultValue false
   */
  confirm?: boolean | undefined
  /**
   * The context in which the handler runs. With `copyContext()`, for example, the handler reads the context variables
   * of the sender.
   * @defaultValue the context of the actor
   */
  context?: Context | undefined
}

/**
 * The type of `ref.tell`, which has a method for each message. It can also be called with options, as in
 * `ref.tell({ confirm: true }).method(...)`.
 */
export type Tell<A> = Tells<A> & ((options: TellOptions) => Tells<A>)

/**
 * The types of `ctx.self.ask` and `ctx.self.tell` have a method for each message, as the types Asks and Tells have. But
 * for `ctx.self`, `A` is the type `this` of the actor's own class, and TypeScript cannot filter the members of `this`
 * by their types. So a member that is not a method is present with the type `never`.
 */
type SelfAsks<A> = { readonly [K in keyof A]: K extends Hook ? never : AskOf<A[K]> }

type SelfTells<A> = { readonly [K in keyof A]: K extends Hook ? never : TellOf<A[K]> }

/** The type of `ctx.self`: a LocalActorRef of the actor's own class. */
export type SelfRef<A extends Actor> = SelfSends<A> & LocalActorRef<A>

interface SelfSends<A extends Actor> {
  readonly ask: SelfAsks<A> & ((options: AskOptions) => SelfAsks<A>)
  readonly tell: SelfTells<A> & ((options: TellOptions) => SelfTells<A>)
  pinned(): SelfRef<A>
}
