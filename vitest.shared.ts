import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

const conditions: string[] = ['@tasktree/source']

function besideThisFile(name: string): string {
  // A path may have characters that a URL escapes.
  return fileURLToPath(new URL(name, import.meta.url))
}

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
    testTimeout: 5_000,
    tags: [{ name: 'slow', description: 'takes more than 250 ms', timeout: 60_000 }],
  },
})

export default shared
