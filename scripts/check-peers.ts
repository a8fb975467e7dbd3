// Checks how the packages depend on core. One process must hold one copy of core. So every other package must name core as a
// peer dependency, with a range that admits every compatible version of core. `pnpm check:peers` reports each package that
// breaks this rule. It also proves that the next minor release of core moves every range.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versionCopy } from './version-copy.ts'

const core = '@tasktree/core'

/** The packages that need no core, because their code only reads the source of programs. */
const withoutCore: ReadonlySet<string> = new Set(['@tasktree/eslint-plugin'])

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** Returns the range of all versions that are compatible with `version`. Below 1.0.0 a minor release is a breaking change. */
export function compatibleRange(version: string): string {
  const [major, minor] = version.split('.')
  return major === '0' ? `^0.${minor}.0` : `^${major}.0.0`
}

/** Returns one line for each rule that a manifest breaks. */
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

/** Returns the manifests as `changeset version` would write them for a release of core alone. Nothing in `root` is changed. */
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
