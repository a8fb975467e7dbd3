import {
  BrokenPipeError,
  ConnectionResetError,
  OSError,
  type StreamWriter,
} from '@tasktree/streams'
import { createSubprocessExec, PIPE } from '@tasktree/subprocess'
import { expect, test } from 'vitest'

test('after the exit of a child its stdin has closed, whether the program closed it or not', async () => {
  for (const close of [true, false]) {
    const child = await createSubprocessExec('true', [], { stdin: PIPE })
    const stdin = child.stdin as StreamWriter
    const closed = stdin.waitClosed()
    if (close) stdin.close()
    await child.wait()
    await closed
    await stdin.waitClosed()
    await expect(stdin.drain()).rejects.toThrow(ConnectionResetError)
  }
})

test('drain and waitClosed of stdin throw if the child exits before it has read the input', async () => {
  // The grandchild keeps the pipe open, so only the exit of the child ends the write.
  const held = 'exec 3<&0; sleep 48.48 <&3 & echo $!'
  for (const script of ['exit', held]) {
    await using child = await createSubprocessExec('sh', ['-c', script], {
      stdin: PIPE,
      stdout: PIPE,
    })
    const stdin = child.stdin as StreamWriter
    stdin.write(Buffer.alloc(10_000_000))
    await expect(stdin.drain()).rejects.toThrow(OSError)
    await expect(stdin.waitClosed()).rejects.toThrow(OSError)
    await expect(stdin.drain()).rejects.toThrow(ConnectionResetError)
    if (script === held) process.kill(Number(await child.stdout?.readLine()), 'SIGKILL')
  }
})

test('the first drain after the child has closed its stdin throws ConnectionResetError', async () => {
  for (const size of [1, 1_000_000]) {
    const script = 'exec <&-; echo closed; exec sleep 60'
    await using child = await createSubprocessExec('sh', ['-c', script], {
      stdin: PIPE,
      stdout: PIPE,
    })
    await child.stdout?.readLine()
    const stdin = child.stdin as StreamWriter
    stdin.write(Buffer.alloc(size))
    await expect(stdin.drain()).rejects.toThrow(ConnectionResetError)
    await expect(stdin.waitClosed()).rejects.toThrow(BrokenPipeError)
  }
})
