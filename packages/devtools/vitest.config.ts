import { mergeConfig, type ViteUserConfig } from 'vitest/config'
import shared from '../../vitest.shared.ts'

/** One file at a time: the tests signal processes, and each signalled process first opens its inspector on port 9229. */
const config: ViteUserConfig = mergeConfig(shared, { test: { maxWorkers: 1 } })

export default config
