/** Tests that values that other libraries have set in the active context stay there, with and without spans of Tasktree. */
import { context, createContextKey, SpanKind, trace } from '@opentelemetry/api'
import { Actor, spawn } from '@tasktree/actor'
import { run } from '@tasktree/core'
import { type HttpServer, Response, serve } from '@tasktree/http'
import { expect, test } from 'vitest'
import { enableContexts, parentOf, record } from './support/recording.ts'

const key = createContextKey('tenant')
const tenant = (): unknown => context.active().getValue(key)

/** An actor that records the tenant of the active context when it gets a message, and that answers requests with the tenant. */
class Front extends Actor {
  readonly #seen: unknown[] = []
  #server: HttpServer | null = null

  note(): void {
    this.#seen.push(tenant())
  }
  seen(): unknown[] {
    return this.#seen
  }
  async open(): Promise<string> {
    this.#server = await serve(() => new Response(String(tenant())))
    return this.#server.url
  }
  protected override async onStop(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]()
  }
}

/** Returns what the handler of a tell and the handler of a request have seen. */
function see(): Promise<unknown[]> {
  const main = async (): Promise<unknown[]> => {
    const front = await spawn(Front)
    front.tell.note()
    const url = await front.ask.open()
    const answer = await (await fetch(url)).text()
    const seen = [...(await front.ask.seen()), answer]
    await front.stop()
    return seen
  }
  return run(() => context.with(context.active().setValue(key, 'acme'), main))
}

test('the handlers of tells and requests see the same context with and without the instrumentation', async () => {
  enableContexts()
  expect(await see()).toEqual(['acme', 'acme'])
  let seen: unknown[] = []
  const recording = await record(async () => {
    seen = await see()
  })
  expect(seen).toEqual(['acme', 'acme'])
  expect(parentOf(recording.find('handle note'))).toBeUndefined()
})

test('a request to a server that was started in an ask has a span of its own', async () => {
  const recording = await record(see)
  const request = recording.find('GET')
  expect(request.kind).toBe(SpanKind.SERVER)
  expect(parentOf(request)).toBeUndefined()
})

test('a request to a server that was started in a request of another library has a span of its own', async () => {
  const recording = await record(({ provider }) =>
    run(async () => {
      const span = provider.getTracer('other').startSpan('first', { kind: SpanKind.SERVER })
      const server = await context.with(trace.setSpan(context.active(), span), () =>
        serve(() => new Response('hello')),
      )
      span.end()
      await (await fetch(server.url)).text()
      await server[Symbol.asyncDispose]()
    }),
  )
  expect(recording.find('GET').kind).toBe(SpanKind.SERVER)
})
