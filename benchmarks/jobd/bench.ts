// Measures jobd. The README in this folder says what each figure means. Run: node benchmarks/jobd/bench.ts
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../packages/jobd/dist/main.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'jobd-bench-'))
let files = 0

interface Running {
  child: ChildProcess
  port: number
}

async function startJobd(): Promise<Running> {
  const file = join(folder, `${++files}.sqlite`)
  const words = ['serve', '--db', file, '--port', '0', '--http', '0', '--workers', '4']
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /listens on .*:(\d+)$/.exec(line)?.[1]
    if (port !== undefined) return { child, port: Number(port) }
  }
  throw new Error('jobd has not started')
}

async function startRedis(): Promise<Running> {
  const port = 17_379
  const options = ['--port', String(port), '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: child.stdout }))
    if (line.includes('Ready to accept connections')) return { child, port }
  throw new Error('redis-server has not started')
}

async function stop({ child }: Running): Promise<void> {
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  await exited
}

/** Runs redis-benchmark three times, and returns the median of the requests per second. */
function benchmark(port: number, options: string[], command: string[]): number {
  const runs = [1, 2, 3].map(() => {
    const args = ['-p', String(port), '-c', '50', '--csv', ...options, ...command]
    const lines = execFileSync('redis-benchmark', args, { encoding: 'utf8' }).trim().split('\n')
    return Number(lines.at(-1)?.split('","')[1])
  })
  return runs.toSorted((a, b) => a - b)[1] as number
}

/** A client that sends one command at a time over a plain socket. It does so little that the measured time is the server's. */
class Line {
  readonly #socket: Socket
  #received = ''
  #waiting: ((reply: string) => void) | null = null
  #isWhole: (reply: string) => boolean = () => true

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => {
      this.#received += String(chunk)
      if (!this.#received.endsWith('\r\n') || !this.#isWhole(this.#received)) return
      const reply = this.#received
      this.#received = ''
      this.#waiting?.(reply)
    })
  }

  static async open(port: number): Promise<Line> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Line(socket)
  }

  say(line: string, isWhole: (reply: string) => boolean = () => true): Promise<string> {
    this.#isWhole = isWhole
    this.#socket.write(`${line}\r\n`)
    return new Promise((resolve) => {
      this.#waiting = resolve
    })
  }

  close(): void {
    this.#socket.destroy()
  }
}

function residentMegabytes({ child }: Running): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024
}

async function compareWithRedis(): Promise<void> {
  const redis = await startRedis()
  const jobd = await startJobd()
  for (const pipeline of ['1', '16']) {
    const options = [
      '-P',
      pipeline,
      '-n',
      pipeline === '1' ? '100000' : '500000',
      '-t',
      'ping_mbulk',
    ]
    const theirs = benchmark(redis.port, options, [])
    const ours = benchmark(jobd.port, options, [])
    console.log(
      `PING -c 50 -P ${pipeline}: jobd ${Math.round(ours)}/s, redis-server ${Math.round(theirs)}/s, ${(ours / theirs).toFixed(2)}`,
    )
  }
  await stop(redis)
  await stop(jobd)
}

async function addDurably(): Promise<void> {
  const jobd = await startJobd()
  const command = ['JOB.ADD', 'sleep', '0', 'DELAY', '3600000']
  const rate = benchmark(jobd.port, ['-n', '20000'], command)
  console.log(`durable JOB.ADD, 50 clients: ${Math.round(rate)}/s`)
  await stop(jobd)
}

async function timeOneJob(): Promise<void> {
  const jobd = await startJobd()
  const line = await Line.open(jobd.port)
  const times: number[] = []
  for (let i = 1; i <= 500; i++) {
    const begun = performance.now()
    await line.say('JOB.ADD sleep 0')
    await line.say(`JOB.WAIT ${i}`, (reply) => reply.includes('notBefore'))
    if (i > 100) times.push(performance.now() - begun)
  }
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(share * times.length)] ?? 0).toFixed(2)
  console.log(`sleep 0, from ADD to done: median ${at(0.5)} ms, p95 ${at(0.95)} ms`)
  line.close()
  await stop(jobd)
}

async function weighQueued(): Promise<void> {
  const jobd = await startJobd()
  const before = residentMegabytes(jobd)
  const args = ['-p', String(jobd.port), '-c', '50', '-P', '50', '-n', '100000', '-q']
  execFileSync('redis-benchmark', [...args, 'JOB.ADD', 'sleep', '0', 'DELAY', '3600000'])
  const line = await Line.open(jobd.port)
  const queued = /queued\r\n:(\d+)/.exec(await line.say('JOB.STATS'))?.[1]
  const busy = await line.say('JOB.ADD sleep 0')
  console.log(
    `${queued} queued jobs: ${residentMegabytes(jobd).toFixed(0)} MB resident, ${before.toFixed(0)} MB before; one more: ${busy.trim()}`,
  )
  line.close()
  await stop(jobd)
}

try {
  await compareWithRedis()
  await addDurably()
  await timeOneJob()
  await weighQueued()
} finally {
  rmSync(folder, { recursive: true, force: true })
}
