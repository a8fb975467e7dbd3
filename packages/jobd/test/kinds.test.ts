import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gather, sleep, timeout } from '@tasktree/core'
import { defineKinds, JobClient, JobFailedError, startJobd } from '@tasktree/jobd'
import { describe, expect, test } from 'vitest'
import type kinds from './fixtures/kinds/kinds.ts'
import { inFolder } from './support/folder.ts'
import { type InJobd, inJobd } from './support/in-jobd.ts'

const slow = { tags: ['slow'] }
const module = new URL('./fixtures/kinds/kinds.ts', import.meta.url)

/** Runs `body` with a server that has the kinds of the fixture, and with a typed client of it. */
function inKinds(
  body: (client: JobClient<typeof kinds>, server: InJobd) => Promise<void>,
  options: Parameters<typeof inJobd>[1] = {},
): Promise<void> {
  return inJobd(
    async (server) => {
      await using client = await JobClient.connect<typeof kinds>('127.0.0.1', server.jobd.port)
      await body(client, server)
    },
    { kinds: module, workers: 4, ...options },
  )
}

const run = (): number => 1

describe('defineKinds', () => {
  test.each([
    [null, 'defineKinds expects an object of kinds, got null'],
    [{ 'a b': { run } }, 'the name of a kind has 1 to 64 letters, digits and _ . : -, got "a b"'],
    [{ a: 1 }, 'the kind a must be an object, got number'],
    [{ a: {} }, 'a.run must be a function, got undefined'],
    [{ a: { run, parse: 1 } }, 'a.parse must be a function, got number'],
    [{ a: { run, pool: 'thread' } }, "a.pool must be 'threads' or 'processes', got thread"],
    [{ a: { run, concurrency: 0 } }, 'a.concurrency must be a whole number from 1 to'],
    [{ a: { run, rate: 5 } }, 'a.rate must be an object like { limit: 10, per: 1000 }, got 5'],
    [{ a: { run, rate: { limit: 0 } } }, 'a.rate.limit must be a whole number from 1 to'],
    [{ a: { run, retries: -1 } }, 'a.retries must be a whole number from 0 to'],
    [{ a: { run, timeout: '5' } }, 'a.timeout must be a number, got string'],
    [{ a: { run, retry: 1 } }, 'the kind a has no option retry: there are'],
  ])('refuses a wrong kind: case %#', (wrong, message) => {
    expect(() => defineKinds(wrong as object)).toThrow(message)
  })
})

test(
  'a job of a kind of a program has the payload, options, result and context of the kind',
  slow,
  () =>
    inKinds(async (client) => {
      const id = await client.add('shout', 'hello', { group: 'g', priority: 2 })
      const job = await client.wait(id)
      expect(job).toMatchObject({
        state: 'done',
        kind: 'shout',
        group: 'g',
        priority: 2,
        retries: 1,
        timeout: 20_000,
        resultType: 'json',
      })
      const result: { word: string } = await client.run('shout', 'hi')
      expect(result.word).toBe('HI')
      expect(await client.result(id)).toEqual({
        word: 'HELLO',
        key: `jobd-${id}-${job?.createdAt}`,
      })
      expect(await client.log(id)).toBe('attempt 1\n')
      await expect(client.add('shout', '')).rejects.toThrow('ERR shout: expected a word')
      await expect(client.add('asyncParse', 'x')).rejects.toThrow('must not be asynchronous')
      await expect(client.command('JOB.ADD', 'nonsense', 'x')).rejects.toThrow(
        /^ERR unknown kind 'nonsense', expected one of shell, .*, shout/,
      )
    }),
)

test(
  'many calls of a client at the same time, of which one is cancelled, get their own answers',
  slow,
  () =>
    inKinds(async (client) => {
      const words = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      const results = await Promise.all(words.map((word) => client.run('shout', word)))
      expect(results.map(({ word }) => word)).toEqual(words.map((word) => word.toUpperCase()))
      const long = client.add('patient')
      await expect(timeout(100, async () => client.result(await long))).rejects.toThrow(
        'the time allowed has passed',
      )
      // Later commands get their own replies.
      expect((await client.run('shout', 'still')).word).toBe('STILL')
      const waiting = client.result(await long)
      await client.cancel(await long)
      await expect(waiting).rejects.toThrow(JobFailedError)
      await expect(client.result(99)).rejects.toThrow('there is no job 99')
    }),
)

