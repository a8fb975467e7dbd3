import { type Actor, reserved } from '../actors/actor.ts'
import type { ActorChild } from '../actors/actor-child.ts'
import { type AskOptions, checkAskOptions } from './ask.ts'

/**
 * `ref.ask` and `ref.tell`: objects with a method for each message of the actor's class. The methods are made
 * once a class, on prototypes, so that a send is a plain method call. Methods that only instances have
 * (arrow functions in fields) are found by a proxy further up, which costs such a send more.
 */
interface SendTarget {
  target: ActorChild
  pinned: number
  options: AskOptions | undefined
}

type Send = (this: SendTarget, ...args: unknown[]) => unknown
type AnyActorClass = abstract new (...args: never[]) => Actor

function tellMethod(name: string): Send {
  return function (...args) {
    return this.target.tell(name, args, this.pinned)
  }
}

function askMethod(name: string): Send {
  return function (...args) {
    return this.target.ask(name, args, this.options, this.pinned)
  }
}

const tellPrototypes = new WeakMap<AnyActorClass, object>()
const askPrototypes = new WeakMap<AnyActorClass, object>()

function prototypeFor(
  cache: WeakMap<AnyActorClass, object>,
  actorClass: AnyActorClass,
  make: (name: string) => Send,
): object {
  let prototype = cache.get(actorClass)
  if (prototype === undefined) {
    prototype = makePrototype(actorClass, make)
    cache.set(actorClass, prototype)
  }
  return prototype
}

function makePrototype(actorClass: AnyActorClass, make: (name: string) => Send): object {
  const methods: Record<string, Send> = Object.create(fallback(make)) as Record<string, Send>
  for (
    let level: unknown = actorClass.prototype;
    typeof level === 'object' && level !== null && 'constructor' in level;
    level = Object.getPrototypeOf(level)
  ) {
    if (level === Object.prototype) break
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (
        typeof property.value !== 'function' ||
        reserved.has(name) ||
        Object.hasOwn(methods, name)
      )
        continue
      Object.defineProperty(methods, name, { value: make(name) })
    }
  }
  return methods
}

/** A proxy must not look like a promise, nor answer what the language or a debugger asks of any object. */
const notMessages: ReadonlySet<string> = new Set([
  ...reserved,
  'then',
  'toJSON',
  'toString',
  'valueOf',
  'inspect',
  'target',
  'pinned',
  'options',
])

function fallback(make: (name: string) => Send): object {
  const made = new Map<string, Send>()
  return new Proxy(Object.create(null) as object, {
    get(_target, name): Send | undefined {
      if (typeof name !== 'string' || notMessages.has(name)) return undefined
      let send = made.get(name)
      if (send === undefined) {
        send = make(name)
        made.set(name, send)
      }
      return send
    },
  })
}

export function tellProxy(target: ActorChild, pinned: number): object {
  const proxy = Object.create(
    prototypeFor(tellPrototypes, target.spec.actorClass, tellMethod),
  ) as SendTarget
  proxy.target = target
  proxy.pinned = pinned
  return proxy
}

/** Callable, for options; a function whose prototype is the class's asks. */
export function askProxy(target: ActorChild, pinned: number): object {
  const prototype = prototypeFor(askPrototypes, target.spec.actorClass, askMethod)
  const proxy = ((options: AskOptions): object => {
    checkAskOptions(options)
    const withOptions = Object.create(prototype) as SendTarget
    withOptions.target = target
    withOptions.pinned = pinned
    withOptions.options = options
    return withOptions
  }) as unknown as SendTarget & Record<string, unknown>
  // A message may have these names too.
  delete proxy['name']
  delete proxy['length']
  Object.setPrototypeOf(proxy, prototype)
  proxy.target = target
  proxy.pinned = pinned
  proxy.options = undefined
  return proxy
}
