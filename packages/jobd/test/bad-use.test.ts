import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startJobd } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

test('an option that is wrong is refused by its name, and no file is made', () =>
  inFolder(async (folder) => {
    const file = join(folder, 'jobs.sqlite')
    for (const [wrong, message] of [
      [null, 'startJobd expects an object of options, got null'],
      [{}, "the option file must be the path of the jobs' file, got undefined"],
      [{ file: '' }, 'the option file must be the path'],
      [{ file: 'a\0b' }, 'the option file must be the path'],
      [{ file, workers: 0 }, 'workers must be a whole number of at least 1, got 0'],
      [{ file, workers: 1.5 }, 'workers must be a whole number of at least 1, got 1.5'],
      [{ file, workers: Infinity }, 'workers must be at most 100000, got Infinity'],
      [{ file, maxQueued: '5' }, 'maxQueued must be a number'],
      [{ file, maxDeaths: Infinity }, 'maxDeaths must be at most'],
      [{ file, grace: -1 }, 'grace must be at least 0 ms'],
      [{ file, waitLock: 'x' }, 'waitLock must be a number of milliseconds'],
      [{ file, tokens: 'a' }, 'the option tokens must be a list'],
      [{ file, retention: 5 }, 'the option retention must be an object'],
      [{ file, retention: { done: '7d' } }, 'retention.done must be a number of milliseconds'],
      [{ file, vacuum: 1 }, 'the option vacuum must be true or false'],
    ] as const) {
      expect(String(await thrown(startJobd(wrong as never)))).toContain(message)
    }
    expect(readdirSync(folder)).toEqual([])
  }))

test('a command that the server does not answer is refused, and later answers are not mixed up', () =>
  inJobd(async ({ client }) => {
    for (const words of [[], ['SUBSCRIBE', 'jobs'], ['unsubscribe']]) {
      const refused = thrown(client.command(...words))
      const echo = client.command('ECHO', 'mine')
      expect(await refused).toBeInstanceOf(TypeError)
      expect(await echo).toBe('mine')
    }
  }))
