/**
 * Turns errors into data in a worker, and back into errors in the pool.
 *
 * An error is encoded as a flat list of records that refer to each other by index. Nested records would overflow the
 * stack of the code that copies a chain of a few thousand causes.
 *
 * An error of a job may be hostile: getters, proxies and a `constructor` set to undefined may throw when they are read.
 * A part that cannot be read is described in words, because it matters more that the error arrives than that each of
 * its properties does.
 */
import {
  CancelledError,
  DeadlockError,
  ExceptionGroup,
  InvalidStateError,
  KeyboardInterrupt,
  LookupError,
  RuntimeError,
  TimeoutError,
} from '@tasktree/core'
import { sayWhy, show } from './explain-uncloneable.ts'
import {
  BrokenExecutor,
  ExecutorQueueFull,
  JobSerializationError,
  WorkerCrashedError,
} from './errors.ts'

/** A value that is not an error, or the index of an error's record. */
type EncodedValue = { readonly value: unknown } | { readonly error: number }

interface ErrorRecord {
  /** The name of the first class in the error's prototype chain that the pool knows too. */
  readonly type: string
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly cause?: EncodedValue
  readonly errors?: readonly EncodedValue[]
  readonly properties: readonly (readonly [string, EncodedValue])[]
}

/** A thrown value in a form that structured clone and `node:v8` carry. */
export interface EncodedError {
  readonly thrown: EncodedValue
  readonly records: readonly ErrorRecord[]
}

/**
 * At most this many records are made for one thrown value, and at most this many entries of one list `errors` are
 * encoded. Without this limit, the encoding of a getter that returns a new error each time it is read, or of a sparse
 * list with a length of 2^32-1, would not end.
 */
const mostRecords = 10_000

const encodedApart: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause'])

type Send = (value: unknown) => void

/** Encodes a value that a job has thrown. `send` must throw for a value that cannot be sent. Never throws itself. */
export function encodeError(thrown: unknown, send: Send): EncodedError {
  const encoder = new ErrorEncoder(send)
  if (!isError(thrown) && !canSend(thrown, send)) {
    const what = `the job threw ${show(thrown)}, which cannot be cloned`
    return encodeError(new JobSerializationError(what), send)
  }
  return { thrown: encoder.encode(thrown), records: encoder.finish() }
}

/** Encodes only the name, message and stack of a thrown value, for an error that cannot be sent as a whole. */
export function encodeSummary(thrown: unknown): EncodedError {
  const record: ErrorRecord = {
    type: 'Error',
    name: readText(thrown, 'name', 'Error'),
    message: readText(thrown, 'message', show(thrown)),
    stack: readText(thrown, 'stack', ''),
    properties: [],
  }
  return { thrown: { error: 0 }, records: [record] }
}

class ErrorEncoder {
  readonly #send: Send
  readonly #indexes = new Map<object, number>()
  readonly #records: ErrorRecord[] = []
  readonly #waiting: object[] = []
  /**
   * For each object: whether it can be sent. The answers are kept, because many errors may refer to the same large
   * object, which takes long to copy.
   */
  readonly #sendable = new Map<unknown, boolean>()

  constructor(send: Send) {
    this.#send = send
  }

