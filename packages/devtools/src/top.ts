import { race, sleep, type TaskSnapshot } from '@tasktree/core'
import { durationText } from '@tasktree/core/lowlevel'
import { createLogUpdate } from 'log-update'
import pc from 'picocolors'
import { emitKeypressEvents } from 'node:readline'
import type { Attached } from './attach.ts'
import { look, type ThreadSnapshot } from './thread-snapshots.ts'
import { visible, waitText } from './print.ts'

const probe = `globalThis[Symbol.for('tasktree.delay')]`
/**
 * The code that starts to measure the delay of the event loop in the process. It does its work in `setImmediate`, and so never
 * in the middle of a function of the program: the inspector may evaluate the code while a function is running. The timer of
 * `monitorEventLoopDelay` does not keep the process alive.
 */
const install = `setImmediate(() => {
  const { monitorEventLoopDelay } = process.getBuiltinModule('node:perf_hooks')
  ${probe} = monitorEventLoopDelay({ resolution: 10 })
  ${probe}.enable()
})`
const read = `(() => { const d = ${probe}; if (d === undefined) return null; const max = d.max / 1e6; d.reset(); return max })()`
const remove = `setImmediate(() => { ${probe}?.disable(); delete ${probe} })`

const orders = ['id', 'age', 'name', 'state'] as const
type Order = (typeof orders)[number]

interface Rate {
  readonly time: number
  readonly turns: number
}

/**
 * The live view of the tasks, which the command `tasktree top` shows. The key q ends the view. When the process ends, `run()`
 * throws a Failure.
 */
export class Top {
  readonly #attached: Attached
  readonly #interval: number
  readonly #screen = createLogUpdate(process.stdout, { showCursor: false })
  #order: Order = 'id'
  #filter = ''
  #isTyping = false
  #isPaused = false
  #isOver = false
  #threads: ThreadSnapshot[] = []
  #delay: number | null = null
  #before: Rate | null = null
  #turnsPerSecond = 0
  #stop: () => void = () => {}

  constructor(attached: Attached, interval: number) {
    this.#attached = attached
    this.#interval = interval
  }

