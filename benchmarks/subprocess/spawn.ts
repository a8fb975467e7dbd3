// Measures how long it takes to start a child and to collect its output, and how fast bytes go through `cat`. Each round measures
// every library once. Run: node subprocess/spawn.ts
import { spawn } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { $, run } from '@tasktree/subprocess'
import { execa } from 'execa'
import nanoSpawn from 'nano-spawn'
import { x } from 'tinyexec'
import { $ as zx } from 'zx'
import { median, table } from '../measure.ts'

const rounds = Number(process.env['ROUNDS'] ?? 9)
const spawns = Number(process.env['SPAWNS'] ?? 60)
const mebibytes = Number(process.env['MEBIBYTES'] ?? 256)

function raw(program: string, args: string[], input?: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args)
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr.on('data', () => {})
    child.on('error', reject)
    child.on('close', () => resolve(Buffer.concat(chunks)))
    child.stdin.end(input)
  })
}

zx.quiet = true

const collect: Record<string, () => Promise<string>> = {
  'raw spawn': async () => String(await raw('echo', ['hello'])),
  'run of ours': async () => (await run('echo', ['hello'], { encoding: 'utf8' })).stdout,
  '$ of ours': async () => $`echo hello`.text(),
  tinyexec: async () => (await x('echo', ['hello'])).stdout,
  'nano-spawn': async () => `${(await nanoSpawn('echo', ['hello'])).stdout}\n`,
  execa: async () => `${(await execa('echo', ['hello'])).stdout}\n`,
  zx: async () => (await zx`echo hello`).stdout,
}

// The large input is allocated only after the first measurement, because a fork takes longer in a larger process.
let input = Buffer.alloc(0)

const through: Record<string, () => Promise<number>> = {
  'raw spawn': async () => (await raw('cat', [], input)).length,
  'run of ours': async () => (await run('cat', [], { input })).stdout.length,
  execa: async () =>
    (await execa('cat', { input, encoding: 'buffer', maxBuffer: Infinity })).stdout.length,
}

async function measure<T>(
  work: Record<string, () => Promise<T>>,
  repeat: number,
  check: (result: T) => boolean,
): Promise<Map<string, number[]>> {
  const samples = new Map<string, number[]>()
  for (let round = -1; round < rounds; round++) {
    for (const [name, once] of Object.entries(work)) {
      const start = performance.now()
      for (let i = 0; i < repeat; i++) {
        if (!check(await once())) throw new Error(`${name} did not do its work`)
      }
      const each = (performance.now() - start) / repeat
      if (round >= 0) samples.set(name, [...(samples.get(name) ?? []), each])
    }
  }
  return samples
}

/** Makes a row for each library: the median, and the median of the ratios to `raw spawn` within the rounds. */
function rows(
  samples: Map<string, number[]>,
  show: (ms: number) => number,
  ratio: (ms: number, raw: number) => number,
): (string | number)[][] {
  const base = samples.get('raw spawn') as number[]
  return Array.from(samples, ([name, all]) => [
    name,
    show(median(all)),
    `${median(all.map((ms, i) => ratio(ms, base[i] ?? NaN))).toFixed(2)}x`,
  ])
}

const spawned = await measure(collect, spawns, (output) => output === 'hello\n')
console.log(
  table(
    ['spawn and collect', 'ms', 'to raw'],
    rows(
      spawned,
      (ms) => ms,
      (ms, raw) => ms / raw,
    ),
  ),
)
if (process.env['PYTHON'] !== undefined) {
  const program = new URL('spawn.py', import.meta.url).pathname
  console.log(execFileSync(process.env['PYTHON'], [program], { encoding: 'utf8' }))
}
const speed = (ms: number): number => (mebibytes * 1_000) / ms
input = Buffer.alloc(mebibytes * 1_048_576, 'x')
const sent = await measure(through, 1, (size) => size === input.length)
console.log(
  table(
    [`${mebibytes} MiB through cat`, 'MiB/s', 'to raw'],
    rows(sent, speed, (ms, raw) => raw / ms),
  ),
)
