import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Makes an empty file in which the nodes of this test write what they do. It is removed when the test has finished. */
export function makeLogFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tasktree nats log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'log')
  writeFileSync(file, '')
  return file
}
