import { inspect } from 'node:util'
import { run } from '@tasktree/core'
import { createSubprocessShell, PIPE } from '@tasktree/subprocess'

async function runCommand(cmd: string): Promise<void> {
  const proc = await createSubprocessShell(cmd, { stdout: PIPE, stderr: PIPE })

  const [stdout, stderr] = await proc.communicate()

  console.log(`[${inspect(cmd)} exited with ${proc.returncode}]`)
  if (stdout?.length) console.log(`[stdout]\n${String(stdout)}`)
  if (stderr?.length) console.log(`[stderr]\n${String(stderr)}`)
}

await run(() => runCommand('ls /zzz'))
