import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { slowTimeout } from './vitest.timeouts.ts'

const conditions: string[] = ['@tasktree/source']

function besideThisFile(name: string): string {
  // A URL escapes some characters of a path, such as spaces. `fileURLToPath` decodes them again.
  return fileURLToPath(new URL(name, import.meta.url))
}

// Node caches compiled modules in this folder. Many tests start programs. Without the cache each program would compile the
// same modules again, which is three quarters of the work of its start.
process.env['NODE_COMPILE_CACHE'] ??= besideThisFile('./node_modules/.cache/compiled')

const shared: ViteUserConfig = defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    execArgv: ['--expose-gc', '--conditions=@tasktree/source'],
    setupFiles: [besideThisFile('./vitest.setup.ts')],
    reporters: ['default', besideThisFile('./vitest.reporter.ts')],
    restoreMocks: true,
    unstubEnvs: true,
    // There are as many workers as cores, and no core is kept free for the runner: many tests spend most of their time waiting
    // for processes and timers.
    maxWorkers: Math.max(2, availableParallelism()),
    // Only a test that hangs takes this long. Any other test is faster, even if the machine gives it only a tenth of a core.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    tags: [{ name: 'slow', description: 'takes more than 250 ms', timeout: slowTimeout }],
    // `expect.poll` waits for as long as a slow test may take, because on a busy machine a shorter wait would fail although
    // nothing is wrong.
    expect: { poll: { timeout: slowTimeout } },
  },
})

export default shared
