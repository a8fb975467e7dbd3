import { Readable } from 'node:stream'
import { IncomingBody, type RequestOwner } from './incoming-body.ts'

const decoder = new TextDecoder()

/**
 * The `Request` that a handler gets. Making a `Request` of the platform takes about as long as the rest of a small
 * exchange (15 microseconds). So this class has the usual properties and methods itself, and makes a `Request` of the
 * platform only when code uses another property.
 *
 * The prototype of this class inherits from the prototype of `Request`, so `instanceof Request` holds. The platform's own
 * code cannot read this object: `new Request(request)` and the global `fetch(request)` need `request.clone()`.
 */
export class IncomingRequest {
  readonly #owner: RequestOwner
  readonly url: string
  #headers: Headers | null = null
  #incomingBody: IncomingBody | null = null
  #stream: ReadableStream<Uint8Array> | null = null
  #isRead = false
  #native: Request | null = null

  constructor(owner: RequestOwner, url: string) {
    this.#owner = owner
    this.url = url
  }

  static ownerOf(request: unknown): RequestOwner | null {
    return typeof request === 'object' && request !== null && #owner in request
      ? request.#owner
      : null
  }

  get method(): string {
    return this.#owner.incoming.method as string
  }

  get headers(): Headers {
    this.#headers ??= toHeaders(this.#owner.incoming.rawHeaders)
    return this.#headers
  }

  get signal(): AbortSignal {
    return this.#owner.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#stream === null && this.#hasBody()) this.#stream = this.#reader().stream()
    return this.#stream
  }

  get bodyUsed(): boolean {
    return this.#isRead || (this.#stream !== null && isDisturbed(this.#stream))
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#readAll()) as Uint8Array<ArrayBuffer>
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#readAll()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }

  async text(): Promise<string> {
    return decoder.decode(await this.#readAll())
  }

  async json(): Promise<unknown> {
    return JSON.parse(decoder.decode(await this.#readAll()))
  }

  async blob(): Promise<Blob> {
    return (await this.#asResponse()).blob()
  }

  async formData(): Promise<FormData> {
    return (await this.#asResponse()).formData()
  }

  /** Returns a `Request` of the platform. Both requests can read the whole body. */
  clone(): Request {
    if (this.bodyUsed)
      throw new TypeError('the body of the request was read already: clone it before')
    const { body } = this
    if (body === null) return this.#toNative(null)
    const [mine, theirs] = body.tee()
    this.#stream = mine
    return this.#toNative(theirs)
  }

  /** @internal a `Request` of the platform, for the properties that this class does not have */
  get native(): Request {
    this.#native ??= this.#toNative(null)
    return this.#native
  }

  #toNative(body: ReadableStream<Uint8Array> | null): Request {
    const { url, method, headers, signal } = this
    return new Request(url, {
      method,
      headers,
      signal,
      ...(body === null ? {} : { body, duplex: 'half' as const }),
    })
  }

  #hasBody(): boolean {
    const { method } = this
    return method !== 'GET' && method !== 'HEAD'
  }

  #reader(): IncomingBody {
    this.#incomingBody ??= new IncomingBody(this.#owner)
    return this.#incomingBody
  }

  async #readAll(): Promise<Uint8Array> {
    if (this.bodyUsed || this.#stream?.locked === true) {
      throw new TypeError('the body of the request is unusable: it was read already, or is locked')
    }
    this.#isRead = true
    if (!this.#hasBody()) return new Uint8Array()
    const stream = this.#stream
    if (stream === null) return this.#reader().readAll()
    return new Uint8Array(await new Response(stream).arrayBuffer())
  }

  async #asResponse(): Promise<Response> {
    const type = this.headers.get('content-type')
    const bytes = (await this.#readAll()) as Uint8Array<ArrayBuffer>
    return new Response(bytes, { headers: type === null ? {} : { 'content-type': type } })
  }
}

Object.setPrototypeOf(IncomingRequest.prototype, Request.prototype)

for (const name of [
  'cache',
  'credentials',
  'destination',
  'duplex',
  'integrity',
  'isHistoryNavigation',
  'isReloadNavigation',
  'keepalive',
  'mode',
  'redirect',
  'referrer',
  'referrerPolicy',
]) {
  Object.defineProperty(IncomingRequest.prototype, name, {
    configurable: true,
    enumerable: true,
    get(this: IncomingRequest) {
      return this.native[name as keyof Request]
    },
  })
}

/** Whether code has read from `stream`. */
function isDisturbed(stream: ReadableStream): boolean {
  return Readable.isDisturbed(stream as never)
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    // HTTP/2 sends the method, the path and the host as headers whose names begin with a colon.
    if (!name.startsWith(':')) headers.append(name, raw[i + 1] as string)
  }
  return headers
}
