import { setTimeout as nodeSleep } from 'node:timers/promises'
import { getRunningLoop, sleep, taskSignal } from '@tasktree/core'
import { runVirtual } from '@tasktree/core/testing'
import { Actor, ActorSystem, child, type Logger } from '@tasktree/actor'
import { describe, expect, test } from 'vitest'

// A library that was given `taskSignal()` throws an AbortError when an actor or a task is stopped or killed. For the asker and in the
// log, this error must be treated like the CancelledError that a wait of Tasktree throws.

type Work = () => Promise<void>

const minute = 60_000
const works: Record<string, Work> = {
  'an AbortError with a cause': () => nodeSleep(minute, undefined, { signal: taskSignal() }),
  'an AbortError without a cause': () => {
    const signal = taskSignal()
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new DOMException('aborted', 'AbortError')))
    })
  },
}
const ownWait: Work = () => sleep(minute).then(() => {})

class Worker extends Actor {
  readonly #work: Work

  constructor(work: Work) {
    super()
    this.#work = work
  }

  async work(): Promise<void> {
    await this.#work()
  }
}

const ends: Record<string, (system: ActorSystem, id: string) => PromiseLike<unknown>> = {
  'the stop of the system': (system) => system.stop(),
  'a stop whose time is over': async (system, id) => system.lookup(id)?.stop(),
  'a kill': async (system, id) => system.lookup(id)?.kill(),
}

/** Ends an actor that handles a message, and a task. Returns what the asker got, and the messages of the loop and of the log. */
function told(end: string, work: Work): Promise<unknown> {
  return runVirtual(async () => {
    const errors: string[] = []
    getRunningLoop().setExceptionHandler((_loop, { message }) => errors.push(message))
    const ignore = (): void => {}
    const error = (message: string): void => void errors.push(message)
    const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error }
    const system = await ActorSystem.start({
      name: 's',
      logger,
      strategy: 'one-for-one',
      children: [
        child.actor('actor', Worker, [work], { shutdown: 50, restart: 'temporary' }),
        child.task('task', work, { shutdown: 50, restart: 'temporary' }),
      ],
    })
    const asked = system
      .lookup(Worker, 'actor')
      ?.ask({ timeout: minute })
      .work()
      .catch((reason: Error) => `${reason.name}: ${reason.message}`)
    await sleep(20)
    await ends[end]?.(system, 'actor')
    await ends[end]?.(system, 'task')
    const answer = await asked
    await system.stop()
    await sleep(10)
    return { answer, errors, time: getRunningLoop().time() }
  })
}

for (const end of Object.keys(ends)) {
  describe(`${end} tells the asker and the log about aborted work what it tells about work that sleeps`, () => {
    for (const [name, work] of Object.entries(works)) {
      test(`if the work throws ${name}`, async () => {
        const control = await told(end, ownWait)
        expect(control).toMatchObject({ errors: [] })
        expect(await told(end, work)).toEqual(control)
      })
    }
  })
}
