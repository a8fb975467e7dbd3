import { isCancelled, run, sleep } from '@tasktree/core'
import { serve, sse } from '@tasktree/http'
import { Event } from '@tasktree/sync'
import { streamText } from 'ai'
import { MockLanguageModelV3 } from 'ai/test'

const stopped = new Event()

/** The answer of a fake model behind HTTP: words without an end. */
async function* words(): AsyncIterable<{ data: string }> {
  try {
    for (let i = 1; ; i++) {
      yield { data: `word ${i} ` }
      await sleep(20)
    }
  } finally {
    console.log('model: the cancel has arrived')
    stopped.set()
  }
}

function decoded(response: Response): ReadableStream<string> {
  const body = response.body as ReadableStream<Uint8Array<ArrayBuffer>>
  return body.pipeThrough(new TextDecoderStream())
}

/** Tells the SDK how to call the model, and how to read its stream. */
function modelAt(url: string): MockLanguageModelV3 {
  return new MockLanguageModelV3({
    doStream: async ({ abortSignal }) => {
      const response = await fetch(url, abortSignal === undefined ? {} : { signal: abortSignal })
      const events = decoded(response)
      const stream = events.pipeThrough(
        new TransformStream({
          start(controller) {
            controller.enqueue({ type: 'stream-start', warnings: [] })
            controller.enqueue({ type: 'text-start', id: '1' })
          },
          transform(event: string, controller) {
            for (const [, delta] of event.matchAll(/^data: (.*)$/gm)) {
              controller.enqueue({ type: 'text-delta', id: '1', delta })
            }
          },
        }),
      )
      return { stream }
    },
  })
}

await run(async () => {
  await using model = await serve(() => sse(words()))
  await using server = await serve(async (request) => {
    const prompt = await request.text()
    const { signal } = request
    // When the client disconnects, the signal of the request aborts, and the SDK stops the model.
    const result = streamText({ model: modelAt(model.url), prompt, abortSignal: signal })
    return result.toTextStreamResponse()
  })

  const user = new AbortController()
  const answer = await fetch(server.url, {
    method: 'POST',
    body: 'Tell me all.',
    signal: user.signal,
  })
  let text = ''
  try {
    for await (const chunk of decoded(answer)) {
      text += chunk
      if (text.includes('word 3')) user.abort()
    }
  } catch (error) {
    if (isCancelled(error)) throw error
    console.log(`client: stopped after ${text.slice(0, 20)}`)
  }
  await stopped.wait()
})
