import { checkOptions } from '@tasktree/core/lowlevel'
import type { ActorChild } from '../actors/actor-child.ts'
import type { TellOptions } from '../actors/message-types.ts'
import { type AskOptions, checkAskOptions } from './ask.ts'
import { checkTellOptions } from './tell-options.ts'
import { kindsOf, type MessageKind, type MessageKinds } from './message-kind.ts'

/**
 * `ref.ask` and `ref.tell`: objects with a method for each message of the actor's class. The methods are made once for
 * each class, on prototypes, so a send is a plain method call. A name that the class does not declare may be a function
 * that only the instance has (an arrow function in a field); a Proxy at the end of the prototype chain makes its
 * method when it is first used.
 *
 * What a send needs is kept under symbols, because a message may have any name.
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
    return proxy[target].tell(kind, args, proxy[pinned])
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
 * What the language, the console or a debugger looks for on any object. Unless the class declares a method of that
 * name there is none: a proxy must not look like a promise.
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
        made.set(name, send)
      }
      return send
    },
  })
}

/** Callable, for options: a function whose prototype has the class's tells. */
export function tellProxy(child: ActorChild, incarnation: number): object {
  const prototype = prototypeFor(tellPrototypes, child, tellMethod)
  const proxy = ((given: TellOptions): object => {
    checkOptions(given)
    checkTellOptions(given)
    return proxy
  }) as unknown as SendProxy
  return address(proxy, prototype, child, incarnation)
}

/** Callable, for options: a function whose prototype has the class's asks. */
export function askProxy(child: ActorChild, incarnation: number): object {
  const prototype = prototypeFor(askPrototypes, child, askMethod)
  const proxy = ((given: AskOptions): object => {
    checkOptions(given)
    checkAskOptions(given)
    const withOptions = Object.create(prototype) as SendProxy
    withOptions[target] = child
    withOptions[pinned] = incarnation
    withOptions[options] = given
    return withOptions
  }) as unknown as SendProxy
  return address(proxy, prototype, child, incarnation)
}

function address(
  proxy: SendProxy,
  prototype: object,
  child: ActorChild,
  incarnation: number,
): object {
  // A function's own properties, whose names a message may have too.
  const own = proxy as unknown as Record<string, unknown>
  delete own['name']
  delete own['length']
  Object.setPrototypeOf(proxy, prototype)
  proxy[target] = child
  proxy[pinned] = incarnation
  proxy[options] = undefined
  return proxy
}
