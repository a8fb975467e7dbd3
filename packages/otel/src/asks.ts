import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { context, type Context, SpanKind, type Tracer } from '@opentelemetry/api'
import { type Carrier, extract, inject, linkTo, withoutSpan } from './carrier.ts'
import { guarded } from './guarded.ts'
import { joinDisposables } from './join-disposables.ts'
import { spansOfChannel } from './channel-spans.ts'

interface AskTrace {
  readonly path: string
  readonly method: string
  readonly ask: object
  carrier?: Carrier
}

interface MessageTrace {
  readonly path: string
  readonly incarnation: number
  readonly method: string
  readonly ask: object | null
  readonly message: object
}

interface ServeTrace {
  readonly receiver: string
  readonly method: string
  readonly carrier: Carrier | null
}

/**
 * Makes a span for each ask, and a span for each message that an actor handles. An ask is a message whose sender waits for
 * an answer. A tell is a message whose sender does not wait. The span of a handled ask is a child of the span of the ask.
 * The span of a handled tell is the root of its own trace, because the sender does not wait. It has a link to the span that
 * was active at the tell. An ask or tell that came from another program also has a span in the program that has received it.
 */
export function watchAsks(tracer: Tracer): Disposable {
  const asks = new WeakMap<object, Context>()
  const tells = new WeakMap<object, Context>()
  const onTell = guarded((event: unknown): void => {
    tells.set((event as { message: object }).message, context.active())
  })
  subscribe('tasktree:actor:tell', onTell)
  return joinDisposables(
    { [Symbol.dispose]: () => unsubscribe('tasktree:actor:tell', onTell) },
    spansOfChannel<AskTrace>('tasktree:actor.ask', tracer, (trace) => ({
      name: `ask ${trace.method}`,
      kind: SpanKind.CLIENT,
      attributes: attributesOf(trace),
      begun: (inside) => {
        asks.set(trace.ask, inside)
        trace.carrier = inject(inside)
      },
    })),
    spansOfChannel<MessageTrace>('tasktree:actor.message', tracer, (trace) => {
      const { ask, message, method, incarnation } = trace
      const attributes = { ...attributesOf(trace), 'tasktree.actor.incarnation': incarnation }
      const asker = ask === null ? undefined : asks.get(ask)
      if (asker !== undefined) {
        return { name: `handle ${method}`, kind: SpanKind.SERVER, attributes, parent: asker }
      }
      const links = linkTo(tells.get(message))
      const parent = withoutSpan()
      return { name: `handle ${method}`, kind: SpanKind.CONSUMER, attributes, parent, links }
    }),
    spansOfChannel<ServeTrace>('tasktree:actor.serve', tracer, ({ receiver, method, carrier }) => {
      const parent = extract(carrier)
      return {
        name: `serve ${method}`,
        kind: SpanKind.SERVER,
        attributes: { 'tasktree.actor.receiver': receiver, 'tasktree.actor.method': method },
        parent,
        links: linkTo(parent),
      }
    }),
  )
}

function attributesOf({ path, method }: AskTrace | MessageTrace): Record<string, string> {
  return { 'tasktree.actor.path': path, 'tasktree.actor.method': method }
}
