import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { RestartLimitError } from '@tasktree/actor'
import { createTask, getEventLoop, isCancelled } from '@tasktree/core'
import { afterDelay } from '@tasktree/core/lowlevel'
import { LineLog, type LogFormat } from '../log/server-log.ts'
import type { LimitChange } from '../jobs/kind-limits.ts'
import type { Token } from '../server/credentials.ts'
import { type Jobd, startJobd } from '../tree/jobd.ts'
import { EndSignals } from './end-signals.ts'
import { Failure } from './failure.ts'
import { endWithoutOutput, readSecret } from './output.ts'

export interface ServeOptions {
  db: string
  host: string
  port: number
  http: number
  kinds?: string
  builtInKinds: boolean
  limit: Record<string, LimitChange>
  workers: number
  password?: string
  passwordFile?: string
  token: string[]
  tokenFile?: string
  /** Milliseconds. */
  grace: number
  maxQueued: number
  maxDeaths: number
  keepDone?: number
  keepFailed?: number
  keepLast?: number
  /** Milliseconds. */
  waitLock: number
  vacuum: boolean
  publicUrl?: string
  trustProxy: string[]
  log: LogFormat
}

/**
 * Runs a server until a signal ends it in an orderly way, or until its tree has given up.
 *
 * @throws {Failure} when the server cannot start
 */
export async function serve(options: ServeOptions): Promise<void> {
  // A server goes on when standard output cannot be written any more, because its reader has gone or the disk is full.
  process.stdout.off('error', endWithoutOutput).on('error', () => {})
  const isJson = options.log === 'json'
  const log = new LineLog(options.log, (line) =>
    (isJson ? process.stdout : process.stderr).write(`${line}\n`),
  )
  const say = (text: string): void => {
    if (isJson) log.info(text)
    else process.stdout.write(`${text}\n`)
  }
  const jobd = await start(options, log)
  const signals = new EndSignals()
  let code = 1
  try {
    const host = options.host.includes(':') ? `[${options.host}]` : options.host
    say(`jobd listens on ${host}:${jobd.port}`)
    if (options.publicUrl !== undefined) say(`browsers find the page at ${options.publicUrl}`)
    say(`the page is http://${host}:${jobd.httpPort}`)
    const onHangUp = (): void => void createTask(() => reload(jobd, log))
    process.on('SIGHUP', onHangUp)
    try {
      await signals.interrupt(() => untilGivenUp(jobd))
    } finally {
      process.off('SIGHUP', onHangUp)
      await signals.interrupt(async () => jobd[Symbol.asyncDispose]())
    }
    code = 0
  } finally {
    exitSoon(code)
  }
}

/** Milliseconds that the process gets to end by itself when its server has ended. */
const exitTime = 250

/**
 * Ends the process even if code of jobs goes on. Such code may hold timers and sockets, or tasks that swallow every
 * cancel. Its jobs are in the jobs' file, and are queued again.
 */
function exitSoon(code: number): void {
  const exit = (): void => process.exit(code)
  const stop = afterDelay(exitTime, exit)
  getEventLoop().addShutdownHook(async () => {
    // Until this hook runs, the timer has to keep the program alive: otherwise the event loop would report a deadlock
    // of the tasks that swallow every cancel. The new timer lets the program end earlier.
    stop()
    afterDelay(exitTime, exit, { hold: false })
  })
}

/** Called at SIGHUP: reads the module of the kinds again. An error is logged, and the kinds stay as they were. */
async function reload(jobd: Jobd, log: LineLog): Promise<void> {
  try {
    const { reloaded, kept } = await jobd.reload()
    log.info(`kinds read again: ${reloaded.join(', ') || 'none'}`)
    if (kept.length > 0)
      log.warn(`these kinds run in the server and need a restart: ${kept.join(', ')}`)
  } catch (error) {
    if (isCancelled(error)) throw error
    log.error('the kinds stay as they were', error)
  }
}

/** Waits for the end of the tree. @throws {Failure} when the tree has given up */
async function untilGivenUp({ system }: Jobd): Promise<void> {
  try {
    await system.done
  } catch (error) {
    if (!(error instanceof RestartLimitError)) throw error
    throw new Failure(`jobd has given up: ${error.message}`, { cause: error })
  }
}

async function start(options: ServeOptions, logger: LineLog): Promise<Jobd> {
  const { db, keepDone, keepFailed, keepLast, password, passwordFile, kinds, limit, ...rest } =
    options
  const secret = password ?? (passwordFile === undefined ? undefined : readSecret(passwordFile))
  const tokens = tokensOf(options)
  try {
    return await startJobd({
      ...rest,
      file: db,
      logger,
      tokens,
      limits: limit,
      ...(kinds === undefined ? {} : { kinds: pathToFileURL(resolve(kinds)) }),
      retention: {
        ...(keepDone === undefined ? {} : { done: keepDone }),
        ...(keepFailed === undefined ? {} : { failed: keepFailed }),
        ...(keepLast === undefined ? {} : { last: keepLast }),
      },
      ...(secret === undefined ? {} : { password: secret }),
    })
  } catch (error) {
    // A server that cannot start was given a wrong address or a wrong file. The program itself is not at fault.
    if (!(error instanceof Error) || isCancelled(error)) throw error
    throw new Failure(`jobd could not start: ${error.message}`, { cause: error })
  }
}

/** @throws {Failure} for a token that is not a name and a secret */
function tokensOf({ token, tokenFile }: ServeOptions): Token[] {
  const environment = process.env['JOBD_TOKENS'] ?? ''
  const lines = [
    ...token,
    ...environment.split(/[\n,]/),
    ...(tokenFile === undefined ? [] : readSecret(tokenFile).split('\n')),
  ]
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf(':')
      if (at <= 0) throw new Failure('a token is a name and a secret with a colon between them')
      return { name: line.slice(0, at), secret: line.slice(at + 1) }
    })
}
