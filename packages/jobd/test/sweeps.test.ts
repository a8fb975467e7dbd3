import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ActorSystem, child, silentLogger } from '@tasktree/actor'
import { newEventLoop, run, sleep } from '@tasktree/core'
import { VirtualClock } from '@tasktree/core/testing'
import { expect, test, vi } from 'vitest'
import { JobFeed } from '../src/store/job-feed.ts'
import { JobFile } from '../src/store/job-file.ts'
import { Store } from '../src/store/store.ts'
import { inFolder } from './support/folder.ts'

/** A virtual clock that a test can also move forward while code runs, by increasing `busy`. */
class BusyClock extends VirtualClock {
  busy = 0

  override now(): number {
    return super.now() + this.busy
  }
}

test('the deletion of many jobs commits one batch at a time, even if it is slow', () =>
  inFolder(async (folder) => {
    const clock = new BusyClock()
    const left: number[] = []
    await run(
      async () => {
        const path = join(folder, 'jobs')
        using file = await JobFile.take({ path })
        using database = new DatabaseSync(path)
        database.exec(
          `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
           INSERT INTO jobs (kind, payload, priority, delay, timeout, retries, state, attempts, allowed, createdAt, notBefore, endedAt)
           SELECT 'sleep', '', 0, 0, 0, 0, 'done', 1, 1, 1, 1, i FROM n`,
        )
        const count = database.prepare('SELECT count(*) AS n FROM jobs')
        const feed = new JobFeed()
        // The sweep calls `publish` after each commit. The mock acts as if the commit had taken a second.
        vi.spyOn(feed, 'publish').mockImplementation(() => {
          clock.busy += 1_000
          left.push(Number(count.get()?.['n']))
        })
        await using _ = await ActorSystem.start({
          name: 'jobd',
          logger: silentLogger,
          children: [child.actor('store', Store, [file, feed, { last: 0 }])],
        })
        while (left.at(-1) !== 0) await sleep(1_000)
      },
      { loop: newEventLoop({ clock }) },
    )
    expect(left).toEqual([2_500, 2_000, 1_500, 1_000, 500, 0])
  }))
