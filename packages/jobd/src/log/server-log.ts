import { styleText } from 'node:util'
import type { Logger } from '@tasktree/actor'
import { describeError } from '../jobs/describe-error.ts'
import { shorten } from '../jobs/shorten.ts'
import { escapeControlCharacters } from './control-characters.ts'

export type LogLevel = 'info' | 'warn' | 'error' | 'audit'

/** The format of log lines: text for people, or one JSON object in each line for programs. */
export type LogFormat = 'human' | 'json'

/** The log of the server: messages of the tree, actions of clients, and notices for the operator. */
export interface ServerLog extends Logger {
  /** Called when a user has done something that changes the server for other users. */
  audit(who: string, action: string): void
}

const colours = { info: 'dim', warn: 'yellow', error: 'red', audit: 'cyan' } as const

/** The messages of the tree name its parts by their paths. */
const pathPattern = /\/jobd(?:\/[\w.-]+)+/

/** Writes lines with the time, the level and the part of the tree. */
export class LineLog implements ServerLog {
  readonly #format: LogFormat
  readonly #write: (line: string) => void

  constructor(format: LogFormat, write: (line: string) => void) {
    this.#format = format
    this.#write = write
  }

  debug(): void {}

  info(message: string, ...details: unknown[]): void {
    this.#log('info', message, details)
  }

  warn(message: string, ...details: unknown[]): void {
    this.#log('warn', message, details)
  }

  error(message: string, ...details: unknown[]): void {
    this.#log('error', message, details)
  }

  audit(who: string, action: string): void {
    this.#put('audit', 'server', `${who}: ${action}`, { who, action })
  }

  #log(level: LogLevel, message: string, details: unknown[]): void {
    const part = pathPattern.exec(message)?.[0].slice('/jobd/'.length) ?? 'server'
    const causes = details.map(describeError).filter((text) => !message.includes(text))
    const stack = details.find((each) => each instanceof Error)?.stack
    const more: Record<string, string> =
      level === 'error' && stack !== undefined ? { stack: shorten(stack) } : {}
    this.#put(level, part, shorten([message, ...causes].join(': ')), more)
  }

  #put(level: LogLevel, part: string, message: string, more: Record<string, string>): void {
    const time = new Date().toISOString()
    if (this.#format === 'json') {
      this.#write(JSON.stringify({ time, level, part, message, ...more }))
      return
    }
    const { stack } = more
    const text = escapeControlCharacters(stack === undefined ? message : `${message}\n${stack}`)
    // Lines for people go to standard error, which decides whether they have colours.
    const paint = (colour: (typeof colours)[LogLevel], word: string): string =>
      styleText(colour, word, { stream: process.stderr })
    this.#write(`${paint('dim', time)} ${paint(colours[level], level)} ${part}: ${text}`)
  }
}

/** Adds an audit to a log that has none: it writes the actions at the level `info`. */
export function withAudit(logger: Logger): ServerLog {
  if ('audit' in logger) return logger as ServerLog
  return {
    debug: (message, ...details) => logger.debug(message, ...details),
    info: (message, ...details) => logger.info(message, ...details),
    warn: (message, ...details) => logger.warn(message, ...details),
    error: (message, ...details) => logger.error(message, ...details),
    audit: (who, action) => logger.info(`audit: ${who}: ${action}`),
  }
}
