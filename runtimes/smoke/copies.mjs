// Tests two copies of core and sync in one process, which an upgrade can leave behind if it does not fit the version range of a
// package. Compatible copies must work together, and one warning must name both.
import assert from 'node:assert/strict'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createTask, Future, isCancelled, isFuture, run, sleep } from '@tasktree/core'

const packages = realpathSync(new URL('../../packages', import.meta.url))
const root = mkdtempSync(join(tmpdir(), 'tasktree-copies-'))
process.on('exit', () => rmSync(root, { recursive: true }))

/** Makes a copy of core and sync with the given version number, and returns the URLs of its modules. */
function copy(version) {
  const modules = join(root, version, 'node_modules/@tasktree')
  for (const name of ['core', 'sync']) {
    mkdirSync(join(modules, name), { recursive: true })
    cpSync(join(packages, name, 'dist'), join(modules, name, 'dist'), { recursive: true })
    cpSync(join(packages, name, 'package.json'), join(modules, name, 'package.json'))
  }
  const doors = join(modules, 'core/dist/doors.js')
  const text = readFileSync(doors, 'utf8')
  writeFileSync(doors, text.replace(/shareEntryPoints\('[^']+'/, `shareEntryPoints('${version}'`))
  return {
    core: pathToFileURL(join(modules, 'core/dist/index.js')).href,
    sync: pathToFileURL(join(modules, 'sync/dist/index.js')).href,
    testing: pathToFileURL(join(modules, 'core/dist/testing.js')).href,
  }
}

const warnings = []
const emitWarning = process.emitWarning.bind(process)
process.emitWarning = (warning, ...rest) => {
  if (String(warning).includes('two copies')) warnings.push(String(warning))
  else emitWarning(warning, ...rest)
}

const { version } = JSON.parse(readFileSync(join(packages, 'core/package.json'), 'utf8'))
const sameMinor = copy(version.replace(/\.\d+$/, '.99'))
const other = await import(sameMinor.core)
const { Lock } = await import(sameMinor.sync)
const { runVirtual } = await import(sameMinor.testing)

assert.equal(other.Future, Future)
assert.ok(isFuture(new other.Future()))
assert.equal(warnings.length, 1)
for (const part of [version, '.99', 'packages/core', root])
  assert.ok(warnings[0].includes(part), part)

await run(async () => {
  const lock = new Lock()
  await lock.acquire()
  const task = createTask(() => lock.acquire())
  await sleep(1)
  task.cancel()
  await task.then(assert.fail, (error) => assert.ok(isCancelled(error)))
  assert.equal(lock.statistics().waiters, 0)
})
assert.equal(await runVirtual(async () => sleep(3_600_000, 'slept')), 'slept')

// A copy with an incompatible version has classes of its own. `isCancelled` and `isFuture` still recognize its objects. There is
// no second warning.
const apart = await import(copy('9.0.0').core)
assert.notEqual(apart.Future, Future)
const cancelled = new apart.Future()
cancelled.cancel()
assert.ok(isCancelled(await cancelled.catch((error) => error)))
assert.ok(isFuture(cancelled))
assert.equal(warnings.length, 1)
