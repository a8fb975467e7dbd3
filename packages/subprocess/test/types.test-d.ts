import type { StreamReader, StreamWriter } from '@tasktree/streams'
import {
  $,
  type Command,
  type CompletedProcess,
  createSubprocessExec,
  ManagedProcess,
  type Process,
  type python,
  run,
  type shlex,
  STDOUT,
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
  check<Equal<typeof child.stdin, StreamWriter | null>>()
  check<Equal<typeof child.stdout, StreamReader | null>>()
  const both = await child.communicate('text')
  check<Equal<typeof both, [Buffer | null, Buffer | null]>>()
  const command = $`echo ${1} ${'two'} ${['three', 4]} ${5n}`
  check<Equal<typeof command, Command>>()
  check<Equal<typeof output, CompletedProcess>>()
  const output = await command
  const promise: Promise<CompletedProcess> = command
  check<Equal<typeof caught, CompletedProcess | null>>()
  const caught = await promise.catch(() => null)
  for await (const { from, text } of $`ls`) {
    check<Equal<typeof from, 'stdout' | 'stderr'>>()
    check<Equal<typeof text, string>>()
  }
  for await (const line of $({ cwd: '/' })`ls`.pipe($`sort`).lines())
    check<Equal<typeof line, string>>()
  check<Equal<ReturnType<typeof python>, ManagedProcess>>()
  check<Equal<ReturnType<typeof shlex.split>, string[]>>()
}
void results

void run('ls', [], { cwd: new URL('file:///'), stdio: 'inherit', timeout: 1, killGrace: 1 })
// @ts-expect-error -- arguments are a list of strings
void run('echo', 'text')
// @ts-expect-error -- an unknown place for stdout
void createSubprocessExec('true', [], { stdout: 'nowhere' })
// @ts-expect-error -- only stderr can be the same as stdout
void createSubprocessExec('true', [], { stdout: STDOUT })
// @ts-expect-error -- an object without a text of its own
void $`echo ${{}}`
// @ts-expect-error -- the result of $ is bytes; text() gives text
void $({ encoding: 'utf8' })
// @ts-expect-error -- no such policy
void new ManagedProcess('true', [], { restart: 'sometimes' })
// @ts-expect-error -- a foreground program has all three streams
void new ManagedProcess('true', [], { stdio: 'pipe' })
