import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { Future, gather, isCancelled, moveOnAfter, shield } from '@tasktree/core'
import { cancelOnAbort } from '@tasktree/core/lowlevel'
import { StreamReader, StreamWriter } from '@tasktree/streams'
import { ProcessLookupError } from './errors.ts'
import { type SpawnOptions, toReturncode } from './options.ts'

/** Silence on a child's pipes after its exit, in milliseconds, before they are given up: a grandchild may hold them. */
const drainGrace = 100

/**
 * A child process. Leaving its scope, or the cancel of a task that waits for it, ends it: SIGTERM, and after
 * `killGrace` SIGKILL, to its whole group.
 *
 * Source: asyncio.subprocess.Process
 */
export class Process implements AsyncDisposable {
  readonly stdin: StreamWriter | null
  readonly stdout: StreamReader | null
  readonly stderr: StreamReader | null
  readonly #child: ChildProcess
  readonly #group: boolean
  readonly #killGrace: number
  readonly #exited = new Future<number>()
  #returncode: number | null = null

  /** @internal use createSubprocessExec */
  constructor(child: ChildProcess, options: SpawnOptions, group: boolean) {
    this.#child = child
    this.#group = group
    this.#killGrace = options.killGrace ?? 5_000
    const limit = options.limit === undefined ? {} : { limit: options.limit }
    this.stdin = child.stdin === null ? null : StreamWriter.to(child.stdin)
    this.stdout = child.stdout === null ? null : StreamReader.from(child.stdout, limit)
    this.stderr = child.stderr === null ? null : StreamReader.from(child.stderr, limit)
    live.add(this)
    child.once('exit', (code, signal) => {
      live.delete(this)
      this.#returncode = toReturncode(code, signal)
      this.#exited.setResult(this.#returncode)
      this.#endWhenSilent(child.stdout as Socket | null)
      this.#endWhenSilent(child.stderr as Socket | null)
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** Null while it runs; -N when it was ended by signal N. */
  get returncode(): number | null {
    return this.#returncode
  }

  /** Waits for its end. The cancel of a task that waits ends the process. */
  async wait(options?: { signal?: AbortSignal }): Promise<number> {
    try {
      return await cancelOnAbort(shield(this.#exited), options?.signal)
    } catch (error) {
      if (isCancelled(error)) await this.#end()
      throw error
    }
  }

  /** Writes `input`, reads all output, and waits for its end. A child that closes its stdin early is no error. */
  async communicate(input?: Uint8Array | string): Promise<[Buffer | null, Buffer | null]> {
    try {
      const [, stdout, stderr] = await gather([
        () => this.#feed(input),
        async () => this.stdout?.read() ?? null,
        async () => this.stderr?.read() ?? null,
        shield(this.#exited),
      ])
      return [stdout, stderr]
    } catch (error) {
      if (isCancelled(error)) await this.#end()
      throw error
    }
  }

  async #feed(input: Uint8Array | string | undefined): Promise<void> {
    if (this.stdin === null) return
    try {
      if (input !== undefined) {
        this.stdin.write(input)
        await this.stdin.drain()
      }
    } catch (error) {
      if (isCancelled(error)) throw error
      // It closed its stdin early: as in Python that is its business.
    }
    this.stdin.close()
  }

  /** @throws {ProcessLookupError} when it has ended */
  sendSignal(signal: NodeJS.Signals): void {
    if (this.#returncode !== null) throw new ProcessLookupError(`process ${this.pid} has ended`)
    this.#send(signal)
  }

  /** Sends SIGTERM. @throws {ProcessLookupError} when it has ended */
  terminate(): void {
    this.sendSignal('SIGTERM')
  }

  /** Sends SIGKILL. @throws {ProcessLookupError} when it has ended */
  kill(): void {
    this.sendSignal('SIGKILL')
  }

  /** The group by its leader's pid, which names it only as long as the leader is not reaped. */
  #send(signal: NodeJS.Signals): void {
    try {
      if (this.#group) process.kill(-this.pid, signal)
      else this.#child.kill(signal)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }

  async #end(): Promise<void> {
    if (this.#returncode === null) {
      this.#send('SIGTERM')
      const { cancelled } = await moveOnAfter(this.#killGrace, async () => shield(this.#exited))
      if (cancelled && this.#returncode === null) {
        this.#send('SIGKILL')
        await shield(this.#exited)
      }
    }
    this.stdin?.abort()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }

  /** A grandchild may hold the pipe: after some silence its end is declared. Nothing that is still coming is cut. */
  #endWhenSilent(pipe: Socket | null): void {
    if (pipe === null || pipe.readableEnded || pipe.closed) return
    const loop = this.#exited.getLoop()
    let seen = pipe.bytesRead
    const look = (): void => {
      // Paused: its reader is slow, and there is more to come.
      if (pipe.bytesRead === seen && pipe.readableLength === 0 && !pipe.isPaused()) {
        pipe.once('end', () => pipe.destroy())
        pipe.push(null)
        return
      }
      seen = pipe.bytesRead
      timer = loop.callLater(drainGrace, look)
    }
    let timer = loop.callLater(drainGrace, look)
    pipe.once('close', () => timer.cancel())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end()
  }

  /** @internal the parent ends: its children are told first */
  endWithParent(): void {
    this.#send('SIGTERM')
  }
}

const live = new Set<Process>()
process.on('exit', () => {
  for (const each of live) each.endWithParent()
})
