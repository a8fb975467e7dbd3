import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { anonymous } from '../server/commands.ts'
import type { Credentials } from '../server/credentials.ts'
import { type Origin, TrustedProxies } from './trusted-proxies.ts'

/**
 * At most this many sessions are remembered. When there are more, the oldest session is forgotten, and its user must
 * log in again.
 */
const mostSessions = 1_000

export interface AccessOptions {
  /** The host name that the server was told to listen at. */
  hostName: string
  credentials: Credentials
  /**
   * The URL of the page for browsers, if there is a proxy before the server: `https://jobs.example.com/prefix`.
   * @defaultValue none
   */
  publicUrl?: string | undefined
  /** The addresses of proxies whose X-Forwarded headers are believed. @defaultValue the proxies of this machine */
  trustProxy?: readonly string[] | undefined
}

/**
 * Decides which requests may read the page and which may change something. A page of another origin may do neither,
 * even if its host name resolves to this address. This object outlives restarts of the dashboard, so that open pages
 * can go on.
 */
export class Access {
  /**
   * A secret that is written into the page. The page sends it with each request that changes something. Pages of other
   * origins cannot read it.
   */
  readonly token: string = randomBytes(24).toString('base64url')
  /** Distinguishes this server from a server that is started later at the same address. */
  readonly id: string = randomBytes(8).toString('base64url')
  /** The path that the public URL begins with, without a slash at its end. */
  readonly prefix: string
  readonly #credentials: Credentials
  readonly #hostName: string
  readonly #publicUrl: URL | null
  readonly #proxies: TrustedProxies
  /** The name that the user of each session has logged in with. */
  readonly #sessions = new Map<string, string>()

  /** @throws {RangeError} for a public URL that is not a URL, or a trusted proxy that is not an address */
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
   * Whether the host name of the request is a name of this server. An attacker can make a foreign name resolve to this
   * machine. Without this check, the attacker's pages would have the same origin as the pages of this server. If there
   * are secrets, such a page can do nothing, because the browser has no session for that name.
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

  /**
   * Returns the name of the user who sent the request: the name of the session, or `anonymous` if there are no secrets.
   * Returns null if the user must log in first.
   */
  nameOf(request: IncomingMessage): string | null {
    if (this.#credentials.isEmpty) return anonymous
    const names = this.#sessionsIn(request).map((session) => this.#sessions.get(session))
    return names.find((name) => name !== undefined) ?? null
  }

  /**
   * Returns the name of the program that sent the request with `Authorization: Bearer secret`, or null if the request
   * has no secret or a wrong secret. A page of another origin cannot send this header, so such a request does not need
   * the token of the page.
   */
  async bearerOf(request: IncomingMessage): Promise<string | null> {
    const secret = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (secret === undefined || this.#credentials.isEmpty) return null
    return this.#credentials.logIn(this.originOf(request).address, secret)
  }

  /** Begins a session, and returns its cookie, or null when the secret is wrong. */
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

  /** Ends the session of the request, and returns the cookie that deletes it in the browser. */
  logOut(request: IncomingMessage): string {
    for (const session of this.#sessionsIn(request)) this.#sessions.delete(session)
    return `${this.#cookie(request, '')}; Max-Age=0`
  }

  #cookie(request: IncomingMessage, value: string): string {
    const isSecure = this.#publicUrl?.protocol === 'https:' || this.originOf(request).isSecure
    return `${this.#cookieName(request)}=${value}; Path=${this.prefix}/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`
  }

  /**
   * Returns the name of the cookie with the session. It contains the port that the browser has connected to, because a
   * browser sends a cookie to all ports of a host. Otherwise a login to one server would overwrite the session of
   * another server on the same host.
   */
  #cookieName(request: IncomingMessage): string {
    const port = URL.parse(`http://${this.originOf(request).host}`)?.port ?? ''
    return port === '' ? 'jobd-session' : `jobd-session-${port}`
  }

  /**
   * Returns the values of the cookie. There are several if a proxy has two servers at paths of one host, and one path
   * begins with the other. At most one of them is a session of this server.
   */
  #sessionsIn(request: IncomingMessage): string[] {
    const name = this.#cookieName(request)
    const pairs = (request.headers.cookie ?? '').split(/; */).map((pair) => pair.split('='))
    return pairs.filter(([key]) => key === name).map(([, value = '']) => value)
  }
}

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

/** Hashes a text, because `timingSafeEqual` compares only values of the same length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
