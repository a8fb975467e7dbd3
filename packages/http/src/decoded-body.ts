/** The content codings that the platform's `fetch` decodes. It leaves a body with any other coding as it is. */
const codings = new Set(['gzip', 'x-gzip', 'deflate', 'br'])
// The `fetch` of Node 22 does not decode zstd.
if (Number.parseInt(process.versions['undici'] ?? '', 10) >= 7) codings.add('zstd')

const decoded = new WeakSet<ReadableStream>()

/** Notes that `fetch` has decoded `body`, if the headers of the response say that the server sent it encoded. */
export function noteDecoding(body: ReadableStream, headers: Headers): void {
  const value = headers.get('content-encoding')
  if (value === null) return
  const all = value.split(',').map((coding) => coding.trim().toLowerCase())
  if (all.every((coding) => codings.has(coding))) decoded.add(body)
}

/**
 * Whether `fetch` has decoded `body`. If it has, the headers `content-encoding` and `content-length` of the response
 * still describe the encoded body, so they are wrong for `body`.
 */
export function isDecoded(body: ReadableStream): boolean {
  return decoded.has(body)
}
