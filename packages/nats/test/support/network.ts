import { execFileSync } from 'node:child_process'

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH: path } })
}

const path = `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`

let hosts = 0

/** Acts as another host: a network namespace that is linked to the namespace of this process. */
export class Host implements Disposable {
  readonly #name: string
  readonly #link: string
  /** The address of this end of the link, at which a server of this process can listen. */
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

  /** The beginning of a command line that starts a program on this host. */
  get command(): readonly string[] {
    return ['ip', 'netns', 'exec', this.#name]
  }

  /** Drops all packets in one direction. Neither end is told. */
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
      // The route does not exist if the link was not cut in this direction.
    }
    try {
      // Deletes both ends of the link at once. The kernel would delete the end inside the namespace only some time later.
      ip('link', 'del', this.#link)
    } catch {
      // The link was not made.
    }
    ip('netns', 'del', this.#name)
  }
}

/** Returns the reason to skip the tests that need `Host`, or false if they can run. */
export function findObstacle(): string | false {
  if (process.platform !== 'linux') return 'network namespaces are a feature of Linux'
  try {
    new Host()[Symbol.dispose]()
    return false
  } catch {
    return 'network namespaces are not permitted here (they need root)'
  }
}
