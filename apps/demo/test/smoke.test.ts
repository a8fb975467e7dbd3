import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { test } from 'vitest'

const main = new URL('../dist/main.js', import.meta.url).pathname

test('the tour ends by itself with exit code 0', { tags: ['slow'] }, async () => {
  await promisify(execFile)(process.execPath, [main])
})
