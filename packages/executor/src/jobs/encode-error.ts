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
import { describe } from '@tasktree/core/lowlevel'
import { BrokenExecutor, JobSerializationError, WorkerCrashedError } from './errors.ts'

/** A thrown value in a form that structured clone carries. */
export type EncodedError =
  | { kind: 'value'; value: unknown }
  | { kind: 'seen'; id: number }
  | {
      kind: 'error'
      id: number
      /** The names of its classes, the nearest first. */
      classes: string[]
      name: string
      message: string
      stack: string
      cause?: EncodedError
      errors?: EncodedError[]
      properties: [string, EncodedError][]
    }

const encodedApart: ReadonlySet<string> = new Set(['name', 'message', 'stack', 'cause', 'errors'])

/**
 * Encodes what a job threw. What cannot be cloned is replaced by its description: that an error can be
 * told matters more than each of its properties.
 */
export function encodeError(thrown: unknown, seen: Map<object, number> = new Map()): EncodedError {
  if (!isError(thrown)) return { kind: 'value', value: cloneable(thrown) }
  const known = seen.get(thrown)
  if (known !== undefined) return { kind: 'seen', id: known }
  const id = seen.size
  seen.set(thrown, id)
  const encode = (value: unknown): EncodedError => encodeError(value, seen)
  // Anything can stand in an error's properties.
  const { name, message, stack = '', errors } = thrown as { [K in keyof AggregateError]?: unknown }
  return {
    kind: 'error',
    id,
    classes: listClasses(thrown),
    name: String(name),
    message: String(message),
    stack: String(stack),
    ...('cause' in thrown && { cause: encode(thrown.cause) }),
    ...(Array.isArray(errors) && { errors: errors.map(encode) }),
    properties: Object.entries(thrown)
      .filter(([key]) => !encodedApart.has(key))
      .map(([key, value]) => [key, encode(value)]),
  }
}

function isError(x: unknown): x is Error {
  return x instanceof Error || Object.prototype.toString.call(x) === '[object Error]'
}

function listClasses(error: object): string[] {
  const classes: string[] = []
  let prototype: unknown = Object.getPrototypeOf(error)
  while (prototype !== null && prototype !== Object.prototype) {
    classes.push((prototype as object).constructor.name)
    prototype = Object.getPrototypeOf(prototype)
  }
  return classes
}

function cloneable(value: unknown): unknown {
  if (
    value === null ||
    (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol')
  ) {
    return value
  }
  try {
    return structuredClone(value)
  } catch {
    return typeof value === 'function' ? value.toString() : describe(value)
  }
}

/** Made without their constructors, whose arguments differ; all that they hold is own properties. */
const builtIn: ReadonlyMap<string, { readonly prototype: object }> = new Map(
  [
    AggregateError,
    BrokenExecutor,
    CancelledError,
    DeadlockError,
    DOMException,
    Error,
    EvalError,
    ExceptionGroup,
    InvalidStateError,
    JobSerializationError,
    KeyboardInterrupt,
    LookupError,
    RangeError,
    ReferenceError,
    RuntimeError,
    SyntaxError,
    TimeoutError,
    TypeError,
    URIError,
    WorkerCrashedError,
  ].map((type) => [type.name, type]),
)

/**
 * What was thrown, as the class it was where that is built in; another class's error is one of the
 * nearest built-in class, with its name. `submittedAt` is the stack of who asked for the job.
 */
export function decodeError(
  encoded: EncodedError,
  submittedAt: string,
  seen: Map<number, unknown> = new Map(),
): unknown {
  if (encoded.kind === 'value') return encoded.value
  if (encoded.kind === 'seen') return seen.get(encoded.id)
  const decode = (inner: EncodedError): unknown => decodeError(inner, '', seen)
  const error = makeError(encoded.classes, encoded.message)
  seen.set(encoded.id, error)
  const define = (key: string, value: unknown, enumerable: boolean): void => {
    Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
  }
  for (const [key, value] of encoded.properties) define(key, decode(value), true)
  if (encoded.name !== error.name) define('name', encoded.name, false)
  if (encoded.cause !== undefined) define('cause', decode(encoded.cause), false)
  if (encoded.errors !== undefined) define('errors', encoded.errors.map(decode), false)
  const submitted = submittedAt === '' ? '' : `\n    --- submitted ---\n${submittedAt}`
  define('stack', `${encoded.stack}${submitted}`, false)
  return error
}

function makeError(classes: readonly string[], message: string): Error {
  const known = classes.find((name) => builtIn.has(name)) ?? 'Error'
  if (known === 'DOMException') return new DOMException(message)
  const error = new Error(message)
  const type = builtIn.get(known) as { readonly prototype: object }
  if (type !== Error) Object.setPrototypeOf(error, type.prototype)
  return error
}
