import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { startJobd } from '@tasktree/jobd'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { inFolder } from './support/folder.ts'
import { inJobd } from './support/in-jobd.ts'

test('a wrong option of startJobd is refused with its name, and no file is made', () =>
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
      [{ file, builtInKinds: 'no' }, 'the option builtInKinds must be true or false'],
      [{ file, host: 5 }, 'the option host must be a text, got number 5'],
      [{ file, port: 'abc' }, 'the option port must be a number'],
      [{ file, port: 1.5 }, 'the option port must be a whole number'],
      [{ file, http: null }, 'the option http must be a number'],
      [{ file, http: 70_000 }, 'the option http must be a number from 0 to 65535'],
      [{ file, publicUrl: 5 }, 'the option publicUrl must be a text'],
      [{ file, trustProxy: null }, 'the option trustProxy must be a list of texts'],
      [{ file, trustProxy: [5] }, 'the option trustProxy must be a list of texts'],
      [{ file, password: 5 }, 'the option password must be a text, got a number'],
      [{ file, tokens: [null] }, 'each of the option tokens must be an object { name, secret }'],
      [{ file, tokens: [{ name: 'a', secret: 5 }] }, 'each of the option tokens must be'],
      [{ file, maxFileSize: 0 }, 'maxFileSize must be a whole number of at least 1'],
      [{ file, maxFileSize: NaN }, 'maxFileSize must be a whole number of at least 1'],
      [{ file, limits: null }, 'the option limits must be an object'],
      [{ file, limits: { shell: null } }, 'limits.shell must be an object'],
      [{ file, limits: { shell: { concurency: 1 } } }, 'limits.shell has no limit concurency'],
      [{ file, limits: { shell: { concurrency: 0 } } }, 'limits.shell.concurrency must be'],
      [{ file, limits: { shell: { rate: { limit: 0 } } } }, 'limits.shell.rate.limit must be'],
      [{ file, limits: { shel: {} } }, "unknown kind 'shel'"],
      [{ file, clients: 5 }, 'the option clients must be an object'],
      [{ file, clients: { maxClients: 0 } }, 'clients.maxClients must be a whole number'],
      [{ file, clients: { patience: NaN } }, 'clients.patience must be at least 0 ms'],
      [{ file, clients: { stallTime: -1 } }, 'clients.stallTime must be at least 0 ms'],
      [{ file, logger: null }, 'the option logger must be an object'],
      [{ file, logger: {} }, 'logger.debug must be a function'],
    ] as const) {
      expect(String(await thrown(startJobd(wrong as never)))).toContain(message)
    }
    expect(readdirSync(folder)).toEqual([])
  }))

test('a client refuses commands that get no answer of their own, and later answers stay in order', () =>
  inJobd(async ({ client }) => {
    for (const words of [[], ['SUBSCRIBE', 'jobs'], ['unsubscribe']]) {
      const refused = thrown(client.command(...words))
      const echo = client.command('ECHO', 'mine')
      expect(await refused).toBeInstanceOf(TypeError)
      expect(await echo).toBe('mine')
    }
  }))
