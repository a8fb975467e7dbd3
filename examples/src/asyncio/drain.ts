import { run, sleep } from '@tasktree/core'
import { createSubprocessExec, PIPE, type Process } from '@tasktree/subprocess'

let warnings = 0
process.on('warning', ({ name }) => {
  if (name === 'ResourceWarning') warnings++
})

async function closedPipe(): Promise<Process> {
  const proc = await createSubprocessExec('true', [], { stdin: PIPE })
  await proc.wait()
  return proc
}

await run(async () => {
  let proc = await closedPipe()
  for (let i = 0; i < 100; i++) {
    proc.stdin?.write('x'.repeat(1024))
    await sleep(0)
  }
  console.log('without drain, 100 writes: warned more than once?', warnings > 1)

  proc = await closedPipe()
  try {
    for (;;) {
      proc.stdin?.write('x'.repeat(1024))
      await proc.stdin?.drain()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EPIPE' && code !== 'ECONNRESET') throw error
    console.log('with drain: told that the pipe is closed, and stopped')
  }
})
