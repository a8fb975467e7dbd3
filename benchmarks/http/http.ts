// Servers under wrk: hello, a JSON echo, a stream. Run: node http/http.ts [hello|json|stream] [rounds] [seconds]
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { median, table } from '../measure.ts'

const names = ['node:http', 'hono', 'hono-platform', 'fastify', 'tasktree', 'tasktree-platform']
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

/** Requests a second. */
function measure({ name, port }: Server, path: string): number {
  const args = ['-t1', `-c${connections}`, `-d${seconds}`]
  if (path === 'json') args.push('-s', script)
  const text = execFileSync('wrk', [...args, `http://127.0.0.1:${port}/${path}`], {
    encoding: 'utf8',
  })
  if (/Non-2xx|Socket errors/.test(text)) throw new Error(`${name}: ${text}`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1])
}

const servers = await Promise.all(names.map(start))
try {
  for (const path of kind === undefined ? kinds : [kind]) {
    const samples = new Map<string, number[]>(names.map((name) => [name, []]))
    // The first round warms up. In each round every server once, so that what slows the machine slows all.
    for (let round = 0; round <= Number(rounds); round++) {
      for (const server of servers) {
        const sample = measure(server, path)
        if (round > 0) samples.get(server.name)?.push(sample)
      }
    }
    const of = (name: string): number[] => samples.get(name) as number[]
    const ratio = (name: string, base: string): number =>
      median(of(name).map((value, i) => value / (of(base)[i] as number)))
    const rows = names.map((name) => [
      name,
      median(of(name)),
      ratio(name, 'node:http'),
      ratio(name, 'hono'),
      ratio(name, 'hono-platform'),
    ])
    console.log(
      table([path, 'requests/s', 'to node:http', 'to hono', 'to hono-platform'], rows),
      '\n',
    )
  }
} finally {
  for (const { child } of servers) child.kill()
}
