import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import {
  compatibleRange,
  findPeerFaults,
  type Manifest,
  readManifests,
  releaseCore,
} from '../check-peers.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const core: Manifest = { name: '@tasktree/core', version: '0.3.2' }
const good: Manifest = {
  name: '@tasktree/sync',
  version: '0.1.0',
  peerDependencies: { '@tasktree/core': '^0.3.0' },
  devDependencies: { '@tasktree/core': 'workspace:*' },
}

test('compatibleRange begins at the first version that is compatible', () => {
  expect(compatibleRange('0.3.2')).toBe('^0.3.0')
  expect(compatibleRange('2.4.1')).toBe('^2.0.0')
})

test('findPeerFaults reports nothing for a package with a wide peer range of core', () => {
  expect(findPeerFaults([core, good])).toEqual([])
})

test('findPeerFaults reports a package that has core in its dependencies', () => {
  const faults = findPeerFaults([
    core,
    { ...good, dependencies: { '@tasktree/core': 'workspace:^' } },
  ])
  expect(faults).toEqual([
    '@tasktree/sync has @tasktree/core in "dependencies": an app could get a second copy of it',
  ])
})

test.each([undefined, '0.3.2', '^0.3.2', '~0.3.0', '^0.2.0', '*', 'workspace:^'])(
  'findPeerFaults reports a peer range of %s when core is at 0.3.2',
  (range) => {
    const peerDependencies: Record<string, string> =
      range === undefined ? {} : { '@tasktree/core': range }
    expect(findPeerFaults([core, { ...good, peerDependencies }])).toEqual([
      '@tasktree/sync must have "@tasktree/core": "^0.3.0" in "peerDependencies"',
    ])
  },
)

test('findPeerFaults reports a package that does not test against the core of the workspace', () => {
  expect(findPeerFaults([core, { ...good, devDependencies: {} }])).toEqual([
    '@tasktree/sync must have "@tasktree/core": "workspace:*" in "devDependencies"',
  ])
})

test('findPeerFaults reports nothing for the packages of this repository', () => {
  const manifests = readManifests(root)
  expect(manifests.length).toBeGreaterThan(5)
  expect(findPeerFaults(manifests)).toEqual([])
})

const before = readManifests(root)
const ofName = (manifests: Manifest[], name: string): Manifest =>
  manifests.find((manifest) => manifest.name === name) as Manifest

test('a minor release of core moves the peer range of every other package, and releases them', () => {
  const after = releaseCore(root, 'minor')
  expect(findPeerFaults(after)).toEqual([])
  const beside = before.filter(({ peerDependencies }) => peerDependencies?.['@tasktree/core'])
  const same = beside.filter(({ name, version }) => ofName(after, name).version === version)
  expect(same).toEqual([])
})

test('a patch release of core moves no peer range, and releases no other package', () => {
  const after = releaseCore(root, 'patch')
  expect(findPeerFaults(after)).toEqual([])
  for (const manifest of before) {
    if (manifest.name !== core.name) expect(ofName(after, manifest.name)).toEqual(manifest)
  }
})
