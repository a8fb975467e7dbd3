import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkOptions, describe } from '@tasktree/core/lowlevel'

/**
 * A function of a module that workers load, made by `jobs`. It is plain data: workers of this machine find the module by
 * its `url`, workers of other machines by the name that they know it by, its `module`.
 */
export class JobRef<A extends unknown[], R> {
  /** Where workers of this machine find the module; null when the module is not at hand here. */
  readonly url: string | null
  /** The name of the exported function. */
  readonly name: string
  /** The name of the module on every machine, with its version if it has one: `images` or `images@2`. */
  readonly module: string
  /** Does not exist at run time: it carries the types of the function. */
  declare readonly signature?: (...args: A) => R

  constructor(url: string | null, name: string, module: string) {
    this.url = url
    this.name = name
    this.module = module
  }

  /** Names the function on every machine: `images#resize`. */
  get id(): string {
    return `${this.module}#${this.name}`
  }
}

/** What a pool runs: a function that stands alone, sent by its source; or a reference to a module's export. */
export type Job<A extends unknown[], R> = ((...args: A) => R | PromiseLike<R>) | JobRef<A, R>

/** A job whose yielded values stream to the reader. */
export type GeneratorJob<A extends unknown[], Y, R> =
  | ((...args: A) => Generator<Y, R> | AsyncGenerator<Y, R>)
  | JobRef<A, Generator<Y, R> | AsyncGenerator<Y, R>>

/** The functions of module `M`, as jobs. */
export type JobRefs<M> = {
  // oxlint-disable-next-line typescript/no-explicit-any -- any function
  readonly [K in keyof M as M[K] extends (...args: any[]) => unknown ? K : never]: M[K] extends (
    ...args: infer A
  ) => infer R
    ? JobRef<A, Awaited<R>>
    : never
}

export interface JobsOptions {
  /** The name of the module for workers on other machines. By default the name of its file without the extension. */
  id?: string | undefined
  /**
   * The version of the module's code. Workers on other machines run the reference only if they have this version. Raise
   * it when the functions take or return something else than before.
   */
  version?: string | undefined
}

/**
 * References to the functions that the module at `url` exports. A worker loads the module when it first runs one of
 * them. When `url` names a `.js` file that does not exist, and the same file exists as `.ts`, the latter is meant, so
 * that one line works from the source and from the build.
 *
 * @throws {TypeError} when `url` is not an absolute URL, and for an `id` or `version` that is not a name
 *
 * @example
 * const { hash } = jobs<typeof import('./jobs.js')>(new URL('./jobs.js', import.meta.url))
 */
export function jobs<M>(url: URL | string, options?: JobsOptions): JobRefs<M> {
  const href = findSource(toHref(url))
  checkOptions(options)
  return referTo<M>(href, moduleName(options?.id ?? fileName(href), options?.version))
}

/** The functions of a module as references. With null as `href` they only run where the module is known by its name. */
export function referTo<M>(href: string | null, module: string): JobRefs<M> {
  const refs = new Map<string, JobRef<unknown[], unknown>>()
  return new Proxy({} as JobRefs<M>, {
    get(_target, name) {
      // With a `then` the references would look like a promise to an `await`.
      if (typeof name !== 'string' || name === 'then') return undefined
      let ref = refs.get(name)
      if (ref === undefined) refs.set(name, (ref = new JobRef(href, name, module)))
      return ref
    },
  })
}

/** The name of a module with its version. @throws {TypeError} for what is not a name */
export function moduleName(id: string, version?: string): string {
  checkName('id', id)
  if (version === undefined) return id
  checkName('version', version)
  return `${id}@${version}`
}

function checkName(what: string, name: unknown): void {
  if (typeof name === 'string' && /^[^\s#@]+$/.test(name)) return
  throw new TypeError(
    `the ${what} of a module must be a text without spaces, # and @, got ${describe(name)}`,
  )
}

function fileName(href: string): string {
  const { pathname, protocol } = new URL(href)
  // A module in a data: URL has no file.
  if (protocol === 'data:') return 'data'
  const name = decodeURIComponent(pathname.slice(pathname.lastIndexOf('/') + 1))
  return name.replace(/\.[^.]*$/, '').replaceAll(/[\s#@]/g, '-') || 'index'
}

function toHref(url: unknown): string {
  if (url instanceof URL) return url.href
  if (typeof url === 'string' && URL.canParse(url)) return url
  throw new TypeError(
    `jobs() takes the module's URL, as new URL('./jobs.js', import.meta.url), got ${describe(url)}`,
  )
}

function findSource(href: string): string {
  if (!href.startsWith('file:') || !/\.m?js$/.test(href)) return href
  const source = href.replace(/js$/, 'ts')
  return !existsSync(fileURLToPath(href)) && existsSync(fileURLToPath(source)) ? source : href
}
