#!/usr/bin/env node
import { runMain, sleep } from '@tasktree/core'
import { Command, InvalidArgumentError } from 'commander'
import pc from 'picocolors'
import { accessSync, constants, existsSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Attached, attach } from './attach.ts'
import { confirm } from './confirm.ts'
import { Failure } from './failure.ts'
import { cancel, findTask, liveTasks, why } from './task-commands.ts'
import { look } from './thread-snapshots.ts'
import { ps, pstree, visible } from './print.ts'
import { Recording } from './record.ts'
import { Top } from './top.ts'

const program = new Command('tasktree')
  .description(
    'Looks into a running Node process that uses Tasktree. It needs no preparation, and works while the process is in a ' +
      'busy loop. Node writes "Debugger listening on …" to the stderr of that process.',
  )
  .showHelpAfterError()

const toPid = (text: string): number => {
  const pid = Number(text)
  if (Number.isInteger(pid) && pid > 0) return pid
  throw new InvalidArgumentError('it must be the number of a process')
}

const toSeconds = (text: string): number => {
  const seconds = Number(text)
  if (seconds > 0 && seconds < 86_400) return seconds
  throw new InvalidArgumentError('it must be a number of seconds')
}

async function within(pid: number, use: (attached: Attached) => Promise<void>): Promise<void> {
  await using attached = await attach(pid)
  await attached.findWorkers()
  await use(attached)
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

program
  .command('ps')
  .description('a line a task: id, state, age, name, what it waits for')
  .argument('<pid>', 'the process', toPid)
  .option('--json', 'the whole snapshot of each thread')
  .action((pid: number, { json }: { json?: true }) =>
    within(pid, async (attached) => {
      const threads = await look(attached)
      print(json === true ? JSON.stringify(threads) : ps(threads))
    }),
  )

program
  .command('pstree')
  .description('the tree of tasks with their scopes; actors, pools, child processes, servers')
  .argument('<pid>', 'the process', toPid)
  .option('--json', 'the whole snapshot of each thread, with stacks')
  .action((pid: number, { json }: { json?: true }) =>
    within(pid, async (attached) => {
      const threads = await look(attached, json)
      print(json === true ? JSON.stringify(threads) : pstree(pid, threads))
    }),
  )

program
  .command('why')
  .description('why a task does not go on: what it waits for, who holds that, and so on')
  .argument('<pid>', 'the process', toPid)
  .argument('<task>', 'the id or the name of the task')
  .action((pid: number, task: string) =>
    within(pid, async (attached) => print(await why(attached, task))),
  )

program
  .command('top')
  .description('the tasks live; keys: s sorts, f filters, p pauses, q quits')
  .argument('<pid>', 'the process', toPid)
  .option('--every <seconds>', 'the time between two looks', toSeconds, 1)
  .action((pid: number, { every }: { every: number }) =>
    within(pid, (attached) => new Top(attached, every * 1_000).run()),
  )

program
  .command('cancel')
  .description('cancels a task, after a question, and prints what has ended')
  .argument('<pid>', 'the process', toPid)
  .argument('<task>', 'the id or the name of the task')
  .option('-y, --yes', 'without the question')
  .action((pid: number, task: string, { yes }: { yes?: true }) =>
    within(pid, async (attached) => {
      const { session, id, name } = await findTask(attached, task)
      if (yes !== true && !(await confirm(`Cancel task #${id} ${visible(name)}?`))) {
        throw new Failure('nothing was cancelled')
      }
      const before = await liveTasks(attached)
      if (!(await cancel(session, id))) {
        print(`process ${pid} is busy: task #${id} will be cancelled when its loop goes on`)
        return
      }
      await sleep(200)
      const after = (await liveTasks(attached)).filter((each) => each.session === session)
      const left = new Set(after.map((each) => each.id))
      const ended = before.filter((each) => each.session === session && !left.has(each.id))
      const line = `task #${id} ${visible(name)} was asked to end, and is in its clean-up`
      if (ended.length === 0) print(line)
      for (const each of ended) print(`ended: #${each.id} ${visible(each.name)}`)
    }),
  )

program
  .command('record')
  .description('records events as a trace for ui.perfetto.dev: one track a task, waits, cancels')
  .argument('<pid>', 'the process', toPid)
  .argument('<file>', 'where the trace is written')
  .option('--for <seconds>', 'how long', toSeconds, 5)
  .option('--every <seconds>', 'the time between two looks at what tasks wait for', toSeconds, 0.05)
  .action((pid: number, file: string, options: { for: number; every: number }) => {
    withFile(file, () => accessSync(existsSync(file) ? file : dirname(file), constants.W_OK))
    return within(pid, async (attached) => {
      const recording = new Recording(attached)
      try {
        await recording.start()
        const end = performance.now() + options.for * 1_000
        do {
          await recording.sample()
          await sleep(options.every * 1_000)
        } while (performance.now() < end)
        await recording.sample()
      } finally {
        await recording.stop()
      }
      const trace = recording.trace()
      withFile(file, () => writeFileSync(file, JSON.stringify(trace)))
      print(`${trace.traceEvents.length} events in ${file}`)
    })
  })

/** Calls `work`, which checks or writes `file`. If `work` throws, throws a Failure that names the file. */
function withFile(file: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new Failure(`${file} cannot be written: ${(error as Error).message}`)
  }
}

// Without a listener, an error of stdout would end the command before the command has closed the inspector of the process.
// The code EPIPE is not reported: it only says that a reader such as `head` has closed the pipe early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE' || process.exitCode === 1) return
  process.exitCode = 1
  process.stderr.write(`${pc.red('tasktree:')} the output cannot be written: ${error.message}\n`)
})

// With `runMain`, Ctrl-C cancels the command. The command then closes the inspector of the process, if it has opened it.
await runMain(async () => {
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.stderr.write(`${pc.red('tasktree:')} ${error.message}\n`)
    process.exitCode = 1
  }
})
