import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ResourceLimits } from 'node:worker_threads'
import { afterDelay } from '@tasktree/core/lowlevel'
import { assertCarriable } from '../jobs/carriable.ts'
import { decodeValue, encodeValue } from './codec.ts'
import { encodeFrame, FrameReader, inputPipe, lifePipe, outputPipe } from './frames.ts'
import { processFlags } from './own-flags.ts'
import { type ControlMessage, type FromWorker, identityKey, type JobsMessage } from './protocol.ts'
import { encodeWords, readWords } from './watch-words.ts'
import {
  assertMessageCarriable,
  type WorkerExit,
  type WorkerLink,
  type WorkerListener,
} from './worker-link.ts'

export interface ProcessOptions {
  readonly entry: URL
  readonly resourceLimits: ResourceLimits | undefined
  readonly env: NodeJS.ProcessEnv | undefined
  readonly execArgv: readonly string[]
}

/**
 * When the output pipe of a dead process has been silent for this many milliseconds, it counts as empty. The process's
 * output arrives at once, but a grandchild that has inherited the pipe may keep it open for any time.
 */
const drainGrace = 50

const living = new Set<ChildProcess>()

/** Kills all worker processes when this process ends by `process.exit`. Otherwise they would live on. */
function killAll(): void {
  for (const child of living) child.kill('SIGKILL')
}

/** The pool's connection to one worker process. */
export class ProcessLink implements WorkerLink {
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #watch: Socket
  #error: unknown

  constructor(id: number, listener: WorkerListener, options: ProcessOptions) {
    const child = spawn(
      process.execPath,
      [
        ...processFlags(),
        ...limitArguments(options.resourceLimits),
        ...options.execArgv,
        fileURLToPath(options.entry),
        identityKey,
        String(id),
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'pipe'],
        env: options.env ?? process.env,
        windowsHide: true,
      },
    )
    assertPipes(child)
    this.#child = child
    this.#input = child.stdio[inputPipe] as Writable
    const output = child.stdio[outputPipe] as Readable
    this.#watch = child.stdio.at(lifePipe) as Socket
    for (const pipe of [this.#input, this.#watch]) {
      // The error is ignored here, because the 'exit' event reports the death of the process.
      pipe.on('error', () => {})
    }
    const reader = new FrameReader(
      (body, { kind, next }) => {
        let message: FromWorker
        try {
          message = decodeValue(body) as FromWorker
        } catch (error) {
          listener.onUnreadable(error, () => (kind === 'end' ? next : null))
          return
        }
        listener.onMessage(message)
      },
      () => {
        this.#error = new Error(
          `a job has written to file descriptor ${outputPipe} of its worker process, which belongs to the pool`,
        )
        this.kill()
      },
    )
    output.on('data', (chunk: Buffer) => {
      reader.feed(chunk)
      if (exit !== null) waitForOutput()
    })
    output.on('error', () => {})
    this.#watch.on(
      'data',
      readWords(2, (upTo, started) => listener.onMessage({ type: 'recalled', upTo, started })),
    )
    track(child)

    let exit: WorkerExit | null = null
    let outputEnded = false
    let stopWaiting = (): void => {}
    const waitForOutput = (): void => {
      stopWaiting()
      stopWaiting = afterDelay(drainGrace, tellExit, { hold: true })
    }
    const tellExit = (): void => {
      if (exit === null) return
      stopWaiting()
      output.removeAllListeners('data').destroy()
      this.#input.destroy()
      this.#watch.destroy()
      const ended = exit
      exit = null
      listener.onExit(ended)
    }
    output.on('close', () => {
      outputEnded = true
      tellExit()
    })
    child.on('exit', (exitCode, signal) => {
      living.delete(child)
      exit = { exitCode, signal, error: this.#error }
      if (outputEnded) tellExit()
      else waitForOutput()
    })
    child.on('error', (error) => {
      if (child.pid !== undefined) return
      exit = { exitCode: null, signal: null, error }
      tellExit()
    })
  }

  sendJobs(message: JobsMessage): void {
    assertMessageCarriable(message, 'process', [])
    this.#input.write(encodeFrame(message, 'jobs'))
  }

  sendControl(message: ControlMessage): void {
    this.#input.write(encodeFrame(message, 'other'))
  }

  tryClone(value: unknown): void {
    assertCarriable(value, 'process')
    encodeValue(value)
  }

  hold(on: boolean): void {
    for (const each of [this.#child, ...(this.#child.stdio.slice(inputPipe) as Socket[])]) {
      if (on) each.ref()
      else each.unref()
    }
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  recall(lastSent: number): null {
    this.#watch.write(encodeWords(lastSent))
    return null
  }

  markCancelled(seq: number): void {
    this.#watch.write(encodeWords(-seq))
  }

  lastStarted(): null {
    return null
  }
}

/**
 * Throws if `spawn` has made no pipes, because this process has too many open files. Then `stdio` is undefined, against
 * its type, and the child emits an 'error' event, which would end this process if there were no listener.
 */
function assertPipes(child: ChildProcess): void {
  if ((child.stdio as unknown) !== undefined) return
  child.on('error', () => {})
  throw new Error('no file descriptor is free for the pipes of a worker process')
}

function track(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (living.size === 0 && !process.listeners('exit').includes(killAll)) process.on('exit', killAll)
  living.add(child)
}

function limitArguments(limits: ResourceLimits | undefined): string[] {
  const flags: string[] = []
  if (limits?.maxOldGenerationSizeMb !== undefined)
    flags.push(`--max-old-space-size=${limits.maxOldGenerationSizeMb}`)
  if (limits?.maxYoungGenerationSizeMb !== undefined)
    flags.push(`--max-semi-space-size=${limits.maxYoungGenerationSizeMb}`)
  if (limits?.stackSizeMb !== undefined) flags.push(`--stack-size=${limits.stackSizeMb * 1_000}`)
  return flags
}
