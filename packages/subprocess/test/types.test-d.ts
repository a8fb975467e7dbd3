import {
  type CompletedProcess,
  createSubprocessExec,
  type Process,
  run,
} from '@tasktree/subprocess'

type Equal<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function check<_T extends true>(): void {}

async function results(): Promise<void> {
  const text = await run('true', [], { encoding: 'utf8' })
  check<Equal<typeof text, CompletedProcess<string>>>()
  const bytes = await run('true')
  check<Equal<typeof bytes, CompletedProcess>>()
  const child = await createSubprocessExec('true')
  check<Equal<typeof child, Process>>()
  check<Equal<typeof child.returncode, number | null>>()
}
void results

// @ts-expect-error -- arguments are a list of strings
void run('echo', 'text')
// @ts-expect-error -- an unknown place for stdout
void createSubprocessExec('true', [], { stdout: 'nowhere' })
