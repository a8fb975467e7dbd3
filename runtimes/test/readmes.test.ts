// Every program of every README runs as it stands under the oldest supported Node.
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe } from 'vitest'
import { NatsServer, withoutServer } from '../../packages/nats/test/support/server.ts'
import { programsOf } from '../../vitest.programs.ts'
import { testWhere } from '../../vitest.skips.ts'

const home = new URL('../', import.meta.url)
const root = new URL('../', home)
const isLinux = process.platform === 'linux' && process.arch === 'x64'

// jobd is a program, which says itself which Node it needs. Programs of devtools need another process: their package runs
// them.
const readmes = ['README.md', ...globSync('packages/*/README.md', { cwd: root })].filter(
  (readme) => !/jobd|devtools/.test(readme),
)
const programs = readmes.flatMap((readme) => {
  const text = readFileSync(new URL(readme, root), 'utf8')
  return programsOf(text).map((program, i) => ({ name: `${readme}, program ${i + 1}`, program }))
})

const onLinux = testWhere(isLinux, 'the runtimes are installed for Linux on x64 only')
const isOfNats = ({ name }: { name: string }): boolean => name.startsWith('packages/nats/')

async function runOnNode22(program: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const node = fileURLToPath(new URL('node_modules/node22/bin/node', home))
  const args = ['--no-warnings', '--input-type=module-typescript', '--eval', program]
  await promisify(execFile)(node, args, { cwd: home, timeout: 50_000, env })
}

onLinux.for(programs.filter((each) => !isOfNats(each)))(
  'Node 22 runs $name',
  { tags: ['slow'] },
  async ({ program }) => {
    await runOnNode22(program)
  },
)

describe.skipIf(withoutServer)(
  `with nats-server${withoutServer ? ` (skipped: ${withoutServer})` : ''}`,
  () => {
    let server: NatsServer
    beforeAll(async () => {
      server = await NatsServer.start()
    })
    afterAll(() => server[Symbol.asyncDispose]())

    onLinux.for(programs.filter(isOfNats))(
      'Node 22 runs $name',
      { tags: ['slow'] },
      async ({ program }) => {
        await runOnNode22(program, { ...process.env, NATS_URL: server.url })
      },
    )
  },
)
