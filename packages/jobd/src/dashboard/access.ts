import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { anonymous } from '../server/commands.ts'
import type { Credentials } from '../server/credentials.ts'
import { type Origin, TrustedProxies } from './trusted-proxies.ts'

/** At most this many sessions are remembered; the owner of the oldest must log in again. */
const mostSessions = 1_000

export interface AccessOptions {
  /** The host name that the server was told to listen at. */
  hostName: string
  credentials: Credentials
  /** Where browsers find the page when a proxy is in front: `https://jobs.example.com/prefix`. @defaultValue none */
  publicUrl?: string | undefined
  /** The addresses of proxies whose X-Forwarded headers are believed. @defaultValue the proxies of this machine */
  trustProxy?: readonly string[] | undefined
}

/**
 * Who may see the page, and who may change something: a page of another origin may do neither, whatever
 * names it has resolved to this address. It outlives the server's restarts, so that open pages go on.
 */
export class Access {
  /** A secret that stands in the page and comes with each request that changes something. Pages of other origins cannot read it. */
  readonly token: string = randomBytes(24).toString('base64url')
  /** Tells this server from one that is started after it. */
  readonly id: string = randomBytes(8).toString('base64url')
  /** The path that the public URL begins with, without a slash at its end. */
  readonly prefix: string
  readonly #credentials: Credentials
  readonly #hostName: string
  readonly #publicUrl: URL | null
  readonly #proxies: TrustedProxies
  /** The name that the user of each session has logged in with. */
  readonly #sessions = new Map<string, string>()

  /** @throws {RangeError} for a public URL or a trusted proxy that is not one */
  constructor({ hostName, credentials, publicUrl, trustProxy = ['loopback'] }: AccessOptions) {
    this.#hostName = hostName.toLowerCase()
    this.#credentials = credentials
    this.#publicUrl = publicUrl === undefined ? null : parsePublicUrl(publicUrl)
    this.prefix = (this.#publicUrl?.pathname ?? '').replace(/\/+$/, '')
    this.#proxies = new TrustedProxies(trustProxy)
  }

  originOf(request: IncomingMessage): Origin {
    return this.#proxies.originOf(request)
  }

  /**
   * Whether the request was made for this server. A foreign name can be made to resolve to this machine, and its pages
   * would then be of this origin. With secrets that is no danger, because the browser has no session for that name.
   */
  isOwnHost({ host }: IncomingHttpHeaders): boolean {
    const url = URL.parse(`http://${host ?? ''}`)
    if (host === undefined || url === null || url.host === '') return false
    if (!this.#credentials.isEmpty || url.host === this.#publicUrl?.host) return true
    const name = url.hostname.replace(/^\[(.*)\]$/, '$1')
    return isIP(name) !== 0 || name === 'localhost' || name === this.#hostName
  }

  /** Whether a page of this server has sent the request. */
  isSameOrigin(request: IncomingMessage): boolean {
    const { origin, host, 'sec-fetch-site': site } = request.headers
    if (site !== undefined && site !== 'same-origin') return false
    const sender = origin === undefined ? null : URL.parse(origin)
    if (sender === null) return false
    if (this.#publicUrl !== null && sender.origin === this.#publicUrl.origin) return true
    const forwarded = this.originOf(request).host
    return [host, forwarded].some((name) => sender.host === name?.toLowerCase())
  }

  hasToken(headers: IncomingHttpHeaders): boolean {
    const token = headers['x-jobd-token']
    return typeof token === 'string' && timingSafeEqual(digest(token), digest(this.token))
  }

  get hasPassword(): boolean {
    return !this.#credentials.isEmpty
  }

  /** Who sent the request: the name of a session, or of everyone where no secret is asked for; null: not known yet. */
  nameOf(headers: IncomingHttpHeaders): string | null {
    if (this.#credentials.isEmpty) return anonymous
    return this.#sessions.get(sessionIn(headers)) ?? null
  }

  /**
   * Who sent a request that carries a secret itself, as programs do: `Authorization: Bearer secret`. No page of another
   * origin can send that, so such a request needs no token of the page. Null: it carries no secret, or a wrong one.
   */
  async bearerOf(request: IncomingMessage): Promise<string | null> {
    const secret = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (secret === undefined || this.#credentials.isEmpty) return null
    return this.#credentials.logIn(this.originOf(request).address, secret)
  }

  /** The cookie of a new session, or null when the secret is wrong. */
  async logIn(request: IncomingMessage, secret: string): Promise<string | null> {
    const { address } = this.originOf(request)
    const name = await this.#credentials.logIn(address, secret)
    if (name === null) return null
    const session = randomBytes(24).toString('base64url')
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size >= mostSessions && oldest !== undefined) this.#sessions.delete(oldest)
    this.#sessions.set(session, name)
    return this.#cookie(request, session)
  }

  /** Ends the session of the request, and gives the cookie that forgets it. */
  logOut(request: IncomingMessage): string {
    this.#sessions.delete(sessionIn(request.headers))
    return `${this.#cookie(request, '')}; Max-Age=0`
  }

  #cookie(request: IncomingMessage, value: string): string {
    const isSecure = this.#publicUrl?.protocol === 'https:' || this.originOf(request).isSecure
    return `${cookieName}=${value}; Path=${this.prefix}/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  }
}

const cookieName = 'jobd-session'

function parsePublicUrl(text: string): URL {
  const url = URL.parse(text)
  const isGood =
    url !== null && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === ''
  if (!isGood)
    throw new RangeError(
      `the public URL must be like https://jobs.example.com/prefix, got '${text}'`,
    )
  return url
}

function sessionIn({ cookie = '' }: IncomingHttpHeaders): string {
  const pairs = cookie.split(/; */).map((pair) => pair.split('='))
  return pairs.findLast(([name]) => name === cookieName)?.[1] ?? ''
}

/** Hashes a text, because `timingSafeEqual` compares only values of the same length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
