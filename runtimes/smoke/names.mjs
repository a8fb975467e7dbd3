// Tests that the build keeps the names of classes: each class that a package exports has the name of its export. Error messages,
// task trees and the console show that name.
import assert from 'node:assert/strict'

for (const name of ['core', 'sync', 'streams', 'net', 'subprocess', 'executor', 'actor', 'http']) {
  const door = await import(`../../packages/${name}/dist/index.js`)
  const classes = Object.entries(door).filter(
    ([, value]) => typeof value === 'function' && String(value).startsWith('class'),
  )
  assert.ok(classes.length > 0, name)
  for (const [exported, value] of classes) assert.equal(value.name, exported)
}
