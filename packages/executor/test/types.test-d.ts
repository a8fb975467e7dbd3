import {
  type Executor,
  type JobFuture,
  type JobRef,
  jobs,
  runInExecutor,
  ThreadPoolExecutor,
  toThread,
} from '@tasktree/executor'
import type * as work from './fixtures/work.ts'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<A, B>(_same: Equal<A, B>): void {}

const pool: Executor = new ThreadPoolExecutor()
const refs = jobs<typeof work>(new URL('./fixtures/work.js', import.meta.url))

is<typeof refs.add, JobRef<[a: number, b: number], number>>(true)
const sum = pool.submit(refs.add, 1, 2)
is<typeof sum, JobFuture<number>>(true)
const paused = pool.submit(refs.pause, 1)
is<typeof paused, JobFuture<number | null>>(true)
const text = pool.submit(async (n: number) => String(n), 3)
is<typeof text, JobFuture<string>>(true)
const counted = pool.submit(refs.count, 3)
is<typeof counted, JobFuture<string, number>>(true)
const streamed = pool.submit(async function* (n: number) {
  yield String(n)
  return n
}, 3)
is<typeof streamed, JobFuture<number, string>>(true)
const mapped = pool.map(refs.failOnOdd, [1, 2])
is<typeof mapped, AsyncIterable<number>>(true)
const thread = toThread((a: string, b: number) => a.repeat(b), 'a', 2)
is<typeof thread, JobFuture<string>>(true)
const other = runInExecutor(null, refs.add, 1, 2)
is<typeof other, JobFuture<number>>(true)

// @ts-expect-error a string is not a number
pool.submit(refs.add, 1, '2')
// @ts-expect-error an argument is missing
pool.submit(refs.add, 1)
// @ts-expect-error one argument too many
pool.submit((n: number) => n, 1, 2)
// @ts-expect-error the module has no such export
void refs.nothing
// @ts-expect-error the items are strings, the job takes numbers
pool.map(refs.failOnOdd, ['a'])
// @ts-expect-error a string is not a job
toThread('text')
// @ts-expect-error the module exports it, but it is not a function
void jobs<{ size: number }>('file:///a.js').size
