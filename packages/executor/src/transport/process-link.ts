import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { Socket } from 'node:net'
import { serialize } from 'node:v8'
import { fileURLToPath } from 'node:url'
import type { ResourceLimits } from 'node:worker_threads'
import { encodeFrame, FrameReader, inputPipe, lifePipe, outputPipe } from './frames.ts'
import { type FromWorker, identityKey, type ToWorker } from './protocol.ts'
import { afterDelay } from './real-timer.ts'
import { encodeWords, readWords } from './watch-words.ts'
import { workerEntry, type WorkerLink, type WorkerListener } from './worker-link.ts'

export interface ProcessOptions {
  readonly resourceLimits: ResourceLimits | undefined
  readonly env: NodeJS.ProcessEnv | undefined
  readonly execArgv: readonly string[] | undefined
}

/** What is still in the pipe of a dead process comes at once; a grandchild that has inherited the pipe keeps it open. */
const drainGrace = 50

const living = new Set<ChildProcess>()

/** A worker process must not outlive a process that ends by `process.exit`. */
function killAll(): void {
  for (const child of living) child.kill('SIGKILL')
}

export class ProcessLink implements WorkerLink {
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #watch: Socket

  constructor(id: number, listener: WorkerListener, options: ProcessOptions) {
    const child = spawn(
      process.execPath,
      [
        ...inheritedArguments(),
        ...limitArguments(options.resourceLimits),
        ...(options.execArgv ?? []),
        fileURLToPath(workerEntry),
        identityKey,
        String(id),
      ],
      {
        stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'pipe', 'pipe'],
        env: options.env ?? process.env,
        windowsHide: true,
      },
    )
    this.#child = child
    this.#input = child.stdio[inputPipe] as Writable
    const output = child.stdio[outputPipe] as Readable
    this.#watch = child.stdio.at(lifePipe) as Socket
    for (const pipe of [this.#input, this.#watch]) {
      // Its death is told by 'exit'.
      pipe.on('error', () => {})
    }
    const reader = new FrameReader((message) => listener.onMessage(message as FromWorker))
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

    let exit: { exitCode: number | null; signal: NodeJS.Signals | null; error: unknown } | null =
      null
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
      exit = { exitCode, signal, error: undefined }
      if (outputEnded) tellExit()
      else waitForOutput()
    })
    child.on('error', (error) => {
      if (child.pid !== undefined) return
      exit = { exitCode: null, signal: null, error }
      tellExit()
    })
  }

  post(message: ToWorker): void {
    this.#input.write(encodeFrame(message))
  }

  tryClone(value: unknown): void {
    serialize(value)
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

function track(child: ChildProcess): void {
  if (child.pid === undefined) return
  if (living.size === 0 && !process.listeners('exit').includes(killAll)) process.on('exit', killAll)
  living.add(child)
}

const ownOnly = /^--(?:inspect|eval$|print$|input-type|test|watch|check$|interactive$)|^-[epcir]/

/** As a thread's: the flags of this process, without those that are about its own program. */
function inheritedArguments(): string[] {
  const kept: string[] = []
  const { execArgv } = process
  for (let i = 0; i < execArgv.length; i++) {
    const flag = execArgv[i] as string
    if (/^(?:-r|--require|--import|--conditions|-C)$/.test(flag)) {
      kept.push(flag, execArgv[++i] ?? '')
      continue
    }
    if (ownOnly.test(flag)) {
      const next = execArgv[i + 1]
      if (/^(?:-e|-p|-pe|--eval|--print)$/.test(flag) && next !== undefined) i++
      continue
    }
    kept.push(flag)
  }
  return kept
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
