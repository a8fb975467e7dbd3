import { run } from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { running } from './support/system.ts'
import { testWhere } from '../../../vitest.skips.ts'

/** Runs a fixture that may open 64 files, and returns its code and its lines. */
async function withFewDescriptors(
  name: string,
  ...args: readonly string[]
): Promise<{ returncode: number; lines: string[]; stderr: string }> {
  const program = `${import.meta.dirname}/fixtures/${name}.ts`
  const script = 'ulimit -n 64; exec "$0" --conditions=@tasktree/source "$@"'
  const { returncode, stdout, stderr } = await run(
    'sh',
    ['-c', script, process.execPath, program, ...args],
    { encoding: 'utf8' },
  )
  return { returncode, lines: stdout.trim().split('\n'), stderr }
}

test('without free file descriptors a spawn throws OSError and leaves no descriptor open', async () => {
  const { returncode, lines } = await withFewDescriptors('few-descriptors')
  expect(returncode).toBe(0)
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    outcomes: ['OSError EMFILE', 'ran'],
    atOnce: ['OSError EMFILE', 'ran'],
    left: 0,
  })
})

const testOnLinux = testWhere(process.platform === 'linux', 'only Linux has /proc')

testOnLinux(
  'without free file descriptors a process group that outlives its leader is still killed',
  async () => {
    const script = '(trap "" TERM; echo ready; exec sleep 61.81) & wait'
    expect(await withFewDescriptors('no-descriptors', 'dispose', script)).toEqual({
      returncode: 0,
      lines: ['ready', 'ended -15'],
      stderr: '',
    })
    expect(running('sleep 61.81')).toEqual([])
  },
)

testOnLinux(
  'without free file descriptors process.exit still kills a child that ignores SIGTERM',
  async () => {
    const script = 'trap "" TERM; echo ready; exec sleep 61.82'
    expect(await withFewDescriptors('no-descriptors', 'exit', script)).toEqual({
      returncode: 7,
      lines: ['ready'],
      stderr: '',
    })
    expect(running('sleep 61.82')).toEqual([])
  },
)

testOnLinux(
  'without free file descriptors wait gives the exit code of a child that uses the terminal',
  async () => {
    const outcome = await withFewDescriptors('no-descriptors', 'inherit', 'sleep 0.1; exit 3')
    expect(outcome).toEqual({ returncode: 0, lines: ['ended 3'], stderr: '' })
  },
)
