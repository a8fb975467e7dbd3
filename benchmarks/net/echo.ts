/**
 * Measures the requests per second of TCP echo servers over 10 connections. A client in C checks every byte.
 *
 *   node net/echo.ts [seconds] [rounds]
 *
 * The servers run the built packages, as a user's program does. With `--conditions=@tasktree/source` they run the sources,
 * whose text then lies in V8's heap. The README of this folder says how that changes the figures.
 *
 * The environment variables PYTHON and UVLOOP_PYTHON name the Python interpreters for asyncio and for uvloop. If a variable is
 * not set, the table has no rows for its event loop. All servers run during the whole contest. Each round measures one server after
 * the other, so that a slow moment of the machine slows all of them. Each ratio is the median of the ratios within the rounds.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { median, table } from '../measure.ts'

const exec = promisify(execFile)
const here = import.meta.dirname
const seconds = process.argv[2] ?? '0.4'
const rounds = Number(process.argv[3] ?? 9)
const sizes = [1024, 10_240, 102_400]
const client = join(tmpdir(), `tasktree-echo-client-${process.pid}`)

interface Contestant {
  name: string
  port: string
  process: ChildProcess
  samples: number[][]
}

async function start(name: string, command: string, args: string[]): Promise<Contestant> {
  const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
  return { name, port, process: server, samples: sizes.map(() => []) }
}

const node = [...process.execArgv, join(here, 'server.ts')]
const contestants = [
  await start('node:net', process.execPath, [...node, 'raw']),
  await start('tasktree streams', process.execPath, [...node, 'streams']),
  await start('tasktree protocol', process.execPath, [...node, 'protocol']),
]
for (const [loop, python] of [
  ['asyncio', process.env['PYTHON']],
  ['uvloop', process.env['UVLOOP_PYTHON']],
] as const) {
  if (python === undefined) continue
  for (const kind of ['streams', 'protocol']) {
    contestants.push(await start(`${loop} ${kind}`, python, [join(here, 'server.py'), loop, kind]))
  }
}

try {
  await exec('cc', ['-O2', '-o', client, join(here, 'echo-client.c')])
  for (let round = -1; round < rounds; round++) {
    for (const [i, size] of sizes.entries()) {
      for (const { port, samples } of contestants) {
        const { stdout } = await exec(client, [port, '10', String(size), seconds])
        // The first round is a warm-up.
        if (round >= 0) samples[i]?.push(Number(stdout))
      }
    }
  }
} finally {
  for (const { process: server } of contestants) {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  await rm(client, { force: true })
}

const [raw] = contestants
const rows = contestants.map(({ name, samples }) => {
  const figures = samples.flatMap((each, i) => {
    const ratios = each.map((rate, round) => rate / (raw?.samples[i]?.[round] ?? NaN))
    return [median(each), `${median(ratios).toFixed(2)}x`]
  })
  const row: (string | number)[] = [name]
  row.push(...figures)
  return row
})
console.log(table(['echo', ...sizes.flatMap((size) => [`${size / 1024} KiB/s`, 'to raw'])], rows))
