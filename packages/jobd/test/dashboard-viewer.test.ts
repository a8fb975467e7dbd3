import type { ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { OutputViewer } from '../src/dashboard/output-viewer.ts'
import type {
  PageChanges,
  PageNode,
  PageOutput,
  PageSnapshot,
} from '../src/dashboard/page-events.ts'
import { PageViewer, toPageJob } from '../src/dashboard/page-viewer.ts'
import type { JobChange } from '../src/store/job-feed.ts'
import type { Output } from '../src/store/job-outputs.ts'
import { makeJob } from './support/job-records.ts'

const counts = { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0 }

const tree: PageNode = {
  id: 'jobd',
  path: '/jobd',
  kind: 'rest-for-one',
  status: 'running',
  restarts: 0,
  lastExit: null,
  mailbox: 0,
  activity: '',
  children: [],
}

const snapshot: PageSnapshot = {
  server: '',
  stream: '',
  kinds: {},
  tree,
  counts,
  jobs: [],
  progress: [],
  samples: [],
  restarts: [],
}

/** The response of a slow connection. It takes data only when `read` is called. */
class SlowResponse extends Writable {
  readonly written: string[] = []
  #taken: (() => void) | null = null
  #isFast = false

  constructor() {
    super({ highWaterMark: 1, decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, taken: () => void): void {
    this.written.push(chunk)
    if (this.#isFast) taken()
    else this.#taken = taken
  }

  /** Takes the data that was written, and from now on all data at once. */
  readOn(): Promise<void> {
    this.#isFast = true
    return this.read()
  }

  /** Takes the data that was written, and resolves when there is room again. */
  read(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.once('drain', resolve)
    this.#taken?.()
    return promise
  }
}

function dataOf<T>(frame: string | undefined): T {
  return JSON.parse(/^data: (.*)$/m.exec(frame ?? '')?.[1] ?? 'null') as T
}

test('a page that does not read gets only the newest jobs, once it reads again', async () => {
  const response = new SlowResponse()
  const viewer = new PageViewer(response as unknown as ServerResponse)
  viewer.begin(snapshot)
  for (let id = 1; id <= 10_000; id++) {
    viewer.see({ type: 'state', job: makeJob(id, { payload: 'x'.repeat(10_000) }) })
    viewer.seeRestart({ at: 0, path: '/jobd/workers/worker-1', reason: 'killed' })
    viewer.flush(tree)
  }
  expect(response.written).toHaveLength(1)
  await response.read()
  viewer.flush(tree)
  viewer.flush(tree)
  expect(response.written).toHaveLength(2)
  const changes = dataOf<PageChanges>(response.written[1])
  expect(changes.jobs).toHaveLength(200)
  expect(changes.jobs?.at(-1)?.id).toBe(10_000)
  expect(changes.restarts).toHaveLength(100)
  expect(response.written[1]?.length).toBeLessThan(200_000)
  response.destroy()
})

test('a long text of a job is cut between characters', () => {
  for (const first of ['', 'x']) {
    const { payload } = toPageJob(makeJob(1, { payload: `${first}${'😀'.repeat(200)}` }))
    expect(payload.isWellFormed()).toBe(true)
    expect(payload).toMatch(/😀…$/u)
  }
})

test('data that has not changed is not sent to the page again', async () => {
  const response = new SlowResponse()
  const viewer = new PageViewer(response as unknown as ServerResponse)
  viewer.begin(snapshot)
  await response.read()
  viewer.seeSamples([], counts)
  viewer.flush(structuredClone(tree))
  expect(response.written).toHaveLength(1)
  viewer.flush({ ...tree, restarts: 1 })
  expect(dataOf<PageChanges>(response.written[1])).toEqual({ tree: { ...tree, restarts: 1 } })
  response.destroy()
})

test('a page gets the snapshot first and then what happened meanwhile', async () => {
  const response = new SlowResponse()
  const viewer = new PageViewer(response as unknown as ServerResponse)
  viewer.see({ type: 'state', job: makeJob(7, { state: 'done' }) })
  viewer.flush(tree)
  expect(response.written).toEqual([])
  viewer.begin(snapshot)
  await response.read()
  viewer.flush(tree)
  expect(dataOf<PageChanges>(response.written[1]).jobs).toMatchObject([{ id: 7, state: 'done' }])
  response.destroy()
})

/** Makes an output from which nothing was left out. */
function whole(head: string, attempt = 1): Output {
  return { attempt, head, omitted: 0, tail: '', size: Buffer.byteLength(head) }
}

const written = (id: number, attempt: number, text: string, offset: number): JobChange => ({
  type: 'output',
  id,
  attempt,
  text,
  offset,
})

test('of output that a page has not read the end is kept, with the number of missing bytes', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  viewer.begin(whole(''), false)
  for (let i = 0; i < 1_000; i++) viewer.see(written(1, 1, 'é'.repeat(500), i * 1_000))
  viewer.see(written(2, 1, 'of another job', 0))
  viewer.see(written(1, 1, 'the end', 1_000_000))
  viewer.flush()
  expect(response.written).toHaveLength(1)
  await response.readOn()
  viewer.flush()
  const texts = response.written.slice(1).map((frame) => dataOf<PageOutput>(frame))
  const text = texts.map((each) => each.text).join('')
  const omitted = texts.reduce((sum, each) => sum + each.omitted, 0)
  expect(text).toMatch(/é{9}the end$/)
  expect(Buffer.byteLength(text) + omitted).toBe(1_000_007)
  expect(text.length).toBeLessThan(300_000)
  expect(text).not.toContain('\uFFFD')
  response.destroy()
})

test('a piece of output that is too long is cut between characters', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  viewer.begin(whole('☃'), false)
  await response.readOn()
  const text = `a${'😀'.repeat(200_000)}b`
  viewer.see(written(1, 1, text, 3))
  viewer.flush()
  const sent = dataOf<PageOutput>(response.written[1])
  expect(text.endsWith(sent.text)).toBe(true)
  expect(sent.text.isWellFormed()).toBe(true)
  expect(sent.omitted + Buffer.byteLength(sent.text)).toBe(Buffer.byteLength(text))
  response.destroy()
})

test('output that a page got from the file is not sent to the page again', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  viewer.see(written(1, 1, 'öne ', 0))
  viewer.see(written(1, 1, 'two ', 5))
  viewer.see(written(1, 1, 'thrée ', 9))
  viewer.begin(whole('öne two '), false)
  await response.readOn()
  viewer.flush()
  expect(dataOf<PageOutput>(response.written[1])).toEqual({
    job: 1,
    attempt: 1,
    head: '',
    text: 'thrée ',
    omitted: 0,
  })
  response.destroy()
})

test('the output of a new attempt replaces that of the attempt before, even before it writes', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  const events = (): { type: string; attempt: number; text: string }[] =>
    response.written.map((frame) => ({
      type: /^event: (.*)$/m.exec(frame)?.[1] ?? '',
      ...dataOf<PageOutput>(frame),
    }))
  // The viewer does not show output of an attempt that had ended when the viewer read the output of the job.
  viewer.see(written(1, 1, 'long ago', 0))
  viewer.begin(whole('second', 2), false)
  viewer.see(written(1, 2, ' more', 6))
  viewer.see({ type: 'state', job: makeJob(1, { state: 'running', attempts: 3 }) })
  await response.readOn()
  viewer.flush()
  viewer.see(written(1, 3, 'third', 0))
  viewer.see({ type: 'state', job: makeJob(1, { state: 'done', attempts: 3 }) })
  await new Promise(setImmediate)
  viewer.flush()
  expect(events()).toMatchObject([
    { type: 'log', attempt: 2, head: 'second', text: '' },
    { type: 'output', attempt: 2, text: ' more' },
    { type: 'log', attempt: 3, head: '', text: '' },
    { type: 'output', attempt: 3, text: 'third' },
    { type: 'end', attempt: 3 },
  ])
  response.destroy()
})
