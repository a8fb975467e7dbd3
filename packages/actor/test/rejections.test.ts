import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

// The program runs in another process, because the test runner listens for unhandled rejections in this one.
const program = (attributeRejections: boolean): string => `
  import { Actor, ActorSystem, child } from '@tasktree/actor'
  class Careless extends Actor {
    forget() {
      void (async () => { await null; throw new Error('left behind') })()
    }
    ping() { return 'pong' }
  }
  const quiet = { debug() {}, info() {}, warn() {}, error: (line) => console.log(line) }
  const system = await ActorSystem.start({
    name: 's', logger: quiet, attributeRejections: ${attributeRejections}, children: [child.actor('a', Careless)],
  })
  await system.lookup('a').ask.forget()
  await new Promise((done) => setTimeout(done, 10))
  console.log(await system.lookup('a').ask.ping())
  await system.stop()
`

function execute(attributeRejections: boolean): Promise<{ stdout: string }> {
  const args = ['--conditions=@tasktree/source', '--input-type=module', '--eval']
  return promisify(execFile)(process.execPath, [...args, program(attributeRejections)], {
    cwd: import.meta.dirname,
  })
}

test(
  'a rejection that a handler left behind is logged with the path of its actor',
  { tags: ['slow'] },
  async () => {
    const { stdout } = await execute(true)
    expect(stdout).toBe('/s/a left a promise behind that rejected: Error: left behind\npong\n')
  },
)

test(
  'a rejection that a handler left behind ends the process unless the system has the option for it',
  { tags: ['slow'] },
  async () => {
    await expect(execute(false)).rejects.toThrow('left behind')
  },
)
