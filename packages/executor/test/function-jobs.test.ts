// A pool sends the source of a function. Tests what follows for the variables that the function uses, and for functions that build
// tools have changed.
import { JobSerializationError, ThreadPoolExecutor } from '@tasktree/executor'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { findCalls, findNamingHelpers, findRelativeImport } from '../src/jobs/scan-source.ts'
import { kinds } from './support/kinds.ts'

const outer = 5

/** Makes a function from its source. Without `eval`, vitest would change the function. */
function evaluate(source: string): () => unknown {
  // oxlint-disable-next-line eslint/no-eval -- vitest must not change this function
  return (0, eval)(`(${source})`) as () => unknown
}

describe.for(kinds)('a pool of $name', { tags: ['slow'] }, ({ make }) => {
  test('a function that uses a variable of its module fails with the name of the variable', async () => {
    await using pool = make({ maxWorkers: 1 })
    const jobs: ((n: number) => unknown)[] = [
      (n) => n + outer,
      async (n) => {
        await Promise.resolve()
        return n + outer
      },
      function* (n) {
        yield n
        yield n + outer
      },
      async function* (n) {
        yield n + outer
      },
      (n) => ({
        // oxlint-disable-next-line unicorn/no-thenable -- the test needs a thenable
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          try {
            resolve(n + outer)
          } catch (error) {
            reject(error)
          }
        },
      }),
    ]
    for (const job of jobs) {
      const end = pool.submit(job as (n: number) => number, 1)
      await expect(end).rejects.toBeInstanceOf(JobSerializationError)
      await expect(end).rejects.toThrow(/uses outer, which is a variable of the module/)
    }
    const chunked = pool.map(jobs[0] as (n: number) => number, [1, 2], { chunksize: 2 })
    await expect(async () => {
      for await (const value of chunked) expect(value).toBeUndefined()
    }).rejects.toThrow(/uses outer/)
  })

  test('a function with a relative import() is refused with advice, a function with another import() runs', async () => {
    await using pool = make({ maxWorkers: 1 })
    const source = "async () => import('./fixtures/work.ts')"
    const relative = pool.submit(evaluate(source))
    await expect(relative).rejects.toThrow(/imports ".\/fixtures\/work.ts", relative .*jobs\(\)/)
    const builtIn = pool.submit(async () => {
      // This text contains an import, but the function does not run it.
      const text = "import('./in-a-string.js')"
      const { basename } = await import('node:path')
      return basename(`/a/${text.length}`)
    })
    expect(await builtIn).toBe('26')
    const url = new URL('./fixtures/work.ts', import.meta.url).href
    const absolute = pool.submit(async (href: string) => {
      const module = (await import(href)) as { add(a: number, b: number): number }
      return module.add(1, 2)
    }, url)
    expect(await absolute).toBe(3)
  })

  test('functions that a bundler has changed for keepNames run, although they call a helper from outside', async () => {
    await using pool = make({ maxWorkers: 1 })
    // These are functions as esbuild writes them: with `__name`, or with short names when it minifies.
    const sources = [
      '() => { const inner = __name((n) => n + 1, "inner"); return inner(1) }',
      '() => { const inner = __name2((n) => n + 1, "inner"); return inner(1) }',
      '()=>{function t(n){return n+1}return r(t,"inner"),t(1)}',
      '()=>{let t=$e(n=>n+1,"inner");return t(1)}',
      '()=>{class t{static{r(this,"Inner")}go(){return 2}}return new t().go()}',
      '()=>{var t=o(class{go(){return 2}},"Inner");return new t().go()}',
    ]
    for (const source of sources) expect(await pool.submit(evaluate(source))).toBe(2)
    // A call that only resembles these calls is not treated as one of them.
    const log = pool.submit(evaluate('()=>{let x=1;return log(x,"text"),x}'))
    await expect(log).rejects.toThrow(/uses log/)
  })
})

test('the search for calls in a source skips strings and comments, and finds nested calls', () => {
  const source = `
    // import('./comment')
    /* f(1) */
    const a = "g(2)" + \`h(3)\`
    o.method(4)
    k(l(")"), (5))`
  expect([...findCalls(source)]).toEqual([
    { name: 'k', argument: 'l(")"), (5)' },
    { name: 'l', argument: '")"' },
  ])
  expect(findRelativeImport('async () => import("node:fs")')).toBeNull()
  expect(findRelativeImport("async () => import ( /* hint */ '../x.js' )")).toBe('../x.js')
  expect(findRelativeImport("() => important('./x.js')")).toBeNull()
  expect(findNamingHelpers('() => setTimeout(() => {}, "x")')).toEqual([])
})

test('a pool runs jobs in a program that has frozen Error', { tags: ['slow'] }, async () => {
  const program = `
    import { ThreadPoolExecutor } from '@tasktree/executor'
    Object.freeze(Error)
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 })
    console.log(await pool.submit((n) => n + 1, 1))
    await pool.submit(() => { throw new RangeError('told') }).catch((error) => console.log(error.message))
    await pool.shutdown()`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=@tasktree/source', '--input-type=module', '--eval', program],
    { cwd: import.meta.dirname },
  )
  expect(stdout).toBe('2\ntold\n')
})

test('a built-in function is refused with advice', async () => {
  await using pool = new ThreadPoolExecutor({ maxWorkers: 1 })
  await expect(pool.submit(Math.max, 1, 2)).rejects.toThrow(/no source that could be sent: wrap it/)
})
