import { run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'

test('without descriptors a spawn is an OSError, and what it had opened is closed', async () => {
  const program = `${import.meta.dirname}/fixtures/few-descriptors.ts`
  const script = 'ulimit -n 64; exec "$0" --conditions=@tasktree/source "$1"'
  const { stdout } = await run('sh', ['-c', script, process.execPath, program], {
    check: true,
    encoding: 'utf8',
  })
  expect(JSON.parse(stdout)).toEqual({ outcomes: ['OSError EMFILE', 'ran'], left: 0 })
})
