// What is built is called what its door calls it: in error messages, in task trees, and on the console.
import assert from 'node:assert/strict'

for (const name of ['core', 'sync', 'streams', 'net', 'subprocess', 'executor', 'actor', 'http']) {
  const door = await import(`../../packages/${name}/dist/index.js`)
  const classes = Object.entries(door).filter(
    ([, value]) => typeof value === 'function' && String(value).startsWith('class'),
  )
  assert.ok(classes.length > 0, name)
  for (const [exported, value] of classes) assert.equal(value.name, exported)
}
