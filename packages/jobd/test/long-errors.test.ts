import { statSync } from 'node:fs'
import { defineKinds } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import { describeError } from '../src/jobs/describe-error.ts'
import { longestError, shorten } from '../src/jobs/shorten.ts'
import { LineLog } from '../src/log/server-log.ts'
import { inJobd } from './support/in-jobd.ts'

const MB = 1_000_000
/** The line between the beginning and the end of a shortened text has at most this many characters. */
const line = 60

test('an error text up to the longest size is kept whole, and a longer text loses its middle', () => {
  const longest = 'x'.repeat(longestError)
  expect(shorten(longest)).toBe(longest)
  const half = longestError / 2
  expect(shorten(`${'a'.repeat(half)}middle${'z'.repeat(half)}`)).toBe(
    `${'a'.repeat(half)}\n[6 characters are left out here]\n${'z'.repeat(half)}`,
  )
})

test('half a character at the cut of an error text becomes a replacement character', () => {
  const half = longestError / 2
  const cutBefore = `${'a'.repeat(half - 1)}😀${'z'.repeat(longestError)}`
  expect(shorten(cutBefore)).toMatch(/^a+\uFFFD\n\[\d+ characters are left out here\]\nz+$/)
  const cutAfter = `${'a'.repeat(longestError)}😀${'z'.repeat(half - 1)}`
  expect(shorten(cutAfter)).toMatch(/^a+\n\[\d+ characters are left out here\]\n\uFFFDz+$/)
  for (const text of [
    cutBefore,
    cutAfter,
    'short \uD83D',
    `long \uDE00${'x'.repeat(longestError)}`,
  ]) {
    expect(shorten(text).isWellFormed()).toBe(true)
    expect(Buffer.from(shorten(text)).toString()).toBe(shorten(text))
  }
})

test('the text of an error with a long message still has its cause', () => {
  const error = new Error('x'.repeat(MB), { cause: new Error('the disk is full') })
  expect(describeError(error)).toMatch(
    /^x+\n\[\d+ characters are left out here\]\nx+: the disk is full$/,
  )
})

test('an error that contains itself a thousand times is described', () => {
  const error = new AggregateError([], 'circle')
  error.errors = Array.from({ length: 1_000 }, (_, i) => new AggregateError([error], `e${i}`))
  for (const each of error.errors as AggregateError[]) each.errors = error.errors as Error[]
  expect(describeError(error)).toMatch(/^circle: e0/)
})

test('a long message or stack of an error is cut in the log', () => {
  const lines: string[] = []
  const log = new LineLog('json', (text) => lines.push(text))
  log.error('/jobd/store has crashed', new Error('x'.repeat(50 * MB)))
  log.error('y'.repeat(50 * MB))
  expect(lines.map((each) => each.length).every((length) => length < 3 * longestError)).toBe(true)
})

test(
  'a long error of a job is cut wherever it is shown, and the file stays small',
  { tags: ['slow'] },
  () =>
    inJobd(
      async ({ client, add, wait, file }) => {
        const before = statSync(file).size + statSync(`${file}-wal`).size
        const ids = [
          await add('huge', 'x', 'RETRIES', '1'),
          await add('half', 'x'),
          await add('shell', 'head -c 50000000 /dev/zero | tr "\\0" e >&2; exit 3'),
        ]
        const errors: string[] = []
        for (const id of ids) {
          const job = await wait(id)
          expect(job['state']).toBe('failed')
          errors.push(String(job['error']))
          for (const attempt of await client.attempts(id)) {
            expect(attempt.error?.length).toBeLessThan(longestError + line)
          }
        }
        expect(errors[0]).toMatch(/^begin x+\n\[\d+ characters are left out here\]\nx+ end$/)
        expect(errors[1]).toMatch(/^x+\uFFFD\n\[\d+ characters are left out here\]\ny+$/)
        expect(errors[2]).toMatch(/^exit code 3: e+$/)
        for (const error of errors) expect(error.length).toBeLessThan(longestError + line)
        const listed = JSON.stringify(await client.command('JOB.LIST'))
        expect(listed.length).toBeLessThan(5 * longestError)
        const refused = await client.add('picky', 'x').catch(String)
        expect(String(refused).length).toBeLessThan(longestError + 3 * line)
        // The server keeps up to 1 MiB of the output of the child process.
        expect(statSync(file).size + statSync(`${file}-wal`).size - before).toBeLessThan(12 * MB)
      },
      {
        kinds: defineKinds({
          huge: {
            run: () => {
              throw new Error(`begin ${'x'.repeat(50 * MB)} end`)
            },
          },
          half: {
            run: () => {
              const half = longestError / 2
              throw new Error(`${'x'.repeat(half - 1)}😀${'y'.repeat(longestError)}`)
            },
          },
          picky: {
            parse: (): never => {
              throw new RangeError('x'.repeat(MB))
            },
            run: () => 1,
          },
        }),
      },
    ),
)