  encode(value: unknown): EncodedValue {
    if (!isError(value)) return { value: this.#canSend(value) ? value : describeLost(value) }
    let index = this.#indexes.get(value)
    if (index === undefined) {
      index = this.#indexes.size
      if (index >= mostRecords) return { value: '(one of too many errors)' }
      this.#indexes.set(value, index)
      this.#waiting.push(value)
    }
    return { error: index }
  }

  /** Encodes the errors found so far, and the errors that these refer to. */
  finish(): readonly ErrorRecord[] {
    // `#encodeError` adds errors to `#waiting` during this loop. The order of `#waiting` is the order of the indexes.
    for (const error of this.#waiting) this.#records.push(this.#encodeError(error))
    return this.#records
  }

  #canSend(value: unknown): boolean {
    if (typeof value !== 'object') return canSend(value, this.#send)
    let isSendable = this.#sendable.get(value)
    if (isSendable === undefined) {
      isSendable = canSend(value, this.#send)
      this.#sendable.set(value, isSendable)
    }
    return isSendable
  }

  #encodeError(error: object): ErrorRecord {
    const errors = read(error, 'errors')
    const hasList = isList(errors)
    return {
      type: findType(error),
      name: readText(error, 'name', 'Error'),
      message: readText(error, 'message', ''),
      stack: readText(error, 'stack', ''),
      ...(has(error, 'cause') && { cause: this.encode(read(error, 'cause')) }),
      ...(hasList && { errors: this.#encodeList(errors) }),
      properties: listKeys(error)
        .filter((key) => !encodedApart.has(key) && !(hasList && key === 'errors'))
        .map((key) => [key, this.encode(read(error, key))] as const),
    }
  }

  /**
   * Reads the entries of `list` one by one. The method `map` is not used, because the list may have replaced it, and an
   * entry may throw when it is read.
   */
  #encodeList(list: readonly unknown[]): EncodedValue[] {
    const encoded: EncodedValue[] = []
    const length = read(list, 'length')
    if (typeof length !== 'number') return encoded
    for (let i = 0; i < length; i++) {
      if (i === mostRecords) {
        encoded.push({ value: `(and ${length - i} more)` })
        break
      }
      encoded.push(this.encode(read(list, String(i))))
    }
    return encoded
  }
}

function isError(x: unknown): x is object {
  try {
    return x instanceof Error || Object.prototype.toString.call(x) === '[object Error]'
  } catch {
    return false
  }
}

function isList(x: unknown): x is readonly unknown[] {
  try {
    return Array.isArray(x)
  } catch {
    return false
  }
}

function has(error: object, key: string): boolean {
  try {
    return key in error
  } catch {
    return false
  }
}

function listKeys(error: object): string[] {
  try {
    return Object.keys(error)
  } catch {
    return []
  }
}

function read(from: unknown, key: string): unknown {
  try {
    return (from as Record<string, unknown>)[key]
  } catch (thrown) {
    return `(cannot be read: ${sayWhy(thrown)})`
  }
}

function readText(from: unknown, key: string, otherwise: string): string {
  if (from === null || from === undefined) return otherwise
  const value = read(from, key)
  if (value === undefined) return otherwise
  try {
    // oxlint-disable-next-line typescript/no-base-to-string -- an object as a name or message is shown as a template string would show it
    return String(value)
  } catch {
    return show(value)
  }
}

function canSend(value: unknown, send: Send): boolean {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) {
    return typeof value !== 'symbol'
  }
  try {
    send(value)
    return true
  } catch {
    return false
  }
}

function describeLost(value: unknown): string {
  try {
    if (typeof value === 'function') return Function.prototype.toString.call(value)
  } catch {
    // The value looks like a function, but the engine has no source for it.
  }
  return show(value)
}

/** The engine's own classes are compared by identity, because a job may define another class of the same name. */
const engineClasses = [
  AggregateError,
  DOMException,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
]
const engineTypes: ReadonlyMap<object, string> = new Map(
  engineClasses.map((type): [object, string] => [type.prototype, type.name]),
)

interface ErrorType {
  readonly prototype: object
}

interface PackageType {
  readonly type: ErrorType
  /** The value of `code` in errors of this class; null if only the symbol in its prototype identifies the class. */
  readonly code: string | null
}

/**
 * The classes of core and of this package, and how to recognize their errors. Comparing the classes by identity is not
 * enough, because a job's module may have loaded its own copy of the package. Comparing only the names would also match
 * a class of another library. An error of such a class arrives as an Error with the same name.
 */
const packageTypes = new Map<string, PackageType>([
  ['BrokenExecutor', { type: BrokenExecutor, code: 'ERR_EXECUTOR_BROKEN' }],
  ['CancelledError', { type: CancelledError, code: null }],
  ['DeadlockError', { type: DeadlockError, code: 'ERR_DEADLOCK' }],
  ['ExceptionGroup', { type: ExceptionGroup, code: 'ERR_EXCEPTION_GROUP' }],
  ['ExecutorQueueFull', { type: ExecutorQueueFull, code: 'ERR_EXECUTOR_QUEUE_FULL' }],
  ['InvalidStateError', { type: InvalidStateError, code: 'ERR_INVALID_STATE' }],
  ['JobSerializationError', { type: JobSerializationError, code: 'ERR_EXECUTOR_SERIALIZATION' }],
  ['KeyboardInterrupt', { type: KeyboardInterrupt, code: 'ERR_INTERRUPTED' }],
  ['LookupError', { type: LookupError, code: 'ERR_LOOKUP' }],
  ['RuntimeError', { type: RuntimeError, code: 'ERR_RUNTIME' }],
  ['TimeoutError', { type: TimeoutError, code: 'ERR_TIMEOUT' }],
  ['WorkerCrashedError', { type: WorkerCrashedError, code: 'ERR_EXECUTOR_WORKER_CRASHED' }],
])

function findType(error: object): string {
  try {
    let prototype = Object.getPrototypeOf(error) as object | null
    for (; prototype !== null; prototype = Object.getPrototypeOf(prototype) as object | null) {
      const engineType = engineTypes.get(prototype)
      if (engineType !== undefined) return engineType
      // A bundler may have given the class of this package another name. So it is found by its prototype.
      const packageType = namesByPrototype.get(prototype)
      if (packageType !== undefined) return packageType
      const { name } = (prototype.constructor ?? error) as { name?: unknown }
      if (isMarked(error, prototype, String(name))) return String(name)
    }
  } catch {
    // Reading the prototype chain threw.
  }
  return 'Error'
}

function isMarked(error: object, prototype: object, name: string): boolean {
  const known = packageTypes.get(name)
  if (known === undefined) return false
  if (Symbol.for(`@tasktree/core.${name}`) in prototype) return true
  const { code } = known
  return code !== null && Object.hasOwn(error, 'code') && read(error, 'code') === code
}

/** The names of the classes, by their prototypes. */
const namesByPrototype = new Map<object, string>()
for (const [name, { type }] of packageTypes) namesByPrototype.set(type.prototype, name)

const typesByName = new Map<string, ErrorType>([
  ...engineClasses.map((type): [string, ErrorType] => [type.name, type]),
  ...[...packageTypes].map(([name, { type }]): [string, ErrorType] => [name, type]),
])

/**
 * Makes the errors of a class of another package arrive as objects of that class. An error is taken for one of this
 * class if a class in its prototype chain is named `name` and its property `code` is `code`.
 */
export function carryErrorType(name: string, type: ErrorType, code: string): void {
  packageTypes.set(name, { type, code })
  namesByPrototype.set(type.prototype, name)
  typesByName.set(name, type)
}

/**
 * Returns the thrown value that `encoded` describes. An error becomes an object of its nearest class that is known
 * here, and keeps its name. `submittedAt` is the stack of the call that submitted the job.
 */
export function decodeError({ thrown, records }: EncodedError, submittedAt: string): unknown {
  const errors = records.map(({ type, message }) => makeError(type, message))
  const decode = (value: EncodedValue): unknown =>
    'error' in value ? errors[value.error] : value.value
  for (const [index, record] of records.entries()) {
    const error = errors[index] as Error
    const define = (key: string, value: unknown, enumerable: boolean): void => {
      Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
    }
    for (const [key, value] of record.properties) define(key, decode(value), true)
    if (record.name !== error.name) define('name', record.name, false)
    if (record.cause !== undefined) define('cause', decode(record.cause), false)
    if (record.errors !== undefined) define('errors', record.errors.map(decode), false)
    const isThrown = 'error' in thrown && thrown.error === index
    const submitted =
      isThrown && submittedAt !== '' ? `\n    --- submitted ---\n${submittedAt}` : ''
    define('stack', `${record.stack}${submitted}`, false)
  }
  return decode(thrown)
}

/**
 * Makes an error without the constructor of its class, because constructors take different arguments. Nothing is lost
 * by this, because all data of these errors is in own properties, which `decodeError` sets.
 */
function makeError(name: string, message: string): Error {
  if (name === 'DOMException') return new DOMException(message)
  const error = new Error(message)
  const type = typesByName.get(name)
  if (type !== undefined && type !== Error) Object.setPrototypeOf(error, type.prototype)
  return error
}
