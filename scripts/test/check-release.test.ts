import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import {
  type Fields,
  findChangelogFaults,
  findPackageFaults,
  findSharedFaults,
  firstChangelogs,
} from '../check-release.ts'
import { publishedManifest } from '../published-manifest.mjs'
import { versionCopy } from '../version-copy.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

function fields(file: string): Fields {
  return JSON.parse(readFileSync(join(root, file), 'utf8')) as Fields
}

const shared: Fields = {
  author: 'Somebody',
  homepage: 'https://tasktree.dev',
  bugs: 'https://tasktree.dev/issues',
  repository: 'git+https://tasktree.dev/tasktree.git',
}
const manifest: Fields = {
  name: '@tasktree/sync',
  description: 'Locks.',
  keywords: ['lock', 'mutex', 'queue'],
  license: 'MIT',
  files: ['dist', 'src'],
}
const readme = '# Sync\n\n    npm install @tasktree/core @tasktree/sync\n'

test('the release check reports nothing for complete manifests', () => {
  expect(findSharedFaults(shared)).toEqual([])
  expect(findPackageFaults(manifest, readme)).toEqual([])
})

test.each(['author', 'homepage', 'bugs', 'repository'])(
  'the release check reports a missing %s in the root package.json',
  (field) => {
    expect(findSharedFaults({ ...shared, [field]: undefined })).toEqual([
      `the root package.json has no "${field}"`,
    ])
  },
)

test.each(['https://example.com/x', 'https://host/OWNER/x', 'https://localhost/x', 'https://…'])(
  'the release check reports the placeholder %s as the homepage',
  (homepage) => {
    expect(findSharedFaults({ ...shared, homepage })).toEqual([
      '"homepage" of the root package.json is a placeholder',
    ])
  },
)

test('the release check reports an address that does not begin with https', () => {
  expect(findSharedFaults({ ...shared, bugs: { url: 'tasktree.dev' } })).toEqual([
    '"bugs" of the root package.json must have an https address',
  ])
})

test.each<[string, Fields, string]>([
  ['description', { description: undefined }, 'has no "description"'],
  ['keywords', { keywords: ['lock'] }, 'needs at least 3 "keywords"'],
  ['license', { license: undefined }, 'must have the "license" MIT'],
  ['files', { files: ['dist'] }, 'must publish dist and src: the declaration maps lead to src'],
  ['author', { author: 'Me' }, 'must leave "author" to the root package.json'],
])('the release check reports a package with a wrong %s', (_, wrong, fault) => {
  expect(findPackageFaults({ ...manifest, ...wrong }, readme)).toEqual([`@tasktree/sync ${fault}`])
})

test('the release check reports a README whose install line does not name core', () => {
  expect(findPackageFaults(manifest, '    npm install @tasktree/sync\n')).toEqual([
    '@tasktree/sync must say in its README how it is installed, and name core',
  ])
})

test('the release check reports a first changelog that is empty or lists more than additions', () => {
  const good = '# x\n\n## 0.2.0\n\n### Minor Changes\n\n- 1a2b3c4: Add: locks.\n  - fair\n'
  expect(findChangelogFaults('sync', good)).toEqual([])
  expect(findChangelogFaults('sync', '- Updated dependencies [1a2b3c4]\n')).toEqual([])
  expect(findChangelogFaults('sync', `${good}- Fix: a lock that hung.\n`)).toEqual([
    'the first changelog of sync has an entry that is not an addition: Fix: a lock that hung.',
  ])
  expect(findChangelogFaults('sync', '')).toEqual(['the first changelog of sync says nothing'])
})

test.each(globSync('packages/*', { cwd: root }).map((folder) => basename(folder)))(
  'the release check reports nothing for the manifest and the README of %s',
  (name) => {
    const text = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8')
    expect(findPackageFaults(fields(`packages/${name}/package.json`), text)).toEqual([])
  },
)

test(
  'firstChangelogs gives a changelog for each package, and does not change the repository',
  { tags: ['slow'] },
  () => {
    const before = readFileSync(join(root, 'packages/core/package.json'), 'utf8')
    const changelogs = firstChangelogs(root)
    for (const text of changelogs.values()) {
      expect(text).toMatch(/^# @tasktree\/[\w-]+\n\n## 0\.1\.0\n\n### Minor Changes\n\n- Add: /)
      expect(text).not.toMatch(/Patch Changes|Updated dependencies/)
    }
    expect(readFileSync(join(root, 'packages/core/package.json'), 'utf8')).toBe(before)
  },
)

test('the first release gives every package the version 0.1.0', { tags: ['slow'] }, () => {
  const versions = versionCopy(root, (copy) =>
    globSync('packages/*/package.json', { cwd: copy }).map(
      (file) => JSON.parse(readFileSync(join(copy, file), 'utf8')) as Fields,
    ),
  )
  expect(new Set(versions.map(({ version }) => version))).toEqual(new Set(['0.1.0']))
})

const workflow = readFileSync(join(root, '.github/workflows/release.yml'), 'utf8')

test('the release workflow runs check:release before it builds and publishes', () => {
  const steps = [...workflow.matchAll(/- run: npx --yes pnpm@\S+ (.*)$/gm)].map((step) => step[1])
  expect(steps).toEqual(['install --frozen-lockfile', 'check:release', 'check', 'release'])
  const { scripts } = fields('package.json') as { scripts: Record<string, string> }
  expect(scripts['check:release']).toBe('node scripts/check-release.ts')
  expect(scripts['release']).toMatch(
    /^pnpm check:release --publish && .* publish --access public && /,
  )
})

test('the release workflow publishes with an identity token of its own, and uses no secret', () => {
  expect(workflow).toContain('id-token: write')
  expect(workflow).not.toMatch(/secrets\.|TOKEN/)
})

test(
  'check-release.ts --publish ends with code 1 and prints what is missing',
  { tags: ['slow'] },
  async () => {
    const script = join(root, 'scripts/check-release.ts')
    const ended = await promisify(execFile)(process.execPath, [script, '--publish']).then(
      () => ({ code: 0, stdout: '' }),
      (error: { code: number; stdout: string }) => error,
    )
    const missing = findSharedFaults(fields('package.json'))
    const waiting = globSync('.changeset/*.md', { cwd: root }).map((file) => `${file} waits`)
    for (const fault of [...missing, ...waiting]) expect(ended.stdout).toContain(fault)
    if (missing.length + waiting.length > 0) expect(ended.code).toBe(1)
  },
)

test(
  'versionCopy removes its copy of the repository when the release fails',
  { tags: ['slow'] },
  () => {
    let folder = ''
    const fail = (copy: string): never => {
      folder = copy
      throw new Error('no')
    }
    expect(() => versionCopy(root, fail, { package: '@tasktree/core', bump: 'patch' })).toThrow(
      'no',
    )
    expect(() => readFileSync(join(folder, 'package.json'))).toThrow('ENOENT')
  },
)

test('a published manifest has the shared fields, and no scripts and development dependencies', () => {
  const published = publishedManifest(
    { ...manifest, scripts: { test: 'vitest' }, devDependencies: { vitest: '1' } },
    join(root, 'packages/sync'),
  )
  const { author, homepage, bugs } = fields('package.json')
  expect(published).toMatchObject({ ...manifest, author })
  expect(published['homepage']).toEqual(homepage)
  expect(published['bugs']).toEqual(bugs)
  expect(published).not.toHaveProperty('scripts')
  expect(published).not.toHaveProperty('devDependencies')
})
