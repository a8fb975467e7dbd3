import { fileURLToPath } from 'node:url'
import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import shared from '../../vitest.shared.ts'

/**
 * The tests start many nodes, each a process that loads the packages from their TypeScript. Node keeps what it has compiled
 * in this folder, so that only the first process compiles it: a start takes a quarter of the time.
 */
const compileCache = fileURLToPath(new URL('node_modules/.cache/node', import.meta.url))

const config: ViteUserConfig = mergeConfig(shared, {
  test: {
    env: { NODE_COMPILE_CACHE: compileCache },
    // The tests mostly wait: for servers to start, for leases and acknowledgements to run out.
    maxWorkers: 3,
  },
})

export default config
