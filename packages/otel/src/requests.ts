import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  context,
  type Context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from '@opentelemetry/api'
import { extract, withoutSpan } from './carrier.ts'
import { isForeign, spansOfChannel } from './channel-spans.ts'

interface RequestTrace {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly cancelled?: boolean
}

/**
 * The methods that may be in the name of a span. For any other method the span is named `HTTP`, and its attribute
 * `http.request.method` is `_OTHER`.
 */
const known = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
])

/**
 * Makes a span for each request to a server of `@tasktree/http`. The span is a child of the span that the client names in
 * the headers: in the headers of the registered propagator, or in `traceparent`. If the headers name no span, the span of
 * the request is the root of a trace. If another library, such as `@opentelemetry/instrumentation-http`, has already made
 * a span for the request, this function makes none. The work of the request is then inside the span of that library.
 *
 * Source: the semantic conventions of OpenTelemetry for HTTP servers
 */
export function watchRequests(tracer: Tracer): Disposable {
  return spansOfChannel<RequestTrace>('tasktree:http.request', tracer, (message) => {
    if (hasForeignSpan()) return null
    const { incoming, outgoing } = message
    const method = incoming.method ?? ''
    const isKnown = known.has(method)
    const [path = '', query] = targetOf(incoming).split(/\?(.*)/s)
    return {
      name: isKnown ? method : 'HTTP',
      kind: SpanKind.SERVER,
      parent: parentOf(incoming),
      attributes: {
        'http.request.method': isKnown ? method : '_OTHER',
        ...(isKnown ? {} : { 'http.request.method_original': method }),
        'network.protocol.version': incoming.httpVersion,
        'url.path': path,
        ...(query === undefined ? {} : { 'url.query': query }),
        'url.scheme': 'encrypted' in incoming.socket ? 'https' : 'http',
      },
      ending: (span) => endRequest(span, message, isKnown ? method : 'HTTP', outgoing),
    }
  })
}

/**
 * Whether another library has made a span for the request. Only an open span of the kind SERVER counts. A span that was
 * active when the server was started, such as the span of an ask or of another request, is active here too. Usually this
 * package has made that span, or the span has ended. An open span of another library is taken for the span of the request.
 */
function hasForeignSpan(): boolean {
  const active: (Span & { kind?: SpanKind }) | undefined = trace.getSpan(context.active())
  return active?.kind === SpanKind.SERVER && active.isRecording() && isForeign(active)
}

function parentOf({ headers }: IncomingMessage): Context {
  const brought = propagation.extract(withoutSpan(), headers)
  if (trace.getSpanContext(brought) !== undefined) return brought
  const { traceparent } = headers
  return extract(typeof traceparent === 'string' ? { traceparent } : null)
}

function endRequest(
  span: Span,
  { incoming, cancelled }: RequestTrace,
  method: string,
  { statusCode, headersSent }: ServerResponse,
): boolean {
  const route = routeOf(incoming)
  if (route !== null) {
    span.setAttribute('http.route', route)
    span.updateName(`${method} ${route}`)
  }
  if (!headersSent) return false
  span.setAttribute('http.response.status_code', statusCode)
  if (statusCode >= 500 && cancelled !== true) {
    span.setStatus({ code: SpanStatusCode.ERROR })
    span.setAttribute('error.type', String(statusCode))
  }
  return true
}

/**
 * Returns the path and the query. Express and Connect remove the path of a mounted router from `url`, and keep the whole
 * path in `originalUrl`.
 */
function targetOf(incoming: IncomingMessage): string {
  const { originalUrl, url } = incoming as { originalUrl?: unknown; url?: string }
  return typeof originalUrl === 'string' ? originalUrl : (url ?? '')
}

/** Returns the route that Express has noted on the request, such as `/users/:id`; null if there is none. */
function routeOf(incoming: IncomingMessage): string | null {
  const { route, baseUrl } = incoming as { route?: { path?: unknown }; baseUrl?: unknown }
  if (typeof route?.path !== 'string') return null
  return `${typeof baseUrl === 'string' ? baseUrl : ''}${route.path}`
}
