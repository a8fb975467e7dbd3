import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'

function isInstalled(): boolean {
  try {
    const path = `${process.env['PATH'] ?? ''}:/usr/sbin`
    execFileSync('which', ['nats-server'], { env: { PATH: path }, stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const main = fileURLToPath(new URL('../dist/cluster/cluster-main.js', import.meta.url))

describe.skipIf(!isInstalled())(
  `the cluster demo${isInstalled() ? '' : ' (skipped: nats-server is not installed)'}`,
  () => {
    test('loses no job when a node is killed', { tags: ['slow'] }, async () => {
      const { stdout } = await promisify(execFile)(process.execPath, [main])
      expect(stdout).toContain('node-2 is killed, in the middle of its work')
      expect(stdout).toContain('120 of 120 jobs have their result: 0 lost')
    })
  },
)
