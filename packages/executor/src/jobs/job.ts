import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe } from '@tasktree/core/lowlevel'

/** A function of a module that workers load, made by `jobs`. It is plain data and could be sent to another machine. */
export class JobRef<A extends unknown[], R> {
  readonly url: string
  readonly name: string
  /** Does not exist at run time: it carries the types of the function. */
  declare readonly signature?: (...args: A) => R

  constructor(url: string, name: string) {
    this.url = url
    this.name = name
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

/**
 * References to the functions that the module at `url` exports. A worker loads the module when it first runs one of
 * them. When `url` names a `.js` file that does not exist, and the same file exists as `.ts`, the latter is meant, so
 * that one line works from the source and from the build.
 *
 * @throws {TypeError} when `url` is not an absolute URL
 *
 * @example
 * const { hash } = jobs<typeof import('./jobs.js')>(new URL('./jobs.js', import.meta.url))
 */
export function jobs<M>(url: URL | string): JobRefs<M> {
  const href = findSource(toHref(url))
  const refs = new Map<string, JobRef<unknown[], unknown>>()
  return new Proxy({} as JobRefs<M>, {
    get(_target, name) {
      // With a `then` the references would look like a promise to an `await`.
      if (typeof name !== 'string' || name === 'then') return undefined
      let ref = refs.get(name)
      if (ref === undefined) refs.set(name, (ref = new JobRef(href, name)))
      return ref
    },
  })
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
