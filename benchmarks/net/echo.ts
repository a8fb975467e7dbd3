/**
 * TCP echo over 10 connections, requests a second, from a client in C that checks every byte.
 *
 *   node --conditions=@tasktree/source net/echo.ts [seconds] [rounds]
 *
 * PYTHON and UVLOOP_PYTHON name the interpreters; without them those rows are left out.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { median, table } from '../measure.ts'

const exec = promisify(execFile)
const here = import.meta.dirname
const seconds = process.argv[2] ?? '1'
const rounds = Number(process.argv[3] ?? 3)
const sizes = [1024, 10_240, 102_400]
const client = join(tmpdir(), `tasktree-echo-client-${process.pid}`)

const node = [process.execPath, '--conditions=@tasktree/source', join(here, 'server.ts')]
const servers: [string, string[]][] = [
  ['node:net', [...node, 'raw']],
  ['tasktree streams', [...node, 'streams']],
  ['tasktree protocol', [...node, 'protocol']],
]
for (const [loop, python] of [
  ['asyncio', process.env['PYTHON']],
  ['uvloop', process.env['UVLOOP_PYTHON']],
] as const) {
  if (python === undefined) continue
  for (const kind of ['streams', 'protocol']) {
    servers.push([`${loop} ${kind}`, [python, join(here, 'server.py'), loop, kind]])
  }
}

async function measure(command: string[], size: number): Promise<number> {
  const server = spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string]
    const { stdout } = await exec(client, [port, '10', String(size), seconds])
    return Number(stdout)
  } finally {
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
}

await exec('cc', ['-O2', '-o', client, join(here, 'echo-client.c')])
const samples = new Map<string, number[][]>()
// A round visits every server, so that a slow moment of the machine hits all alike.
for (let round = 0; round < rounds; round++) {
  for (const [i, size] of sizes.entries()) {
    for (const [name, command] of servers) {
      const all = samples.get(name) ?? sizes.map(() => [])
      all[i]?.push(await measure(command, size))
      samples.set(name, all)
    }
  }
}
const raw = (samples.get('node:net') ?? []).map(median)
const rows: (string | number)[][] = []
for (const [name, all] of samples) {
  const row: (string | number)[] = [name]
  for (const [i, each] of all.entries()) {
    row.push(median(each), `${(median(each) / (raw[i] ?? NaN)).toFixed(2)}x`)
  }
  rows.push(row)
}
console.log(table(['echo', ...sizes.flatMap((size) => [`${size / 1024} KiB/s`, 'to raw'])], rows))
