import type { Actor } from '../actors/actor.ts'

type AnyActorClass = abstract new (...args: never[]) => Actor

interface ClassOptions {
  readonly interleave?: readonly string[]
  readonly hidden?: readonly string[]
}

/** Members of every actor that are not messages. */
const reserved: ReadonlySet<string> = new Set([
  'constructor',
  'ctx',
  'onStart',
  'onStop',
  'onDown',
  'onUndelivered',
])

/** What the library knows about all messages of one name to one class, so that a message does not look it up each time. */
export class MessageKind {
  readonly name: string
  /** A method of the class. Otherwise it may still be a function that the instance holds in a field. */
  readonly declared: boolean
  /** No handler may be called by this name: a hook, a `hidden` method, or what every object has. */
  readonly refused: boolean
  /** Its handler may run beside another one. */
  readonly interleaves: boolean
  /**
   * Whether its handler is called in an asynchronous context of its own. Entering one costs several times as much as
   * all else that a message costs, so a handler that has always finished without waiting is called without.
   */
  entersContext = true
  #hasWaited = false

  constructor(
    name: string,
    known: {
      declared?: boolean
      refused?: boolean
      interleaves?: boolean
      isAsync?: boolean
    },
  ) {
    this.name = name
    this.declared = known.declared ?? false
    this.refused = known.refused ?? false
    this.interleaves = known.interleaves ?? false
  }

  /** Its handler has finished in the call, or has waited for something. */
  finished(inTheCall: boolean): void {
    if (!inTheCall) this.#hasWaited = true
    this.entersContext = this.#hasWaited
  }
}

/** The kinds of one class's messages. */
export class MessageKinds {
  readonly #interleave: ReadonlySet<string>
  readonly #hidden: ReadonlySet<string>
  readonly #kinds = new Map<string, MessageKind>()
  /** The names of the methods that are messages. */
  readonly declared: readonly string[]

  constructor(actorClass: AnyActorClass) {
    const { interleave = [], hidden = [] } = actorClass as unknown as ClassOptions
    this.#interleave = new Set(interleave)
    this.#hidden = new Set(hidden)
    const declared: string[] = []
    for (const name of methodsOf(actorClass)) {
      if (this.#isRefused(name)) continue
      declared.push(name)
      this.#add(name, { declared: true })
    }
    this.declared = declared
  }

  get(name: string): MessageKind {
    return this.#kinds.get(name) ?? this.#add(name, {})
  }

  #isRefused(name: string): boolean {
    return reserved.has(name) || this.#hidden.has(name)
  }

  #add(name: string, known: { declared?: boolean }): MessageKind {
    const kind = new MessageKind(name, {
      ...known,
      refused: this.#isRefused(name),
      interleaves: this.#interleave.has(name),
    })
    this.#kinds.set(name, kind)
    return kind
  }
}

/** The names of the methods of a class and of what it extends; the first of a name wins. A getter is not a method. */
function methodsOf(actorClass: AnyActorClass): string[] {
  const found = new Map<string, unknown>()
  for (
    let level: unknown = actorClass.prototype;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (!found.has(name)) found.set(name, property.value)
    }
  }
  return [...found].filter(([, method]) => typeof method === 'function').map(([name]) => name)
}

const kinds = new WeakMap<AnyActorClass, MessageKinds>()

export function kindsOf(actorClass: AnyActorClass): MessageKinds {
  let ofClass = kinds.get(actorClass)
  if (ofClass === undefined) {
    ofClass = new MessageKinds(actorClass)
    kinds.set(actorClass, ofClass)
  }
  return ofClass
}
