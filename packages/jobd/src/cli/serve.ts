import { RestartLimitError } from '@tasktree/actor'
import { currentTask, isCancelled } from '@tasktree/core'
import { type Jobd, startJobd } from '../tree/jobd.ts'
import { Failure } from './failure.ts'

export interface ServeOptions {
  db: string
  host: string
  port: number
  http: number
  workers: number
  password?: string
  /** Milliseconds. */
  grace: number
}

/** Stays up until a signal ends it, in order, or the tree has given up. @throws {Failure} when it cannot start */
export async function serve(options: ServeOptions): Promise<void> {
  const jobd = await start(options)
  await using _ = jobd
  const host = options.host.includes(':') ? `[${options.host}]` : options.host
  process.stdout.write(`jobd listens on ${host}:${jobd.port}\n`)
  process.stdout.write(`the page is http://${host}:${jobd.httpPort}\n`)
  await untilTold(jobd.system.done)
}

/** A signal cancels the main task: told to end it ends well. @throws {Failure} when the tree has given up */
async function untilTold(done: PromiseLike<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (error instanceof RestartLimitError)
      throw new Failure(`jobd has given up: ${error.message}`, { cause: error })
    if (!isCancelled(error)) throw error
    currentTask()?.uncancel()
  }
}

async function start({ db, password, ...options }: ServeOptions): Promise<Jobd> {
  try {
    return await startJobd({
      ...options,
      file: db,
      ...(password === undefined ? {} : { password }),
    })
  } catch (error) {
    // What cannot start is the address or the file that it was given: no mistake of the program's.
    if (!(error instanceof Error) || isCancelled(error)) throw error
    throw new Failure(`jobd could not start: ${error.message}`, { cause: error })
  }
}
