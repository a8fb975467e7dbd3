import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import { sleep } from '@tasktree/core'
import { CapacityLimiter } from '@tasktree/sync'

/** So long a wrong password is thought about, in milliseconds, one after the other: guessing takes ages. */
const wrongPasswordDelay = 500

/** So many wait to have theirs checked; further ones are wrong at once. */
const mostGuesses = 10

/** Of who entered the password; the oldest must enter it again. */
const mostSessions = 1_000

/**
 * Who may see the page, and who may change something: a page of another origin may do neither, whatever
 * names it has resolved to this address. It outlives the server's restarts, so that open pages go on.
 */
export class Access {
  /** In the page, and with each changing request: other origins cannot read it. */
  readonly token: string = randomBytes(24).toString('base64url')
  /** Tells this server from one that is started after it. */
  readonly id: string = randomBytes(8).toString('base64url')
  readonly #password: Buffer | null
  readonly #hostName: string
  readonly #sessions = new Set<string>()
  readonly #guesses = new CapacityLimiter(1)

  /** `hostName` is what the server was told to listen at; `password` null when it has none. */
  constructor(hostName: string, password: string | null) {
    this.#hostName = hostName.toLowerCase()
    this.#password = password === null ? null : digest(password)
  }

  /**
   * Whether the address bar shows an address, not a name: a foreign name can be made to resolve to this
   * machine, and its pages would be of this origin then.
   */
  isOwnHost({ host }: IncomingHttpHeaders): boolean {
    const url = URL.parse(`http://${host ?? ''}`)
    if (host === undefined || url === null || url.host === '') return false
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return isIP(name) !== 0 || name === 'localhost' || name === this.#hostName
  }

  /** Whether a page of this server's sent it. */
  isSameOrigin({ host, origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
    if (site !== undefined && site !== 'same-origin') return false
    return origin !== undefined && URL.parse(origin)?.host === host?.toLowerCase()
  }

  hasToken(headers: IncomingHttpHeaders): boolean {
    const token = headers['x-jobd-token']
    return typeof token === 'string' && timingSafeEqual(digest(token), digest(this.token))
  }

  isKnown(headers: IncomingHttpHeaders): boolean {
    return this.#password === null || this.#sessions.has(sessionIn(headers))
  }

  get hasPassword(): boolean {
    return this.#password !== null
  }

  /** The cookie of a new session, or null when the password is wrong, or too many are being tried. */
  async logIn(password: string): Promise<string | null> {
    if (this.#password === null) return null
    if (this.#guesses.statistics().waiters >= mostGuesses) return null
    using _ = await this.#guesses.acquire()
    if (!timingSafeEqual(digest(password), this.#password)) {
      await sleep(wrongPasswordDelay)
      return null
    }
    const session = randomBytes(24).toString('base64url')
    const [oldest] = this.#sessions
    if (this.#sessions.size >= mostSessions && oldest !== undefined) this.#sessions.delete(oldest)
    this.#sessions.add(session)
    return `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict`
  }

  /** Ends the session of the request, and gives the cookie that forgets it. */
  logOut(headers: IncomingHttpHeaders): string {
    this.#sessions.delete(sessionIn(headers))
    return `${cookieName}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0`
  }
}

const cookieName = 'jobd-session'

function sessionIn({ cookie = '' }: IncomingHttpHeaders): string {
  const pairs = cookie.split(/; */).map((pair) => pair.split('='))
  return pairs.findLast(([name]) => name === cookieName)?.[1] ?? ''
}

/** Of one length, whatever the text's: what `timingSafeEqual` needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
