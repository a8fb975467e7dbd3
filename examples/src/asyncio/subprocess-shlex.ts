import { inspect } from 'node:util'
import { run } from '@tasktree/core'
import { createSubprocessExec, PIPE, shlex } from '@tasktree/subprocess'

async function runCommand(cmd: string): Promise<void> {
  const args = shlex.split(cmd)
  for (const arg of args) console.log(inspect(arg))
  const [program = '', ...rest] = args
  const proc = await createSubprocessExec(program, rest, { stdout: PIPE, stderr: PIPE })

  const [stdout, stderr] = await proc.communicate()

  console.log(`[${shlex.join(args)} exited with ${proc.returncode}]`)
  if (stdout?.length) console.log(`[stdout]\n${String(stdout)}`)
  if (stderr?.length) console.log(`[stderr]\n${String(stderr)}`)
}

await run(() => runCommand('printf "%s|" one "two words" $HOME'))