test('a wait of a client that is closed throws an error that says so', slow, () =>
  inKinds(async (_, { jobd }) => {
    const wait = async (): Promise<unknown> => {
      await using client = await JobClient.connect<typeof kinds>('127.0.0.1', jobd.port)
      // The function does not await `waiting`, so the client is closed at once.
      const waiting = client.run('patient')
      waiting.catch(() => {})
      return { waiting }
    }
    const { waiting } = (await wait()) as { waiting: Promise<unknown> }
    await expect(waiting).rejects.toThrow(/^the client was closed before JOB.\w+ was answered$/)
  }),
)

test('a committed step of a job does not run again in a later attempt or after a retry', slow, () =>
  inFolder((folder) =>
    inKinds(async (client) => {
      const marks = join(folder, 'marks')
      const id = await client.add('steps', marks)
      expect(await client.result(id)).toEqual([{ n: 1 }, null, 2])
      expect(readFileSync(marks, 'utf8')).toBe('first\nnothing\nsecond\n')
      // A job that is done starts again with its first step when it is queued again.
      await client.command('JOB.REQUEUE', id)
      await client.wait(id)
      expect(readFileSync(marks, 'utf8')).toBe('first\nnothing\nsecond\nfirst\nnothing\nsecond\n')
      await expect(client.run('twice')).rejects.toThrow("step 'same' is under way already")
      await expect(client.run('badStep')).rejects.toThrow(
        "the result of step 'big' cannot be stored",
      )
      // As JSON the text has two more characters, the quotation marks.
      expect(await client.run('longStep', '1048574')).toHaveLength(1_048_574)
      await expect(client.run('longStep', '1048575')).rejects.toThrow(
        "the result of step 'long' cannot be stored: it has 1048577 characters, 1048576 are the most",
      )
    }),
  ),
)

test('kinds of the thread pool and of the process pool run there', slow, () =>
  inKinds(async (client) => {
    const id = await client.add('threaded', 'text')
    const { text, value, again } = (await client.result(id)) as Record<string, unknown>
    expect(text).toBe('text')
    expect(again).toBe(value)
    for (const attempt of [1, 2])
      expect(await client.log(id, { attempt })).toBe(`in a thread: ${attempt}\n`)
    expect(await client.run('processed', 'x')).toMatch(/^x in \d+$/)
    expect(await client.run('processed', 'x')).not.toBe(`x in ${process.pid}`)
  }),
)

test('the time limit ends a job that never yields its thread in a pool', slow, () =>
  inKinds(async (client) => {
    const [thread, child] = await gather([
      () => client.add('stuckThread'),
      () => client.add('stuckProcess'),
    ])
    for (const id of [thread, child])
      expect(await client.wait(id)).toMatchObject({ state: 'failed', error: /./ })
    // The workers are free again.
    expect((await client.run('shout', 'a')).word).toBe('A')
  }),
)

test.for([
  ['bigint', /^job \d+ has failed: the result cannot be stored: .*BigInt/],
  ['circle', /^job \d+ has failed: the result cannot be stored: .*circular/],
  ['fn', /^job \d+ has failed: the result cannot be stored: it is a function/],
  ['huge', /^job \d+ has failed: the result cannot be stored: it has 2000000 characters/],
  ['thrown', /^job \d+ has failed: a text/],
] as const)(
  'a job of the kind %s, whose result cannot be stored or whose error is odd, fails with a clear error',
  slow,
  ([kind, message]) => inKinds((client) => expect(client.run(kind)).rejects.toThrow(message)),
)

test(
  'a job of a kind that the server does not know waits until a server knows the kind',
  slow,
  () =>
    inFolder(async (folder) => {
      const file = join(folder, 'jobs.sqlite')
      let id = 0
      await inKinds(
        async (client) => {
          await client.command('JOB.PAUSE')
          id = await client.add('shout', 'hello')
        },
        { file },
      )
      await inJobd(
        async ({ client, get }) => {
          await client.command('JOB.RESUME')
          await sleep(50)
          expect(await get(id)).toMatchObject({ state: 'queued', attempts: 0 })
        },
        { file },
      )
      await inKinds(
        async (client) => expect(await client.result(id)).toMatchObject({ word: 'HELLO' }),
        { file },
      )
    }),
)

