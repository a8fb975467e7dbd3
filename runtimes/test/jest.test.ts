// Runs test files under Jest: with native ES modules, and with modules that a transformer has turned into CommonJS.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const home = new URL('../', import.meta.url)

/** Runs Jest and returns what it prints. Rejects if a test fails, because Jest then ends with another exit code than 0. */
async function jest(config: string, nodeOptions: string[] = []): Promise<string> {
  const program = [...nodeOptions, 'node_modules/jest/bin/jest.js', '--config', config]
  const { stderr } = await promisify(execFile)(process.execPath, program, {
    cwd: fileURLToPath(home),
  })
  return stderr
}

test(
  'core and sync work under Jest with native modules and with fake timers',
  { tags: ['slow'] },
  async () => {
    const printed = await jest('jest/modules.config.json', ['--experimental-vm-modules'])
    expect(printed).toContain('5 passed')
  },
)

test('the page docs/how-to/testing.md shows the file that Jest runs here', () => {
  const page = readFileSync(new URL('../docs/how-to/testing.md', home), 'utf8')
  const shown = readFileSync(new URL('jest/page.test.mjs', home), 'utf8')
  expect(page).toContain(`\`\`\`js\n${shown}\`\`\`\n`)
})

test(
  'under Jest with CommonJS modules two copies of core work together, and runVirtual works',
  { tags: ['slow'] },
  async () => {
    expect(await jest('jest/commonjs.config.json')).toContain('2 passed')
  },
)
