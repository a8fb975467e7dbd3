import { fileURLToPath } from 'node:url'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

test(
  'a server that has run out of file descriptors accepts clients again when descriptors are free',
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
