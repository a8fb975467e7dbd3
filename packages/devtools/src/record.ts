import { sleep } from '@tasktree/core'
import type { Attached } from './attach.ts'
import { Failure } from './failure.ts'
import { door, look } from './thread-snapshots.ts'

/** An event of the Chrome trace format, which Perfetto reads. Times are in microseconds. */
export interface TraceEvent {
  readonly name: string
  readonly ph: 'M' | 'X' | 's' | 'f' | 'i'
  readonly ts: number
  readonly pid: number
  readonly tid: number
  readonly cat?: string
  readonly dur?: number
  readonly id?: number
  readonly bp?: 'e'
  readonly s?: 't'
  readonly args?: Record<string, unknown>
}

/**
 * An event that the recorder in the process has noted: the time, the kind of the event, the id and the name of the task,
 * and the id of the task that caused the event.
 */
type Note = readonly [
  time: number,
  what: 'create' | 'end' | 'cancel',
  id: number,
  name: string,
  by: number | null,
]

const recorder = `globalThis[Symbol.for('tasktree.recorder')]`
/** The recorder keeps at most this many events until they are fetched. This many events take about 50 to 75 megabytes. */
const mostNotes = 500_000
/**
 * The text that starts the recorder in the process. The recorder subscribes to the events of tasks in `setImmediate`. The
 * inspector may evaluate this text while a function of the program is running, and a subscriber that was added in the middle
 * of that function would see only half of the events of the function.
 *
 * If the command is killed, nobody fetches the events and nobody stops the recorder. So the recorder stops by itself, and
 * drops its events, when it would keep too many of them.
 */
const install = `setImmediate(() => {
  const door = ${door}, channels = process.getBuiltinModule('node:diagnostics_channel')
  const stops = []
  let notes = []
  const stop = () => { for (const each of stops) each() }
  for (const what of ['create', 'end', 'cancel']) {
    const listener = ({ task }) => {
      if (notes === null) return
      notes.push([Date.now(), what, door.idOf(task), task.name, door.current()])
      if (notes.length > ${mostNotes}) { notes = null; stop() }
    }
    channels.subscribe('tasktree:task:' + what, listener)
    stops.push(() => channels.unsubscribe('tasktree:task:' + what, listener))
  }
  ${recorder} = { take: () => JSON.stringify(notes === null ? null : notes.splice(0)), stop }
})`
const remove = `setImmediate(() => { ${recorder}?.stop(); delete ${recorder} })`

interface Track {
  name: string
  begin: number
  end: number | null
  /** The present wait of the task: its label, and the time of the first look that has found it. Null when the task does not wait. */
  wait: { label: string; since: number } | null
}

/**
 * Records the events of the main thread of a process for some time. Each task is a track of the trace. A wait is a slice on
 * the track of its task. A cancel is an arrow from the track of the task that has called `cancel` to the track of the
 * cancelled task.
 */
export class Recording {
  readonly #attached: Attached
  readonly #tracks = new Map<number, Track>()
  readonly #events: TraceEvent[] = []
  #arrows = 0
  #latest = 0

  constructor(attached: Attached) {
    this.#attached = attached
  }

  /** Starts the recorder in the process. @throws {Failure} when the event loop of the process is too busy for it */
  async start(): Promise<void> {
    await look(this.#attached)
    const { main } = this.#attached
    await main.evaluate(install)
    for (let looks = 0; (await main.evaluate(`${recorder} === undefined`)) === true; looks++) {
      if (looks === 100) {
        throw new Failure(
          `the loop of process ${this.#attached.pid} is busy: the recording cannot begin`,
        )
      }
      await sleep(50)
    }
  }

  /**
   * Fetches the events since the last call of `sample`, and notes the present wait of each task.
   *
   * @throws {Failure} when the recorder has dropped events, because there were too many since the last call
   */
  async sample(): Promise<void> {
    const { main, pid } = this.#attached
    const notes = JSON.parse(String(await main.evaluate(`${recorder}.take()`))) as Note[] | null
    if (notes === null) {
      throw new Failure(
        `process ${pid} had more than ${mostNotes} events between two looks: look more often`,
      )
    }
    for (const note of notes) this.#note(note)
    const [thread] = await look(this.#attached)
    if (thread === undefined) return
    const now = thread.time
    this.#latest = now
    for (const { tasks } of thread.loops) {
      for (const { id, name, age, waitingOn } of tasks) {
        const track = this.#track(id, name, now - age)
        const label = waitingOn.map((each) => each.label).join(', ')
        if (track.wait?.label === label) continue
        this.#endWait(id, track, now)
        if (label !== '') track.wait = { label, since: now }
      }
    }
  }

  #note([time, what, id, name, by]: Note): void {
    const track = this.#track(id, name, time)
    this.#latest = time
    if (what === 'end') {
      this.#endWait(id, track, time)
      track.end = time
    } else if (what === 'cancel') this.#arrow(time, by ?? 0, id)
  }

  #arrow(time: number, from: number, to: number): void {
    const id = ++this.#arrows
    const shared = { name: 'cancel', cat: 'cancel', pid: this.#attached.pid, id }
    if (from === 0) this.#track(0, 'plain code', time)
    // In the trace format an arrow must begin and end in a slice, so each of the two tracks gets a short slice.
    this.#slice(from, 'cancel()', time, 1)
    this.#slice(to, 'cancelled', time, 1)
    this.#events.push({ ...shared, ph: 's', ts: time * 1_000, tid: from })
    this.#events.push({ ...shared, ph: 'f', bp: 'e', ts: time * 1_000, tid: to })
  }

  #track(id: number, name: string, begin: number): Track {
    const known = this.#tracks.get(id)
    if (known !== undefined) return known
    const track: Track = { name, begin, end: null, wait: null }
    this.#tracks.set(id, track)
    return track
  }

  #endWait(id: number, track: Track, now: number): void {
    if (track.wait === null) return
    this.#slice(id, track.wait.label, track.wait.since, now - track.wait.since)
    track.wait = null
  }

  #slice(tid: number, name: string, begin: number, length: number): void {
    this.#events.push({
      name,
      cat: 'wait',
      ph: 'X',
      ts: begin * 1_000,
      dur: Math.max(1, length * 1_000),
      pid: this.#attached.pid,
      tid,
    })
  }

  async stop(): Promise<void> {
    if (!this.#attached.main.isClosed) await this.#attached.main.evaluate(remove)
  }

  /** Returns everything that was recorded until now, in the Chrome trace format. */
  trace(): { traceEvents: TraceEvent[]; displayTimeUnit: 'ms' } {
    const { pid } = this.#attached
    const events: TraceEvent[] = [
      { name: 'process_name', ph: 'M', ts: 0, pid, tid: 0, args: { name: `node ${pid}` } },
    ]
    for (const [tid, track] of this.#tracks) {
      events.push({ name: 'thread_name', ph: 'M', ts: 0, pid, tid, args: { name: track.name } })
      events.push({
        name: track.name,
        cat: 'task',
        ph: 'X',
        ts: track.begin * 1_000,
        dur: Math.max(1, ((track.end ?? this.#latest) - track.begin) * 1_000),
        pid,
        tid,
        args: { id: tid },
      })
      if (track.wait !== null) this.#endWait(tid, track, this.#latest)
    }
    return { traceEvents: [...events, ...this.#events], displayTimeUnit: 'ms' }
  }
}
