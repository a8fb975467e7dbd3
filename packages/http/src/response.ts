import type { OutgoingHttpHeaders } from 'node:http'

type Body = ConstructorParameters<typeof globalThis.Response>[0]
type Init = ConstructorParameters<typeof globalThis.Response>[1]

const NativeResponse = globalThis.Response
const token = /^[\w!#$%&'*+.^`|~-]+$/
const plainValue = /^[\t\u0020-\u007E]*$/

/** The parts of a response that can be sent without a stream. */
export interface PlainResponse {
  readonly status: number
  readonly statusText: string
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Uint8Array | null
}

/**
 * The platform's `Response` makes a stream for each text, which takes longer than the rest of a small exchange. This class
 * makes no stream. A `Response` of the platform works everywhere in this package too.
 *
 * A text, bytes or an empty body with headers in a plain object is kept as it was given. For any other argument, and when
 * code uses a property that needs it, this class makes a `Response` of the platform.
 */
class LightResponse {
  /** Users see this name, not the name of the class. */
  static readonly name: string = 'Response'

  readonly #body: Body
  readonly #init: Init
  readonly #plain: PlainResponse | null
  #native: globalThis.Response | null = null

  constructor(body?: Body, init?: Init) {
    this.#body = body ?? null
    this.#init = init
    this.#plain = toPlain(this.#body, init)
    if (this.#plain === null) this.#native = new NativeResponse(body, init)
  }

  static json(data: unknown, init?: Init): LightResponse {
    const text = JSON.stringify(data)
    if (text === undefined) throw new TypeError('Response.json() takes a value that JSON can hold')
    const headers = init?.headers
    if (headers === undefined) {
      return new LightResponse(text, { ...init, headers: { 'content-type': 'application/json' } })
    }
    const all = new Headers(headers)
    if (!all.has('content-type')) all.set('content-type', 'application/json')
    return new LightResponse(text, { ...init, headers: all })
  }

  static redirect(...args: Parameters<typeof NativeResponse.redirect>): globalThis.Response {
    return NativeResponse.redirect(...args)
  }

  static error(): globalThis.Response {
    return NativeResponse.error()
  }

  static plainOf(response: unknown): PlainResponse | null {
    if (typeof response !== 'object' || response === null) return null
    return #plain in response && response.#native === null ? response.#plain : null
  }

  /** @internal */
  get native(): globalThis.Response {
    this.#native ??= new NativeResponse(this.#body, this.#init)
    return this.#native
  }

  get status(): number {
    return this.#plain?.status ?? this.native.status
  }

  get ok(): boolean {
    return this.status >= 200 && this.status <= 299
  }

  clone(): globalThis.Response {
    return this.native.clone()
  }
}

Object.setPrototypeOf(LightResponse.prototype, NativeResponse.prototype)

for (const name of ['body', 'bodyUsed', 'headers', 'redirected', 'statusText', 'type', 'url']) {
  Object.defineProperty(LightResponse.prototype, name, {
    configurable: true,
    enumerable: true,
    get(this: LightResponse) {
      return this.native[name as keyof globalThis.Response]
    },
  })
}

for (const name of ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const) {
  Object.defineProperty(LightResponse.prototype, name, {
    configurable: true,
    writable: true,
    value(this: LightResponse) {
      return this.native[name]()
    },
  })
}

/**
 * A class that works like the platform's `Response`. `serve` sends it faster, because a body of text or bytes needs no
 * stream.
 *
 * @example
 *     // The `Response` of this package: `serve` sends its text without making a stream of it.
 *     await using server = await serve(() => new Response('hello', { status: 201 }))
 *     console.log((await fetch(server.url)).status) // 201
 */
export const Response: typeof globalThis.Response =
  LightResponse as unknown as typeof globalThis.Response

/**
 * Returns the parts of a LightResponse. Returns null for any other value, and for a LightResponse that has made a
 * `Response` of the platform.
 */
export function plainOf(response: unknown): PlainResponse | null {
  return LightResponse.plainOf(response)
}

/** Returns null for arguments that the platform's constructor must handle, such as invalid ones. */
function toPlain(body: Body, init: Init): PlainResponse | null {
  if (body !== null && typeof body !== 'string' && !(body instanceof Uint8Array)) return null
  // The object has no prototype, so that the header `__proto__` is a property like the others.
  const headers = Object.create(null) as OutgoingHttpHeaders
  if (typeof body === 'string') headers['content-type'] = 'text/plain;charset=UTF-8'
  if (init === undefined || init === null) return { status: 200, statusText: '', headers, body }
  const { status = 200, statusText = '' } = init
  if (!Number.isInteger(status) || status < 200 || status > 599) return null
  if (body !== null && hasNoBody(status)) return null
  if (typeof statusText !== 'string' || !plainValue.test(statusText)) return null
  return copyHeaders(init.headers, headers) ? { status, statusText, headers, body } : null
}

function copyHeaders(from: Exclude<Init, undefined>['headers'], to: OutgoingHttpHeaders): boolean {
  if (from === undefined) return true
  const prototype: unknown = Object.getPrototypeOf(from)
  if (prototype !== Object.prototype && prototype !== null) return false
  for (const [name, value] of Object.entries(from)) {
    if (typeof value !== 'string' || !token.test(name) || !plainValue.test(value)) return false
    to[name.toLowerCase()] = value.trim()
  }
  return true
}

export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}
