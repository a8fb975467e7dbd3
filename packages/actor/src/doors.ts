import { type Actor, reserved } from './actor.ts'
import type { ActorSlot } from './actor-slot.ts'
import { type AskOptions, checkAskOptions } from './ask.ts'

/**
 * `ref.ask` and `ref.tell`: objects with a method for each message of the actor's class. The methods are made
 * once a class, on prototypes, so that a send is a plain method call. Methods that only instances have
 * (arrow functions in fields) are found by a proxy further up, which costs such a send more.
 */
interface Door {
  target: ActorSlot
  pinned: number
  options: AskOptions | undefined
}

type Send = (this: Door, ...args: unknown[]) => unknown
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

/** A door must not look like a promise, nor answer what the language or a debugger asks of any object. */
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

export function tellDoor(target: ActorSlot, pinned: number): object {
  const door = Object.create(
    prototypeFor(tellPrototypes, target.spec.actorClass, tellMethod),
  ) as Door
  door.target = target
  door.pinned = pinned
  return door
}

/** Callable, for options; a function whose prototype is the class's asks. */
export function askDoor(target: ActorSlot, pinned: number): object {
  const prototype = prototypeFor(askPrototypes, target.spec.actorClass, askMethod)
  const door = ((options: AskOptions): object => {
    checkAskOptions(options)
    const withOptions = Object.create(prototype) as Door
    withOptions.target = target
    withOptions.pinned = pinned
    withOptions.options = options
    return withOptions
  }) as unknown as Door & Record<string, unknown>
  // A message may have these names too.
  delete door['name']
  delete door['length']
  Object.setPrototypeOf(door, prototype)
  door.target = target
  door.pinned = pinned
  door.options = undefined
  return door
}
