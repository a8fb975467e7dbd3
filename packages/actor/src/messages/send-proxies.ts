import { checkOptions } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import type { TellOptions } from '../actors/message-types.ts'
import { type AskOptions, checkAskOptions } from './ask.ts'
import { checkTellOptions } from './tell-options.ts'
import { kindsOf, type MessageKind, type MessageKinds, mostUndeclared } from './message-kind.ts'

/**
 * `ref.ask` and `ref.tell` are objects with a method for each message of the actor's class. These methods are created
 * once for each class and put on prototypes, so sending a message is a plain method call. A name that the class does
 * not declare may be a function that only the instance has (an arrow function in a field). A Proxy at the end of the
 * prototype chain creates the method for such a name when the name is first used, and keeps a limited number of them.
 *
 * The objects keep their actor and their options under symbols, because a message may have any string as its name.
 */
const target: unique symbol = Symbol('target')
const pinned: unique symbol = Symbol('pinned')
const options: unique symbol = Symbol('options')

interface SendProxy {
  [target]: ActorChild
  [pinned]: number
  [options]: AskOptions | undefined
}

type Send = (this: SendProxy | undefined, ...args: unknown[]) => unknown
type MakeSend = (kind: MessageKind) => Send

function tellMethod(kind: MessageKind): Send {
  return function (...args) {
    const proxy = this ?? detached(`ref.tell.${kind.name}`)
    return proxy[target].tell(kind, args, proxy[pinned], proxy[options]?.context)
  }
}

function askMethod(kind: MessageKind): Send {
  return function (...args) {
    const proxy = this ?? detached(`ref.ask.${kind.name}`)
    return proxy[target].ask(kind, args, proxy[options], proxy[pinned])
  }
}

function detached(call: string): never {
  throw new TypeError(`call it as ${call}(...): taken off the ref it has no actor to go to`)
}

const tellPrototypes = new WeakMap<MessageKinds, object>()
const askPrototypes = new WeakMap<MessageKinds, object>()

function prototypeFor(
  cache: WeakMap<MessageKinds, object>,
  { spec }: ActorChild,
  make: MakeSend,
): object {
  const kinds = kindsOf(spec.actorClass)
  let prototype = cache.get(kinds)
  if (prototype === undefined) {
    prototype = makePrototype(kinds, make)
    cache.set(kinds, prototype)
  }
  return prototype
}

function makePrototype(kinds: MessageKinds, make: MakeSend): object {
  const methods = Object.create(fallback(kinds, make)) as object
  for (const name of kinds.declared) {
    Object.defineProperty(methods, name, { value: make(kinds.get(name)) })
  }
  return methods
}

/**
 * Names that the language, the console, a debugger or a test framework reads from any object. `ref.ask` and `ref.tell`
 * have no method of such a name, unless the actor class declares one. With a method `then`, for example, they would look
 * like promises.
 */
const askedOfAnyObject: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  'toString',
  'valueOf',
  'inspect',
  'asymmetricMatch',
  'nodeType',
])

function fallback(kinds: MessageKinds, make: MakeSend): object {
  const made = new Map<string, Send>()
  return new Proxy(Object.create(null) as object, {
    get(_target, name): Send | undefined {
      if (typeof name !== 'string' || askedOfAnyObject.has(name)) return undefined
      const kind = kinds.get(name)
      if (kind.refused) return undefined
      let send = made.get(name)
      if (send === undefined) {
        send = make(kind)
        if (made.size < mostUndeclared) made.set(name, send)
      }
      return send
    },
  })
}

/**
 * Makes the object `ref.tell`. It is a function, because it can be called with options, and its prototype has a method
 * for each message of the actor class. If `incarnation` is not 0, the messages reach only the incarnation (run of the
 * actor) with this number.
 */
export function tellProxy(child: ActorChild, incarnation: number): object {
  const prototype = prototypeFor(tellPrototypes, child, tellMethod)
  const proxy = ((given: TellOptions = {}): object => {
    checkOptions(given)
    checkTellOptions(given)
    return given.context === undefined ? proxy : withOptions(prototype, child, incarnation, given)
  }) as unknown as SendProxy
  return address(proxy, prototype, child, incarnation)
}

/**
 * Makes the object `ref.ask`. It is a function, because it can be called with options, and its prototype has a method
 * for each message of the actor class. If `incarnation` is not 0, the messages reach only the incarnation (run of the
 * actor) with this number.
 */
export function askProxy(child: ActorChild, incarnation: number): object {
  const prototype = prototypeFor(askPrototypes, child, askMethod)
  const proxy = ((given: AskOptions = {}): object => {
    checkOptions(given)
    checkAskOptions(given)
    return withOptions(prototype, child, incarnation, given)
  }) as unknown as SendProxy
  return address(proxy, prototype, child, incarnation)
}

function withOptions(
  prototype: object,
  child: ActorChild,
  incarnation: number,
  given: AskOptions,
): object {
  const proxy = Object.create(prototype) as SendProxy
  proxy[target] = child
  proxy[pinned] = incarnation
  proxy[options] = given
  return proxy
}

function address(
  proxy: SendProxy,
  prototype: object,
  child: ActorChild,
  incarnation: number,
): object {
  for (const name of ['name', 'length']) {
    if (mayBeMessage(child, name)) delete (proxy as unknown as Record<string, unknown>)[name]
  }
  Object.setPrototypeOf(proxy, prototype)
  proxy[target] = child
  proxy[pinned] = incarnation
  proxy[options] = undefined
  return proxy
}

/**
 * Whether the actor may have a message with the name `name`, which is `'name'` or `'length'`. `ref.ask` and `ref.tell`
 * are functions, and every function has its own properties `name` and `length`, which would hide messages of these
 * names. If this function returns true, the caller deletes the property. The caller does not do this for every actor,
 * because V8 reads a function with a deleted property more slowly: a tell then takes 42 nanoseconds to send instead of
 * 19.
 */
function mayBeMessage({ spec, incarnation }: ActorChild, name: string): boolean {
  if (kindsOf(spec.actorClass).get(name).declared) return true
  const actor = incarnation?.actor ?? null
  return actor === null || typeof Object.getOwnPropertyDescriptor(actor, name)?.value === 'function'
}
