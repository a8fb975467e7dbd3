/** The functions that a worker can run, by the names that they have in the whole cluster. */
import { createTask, type Future, taskSignal } from '@tasktree/core'
import { createServiceTask, describe } from '@tasktree/core/lowlevel'
import { type Executor, type JobFuture, jobs, type JobRef } from '@tasktree/executor'
import { type ChunkOutcome, currentJob, encodeError } from '@tasktree/executor/lowlevel'
import type { Codec } from '../wire/codec.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a job of any shape
export type Handler = (...args: any[]) => unknown

/** Functions that run in the worker's own process, by their names. */
export type Handlers = Readonly<Record<string, Handler>>

/** The modules of a worker by their names. Each is a URL or an object of functions. A name may have a version: `images@2`. */
export type WorkerModules = Readonly<Record<string, URL | string | Handlers>>

export interface Call {
  readonly args: readonly unknown[]
  readonly isChunked: boolean
  readonly onProgress: (value: unknown) => void
}

/** Starts a call of a function. A cancel of the future cancels the call. */
type Start = (call: Call) => Future<unknown>

export class Modules {
  readonly #modules: WorkerModules
  readonly #executor: Executor | null
  readonly #codec: Codec
  readonly #imported = new Map<string, Promise<Record<string, unknown>>>()

  /** @throws {TypeError} when the modules or one of them is wrong; the message names the module */
  constructor(modules: WorkerModules, executor: Executor | null, codec: Codec) {
    checkModules(modules, executor)
    this.#modules = modules
    this.#executor = executor
    this.#codec = codec
  }

  get names(): readonly string[] {
    return Object.keys(this.#modules)
  }

  /**
   * Returns a function that starts a call of the function `job`. Returns null if this worker does not have `job`. If a pool
   * runs the functions of the module, only the pool finds out whether the module has `job`, when it runs the call.
   *
   * @throws every error of loading the module
   */
  async find(job: string): Promise<Start | null> {
    const at = job.lastIndexOf('#')
    const module = job.slice(0, at)
    const name = job.slice(at + 1)
    if (at === -1 || !Object.hasOwn(this.#modules, module)) return null
    const home = this.#modules[module] as URL | string | Handlers
    if (typeof home === 'object' && !(home instanceof URL)) return this.#inline(home, name)
    const refs = jobs<Record<string, Handler>>(home)
    const ref = refs[name] as JobRef<unknown[], unknown>
    if (this.#executor !== null)
      return (call) => this.#submit(this.#executor as Executor, ref, call)
    return this.#inline(await this.#import(ref.url as string), name)
  }

  #import(url: string): Promise<Record<string, unknown>> {
    let importing = this.#imported.get(url)
    if (importing === undefined) {
      importing = import(url) as Promise<Record<string, unknown>>
      this.#imported.set(url, importing)
    }
    return importing
  }

  #inline(home: Record<string, unknown>, name: string): Start | null {
    const handler = Object.hasOwn(home, name) ? home[name] : undefined
    if (typeof handler !== 'function') return null
    const run = async (args: readonly unknown[]): Promise<unknown> =>
      finish(await (handler as Handler)(...args))
    return ({ args, isChunked, onProgress }) =>
      createServiceTask(
        () =>
          currentJob.run({ signal: taskSignal(), reportProgress: onProgress }, () =>
            isChunked ? this.#each(args[0], run) : run(args),
          ),
        { name: `job ${name}` },
      )
  }

  #submit(executor: Executor, ref: JobRef<unknown[], unknown>, call: Call): Future<unknown> {
    const submit = (args: readonly unknown[]): JobFuture<unknown> =>
      executor.submit(ref, ...args).onProgress(call.onProgress)
    if (!call.isChunked) return submit(call.args)
    return createTask(() => this.#each(call.args[0], async (args) => submit(args)))
  }

  /** Returns the results of the items up to the first failure, and that failure. */
  async #each(
    items: unknown,
    run: (args: readonly unknown[]) => Promise<unknown>,
  ): Promise<ChunkOutcome> {
    const results: unknown[] = []
    for (const item of items as readonly unknown[]) {
      try {
        results.push(await run([item]))
        // oxlint-disable-next-line @tasktree/no-swallowed-cancel -- the run of the job looks at its cancel
      } catch (error) {
        return { results, error: encodeError(error, (value) => void this.#codec.encode(value)) }
      }
    }
    return { results, error: null }
  }
}

/** Runs a generator to its end, and returns its return value. The values that it yields are not sent. */
async function finish(value: unknown): Promise<unknown> {
  if (!isGenerator(value)) return value
  for (;;) {
    const step = await value.next()
    if (step.done === true) return step.value
  }
}

function isGenerator(value: unknown): value is Generator | AsyncGenerator {
  if (typeof value !== 'object' || value === null) return false
  const { next } = value as Partial<Generator>
  return typeof next === 'function' && (Symbol.iterator in value || Symbol.asyncIterator in value)
}

/** @throws {TypeError} when the modules or one of them is wrong; the message names the module */
function checkModules(modules: unknown, executor: Executor | null): void {
  if (typeof modules !== 'object' || modules === null || Array.isArray(modules)) {
    throw new TypeError(
      `the modules of a worker must be an object of URLs and handlers by their names, got ${describe(modules)}`,
    )
  }
  for (const [name, home] of Object.entries(modules)) {
    if (!/^[^\s#@]+(@[^\s#@]+)?$/.test(name)) {
      throw new TypeError(
        `${JSON.stringify(name)} is not the name of a module: it must be a text without spaces and #, with at most one @ before its version`,
      )
    }
    if (home instanceof URL || (typeof home === 'string' && URL.canParse(home))) continue
    if (typeof home !== 'object' || home === null) {
      throw new TypeError(
        `the module ${name} must be a URL or an object of functions, got ${describe(home)}`,
      )
    }
    if (executor !== null) {
      throw new TypeError(
        `the module ${name} has handlers, which run in this process, and the option executor is for modules with a URL: give the URL, or leave the executor out`,
      )
    }
  }
}
