// Runs a program and notes what its tasks do: under virtual time, or in real time if the program waits for the real world.
import { subscribe } from 'node:diagnostics_channel'
import { format } from 'node:util'
import { currentTask, newEventLoop, run, snapshot, type Task } from '@tasktree/core'
import { taskId } from '@tasktree/core/lowlevel'
import { VirtualClock } from '@tasktree/core/testing'
import type { Lane, RecordedEvent, RecordedMark, Recording } from './recording.ts'

type WaitSnapshot = ReturnType<typeof snapshot>['loops'][number]['tasks'][number]['waitingOn'][0]

/** A clock that tells of each jump before the program sees it: nothing has happened since the last one. */
class RecordingClock extends VirtualClock {
  onJump: () => void = () => {}

  override setAlarm(deadline: number | null, wake: () => void, isIdle: () => boolean): void {
    const tell = (): void => {
      this.onJump()
      wake()
    }
    super.setAlarm(deadline, tell, isIdle)
  }
}

/** What a task waits for, without the times, which change while it waits. */
function labelOf({ kind, label, note }: WaitSnapshot): string {
  if (kind === 'sleep') return 'sleeps'
  if (kind === 'process') return label.replace(/child process \d+/, 'a child process')
  if (kind === 'task' || kind === 'group' || note === undefined) return label
  return note.startsWith('held by') ? `${label}, ${note}` : label
}

/** Runs `main` on a loop with a recording clock, or in real time with a look every 5 ms. */
export async function record(
  main: () => PromiseLike<unknown>,
  isReal: boolean,
): Promise<Recording> {
  const clock = new RecordingClock()
  const loop = isReal ? newEventLoop() : newEventLoop({ clock })
  const start = loop.time()
  const now = (): number => loop.time() - start
  const lanes = new Map<number, Lane>()
  const events: RecordedEvent[] = []
  let from = 0

  function mark(
    lane: Lane | undefined,
    kind: RecordedMark['kind'],
    text: string,
    said: string,
  ): void {
    if (lane === undefined) return
    lane.marks.push({ at: now(), kind, text })
    events.push({ at: now(), task: lane.name, text: said })
  }

  /** Notes what each task has waited for since the last look. */
  function look(): void {
    const to = now()
    for (const task of snapshot().loops.flatMap(({ tasks }) => tasks)) {
      const lane = lanes.get(task.id)
      if (lane === undefined) continue
      const deadline = (task.deadline ?? Infinity) - start
      const cleaning = task.cancelling > 0 || deadline <= from
      // No task runs now, so a task that waits for nothing of ours waits for a promise.
      const label = task.waitingOn.map(labelOf).join(' and ') || 'a promise'
      const last = lane.waits.at(-1)
      const goesOn = last?.to === from && last.label === label && last.cleaning === cleaning
      if (goesOn) last.to = to
      else {
        const wait = { from, to, label, cleaning }
        lane.waits.push(wait)
        events.push({ at: from, task: lane.name, wait })
      }
      if (from < deadline && deadline <= to)
        mark(lane, 'deadline', 'the time is over', 'has used up its time')
    }
    from = to
  }

  subscribe('tasktree:task:create', (message) => {
    const { task } = message as { task: Task }
    const parent = currentTask()
    const above = parent === null ? undefined : lanes.get(taskId(parent))
    const name = lanes.size === 0 ? 'main' : task.name
    events.push({ at: now(), task: name, text: 'is created' })
    lanes.set(taskId(task), {
      id: taskId(task),
      name,
      depth: above === undefined ? 0 : above.depth + 1,
      begin: now(),
      end: Infinity,
      outcome: 'done',
      waits: [],
      marks: [],
    })
  })
  subscribe('tasktree:task:cancel', (message) => {
    const lane = lanes.get(taskId((message as { task: Task }).task))
    mark(lane, 'cancel', 'cancelled', 'is cancelled')
  })
  subscribe('tasktree:task:end', (message) => {
    const { task } = message as { task: Task }
    const lane = lanes.get(taskId(task))
    if (lane === undefined) return
    lane.end = now()
    if (task.cancelled()) lane.outcome = 'cancelled'
    else if (task.exception() !== null) lane.outcome = 'failed'
    const text = { done: 'ends', cancelled: 'ends as cancelled', failed: 'fails' }[lane.outcome]
    events.push({ at: now(), task: lane.name, text })
  })
  console.log = (...values: unknown[]) => {
    const task = currentTask()
    const text = format(...values)
    mark(task === null ? undefined : lanes.get(taskId(task)), 'log', text, `prints “${text}”`)
  }

  clock.onJump = look
  const timer = isReal ? setInterval(look, 5) : undefined
  await run(main, { loop })
  clearInterval(timer)
  const end = now()
  for (const lane of lanes.values()) if (lane.end === Infinity) lane.end = end
  return { lanes: [...lanes.values()], events, end, isReal }
}