test('a module of kinds is loaded again while the server runs', slow, () =>
  inFolder(async (folder) => {
    const kinds = join(folder, 'kinds.mjs')
    const text = (word: string): string =>
      `import { defineKinds } from ${JSON.stringify(new URL('../src/jobs/kind.ts', import.meta.url).href)}
       import { word } from './word.mjs'
       export default defineKinds({
         pooled: { pool: 'threads', placeholder: '${word}', run: () => '${word} ' + word },
         inline: { run: () => '${word} ' + word },
       })`
    const write = (word: string): void => {
      writeFileSync(join(folder, 'word.mjs'), `export const word = '${word}'`)
      writeFileSync(kinds, text(word))
    }
    write('old')
    await inJobd(
      async ({ client, jobd, add, wait }) => {
        const result = async (kind: string): Promise<unknown> =>
          (await wait(await add(kind, '')))['result']
        expect(await result('pooled')).toBe('old old')
        expect(await result('inline')).toBe('old old')
        write('new')
        expect(await client.command('JOB.RELOAD')).toEqual([
          'reloaded',
          ['pooled'],
          'kept',
          ['inline'],
        ])
        // The modules that the module imports are new too, because the pool has new workers.
        expect(await result('pooled')).toBe('new new')
        expect(await result('inline')).toBe('old old')
        writeFileSync(kinds, 'throw new Error("half written")')
        await expect(client.command('JOB.RELOAD')).rejects.toThrow(
          /^ERR .*kinds.mjs cannot be loaded: half written/,
        )
        expect(await result('pooled')).toBe('new new')
        await expect(jobd.reload()).rejects.toThrow('half written')
      },
      { kinds: pathToFileURL(kinds) },
    )
  }),
)

test.for([
  ['throw new Error("on purpose")', 'cannot be loaded: on purpose'],
  ['export default 1', 'must have a default export that defineKinds has made'],
  ['export default {', 'cannot be loaded: '],
])(
  'a module of kinds that cannot be used makes the start fail with a clear error: %s',
  slow,
  ([text, message]) =>
    inFolder(async (folder) => {
      const file = join(folder, 'kinds.mjs')
      writeFileSync(file, text as string)
      await expect(inJobd(async () => {}, { kinds: pathToFileURL(file) })).rejects.toThrow(message)
    }),
)

test('kinds without a module cannot run in a pool and cannot be loaded again', slow, async () => {
  const pooled = defineKinds({ pooled: { pool: 'threads', run: () => 1 } })
  await expect(inJobd(async () => {}, { kinds: pooled })).rejects.toThrow(
    'the kind pooled runs in a pool, whose workers load it for themselves',
  )
  const inline = defineKinds({ inline: { run: () => 'done' } })
  await inJobd(
    async ({ jobd, add, wait, client }) => {
      expect(await wait(await add('inline', ''))).toMatchObject({ result: 'done' })
      await expect(jobd.reload()).rejects.toThrow('the kinds are not from a module')
      await expect(client.command('JOB.ADD', 'shell', 'true')).rejects.toThrow(
        "ERR unknown kind 'shell', expected one of inline",
      )
    },
    { kinds: inline, builtInKinds: false },
  )
  await expect(
    startJobd({ file: ':memory:', host: '127.0.0.1', port: 0, workers: 1, kinds: {} }),
  ).rejects.toThrow('the kinds must be made by defineKinds')
})

test('jobs of a module of kinds in JavaScript run', slow, () =>
  inJobd(
    async ({ add, wait }) => {
      expect(await wait(await add('upper', 'a'))).toMatchObject({ result: 'A' })
      expect(await wait(await add('lower', ' A '))).toMatchObject({ result: 'a' })
    },
    { kinds: new URL('./fixtures/kinds/plain.js', import.meta.url) },
  ),
)