  async run(): Promise<void> {
    const { stdin, stdout } = process
    const { main } = this.#attached
    await main.evaluate(install)
    const ended = new Promise<void>((resolve) => {
      this.#stop = () => {
        this.#isOver = true
        resolve()
      }
    })
    emitKeypressEvents(stdin)
    const onKey = (text: string | undefined, key: { name?: string; ctrl?: boolean }): void =>
      this.#key(text ?? '', key)
    const onResize = (): void => {
      this.#screen.clear()
      this.#draw()
    }
    if (stdin.isTTY) stdin.setRawMode(true)
    stdin.on('keypress', onKey).resume()
    stdout.on('resize', onResize)
    stdout.write('\x1b[?1049h\x1b[H')
    try {
      while (!this.#isOver) {
        if (!this.#isPaused) await this.#sample()
        this.#draw()
        await race([ended, sleep(this.#interval)])
      }
    } finally {
      stdin.off('keypress', onKey).pause()
      stdout.off('resize', onResize)
      if (stdin.isTTY) stdin.setRawMode(false)
      this.#screen.done()
      stdout.write('\x1b[?1049l')
      if (!main.isClosed) await main.evaluate(remove)
    }
  }

  #key(text: string, key: { name?: string; ctrl?: boolean }): void {
    if (key.ctrl === true && key.name === 'c') this.#stop()
    else if (this.#isTyping) {
      if (key.name === 'return' || key.name === 'escape') this.#isTyping = false
      else if (key.name === 'backspace') this.#filter = this.#filter.slice(0, -1)
      else if (text >= ' ') this.#filter += text
    } else if (text === 'q') this.#stop()
    else if (text === 's') {
      this.#order = orders[(orders.indexOf(this.#order) + 1) % orders.length] as Order
    } else if (text === 'p') this.#isPaused = !this.#isPaused
    else if (text === 'f') {
      this.#isTyping = true
      this.#filter = ''
    }
    this.#draw()
  }

  async #sample(): Promise<void> {
    this.#threads = await look(this.#attached)
    this.#delay = (await this.#attached.main.evaluate(read)) as number | null
    const time = performance.now()
    const turns = this.#threads
      .flatMap(({ loops }) => loops)
      .reduce((sum, each) => sum + each.turns, 0)
    if (this.#before !== null) {
      const passed = time - this.#before.time
      this.#turnsPerSecond = Math.max(
        0,
        Math.round(((turns - this.#before.turns) / passed) * 1_000),
      )
    }
    this.#before = { time, turns }
  }

  #draw(): void {
    // If the output is not a terminal, `rows` and `columns` are undefined.
    const { rows, columns }: { rows?: number; columns?: number } = process.stdout
    const lines = [...this.#head(), ...this.#tasks()].slice(0, (rows ?? 24) - 2)
    this.#screen(
      [...lines, pc.dim(this.#foot())].map((line) => cut(line, (columns ?? 80) - 1)).join('\n'),
    )
  }

  #head(): string[] {
    const tasks = this.#all()
    const counts = new Map<string, number>()
    for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1)
    const states = [...counts].map(([state, count]) => `${count} ${state}`).join(', ')
    const lines = [
      `${pc.bold(`process ${this.#attached.pid}`)}  loop delay ${this.#delay === null ? 'busy' : durationText(this.#delay)}  turns/s ${this.#turnsPerSecond}`,
      `tasks ${tasks.length}: ${states}`,
    ]
    for (const thread of this.#threads) {
      for (const pool of listOf(thread['pools'])) {
        lines.push(
          `pool ${text(pool['name'])}: ${text(pool['workers'])} workers, ${text(pool['running'])} running, ${text(pool['queued'])} queued`,
        )
      }
      for (const system of listOf(thread['actors'])) {
        const { actors, mailbox, restarts } = countActors(system['root'])
        lines.push(
          `actors ${text(system['name'])}: ${actors} actors, ${mailbox} in mailboxes, ${restarts} restarts`,
        )
      }
    }
    return lines
  }

  #all(): TaskSnapshot[] {
    return this.#threads.flatMap(({ loops }) => loops.flatMap(({ tasks }) => tasks))
  }

  #tasks(): string[] {
    const order = this.#order
    const shown = this.#all().filter(
      (task) => task.name.includes(this.#filter) || waitText(task).includes(this.#filter),
    )
    shown.sort((a, b) =>
      order === 'id' || order === 'age'
        ? order === 'age'
          ? b.age - a.age
          : a.id - b.id
        : a[order].localeCompare(b[order]),
    )
    const line = (id: string, state: string, age: string, name: string, wait: string): string =>
      `${id.padStart(6)}  ${state.padEnd(8)}  ${age.padEnd(10)}  ${name.padEnd(20)}  ${wait}`
    return [
      pc.inverse(line('ID', 'STATE', 'AGE', 'NAME', 'WAITS FOR')),
      ...shown.map((task) =>
        line(
          String(task.id),
          task.state,
          durationText(task.age),
          visible(task.name),
          waitText(task),
        ),
      ),
    ]
  }

  #foot(): string {
    if (this.#isTyping) return `filter: ${this.#filter}_ (enter: done)`
    const filter = this.#filter === '' ? '' : `  [${this.#filter}]`
    return `q quit  s sort by ${this.#order}  f filter${filter}  p ${this.#isPaused ? 'go on (paused)' : 'pause'}`
  }
}

type Fields = Record<string, unknown>

function listOf(part: unknown): Fields[] {
  return Array.isArray(part) ? (part as Fields[]) : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? visible(value) : JSON.stringify(value ?? 0)
}

function countActors(root: unknown): { actors: number; mailbox: number; restarts: number } {
  const sum = { actors: 0, mailbox: 0, restarts: 0 }
  const pending = [root as Fields]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (node['kind'] === 'actor') sum.actors++
    sum.mailbox += ((node['mailbox'] as Fields | undefined)?.['size'] as number | undefined) ?? 0
    sum.restarts += (node['restarts'] as number | undefined) ?? 0
    for (const each of listOf(node['children'])) pending.push(each)
  }
  return sum
}

/** Returns the first `width` characters of a line. The codes for colours are not counted. */
function cut(line: string, width: number): string {
  let shown = 0
  let result = ''
  // oxlint-disable-next-line eslint/no-control-regex -- the codes for colours begin with this character
  for (const part of line.split(/(\x1b\[[\d;]*m)/)) {
    if (part.startsWith('\x1b')) result += part
    else {
      result += part.slice(0, Math.max(0, width - shown))
      shown += part.length
    }
  }
  return result
}
