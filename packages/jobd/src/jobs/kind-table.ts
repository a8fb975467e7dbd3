import { fileURLToPath } from 'node:url'
import { builtInKinds } from './built-in-kinds.ts'
import { describeError } from './describe-error.ts'
import type { Job } from './job.ts'
import { isKinds, type JobContext, type Kind, type Kinds } from './kind.ts'
import { isWorkerReport } from './kind-in-worker.ts'
import { blamed } from './uncaught-errors.ts'
import { poolJobs } from './pool-jobs.ts'
import { makeReporters } from './reporters.ts'
import { Steps } from './steps.ts'
import { storeResult, type StoredResult } from './stored-value.ts'

/** The kinds of a user: an object of kinds, or the URL of a module that has such an object as its default export. */
export type KindSource = Kinds | URL

/** A module of kinds cannot be used, a kind does not exist, or a kind refuses a payload. */
export class KindError extends Error {
  override readonly name: string = 'KindError'
  readonly code: string = 'ERR_JOBD_KIND'
}

interface Entry {
  readonly kind: Kind<unknown>
  /** The URL of the module that has the kind; null for a kind that comes from no module. */
  readonly url: URL | null
}

/** The result of `reload`. */
export interface Reloaded {
  /** Kinds whose next jobs run the new code. */
  reloaded: string[]
  /** Kinds that run in the server itself. They keep their old code until the server is restarted. */
  kept: string[]
}

/** The results of the steps that earlier attempts of a job committed. */
export type CommittedSteps = readonly (readonly [name: string, text: string])[]

/** The functions and values that the server gives to a running job, besides the properties of the job. */
export interface JobTools extends Pick<JobContext, 'pools' | 'progress' | 'output'> {
  readonly steps: CommittedSteps
  /** Stores the result of a step. */
  readonly saveStep: (name: string, text: string) => PromiseLike<void>
  /** Whether the attempt has ended. Its code may go on for some time. */
  readonly isOver: () => boolean
  /**
   * Makes the attempt fail because of an error in its code that no code has caught. Returns false if the attempt is
   * ending already.
   */
  readonly fail: (reason: string) => boolean
}

/** The kinds of jobs that this server can run, by their names. */
export class KindTable {
  readonly #entries = new Map<string, Entry>()
  readonly #url: URL | null
  #reloads = 0

  private constructor(url: URL | null, builtIn: boolean) {
    this.#url = url
    if (builtIn) this.#put(builtInKinds, null)
  }

  /** @throws {KindError} for a module that cannot be loaded, or that has no kinds */
  static async load(source: KindSource | undefined, builtIn: boolean): Promise<KindTable> {
    const url = source instanceof URL ? source : null
    const table = new KindTable(url, builtIn)
    if (source === undefined) return table
    const kinds = source instanceof URL ? await loadModule(source, source) : source
    if (!isKinds(kinds)) throw new KindError('the kinds must be made by defineKinds')
    const homeless = Object.keys(kinds).find((name) => kinds[name]?.pool !== undefined)
    if (url === null && homeless !== undefined)
      throw new KindError(
        `the kind ${homeless} runs in a pool, whose workers load it for themselves: give the URL of its module in place of the kinds`,
      )
    table.#put(kinds, url)
    return table
  }

