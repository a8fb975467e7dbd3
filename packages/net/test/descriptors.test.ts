import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test(
  'a server that runs out of descriptors goes on when there are some',
  { tags: ['slow'] },
  async () => {
    const fixture = fileURLToPath(new URL('fixtures/emfile.ts', import.meta.url))
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -n 128 && exec "$0" --conditions=@tasktree/source "$1"',
      process.execPath,
      fixture,
    ])
    expect(stdout).toBe('served\n0 left\n')
  },
)
