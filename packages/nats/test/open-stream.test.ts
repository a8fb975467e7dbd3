import { type JetStreamManager, JetStreamApiError } from '@nats-io/jetstream'
import { run } from '@tasktree/core'
import { expect, test } from 'vitest'
import { thrown } from '../../../vitest.thrown.ts'
import { NatsStreams } from '../src/bus/nats-streams.ts'

const noStream = new JetStreamApiError({ code: 404, err_code: 10_059, description: 'no stream' })
const overlap = new JetStreamApiError({
  code: 400,
  err_code: 10_065,
  description: 'subjects overlap with an existing stream',
})
const settings = { name: 'jobs', subjects: ['jobs'], retention: 'work', maxMessages: 10 } as const

/** A server to which each call of `info` and `add` takes its next answer. An answer that is an error is thrown. */
function answering(answers: Record<'info' | 'add', unknown[]>) {
  const calls: string[] = []
  const answer = (call: 'info' | 'add') => async (): Promise<unknown> => {
    calls.push(call)
    const next = answers[call].shift()
    if (next instanceof Error) throw next
    return next
  }
  const update = async (_name: string, limits: object): Promise<void> => {
    calls.push(`update ${JSON.stringify(limits)}`)
  }
  const streams = { info: answer('info'), add: answer('add'), update }
  return { calls, streams: new NatsStreams({ streams } as unknown as JetStreamManager, 1) }
}

test('opening a stream that another program creates at the same time sets the limits of the stream', () =>
  run(async () => {
    const created = { config: { max_msgs: 5, max_msgs_per_subject: -1 } }
    const { calls, streams } = answering({ info: [noStream, created], add: [overlap] })
    await streams.open(settings)
    expect(calls).toEqual(['info', 'add', 'info', 'update {"max_msgs":10}'])
  }))

test('opening a stream with a subject of another stream fails with the error of the server', () =>
  run(async () => {
    const { calls, streams } = answering({ info: [noStream, noStream], add: [overlap, overlap] })
    expect(await thrown(streams.open(settings))).toBe(overlap)
    expect(calls).toEqual(['info', 'add', 'info', 'add'])
  }))
