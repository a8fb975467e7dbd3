import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import shared from './vitest.shared.ts'

/**
 * The configuration of a package whose test files change nothing that they share. A worker runs one file after another in the same
 * process, so Node starts, and the packages are loaded and compiled, once for a worker and not once for a file. That is more than
 * a third of the work of many short files.
 */
const together: ViteUserConfig = mergeConfig(shared, { test: { isolate: false } })

export default together
