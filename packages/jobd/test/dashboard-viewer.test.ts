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
import { PageViewer } from '../src/dashboard/page-viewer.ts'
import type { Job } from '../src/jobs/job.ts'

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

function job(id: number, change: Partial<Job> = {}): Job {
  return {
    id,
    kind: 'sleep',
    payload: '1',
    priority: 0,
    delay: 0,
    timeout: 0,
    retries: 0,
    key: null,
    keep: null,
    deaths: 0,
    startedAt: null,
    endedAt: null,
    state: 'queued',
    attempts: 0,
    group: null,
    schedule: null,
    scheduledAt: null,
    resultType: null,
    result: null,
    error: null,
    createdAt: 0,
    notBefore: 0,
    ...change,
  }
}

/** Of a connection that takes what `read` lets it take. */
class SlowResponse extends Writable {
  readonly written: string[] = []
  #taken: (() => void) | null = null

  constructor() {
    super({ highWaterMark: 1, decodeStrings: false })
  }

  override _write(chunk: string, _encoding: string, taken: () => void): void {
    this.written.push(chunk)
    this.#taken = taken
  }

  /** Takes what was written; resolves when there is room again. */
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

test('a page that does not read costs no more than the newest jobs, sent once it reads', async () => {
  const response = new SlowResponse()
  const viewer = new PageViewer(response as unknown as ServerResponse)
  viewer.begin(snapshot)
  for (let id = 1; id <= 10_000; id++) {
    viewer.see({ type: 'state', job: job(id, { payload: 'x'.repeat(10_000) }) })
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

test('what has not changed is not sent', async () => {
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

test('nothing is sent before the snapshot, and what happened meanwhile comes after it', async () => {
  const response = new SlowResponse()
  const viewer = new PageViewer(response as unknown as ServerResponse)
  viewer.see({ type: 'state', job: job(7, { state: 'done' }) })
  viewer.flush(tree)
  expect(response.written).toEqual([])
  viewer.begin(snapshot)
  await response.read()
  viewer.flush(tree)
  expect(dataOf<PageChanges>(response.written[1]).jobs).toMatchObject([{ id: 7, state: 'done' }])
  response.destroy()
})

test('of output that nobody reads the end is kept, and how much is missing is said', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  viewer.begin('', false)
  for (let i = 0; i < 1_000; i++)
    viewer.see({ type: 'output', id: 1, text: 'y'.repeat(1_000), offset: i * 1_000 })
  viewer.see({ type: 'output', id: 2, text: 'of another job', offset: 0 })
  viewer.see({ type: 'output', id: 1, text: 'the end', offset: 1_000_000 })
  viewer.flush()
  expect(response.written).toHaveLength(1)
  await response.read()
  viewer.flush()
  const { text, omitted } = dataOf<PageOutput>(response.written[1])
  expect(text).toMatch(/y{9}the end$/)
  expect(text.length + omitted).toBe(1_000_007)
  expect(text.length).toBeLessThan(300_000)
  response.destroy()
})

test('what the log had already is not shown twice', async () => {
  const response = new SlowResponse()
  const viewer = new OutputViewer(1, response as unknown as ServerResponse)
  viewer.see({ type: 'output', id: 1, text: 'one ', offset: 0 })
  viewer.see({ type: 'output', id: 1, text: 'two ', offset: 4 })
  viewer.see({ type: 'output', id: 1, text: 'three ', offset: 8 })
  viewer.begin('one two ', false)
  await response.read()
  viewer.flush()
  expect(dataOf<PageOutput>(response.written[1])).toEqual({
    job: 1,
    text: 'three ',
    omitted: 0,
  })
  response.destroy()
})
