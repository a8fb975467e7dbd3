// Compares HTTP servers under the load of wrk. They answer "hello", echo JSON, or send a stream.
// Run: node http/http.ts [hello|json|stream] [rounds] [seconds]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, table } from '../measure.ts'

const names = [
  'node:http',
  'node:http-request',
  'hono',
  'hono-platform',
  'fastify',
  'tasktree',
  'tasktree-platform',
]
const kinds = ['hello', 'json', 'stream']
const [kind, rounds = '5', seconds = '1'] = process.argv.slice(2)
const connections = 64

const script = join(tmpdir(), 'tasktree-wrk-post.lua')
writeFileSync(
  script,
  `wrk.method = 'POST'
wrk.body = '{"name":"value","list":[1,2,3],"nested":{"a":"b"}}'
wrk.headers['Content-Type'] = 'application/json'`,
)

interface Server {
  readonly name: string
  readonly port: string
  readonly child: ChildProcess
}

async function start(name: string): Promise<Server> {
  const program = join(import.meta.dirname, 'server.ts')
  const child = spawn(process.execPath, [...process.execArgv, program, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = await new Promise<string>((resolve) => {
    child.stdout.once('data', (text: Buffer) => resolve(String(text).trim()))
  })
  return { name, port, child }
}

/** Returns the processor time that a process has used, in microseconds. Linux counts it in hundredths of a second. */
function processorTime(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

interface Sample {
  /** Requests per second. */
  readonly rate: number
  /** Microseconds of the server's processor time per request. Other work on the machine disturbs this figure less than `rate`. */
  readonly cost: number
}

function measure({ name, port, child }: Server, path: string): Sample {
  const args = ['-t1', `-c${connections}`, `-d${seconds}`]
  if (path === 'json') args.push('-s', script)
  const before = processorTime(child.pid as number)
  const text = execFileSync('wrk', [...args, `http://127.0.0.1:${port}/${path}`], {
    encoding: 'utf8',
  })
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`${name}: ${text}`)
  const requests = Number(/(\d+) requests in/.exec(text)?.[1])
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
    cost: (processorTime(child.pid as number) - before) / requests,
  }
}

const servers = await Promise.all(names.map(start))
try {
  for (const path of kind === undefined ? kinds : [kind]) {
    const samples = new Map<string, Sample[]>(names.map((name) => [name, []]))
    // The first round is a warm-up. Each round measures every server once, so that a slow moment of the machine slows all of them.
    for (let round = 0; round <= Number(rounds); round++) {
      for (const server of servers) {
        const sample = measure(server, path)
        if (round > 0) samples.get(server.name)?.push(sample)
      }
    }
    const of = (name: string, what: keyof Sample): number[] =>
      (samples.get(name) as Sample[]).map((sample) => sample[what])
    const ratio = (name: string, base: string, what: keyof Sample): number =>
      median(of(name, what).map((value, i) => value / (of(base, what)[i] ?? NaN)))
    const bases = ['node:http', 'node:http-request', 'hono', 'hono-platform']
    const row = (name: string, what: keyof Sample): (string | number)[] => [
      name,
      median(of(name, what)),
      ...bases.map((base) => ratio(name, base, what)),
    ]
    const head = bases.map((base) => `to ${base}`)
    for (const [what, title] of [
      ['rate', 'requests/s'],
      ['cost', 'µs of processor time'],
    ] as const) {
      const rows = names.map((name) => row(name, what))
      console.log(table([`${path}, ${title}`, '', ...head], rows), '\n')
    }
  }
} finally {
  for (const { child } of servers) child.kill()
}