  #put(kinds: Kinds, url: URL | null): void {
    for (const [name, kind] of Object.entries(kinds)) this.#entries.set(name, { kind, url })
  }

  /**
   * Loads the user's module of kinds again. Kinds that run in a pool are replaced. Kinds that run in the server are
   * not, because a process loads a module once.
   *
   * @throws {KindError} for a module that cannot be loaded; in that case no kind has changed
   */
  async reload(): Promise<Reloaded> {
    const url = this.#url
    if (url === null)
      throw new KindError('the kinds are not from a module: there is nothing to read again')
    const fresh = new URL(url)
    fresh.searchParams.set('reload', String(++this.#reloads))
    const kinds = await loadModule(fresh, url)
    const [reloaded, kept]: [string[], string[]] = [[], []]
    for (const [name, kind] of Object.entries(kinds)) {
      if (kind.pool === undefined) kept.push(name)
      else {
        this.#entries.set(name, { kind, url })
        reloaded.push(name)
      }
    }
    for (const [name, { kind, url: home }] of this.#entries) {
      if (home === null || name in kinds) continue
      if (kind.pool === undefined) kept.push(name)
      else this.#entries.delete(name)
    }
    return { reloaded: reloaded.toSorted(), kept: kept.toSorted() }
  }

  has(name: string): boolean {
    return this.#entries.has(name)
  }

  get(name: string): Kind<unknown> | undefined {
    return this.#entries.get(name)?.kind
  }

  get names(): string[] {
    return [...this.#entries.keys()]
  }

  /** @throws {KindError} when this server has no such kind */
  check(name: string): void {
    if (this.#entries.has(name)) return
    throw new KindError(
      `unknown kind '${name.slice(0, 64)}', expected one of ${this.names.join(', ')}`,
    )
  }

  /** @throws {KindError} for a payload that the kind refuses */
  checkPayload(name: string, payload: string): void {
    const { parse } = this.#find(name).kind
    if (parse === undefined) return
    let isPromise: boolean
    try {
      const value = parse(payload)
      isPromise = isThenable(value)
      if (isThenable(value)) value.then(undefined, () => {})
    } catch (error) {
      throw new KindError(`${name}: ${describeError(error)}`, { cause: error })
    }
    if (!isPromise) return
    throw new KindError(`${name}: its parse gave a promise, and must not be asynchronous`)
  }

  #find(name: string): Entry {
    const entry = this.#entries.get(name)
    if (entry === undefined) throw new KindError(`this server has no kind '${name}'`)
    return entry
  }

  /**
   * Runs a job, and returns its result. A cancel also cancels the work.
   *
   * @throws the error of the kind, or a TypeError for a result that cannot be stored
   */
  async perform(job: Job, tools: JobTools): Promise<StoredResult> {
    const { kind, url } = this.#find(job.kind)
    const { pools, progress, output, steps, saveStep, isOver, fail } = tools
    const known = {
      id: job.id,
      kind: job.kind,
      attempt: job.attempts,
      // In one jobs' file no two jobs ever have the same number. The time of the job's creation distinguishes jobs of
      // different files.
      idempotencyKey: `jobd-${job.id}-${job.createdAt}`,
      scheduledAt: job.scheduledAt,
    }
    if (kind.pool !== undefined && url !== null) {
      const facts = { ...known, payload: job.payload, steps }
      const saving: Promise<Error | null>[] = []
      const result = await pools[kind.pool]
        .submit(poolJobs.runKind, url.href, facts)
        .onProgress((report) => {
          if (!isWorkerReport(report)) return
          if ('output' in report) output(report.output)
          else if ('progress' in report) progress(...report.progress)
          else if (!isOver()) saving.push(settled(saveStep(...report.step)))
        })
      // If the result of a step could not be stored, the attempt fails, as it does for a kind that runs in the server.
      for (const failure of await Promise.all(saving)) if (failure !== null) throw failure
      return result
    }
    const ctx: JobContext = {
      ...known,
      pools,
      ...makeReporters(progress, output),
      step: new Steps(steps, saveStep, isOver).run,
    }
    return storeResult(
      await blamed({ name: `job ${job.id} (${job.kind})`, fail }, () =>
        kind.run(kind.parse === undefined ? job.payload : kind.parse(job.payload), ctx),
      ),
    )
  }
}

/** Waits for a promise, and returns its error, or null if it has none. */
async function settled(promise: PromiseLike<void>): Promise<Error | null> {
  try {
    await promise
    return null
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Loads the module at `url`. Errors name the module by the URL `shown`. */
async function loadModule(url: URL, shown: URL): Promise<Kinds> {
  const name = shown.protocol === 'file:' ? fileURLToPath(shown) : shown.href
  let module: { default?: unknown }
  try {
    module = (await import(url.href)) as { default?: unknown }
  } catch (error) {
    throw new KindError(`${name} cannot be loaded: ${describeError(error)}`, { cause: error })
  }
  if (!isKinds(module.default))
    throw new KindError(`${name} must have a default export that defineKinds has made`)
  return module.default
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}
