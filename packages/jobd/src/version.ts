import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Returns the version of this package. The package finds its own manifest by its name, wherever its code is built to. */
export function packageVersion(): string {
  const { version } = require('@tasktree/jobd/package.json') as { version: string }
  return version
}
