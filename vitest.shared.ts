import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'
import { slowTimeout } from './vitest.timeouts.ts'

const conditions: string[] = ['@tasktree/source']

function besideThisFile(name: string): string {
  // A path may have characters that a URL escapes.
  return fileURLToPath(new URL(name, import.meta.url))
}

// Node keeps there what it has compiled. Many tests start programs, and without it each of them compiles the same modules
// again, which is three quarters of the work of its start.
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
    // Many tests wait most of the time, for processes and timers. So no core is kept free for the runner.
    maxWorkers: Math.max(2, availableParallelism()),
    // Only a test that hangs takes this long. A test that others leave a tenth of a core does not.
    testTimeout: 20_000,
    hookTimeout: 60_000,
    tags: [{ name: 'slow', description: 'takes more than 250 ms', timeout: slowTimeout }],
    // A poll ends with its test, not before.
    expect: { poll: { timeout: slowTimeout } },
  },
})

export default shared
