import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '@tasktree/core'
import { expect, test } from 'vitest'
import { JobClient } from '../src/client/job-client.ts'
import { inFolder } from './support/folder.ts'
import { until } from './support/in-jobd.ts'
import { Served } from './support/served.ts'

const built = JSON.stringify(new URL('../dist/index.js', import.meta.url).href)

/**
 * Returns the text of a module of kinds. The result of a job is `word` and the word of a module that it imports. A job ends when
 * the file in its payload exists.
 */
function moduleOf(word: string, kinds: readonly string[]): string {
  const kind = (pool: string): string =>
    `{ ${pool} run: async (gate, ctx) => { ctx.log('${word} begins'); while (gate !== '' && !existsSync(gate)) await sleep(5); return '${word} ' + word } }`
  const pools: Record<string, string> = {
    threaded: `pool: 'threads',`,
    processed: `pool: 'processes',`,
    inline: '',
  }
  return `
    import { existsSync } from 'node:fs'
    import { setTimeout as sleep } from 'node:timers/promises'
    import { defineKinds } from ${built}
    import { word } from './word.mjs'
    export default defineKinds({ ${kinds.map((name) => `${name}: ${kind(pools[name] ?? '')}`).join(', ')} })`
}

test(
  'SIGHUP loads the kinds again: running jobs keep the old code, later jobs have the new code',
  { tags: ['slow'], timeout: 60_000 },
  () =>
    inFolder((folder) =>
      run(async () => {
        const [module, gate] = [join(folder, 'kinds.mjs'), join(folder, 'gate')]
        const write = (word: string, kinds: readonly string[]): void => {
          writeFileSync(join(folder, 'word.mjs'), `export const word = '${word}'`)
          writeFileSync(module, moduleOf(word, kinds))
        }
        write('old', ['threaded', 'processed', 'inline'])
        await using served = await Served.start('--kinds', module, '--no-built-in-kinds')
        await using client = await JobClient.connect('127.0.0.1', served.port)
        /** Sends SIGHUP, and waits until the log has a new line with this text. */
        const hangUp = async (text: string): Promise<void> => {
          const before = served.log.length
          served.signal('SIGHUP')
          await until(() => served.log.slice(before).includes(text))
        }
        const running = [await client.add('threaded', gate), await client.add('processed', gate)]
        for (const id of running) await until(async () => (await client.log(id)) === 'old begins\n')

        write('new', ['threaded', 'processed', 'inline'])
        await hangUp('these kinds run in the server and need a restart: inline')
        expect(served.log).toContain('kinds read again: processed, threaded')
        expect(await client.run('threaded')).toBe('new new')
        expect(await client.run('processed')).toBe('new new')
        expect(await client.run('inline')).toBe('old old')
        for (const id of running) expect(await client.get(id)).toMatchObject({ state: 'running' })

        // A module with a syntax error changes nothing.
        writeFileSync(module, 'export default {')
        await hangUp('the kinds stay as they were')
        expect(await client.run('threaded')).toBe('new new')

        // When the module no longer has a kind, the jobs of this kind wait until the module has it again.
        await client.command('JOB.PAUSE', 'processed')
        const waiting = await client.add('processed')
        write('newer', ['threaded', 'inline'])
        await hangUp('kinds read again: threaded')
        await expect(client.add('processed')).rejects.toThrow("unknown kind 'processed'")
        await client.command('JOB.RESUME')
        expect(await client.run('threaded')).toBe('newer newer')
        expect(await client.get(waiting)).toMatchObject({ state: 'queued', attempts: 0 })
        write('newest', ['threaded', 'processed', 'inline'])
        await hangUp('kinds read again: processed, threaded')
        expect(await client.result(waiting)).toBe('newest newest')

        // The jobs that ran all the time end in their first attempt, with the old code.
        writeFileSync(gate, '')
        for (const id of running)
          expect(await client.wait(id)).toMatchObject({ result: 'old old', attempts: 1 })
        expect(await served.stop()).toBe(0)
      }),
    ),
)
