import { execFileSync } from 'node:child_process'

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: path } })
}

const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

let hosts = 0

/** A host of its own: a network namespace that is linked to this one. */
export class Host implements Disposable {
  readonly #name: string
  readonly #link: string
  /** This end's address, where a server may listen. */
  readonly here: string
  readonly there: string

  /** @throws where namespaces are not permitted */
  constructor() {
    // Each host has names and a network (of four addresses) that no other test uses at the same time. 198.18.0.0/15 is
    // set aside for tests of networks (RFC 2544).
    const index = (process.pid * 8 + hosts++) % 32_768
    const network = index * 4
    const prefix = `198.${18 + (network >> 16)}.${(network >> 8) & 255}`
    this.#name = `tasktree${index}`
    this.#link = `tt${index}`
    this.here = `${prefix}.${(network & 255) + 1}`
    this.there = `${prefix}.${(network & 255) + 2}`
    ip('netns', 'add', this.#name)
    try {
      const peer = ['peer', 'name', `${this.#link}p`, 'netns', this.#name]
      ip('link', 'add', this.#link, 'type', 'veth', ...peer)
      ip('addr', 'add', `${this.here}/30`, 'dev', this.#link)
      ip('link', 'set', this.#link, 'up')
      this.#inside('addr', 'add', `${this.there}/30`, 'dev', `${this.#link}p`)
      this.#inside('link', 'set', `${this.#link}p`, 'up')
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
    try {
      // Deletes both ends at once. The kernel deletes what is in a namespace some time after the namespace.
      ip('link', 'del', this.#link)
    } catch {
      // The link was not made.
    }
    ip('netns', 'del', this.#name)
  }
}

/** Why tests with hosts of their own are skipped; false when they are not. */
export function findObstacle(): string | false {
  if (process.platform !== 'linux') return 'network namespaces are a feature of Linux'
  try {
    new Host()[Symbol.dispose]()
    return false
  } catch {
    return 'network namespaces are not permitted here (they need root)'
  }
}
