import { inspect } from 'node:util'
import { describe } from '@tasktree/core/lowlevel'
import { formatThrown } from '../exit-reason.ts'
import { LoggedErrors } from './logged-errors.ts'

/**
 * An object to which a system writes its log. Each entry is one line of text. The first entry about a crash also has
 * the error. `console` can be used as a Logger.
 */
export interface Logger {
  debug(message: string, ...details: unknown[]): void
  info(message: string, ...details: unknown[]): void
  warn(message: string, ...details: unknown[]): void
  error(message: string, ...details: unknown[]): void
  child?: undefined
}

/**
 * A logger that writes structured records, such as pino. Its methods take an object of fields first, and the line of
 * text second. A system recognizes such a logger by its method `child`.
 */
export interface StructuredLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(...args: never[]): unknown
}

/**
 * The default logger: writes warnings and errors to the console, so that restarts are visible without any set-up.
 *
 * @example
 *     await using system = await ActorSystem.start({
 *       name: 'app',
 *       logger: { ...consoleLogger, debug() {} },
 *       children: [child.task('poller', () => sleepForever())],
 *     })
 *     console.log(system.root.status) // running
 */
export const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  // oxlint-disable-next-line eslint/no-console -- the default for programs without a logger
  warn: (message, ...details) => console.warn(message + textOf(message, details)),
  // oxlint-disable-next-line eslint/no-console -- the default for programs without a logger
  error: (message, ...details) => console.error(message + textOf(message, details)),
}

/** Takes the place of `console` if a program passes `console` as its logger: formats errors as `consoleLogger` does. */
const wholeConsole: Logger = {
  ...consoleLogger,
  // oxlint-disable-next-line eslint/no-console -- the program has asked for it
  debug: (message, ...details) => console.debug(message, ...details),
  // oxlint-disable-next-line eslint/no-console -- the program has asked for it
  info: (message, ...details) => console.info(message, ...details),
}

/**
 * A logger that writes nothing, for tests.
 *
 * @example
 *     await using system = await ActorSystem.start({ name: 'test', logger: silentLogger })
 *     console.log(system.root.status) // running
 */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
}

function textOf(message: string, details: readonly unknown[]): string {
  return details.map((detail) => formatDetail(message, detail)).join('')
}

/**
 * Formats one of the values that are logged after `message`. An error is formatted as its stack. The stack begins
 * with the name and the message of the error; if `message` already contains them, they are left out.
 */
function formatDetail(message: string, detail: unknown): string {
  try {
    if (typeof detail === 'string') return ` ${detail}`
    const text = inspect(detail)
    if (!(detail instanceof Error)) return ` ${text}`
    const header = formatThrown(detail)
    return message.includes(header) && text.startsWith(header)
      ? text.slice(header.length)
      : `\n${text}`
  } catch {
    // Reading `detail` has thrown, for example in a getter of an error.
    return ` ${formatThrown(detail)}`
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * Checks that `logger` has the methods of a logger.
 * @throws {TypeError} when `logger` is not an object, or when a method is missing; the message names the method
 */
export function checkLogger(logger: unknown): void {
  if (typeof logger !== 'object' || logger === null) {
    throw new TypeError(`logger must be an object, got ${describe(logger)}`)
  }
  for (const level of ['debug', 'info', 'warn', 'error'] as const) {
    if (typeof (logger as Partial<Logger>)[level] === 'function') continue
    throw new TypeError(`logger needs a method ${level}`)
  }
}

/** Writes the log of one system to the logger that the program has passed to the system. */
export class Log implements Logger {
  declare child?: undefined
  readonly #logger: Logger | null
  readonly #structured: StructuredLogger | null
  readonly #logged = new LoggedErrors()

  constructor(logger: Logger | StructuredLogger) {
    const isStructured = 'child' in logger && typeof logger.child === 'function'
    this.#structured = isStructured ? logger : null
    const plain = logger === (console as unknown) ? wholeConsole : (logger as Logger)
    this.#logger = isStructured ? null : plain
  }

  debug(message: string, ...details: unknown[]): void {
    this.#write('debug', message, details)
  }

  info(message: string, ...details: unknown[]): void {
    this.#write('info', message, details)
  }

  warn(message: string, ...details: unknown[]): void {
    this.#write('warn', message, details)
  }

  error(message: string, ...details: unknown[]): void {
    this.#write('error', message, details)
  }

  #write(level: Level, message: string, details: unknown[]): void {
    const fields = details.length === 0 ? {} : { details }
    this.#send(level, message, fields, details)
  }

  /**
   * Passes an entry to the logger of the program. If that logger throws, writes the entry to the console, so that no
   * crash goes unseen.
   */
  #send(level: Level, message: string, fields: object, details: readonly unknown[]): void {
    try {
      if (this.#structured !== null) this.#structured[level](fields, message)
      else this.#logger?.[level](message, ...details)
    } catch (error) {
      consoleLogger.error(`the logger threw ${formatThrown(error)}; its entry was: ${message}`)
    }
  }

  /**
   * Logs one line. A structured logger (such as pino) also gets `fields` and `error`. A plain logger gets no fields,
   * and gets `error` only if neither `error` nor one of its causes was logged before.
   */
  report(level: Level, message: string, fields: object, error?: unknown): void {
    const isShort = error === undefined || this.#logged.add(error)
    const record = error === undefined ? fields : { ...fields, err: error }
    this.#send(level, message, record, isShort ? [] : [error])
  }
}
