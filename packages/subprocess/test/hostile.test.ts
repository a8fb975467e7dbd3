// Tests arguments that no program should pass, and objects that change or throw while a process is started.
import { run as runLoop, sleep } from '@tasktree/core'
import { StreamReader } from '@tasktree/streams'
import {
  $,
  ArgumentListTooLongError,
  createSubprocessExec,
  DEVNULL,
  ManagedProcess,
  PIPE,
  python,
  run,
  type SpawnOptions,
  STDOUT,
} from '@tasktree/subprocess'
import { expect, test } from 'vitest'
import { children } from './support/system.ts'

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  )

test('a file descriptor number that no system has is refused as stdout', async () => {
  // If such a number reached Node, Node would abort the program.
  for (const descriptor of [2 ** 31, 2 ** 32 + 1, 1e15]) {
    expect(() => run('true', [], { stdin: descriptor })).toThrow(TypeError)
    expect(() => run('true', [], { stdout: descriptor })).toThrow(TypeError)
    expect(() => run('true', [], { stderr: descriptor })).toThrow(TypeError)
  }
  const closed = await failure(run('true', [], { stdin: 2 ** 31 - 1 }))
  expect(closed).toMatchObject({ name: 'OSError', code: 'EBADF' })
})

test('a process whose options throw after it was started is ended', async () => {
  const noSignal = { signal: { aborted: false } } as unknown as SpawnOptions
  expect(() => run('sleep', ['61'], noSignal)).toThrow(TypeError)
  let looks = 0
  const changing: SpawnOptions = {
    get killGrace(): number {
      if (++looks > 1) throw new Error('looked at twice')
      return 100
    },
  }
  const error = await failure(createSubprocessExec('sleep', ['61'], changing))
  expect(error).toMatchObject({ message: 'looked at twice' })
  const listeners = process.listenerCount('exit')
  let limit = 100
  const worse: SpawnOptions = {
    stdout: PIPE,
    get limit(): number {
      limit -= 100
      return limit + 100
    },
  }
  const refused = await failure(createSubprocessExec('sleep', ['61'], worse))
  expect(refused).toMatchObject({ message: 'limit must be above 0 bytes, got 0' })
  await expect.poll(children).toEqual([])
  expect(process.listenerCount('exit')).toBe(listeners)
})

test('changes to the arguments or env after the call have no effect', async () => {
  const args = ['-c', 'echo "$0 $GREETING"', 'one']
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', GREETING: 'hello' }
  // A process with `stderr: STDOUT` starts only after a few turns of the loop.
  const shared = run('sh', args, { stderr: STDOUT, encoding: 'utf8', env })
  const plain = run('sh', args, { encoding: 'utf8', env })
  const command = $({ env })`sh -c ${'echo "$GREETING"'}`.text()
  args[2] = 'two'
  env['GREETING'] = 'bye'
  expect(await shared).toMatchObject({ args: ['sh', '-c', args[1], 'one'], stdout: 'one hello\n' })
  expect(await plain).toMatchObject({ args: ['sh', '-c', args[1], 'one'], stdout: 'one hello\n' })
  expect(await command).toBe('hello\n')
})

test('changes to the options after the call have no effect', async () => {
  const options: SpawnOptions = { stdin: DEVNULL, stdout: PIPE, stderr: STDOUT, cwd: '/' }
  const started = createSubprocessExec('pwd', [], options)
  options.cwd = '/tmp'
  await using child = await started
  expect(String((await child.communicate())[0])).toBe('/\n')
})

test('changes to the arguments after a managed process was made have no effect', async () => {
  const heard: string[] = []
  const args = ['-c', 'echo "$0 $GREETING"', 'one']
  const env: Record<string, string> = { PATH: process.env['PATH'] ?? '', GREETING: 'hello' }
  const options = { env, onStdout: (line: string) => void heard.push(line) }
  const helper = new ManagedProcess('sh', args, options)
  args[2] = 'two'
  env['GREETING'] = 'bye'
  options.onStdout = () => {}
  await helper.start()
  expect(await helper.wait()).toBe(0)
  expect(heard).toEqual(['one hello'])
})

test('inherited properties of env are passed on to the process, and checked', async () => {
  const base = { PATH: process.env['PATH'] ?? '', FROM: 'base' }
  const env = Object.create(base) as Record<string, string>
  expect(await $({ env })`sh -c ${'echo $FROM'}`.text()).toBe('base\n')
  base.FROM = 'a\0b'
  expect(() => run('true', [], { env })).toThrow('NUL')
})

test('a command may have as many arguments as the system allows', async () => {
  const many = Array.from({ length: 150_000 }, () => '')
  expect(await $`sh -c ${'echo $#'} ${many}`.text()).toBe('149999\n')
  const tooMany = Array.from({ length: 1_000_000 }, () => 'x')
  expect(await failure($`true ${tooMany}`)).toBeInstanceOf(ArgumentListTooLongError)
})

test('an error of a given stdin whose properties cannot be read reaches the caller', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  const noStack = Object.defineProperty(new Error('x'), 'stack', {
    get: () => {
      throw new Error('no stack')
    },
  })
  await runLoop(async () => {
    for (const bad of [proxy, noStack]) {
      const source = new StreamReader()
      await using child = await createSubprocessExec('cat', [], { stdin: source, stdout: DEVNULL })
      source.feedEof(bad as Error)
      await sleep(20)
      const isSame = await child.wait().catch((error: unknown) => error === bad)
      expect(isSame).toBe(true)
    }
  })
})

test('the error of a timeout has null for an output that is not captured', async () => {
  const error = await failure(run('sleep', ['61'], { stdout: DEVNULL, timeout: 20 }))
  expect(error).toMatchObject({ name: 'TimeoutExpired', stdout: null, stderr: Buffer.alloc(0) })
})

test('options of a wrong type are refused with the name of the option', () => {
  const backoff = 5 as unknown as { min: number }
  expect(() => new ManagedProcess('true', [], { backoff })).toThrow('backoff must be')
  expect(() => python('1', 'abc' as unknown as string[])).toThrow('the arguments must be an array')
  expect(() => new ManagedProcess('true', [], { onStdout: () => {}, stdout: PIPE })).not.toThrow()
})
