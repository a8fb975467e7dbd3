import type { Actor } from '../actors/actor.ts'

type AnyActorClass = abstract new (...args: never[]) => Actor

interface ClassOptions {
  readonly interleave?: readonly string[]
  readonly hidden?: readonly string[]
}

/** Names that are not messages, although every actor has a member of this name. */
const reserved: ReadonlySet<string> = new Set([
  'constructor',
  'ctx',
  'onStart',
  'onStop',
  'onDown',
  'onUndelivered',
])

/**
 * The properties that all messages of one name to actors of one class share. They are computed once, not for each
 * message.
 */
export class MessageKind {
  readonly name: string
  /**
   * Whether the class has a method of this name. If it has none, an actor may still have a field of this name that
   * holds a function.
   */
  readonly declared: boolean
  /**
   * Whether a message of this name is refused: the name is a hook, `ctx`, `constructor`, or in the class's list
   * `hidden`.
   */
  readonly refused: boolean
  /** Whether the handler may run while another handler of the actor waits. */
  readonly interleaves: boolean
  /**
   * Whether the next handler of this name is called inside `AsyncLocalStorage.run`. That costs several times as much as
   * the rest of a message. It is needed only if the handler waits, so it is left out after a handler that has finished
   * without waiting, until the first handler that waits.
   */
  entersContext = true
  /** Whether the last handler of this name returned no promise. False before the first handler has returned. */
  isPlain = false
  #hasWaited = false

  constructor(
    name: string,
    known: {
      declared?: boolean
      refused?: boolean
      interleaves?: boolean
    },
  ) {
    this.name = name
    this.declared = known.declared ?? false
    this.refused = known.refused ?? false
    this.interleaves = known.interleaves ?? false
  }

  /**
   * Records whether a handler has finished without waiting. After the first one that has not, all later handlers of
   * this name are called inside `AsyncLocalStorage.run`.
   */
  finished(inTheCall: boolean): void {
    if (!inTheCall) this.#hasWaited = true
    this.entersContext = this.#hasWaited
  }
}

/** The MessageKinds of one actor class, one for each name of a message. */
export class MessageKinds {
  readonly #interleave: ReadonlySet<string>
  readonly #hidden: ReadonlySet<string>
  readonly #kinds = new Map<string, MessageKind>()
  /** The names of the methods that are messages: neither hooks nor in the list `hidden` of the class. */
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

/**
 * Returns the names of the methods of a class and its base classes. A subclass that overrides a method with a getter
 * hides the method.
 */
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
