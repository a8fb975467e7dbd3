// With autoShutdown 'all', a significant child that waits for its restart has not ended. Erlang/OTP does the same: in OTP 25 a
// supervisor with auto_shutdown => all_significant lives on while such a child is restarting.
import { expect, test } from 'vitest'
import { sleep } from '@tasktree/core'
import { crash, probe, ref, settled, start, virtually } from './support/probe.ts'

const significant = { restart: 'transient', significant: true } as const

test(
  "with autoShutdown 'all', a supervisor does not end while a significant child waits for its restart",
  virtually(async (log) => {
    const system = await start({
      autoShutdown: 'all',
      backoff: { min: 100, max: 100 },
      children: [probe(log, 'a', {}, significant), probe(log, 'b', {}, significant)],
    })
    await crash(ref(system, 'b'))
    await ref(system, 'a').ask.quit()
    await sleep(200)
    expect(await ref(system, 'b').ask.ping()).toBe(2)
    await ref(system, 'b').ask.quit()
    await settled()
    expect(system.root.status).toBe('stopped')
  }),
)

test(
  "with autoShutdown 'all', a supervisor does not end before it has handled the crash of a significant child",
  virtually(async (log) => {
    const system = await start({
      autoShutdown: 'all',
      children: [probe(log, 'a', {}, significant), probe(log, 'b', {}, significant)],
    })
    const slow = system.root.startChild(probe(log, 'slow', { onStart: () => sleep(100) }))
    await settled()
    await ref(system, 'a').ask.quit()
    await crash(ref(system, 'b'))
    await slow
    await settled()
    expect(await ref(system, 'b').ask.ping()).toBe(2)
    await ref(system, 'b').stop()
    await settled()
    expect(system.root.status).toBe('stopped')
  }),
)
