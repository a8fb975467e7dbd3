/**
 * TCP echo over 10 connections, requests a second, from a client in C that checks every byte.
 *
 *   node net/echo.ts [seconds] [rounds]
 *
 * Without a condition, the servers run the built packages, as a user's program does. With
 * `--conditions=@tasktree/source` they run the sources, whose text then lies in V8's heap; the README tells what that
 * does to the figures.
 *
 * PYTHON and UVLOOP_PYTHON name the interpreters; without them those rows are left out. Every server
 * runs from the beginning to the end, and a round visits each in turn, so that a slow moment of the
 * machine hits all alike: a ratio is the median of those taken within one round.
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
        // The first round warms up.
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
