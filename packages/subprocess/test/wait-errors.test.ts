/** What `wait`, `communicate` and `run` throw because of the streams of a process. */
import { createTask, getEventLoop, run as runLoop, RuntimeError, sleep } from '@tasktree/core'
import { ConnectionResetError, StreamReader, StreamWriter } from '@tasktree/streams'
import {
  createSubprocessExec,
  DEVNULL,
  ManagedProcess,
  PIPE,
  type Process,
  run,
  type SpawnOptions,
} from '@tasktree/subprocess'
import { readFileSync } from 'node:fs'
import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { children } from './support/system.ts'

const failure = new Error('the stream failed')

function failingReader(): StreamReader {
  const reader = new StreamReader()
  reader.feedData('first')
  reader.feedEof(failure)
  return reader
}

async function failedWriter(): Promise<StreamWriter> {
  const sink = new Writable()
  const writer = StreamWriter.to(sink)
  sink.destroy(failure)
  await expect(writer.waitClosed()).rejects.toBe(failure)
  return writer
}

function closedWriter(): StreamWriter {
  const writer = StreamWriter.to(new PassThrough())
  writer.close()
  return writer
}

const waits: Record<string, (child: Process) => Promise<unknown>> = {
  wait: (child) => child.wait(),
  communicate: (child) => child.communicate(),
}

test.each(Object.entries(waits))(
  '%s throws the error of a StreamReader or StreamWriter that was given to the process',
  async (_, wait) => {
    const child = await createSubprocessExec('cat', [], { stdin: failingReader(), stdout: PIPE })
    await expect(wait(child)).rejects.toBe(failure)
    const failed = await createSubprocessExec('echo', ['x'], { stdout: await failedWriter() })
    await expect(wait(failed)).rejects.toBe(failure)
    const closed = await createSubprocessExec('echo', ['x'], { stdout: closedWriter() })
    await expect(wait(closed)).rejects.toThrow(ConnectionResetError)
  },
)

test('when both outputs cannot be copied, wait throws one error, and none is reported', async () => {
  const messages: string[] = []
  await runLoop(async () => {
    getEventLoop().setExceptionHandler((_, { message }) => void messages.push(message))
    const child = await createSubprocessExec('sh', ['-c', 'echo x; echo y >&2'], {
      stdout: closedWriter(),
      stderr: closedWriter(),
    })
    await expect(child.wait()).rejects.toThrow(ConnectionResetError)
  })
  expect(messages).toEqual([])
})

/** Blocks this program until its children have ended. A child that has ended stays in the list, in the state Z. */
function blockUntilChildrenEnd(): void {
  const state = (pid: number): string =>
    readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')[2] ?? ''
  while (!children().every((pid) => state(pid) === 'Z'));
}

test('a child that ends before the task that copies its stdin could begin is no failure', () =>
  runLoop(async () => {
    // While so many tasks are ready, the loop lets Node handle I/O in between, and so the end of the child.
    for (let i = 0; i < 100; i++) createTask(async () => blockUntilChildrenEnd())
    const child = await createSubprocessExec('true', [], { stdin: new StreamReader() })
    expect(await child.wait()).toBe(0)
  }))

test('run, and wait and stop of a managed process, throw the error of a given stream', async () => {
  await expect(run('cat', [], { stdin: failingReader() })).rejects.toBe(failure)
  await expect(run('echo', ['x'], { stdout: closedWriter() })).rejects.toThrow(ConnectionResetError)
  const managed = new ManagedProcess('echo', ['x'], { stdout: await failedWriter() })
  await managed.start()
  await expect(managed.wait()).rejects.toBe(failure)
  await expect(managed.stop()).rejects.toBe(failure)
})

test('communicate refuses an output that other code reads or has closed, and a stdin that was ended', async () => {
  const cat = (): Promise<Process> => createSubprocessExec('cat', [], { stdin: PIPE, stdout: PIPE })
  await using read = await cat()
  const other = createTask(async () => read.stdout?.readLine())
  await sleep(0)
  await expect(read.communicate('a\n')).rejects.toThrow(RuntimeError)
  expect(String(await other)).toBe('a\n')
  await using closed = await cat()
  await closed.stdout?.close()
  await expect(closed.communicate()).rejects.toThrow(RuntimeError)
  await using ended = await cat()
  ended.stdin?.writeEof()
  await expect(ended.communicate('a')).rejects.toThrow(RuntimeError)
  expect(await ended.communicate()).toEqual([Buffer.alloc(0), null])
})

test.each(Object.entries(waits))(
  'after the run that started a process has ended, %s throws if a copy to a given stream was cut off',
  async (_, wait) => {
    const start = (options: SpawnOptions): Promise<Process> =>
      runLoop(() =>
        createSubprocessExec('sh', ['-c', 'echo x; cat'], { stdout: DEVNULL, ...options }),
      )
    const plain = await start({ stdin: PIPE, stdout: PIPE })
    plain.stdin?.close()
    expect(String(await wait(plain))).toBe(wait === waits['wait'] ? '0' : 'x\n,')
    const sink = StreamWriter.to(new PassThrough().resume())
    const given: SpawnOptions[] = [{ stdin: new StreamReader() }, { stdin: DEVNULL, stdout: sink }]
    for (const options of given) {
      const child = await start(options)
      await expect(wait(child)).rejects.toThrow(RuntimeError)
      expect(child.returncode).not.toBeNull()
    }
  },
)
