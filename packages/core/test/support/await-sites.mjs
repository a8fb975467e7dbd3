// A comment `line: …` marks the line of each await. The test finds the line numbers by reading these comments in this file.
import { captureAwaitSites, createTask, run, sleep, sleepForever, snapshot } from '@tasktree/core'

async function inner() {
  await sleepForever() // line: inner
}

await run(async () => {
  const silent = async () => {
    await sleepForever()
  }
  createTask(silent, { name: 'silent' })
  await sleep(1)
  captureAwaitSites(true)
  const outer = async () => {
    await inner() // line: outer
  }
  createTask(outer, { name: 'async' })
  const generator = function* () {
    yield* sleepForever() // line: yield
  }
  createTask(generator, { name: 'generator' })
  const all = async () => {
    await Promise.all([inner(), sleep(1e6)]) // line: all
  }
  createTask(all, { name: 'all' })
  await sleep(1)
  captureAwaitSites(false)
  for (const { name, waitingOn } of snapshot({ stacks: true }).loops[0].tasks) {
    for (const { at, stack } of waitingOn) console.log(JSON.stringify({ name, at, stack }))
  }
})
