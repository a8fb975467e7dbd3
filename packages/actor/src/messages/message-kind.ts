import { type AnyActorClass, isRefused, methodsOf } from './callable-methods.ts'

interface ClassOptions {
  readonly interleave?: readonly string[]
  readonly hidden?: readonly string[]
}

/**
 * The data that all messages of one name to actors of one class have in common. A MessageKind is made once for each
 * name and class, so that this data is not computed for each message.
 */
export class MessageKind {
  readonly name: string
  /**
   * Whether the actor class has a method of this name that messages can call. If false, an actor of the class may still
   * have a field of this name that holds a function.
   */
  readonly declared: boolean
  /**
   * True if messages of this name are refused: it is `ctx`, `constructor`, the name of a hook, or a name in the list
   * `hidden` of the class.
   */
  readonly refused: boolean
  /**
   * Whether the handler may run while another handler of the actor waits: the name is in the list `interleave` of the
   * class.
   */
  readonly interleaves: boolean
  /**
   * Whether the next handler of this name is called inside `AsyncLocalStorage.run`, if its message is taken from the
   * mailbox in order. (A handler that runs beside another handler is always called inside it.) Only a handler that waits
   * needs this, and this takes about 180 nanoseconds, longer than a whole message otherwise takes. The value is true at
   * first, false after a handler of this name has finished without waiting, and true for good after a handler of this
   * name, whose message was taken in order, has waited.
   */
  entersContext = true
  /**
   * True if the most recent call of a handler of this name returned no promise. False before the first call has
   * returned.
   */
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
   * Called with true when a handler of this name has finished without waiting. Called with false when a handler of this
   * name has begun to wait, if it does not run beside another handler. After the first call with false, all handlers of
   * this name are called inside `AsyncLocalStorage.run`.
   */
  finished(inTheCall: boolean): void {
    if (!inTheCall) this.#hasWaited = true
    this.entersContext = this.#hasWaited
  }
}

/**
 * For each actor class, this many names that the class does not declare are kept. A program may use any number of them,
 * for example if a name is part of a request.
 */
export const mostUndeclared = 1000

/** Holds a MessageKind (what all messages of one name have in common) for each message name of one actor class. */
export class MessageKinds {
  readonly #interleave: ReadonlySet<string>
  readonly #hidden: ReadonlySet<string>
  readonly #kinds = new Map<string, MessageKind>()
  #undeclared = 0
  /**
   * The names of the methods that messages can call: all methods of the class except the hooks, and except the names
   * in its list `hidden`.
   */
  readonly declared: readonly string[]

  constructor(actorClass: AnyActorClass) {
    const { interleave = [], hidden = [] } = actorClass as unknown as ClassOptions
    this.#interleave = new Set(interleave)
    this.#hidden = new Set(hidden)
    const declared: string[] = []
    for (const name of methodsOf(actorClass)) {
      if (isRefused(name, this.#hidden)) continue
      declared.push(name)
      this.#add(name, { declared: true })
    }
    this.declared = declared
  }

  get(name: string): MessageKind {
    return this.#kinds.get(name) ?? this.#add(name, {})
  }

  #add(name: string, known: { declared?: boolean }): MessageKind {
    const kind = new MessageKind(name, {
      ...known,
      refused: isRefused(name, this.#hidden),
      interleaves: this.#interleave.has(name),
    })
    if (kind.declared || this.#undeclared++ < mostUndeclared) this.#kinds.set(name, kind)
    return kind
  }
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
