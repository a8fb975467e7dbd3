import { execFileSync } from 'node:child_process'

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: path } })
}

const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

/** A host of its own: a network namespace that is linked to this one. */
export class Host implements Disposable {
  readonly #name: string
  /** This end's address, where a server may listen. */
  readonly here: string
  readonly there: string

  /** `number` makes its names and addresses; from 0 to 250. @throws where namespaces are not permitted */
  constructor(number: number) {
    const id = `${process.pid % 10_000}n${number}`
    this.#name = `tt${id}`
    this.here = `10.231.${number}.1`
    this.there = `10.231.${number}.2`
    ip('netns', 'add', this.#name)
    try {
      ip('link', 'add', `a${id}`, 'type', 'veth', 'peer', 'name', `b${id}`, 'netns', this.#name)
      ip('addr', 'add', `${this.here}/24`, 'dev', `a${id}`)
      ip('link', 'set', `a${id}`, 'up')
      this.#inside('addr', 'add', `${this.there}/24`, 'dev', `b${id}`)
      this.#inside('link', 'set', `b${id}`, 'up')
      this.#inside('link', 'set', 'lo', 'up')
    } catch (error) {
      this[Symbol.dispose]()
      throw error
    }
  }

  #inside(...args: string[]): void {
    ip('-n', this.#name, ...args)
  }

  /** What starts a program on this host. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  /** Loses everything that goes one way, without telling either end. */
  cut(direction: 'to the host' | 'from the host'): void {
    if (direction === 'to the host') ip('route', 'add', 'blackhole', `${this.there}/32`)
    else this.#inside('route', 'add', 'blackhole', `${this.here}/32`)
  }

  restore(direction: 'to the host' | 'from the host'): void {
    if (direction === 'to the host') ip('route', 'del', 'blackhole', `${this.there}/32`)
    else this.#inside('route', 'del', 'blackhole', `${this.here}/32`)
  }

  [Symbol.dispose](): void {
    try {
      ip('route', 'del', 'blackhole', `${this.there}/32`)
    } catch {
      // It was not cut.
    }
    ip('netns', 'del', this.#name)
  }
}

/** Why tests with hosts of their own are skipped; false when they are not. */
export function findObstacle(): string | false {
  if (process.platform !== 'linux') return 'network namespaces are a feature of Linux'
  try {
    new Host(250)[Symbol.dispose]()
    return false
  } catch {
    return 'network namespaces are not permitted here (they need root)'
  }
}
