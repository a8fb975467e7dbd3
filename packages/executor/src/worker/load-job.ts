import { describe } from '@tasktree/core/lowlevel'
import { JobSerializationError } from '../jobs/errors.ts'
import type { JobTarget, ModuleTarget } from '../transport/protocol.ts'
import { transfer } from '../jobs/transfer.ts'
import { reportProgress, workerId, workerSignal } from './context.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- a job of any shape
export type JobFunction = (...args: any[]) => unknown

/** What a function sent by its source finds in its scope besides the globals. */
const ownNames = { workerSignal, reportProgress, workerId, transfer }

const dynamicImport = (specifier: string): Promise<unknown> => import(specifier)

/** What build tools call in the code they make: they keep a function that stands alone from standing alone. */
const toolNames: Record<string, unknown> = {
  __name: (fn: unknown): unknown => fn,
  __vite_ssr_dynamic_import__: dynamicImport,
  __vi_import_meta__: undefined,
}

/** Names that a build tool gives to the imports of a module. */
const importNames = /\b__(?:vite_ssr|vi)_import_\d+__/g

/** The functions a worker has, by their kinds: compiled from source once, imported once. */
export class JobLoader {
  /** Known from when they come, not from when they first run: the job that brought one may be taken back. */
  readonly #targets = new Map<number, JobTarget>()
  readonly #loaded = new Map<number, JobFunction>()

  learn(kind: number, target: JobTarget): void {
    this.#targets.set(kind, target)
  }

  /** At once when it has the function already, or its source. */
  load(kind: number): JobFunction | Promise<JobFunction> {
    const known = this.#loaded.get(kind)
    if (known !== undefined) return known
    const target = this.#targets.get(kind) as JobTarget
    if ('url' in target) return this.#import(kind, target)
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

  forget(): void {
    this.#targets.clear()
    this.#loaded.clear()
  }
}

function compile(source: string): JobFunction {
  const imports = [...new Set(source.match(importNames))]
  const scope: Record<string, unknown> = { ...toolNames, ...ownNames }
  for (const name of imports) scope[name] = importStandIn
  let fn: JobFunction
  try {
    fn = evaluate(source, scope)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    fn = evaluateMethod(source, scope, error)
  }
  return explainMissing(fn, source)
}

function evaluate(source: string, scope: Record<string, unknown>): JobFunction {
  // oxlint-disable-next-line eslint/no-new-func, typescript/no-implied-eval -- this is how a function's source becomes one
  const make = new Function(
    ...Object.keys(scope),
    `"use strict"; return (${source}\n)`,
  ) as JobFunction
  return make(...Object.values(scope)) as JobFunction
}

/** A method's source is no expression by itself. */
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

/** An import that a build tool has renamed: this package's own names are known, others are missing. */
const importStandIn: object = new Proxy(ownNames, {
  get(_target, name) {
    if (Object.hasOwn(ownNames, name)) return ownNames[name as keyof typeof ownNames]
    throw missing(String(name))
  },
})

function missing(name: string, options?: ErrorOptions): JobSerializationError {
  return new JobSerializationError(
    `the job uses ${name}, which is a variable of the module it comes from: a function is sent by its source and must stand alone; pass ${name} as an argument, or export the job from a module and refer to it with jobs()`,
    options,
  )
}

/** A ReferenceError for a name that the function's own source uses says what to do instead. */
function explainMissing(fn: JobFunction, source: string): JobFunction {
  const explain = (error: unknown): unknown => {
    if (!(error instanceof ReferenceError)) return error
    const name = /^(\S+) is not defined$/.exec(error.message)?.[1]
    return name !== undefined && source.includes(name) ? missing(name, { cause: error }) : error
  }
  return (...args) => {
    let result: unknown
    try {
      result = fn(...args)
    } catch (error) {
      throw explain(error)
    }
    if (result instanceof Promise) {
      return result.catch((error: unknown) => {
        throw explain(error)
      })
    }
    return result
  }
}
