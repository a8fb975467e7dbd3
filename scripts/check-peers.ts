// The release check of how the packages depend on core. One process must hold one copy of core, so every other package
// names core as a peer, with a range that admits every compatible version of it. `pnpm check:peers` reports each package
// that does not, and proves that a release of the next minor of core moves every range.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versionCopy } from './version-copy.ts'

const core = '@tasktree/core'

/** The packages whose code does not run beside core, but looks at programs that use it. */
const withoutCore: ReadonlySet<string> = new Set(['@tasktree/eslint-plugin'])

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The range of all versions that are compatible with `version`: below 1.0.0 a minor is a breaking change. */
export function compatibleRange(version: string): string {
  const [major, minor] = version.split('.')
  return major === '0' ? `^0.${minor}.0` : `^${major}.0.0`
}

/** One line for each rule that a manifest breaks. */
export function findPeerFaults(manifests: readonly Manifest[]): string[] {
  const version = manifests.find((manifest) => manifest.name === core)?.version
  if (version === undefined) return [`there is no ${core}`]
  const range = compatibleRange(version)
  const faults: string[] = []
  for (const { name, dependencies, devDependencies, peerDependencies } of manifests) {
    if (name === core || withoutCore.has(name)) continue
    if (dependencies?.[core] !== undefined) {
      faults.push(`${name} has ${core} in "dependencies": an app could get a second copy of it`)
    }
    if (peerDependencies?.[core] !== range) {
      faults.push(`${name} must have "${core}": "${range}" in "peerDependencies"`)
    }
    if (devDependencies?.[core] !== 'workspace:*') {
      faults.push(`${name} must have "${core}": "workspace:*" in "devDependencies"`)
    }
  }
  return faults
}

export function readManifests(root: string): Manifest[] {
  return globSync('packages/*/package.json', { cwd: root })
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest)
}

/** The manifests as changesets would write them for a release of core alone; nothing in `root` is changed. */
export function releaseCore(root: string, bump: 'minor' | 'patch'): Manifest[] {
  return versionCopy(root, readManifests, { package: core, bump })
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const faults = findPeerFaults(readManifests(root))
  if (faults.length === 0) {
    for (const fault of findPeerFaults(releaseCore(root, 'minor'))) {
      faults.push(`after the next minor release of core: ${fault}`)
    }
  }
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
}
