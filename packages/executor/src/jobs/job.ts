import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { checkOptions, describe } from '@tasktree/core/lowlevel'

/**
 * A reference to a function that a module exports, made by `jobs`. The reference is plain data: workers of this machine
 * find the module by its `url`, workers of other machines by the name `module`.
 *
 * @example
 *     const { hash } = jobs<{ hash: (path: string) => string }>(new URL('file:///app/work.js'))
 *     console.log(hash instanceof JobRef, hash.id) // true work#hash
 */
export class JobRef<A extends unknown[], R> {
  /** The URL of the module on this machine; null when this machine does not have the module. */
  readonly url: string | null
  /** The name of the exported function. */
  readonly name: string
  /** The name of the module on every machine, with its version if it has one: `images` or `images@2`. */
  readonly module: string
  /** Exists only for TypeScript, which reads the type of the function from it. */
  declare readonly signature?: (...args: A) => R

  constructor(url: string | null, name: string, module: string) {
    this.url = url
    this.name = name
    this.module = module
  }

  /** The name of the function on every machine: `images#resize`. */
  get id(): string {
    return `${this.module}#${this.name}`
  }
}

/**
 * A job that a pool can run: a function that uses nothing from its surrounding code and is sent as source text, or a
 * reference to a module's export.
 */
export type Job<A extends unknown[], R> = ((...args: A) => R | PromiseLike<R>) | JobRef<A, R>

/** A generator function as a job. The yielded values are sent to the reader one by one. */
export type GeneratorJob<A extends unknown[], Y, R> =
  | ((...args: A) => Generator<Y, R> | AsyncGenerator<Y, R>)
  | JobRef<A, Generator<Y, R> | AsyncGenerator<Y, R>>

/** The exported functions of module `M`, as job references. */
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
   * The version of the module's code. Workers on other machines run the reference only if they have this version.
   * Change the version when the functions take or return something else than before.
   */
  version?: string | undefined
}

/**
 * Returns references to the functions that the module at `url` exports. A worker loads the module when it first runs
 * one of these functions. If `url` names a `.js` file that does not exist, but a `.ts` file of the same name does, the
 * `.ts` file is used, so that the same line works in the source and in the build.
 *
 * @throws {TypeError} when `url` is not an absolute URL, or when `id` or `version` is empty or contains a space, # or @
 *
 * @example
 *     // For a module of your own, pass `new URL('./work.js', import.meta.url)`. The module here is part of Node.
 *     const { gzipSync } = jobs<typeof import('node:zlib')>('node:zlib')
 *     const zipped = await toThread(gzipSync, 'x'.repeat(1_000))
 *     console.log(zipped.length < 100) // true
 */
export function jobs<M>(url: URL | string, options?: JobsOptions): JobRefs<M> {
  const href = findSource(toHref(url))
  checkOptions(options)
  return referTo<M>(href, moduleName(options?.id ?? fileName(href), options?.version))
}

/**
 * Returns references to the functions of a module. If `href` is null, the functions only run on machines that know the
 * module by its name.
 */
export function referTo<M>(href: string | null, module: string): JobRefs<M> {
  const refs = new Map<string, JobRef<unknown[], unknown>>()
  return new Proxy({} as JobRefs<M>, {
    get(_target, name) {
      // There is no reference named `then`, because with it an `await` would take the object for a promise.
      if (typeof name !== 'string' || name === 'then') return undefined
      let ref = refs.get(name)
      if (ref === undefined) refs.set(name, (ref = new JobRef(href, name, module)))
      return ref
    },
  })
}

/**
 * Returns the name of a module with its version.
 *
 * @throws {TypeError} when `id` or `version` is empty or contains a space, # or @
 */
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
