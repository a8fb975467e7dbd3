import { describe } from '@tasktree/core/lowlevel'
import { JobSerializationError } from '../jobs/errors.ts'
import { isSource, nameOf } from '../jobs/job-target.ts'
import { findNamingHelpers } from '../jobs/scan-source.ts'
import { transfer } from '../jobs/transfer.ts'
import type { JobTarget, ModuleTarget } from '../transport/protocol.ts'
import { reportProgress, workerId, workerSignal } from './context.ts'
import { findMissingName, missingName } from './missing-name.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a job of any shape
export type JobFunction = (...args: any[]) => unknown

/** The names that a function sent as source text can use besides the globals. */
const ownNames = { workerSignal, reportProgress, workerId, transfer }

const dynamicImport = (specifier: string): Promise<unknown> => import(specifier)
/** Replaces a bundler's helper that sets the name of a function. Returns the function unchanged. */
const keepFunction = (fn: unknown): unknown => fn

/**
 * Names of helpers that build tools call in the code that they generate. A function that was sent as source text needs
 * them, although its author did not write them.
 */
const toolNames: Record<string, unknown> = {
  __name: keepFunction,
  __vite_ssr_dynamic_import__: dynamicImport,
  __vi_import_meta__: undefined,
}

/** Matches the names that vitest gives to imported modules. */
const importNames = /\b__(?:vite_ssr|vi)_import_\d+__/g

/**
 * The functions of one worker, by the number of their kind. Each function is compiled from its source, or imported,
 * only once.
 */
export class JobLoader {
  /**
   * The functions as the pool has sent them. Filled when a message arrives, and not when a function first runs: only
   * the first message with a job of the function contains the function, and the pool may take that job back before it
   * starts.
   */
  readonly #targets = new Map<number, JobTarget>()
  readonly #loaded = new Map<number, JobFunction>()

  learn(kind: number, target: JobTarget): void {
    this.#targets.set(kind, target)
  }

  /** Returns the name of the function of a job kind, as tools show it. */
  nameOf(kind: number): string {
    return nameOf(this.#targets.get(kind) as JobTarget)
  }

  /**
   * Returns the function of a job kind. A function that is sent as source text, or was loaded before, is returned
   * directly; otherwise a promise is returned.
   */
  load(kind: number): JobFunction | Promise<JobFunction> {
    const known = this.#loaded.get(kind)
    if (known !== undefined) return known
    const target = this.#targets.get(kind) as JobTarget
    if (!isSource(target)) return this.#import(kind, target)
    const compiled = compile(target.source)
    this.#loaded.set(kind, compiled)
    return compiled
  }

  async #import(kind: number, { url, name }: ModuleTarget): Promise<JobFunction> {
    const module = (await import(url)) as Record<string, unknown>
    const found = module[name]
    if (typeof found !== 'function') {
      const names = Object.keys(module).filter((key) => typeof module[key] === 'function')
      throw new JobSerializationError(
        `${url} exports no function ${name}: it is ${describe(found)}; its functions are ${names.join(', ') || 'none'}`,
      )
    }
    this.#loaded.set(kind, found as JobFunction)
    return found as JobFunction
  }

  /**
   * Returns `thrown`, or a more helpful error if a function that was sent as source text used a name that does not
   * exist in the worker.
   */
  explain(kind: number, thrown: unknown): unknown {
    const target = this.#targets.get(kind)
    if (target === undefined || !isSource(target)) return thrown
    const name = findMissingName(thrown)
    return name !== null && target.source.includes(name)
      ? missingName(name, { cause: thrown })
      : thrown
  }

  forget(): void {
    this.#targets.clear()
    this.#loaded.clear()
  }
}

function compile(source: string): JobFunction {
  const scope: Record<string, unknown> = {}
  for (const name of findNamingHelpers(source)) scope[name] = keepFunction
  for (const name of source.match(importNames) ?? []) scope[name] = importStandIn
  Object.assign(scope, toolNames, ownNames)
  try {
    return evaluate(source, scope)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return evaluateMethod(source, scope, error)
  }
}

function evaluate(source: string, scope: Record<string, unknown>): JobFunction {
  // oxlint-disable-next-line eslint/no-new-func, typescript/no-implied-eval -- the only way to make a function from its source in this scope
  const make = new Function(
    ...Object.keys(scope),
    `"use strict"; return (${source}\n)`,
  ) as JobFunction
  return make(...Object.values(scope)) as JobFunction
}

/** Compiles the source of a method, which is not a valid expression without an object around it. */
function evaluateMethod(
  source: string,
  scope: Record<string, unknown>,
  cause: SyntaxError,
): JobFunction {
  try {
    return evaluate(`Object.values({ ${source} })[0]`, scope)
  } catch {
    const why = `the job's source cannot be compiled by itself (${cause.message})`
    throw new JobSerializationError(`${why}: export it from a module, and use jobs()`, { cause })
  }
}

/**
 * Replaces a module that the source of a job refers to by a name that a build tool has made. It has the exports of this
 * package that a job can use (`ownNames`). Reading any other name throws.
 */
const importStandIn: object = new Proxy(ownNames, {
  get(_target, name) {
    if (Object.hasOwn(ownNames, name)) return ownNames[name as keyof typeof ownNames]
    throw missingName(String(name))
  },
})
