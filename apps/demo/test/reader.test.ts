import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempDisposable, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findNatsServer } from '../src/cluster/find-nats-server.ts'
import { testWhere } from '../../../vitest.skips.ts'

/** Starts a demo, reads its first output, and closes the pipe. Returns what the demo leaves behind. */
async function readOnce(name: string): Promise<unknown> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'demo-test-'))
  const main = fileURLToPath(new URL(`../dist/${name}`, import.meta.url))
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, TMPDIR: folder.path },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = once(child, 'close')
  await once(child.stdout, 'data')
  child.stdout.destroy()
  await closed
  return { code: child.exitCode, errors, files: await readdir(folder.path) }
}

const nothing = { code: 0, errors: '', files: [] }

test('the tour ends without an error when its reader leaves', { tags: ['slow'] }, async () => {
  expect(await readOnce('main.js')).toEqual(nothing)
})

testWhere(findNatsServer() !== null, 'nats-server is not installed')(
  'the cluster demo ends without an error when its reader leaves',
  { tags: ['slow'] },
  async () => {
    expect(await readOnce('cluster/cluster-main.js')).toEqual(nothing)
  },
)
