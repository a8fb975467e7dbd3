// Checks what the registry will show of each package: the fields of the manifest, the install lines of the README, and the
// changelog of a first release. `pnpm release` runs this check before anything is built or published.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sharedFields } from './published-manifest.mjs'
import { versionCopy } from './version-copy.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Matches a placeholder that stands for an address which has not been decided yet. */
const placeholder = /example|localhost|placeholder|your-|owner\/|todo|…|<|>/i

/** Returns one line for each fault in the fields that the root manifest gives to every package. */
export function findSharedFaults(manifest: Fields): string[] {
  return sharedFields.flatMap((field) => {
    const value = JSON.stringify(manifest[field])
    if (value === undefined || value === '""') return [`the root package.json has no "${field}"`]
    if (placeholder.test(value)) return [`"${field}" of the root package.json is a placeholder`]
    if (field !== 'author' && !value.includes('https://')) {
      return [`"${field}" of the root package.json must have an https address`]
    }
    return []
  })
}

/** Returns the packages that the `npm install` lines of a README name. */
export function installedBy(readme: string): string[] {
  const lines = readme.matchAll(/^ {4}npm install(?: --save-dev)? (.*)$/gm)
  return [...lines].flatMap((line) => (line[1] as string).trim().split(/\s+/))
}

/** Returns one line for each fault in the manifest and the README of a package. */
export function findPackageFaults(manifest: Fields, readme: string): string[] {
  const { name, description, keywords, license, files } = manifest
  const faults: string[] = []
  if (typeof description !== 'string' || description === '') faults.push('has no "description"')
  if (!Array.isArray(keywords) || keywords.length < 3) faults.push('needs at least 3 "keywords"')
  if (license !== 'MIT') faults.push('must have the "license" MIT')
  if (!Array.isArray(files) || !['dist', 'src'].every((folder) => files.includes(folder))) {
    faults.push('must publish dist and src: the declaration maps lead to src')
  }
  for (const field of sharedFields) {
    if (manifest[field] !== undefined) faults.push(`must leave "${field}" to the root package.json`)
  }
  const installed = installedBy(readme)
  // The ESLint plugin only reads the source of programs, so it needs no core.
  const needsCore = name !== '@tasktree/eslint-plugin'
  if (!installed.includes(String(name)) || (needsCore && !installed.includes('@tasktree/core'))) {
    faults.push('must say in its README how it is installed, and name core')
  }
  return faults.map((fault) => `${String(name)} ${fault}`)
}

/**
 * Returns one line for each entry of a first changelog that is not an addition. No reader of a first changelog has seen an
 * earlier version, so a fix or a change of it means nothing to them.
 */
export function findChangelogFaults(name: string, changelog: string): string[] {
  const entries = changelog.split('\n').filter((line) => line.startsWith('- '))
  const faults = entries.flatMap((entry) => {
    const text = entry.replace(/^- ([0-9a-f]{7,40}: )?/, '')
    if (text.startsWith('Updated dependencies') || text.startsWith('Add: ')) return []
    return [`the first changelog of ${name} has an entry that is not an addition: ${text}`]
  })
  return entries.length === 0 ? [`the first changelog of ${name} says nothing`] : faults
}

/** Returns the changelogs that the pending changesets would write, by the folder of each package that has no changelog yet. */
export function firstChangelogs(root: string): Map<string, string> {
  return versionCopy(root, (copy) => {
    const changelogs = new Map<string, string>()
    for (const folder of globSync('packages/*', { cwd: root }).toSorted()) {
      if (existsSync(join(root, folder, 'CHANGELOG.md'))) continue
      const file = join(copy, folder, 'CHANGELOG.md')
      changelogs.set(folder, readText(file))
    }
    return changelogs
  })
}

/** Reads a file. A missing file reads as an empty text, in which the checks then find their faults. */
function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function readFields(file: string): Fields {
  return JSON.parse(readFileSync(file, 'utf8')) as Fields
}

/** Returns the faults of all packages in `root`. */
export function findFaults(root: string): string[] {
  const packages = globSync('packages/*', { cwd: root }).toSorted()
  return [
    ...packages.flatMap((folder) =>
      findPackageFaults(
        readFields(join(root, folder, 'package.json')),
        readText(join(root, folder, 'README.md')),
      ),
    ),
    ...[...firstChangelogs(root)].flatMap(([name, text]) => findChangelogFaults(name, text)),
  ]
}

/** Returns one line for each pending changeset, because every published change must stand in a changelog. */
export function findWaiting(root: string): string[] {
  return globSync('.changeset/*.md', { cwd: root })
    .toSorted()
    .map((file) => `${file} waits: run pnpm version-packages, and commit what it makes`)
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url))
  const faults = [...findSharedFaults(readFields(join(root, 'package.json'))), ...findFaults(root)]
  if (process.argv.includes('--publish')) faults.push(...findWaiting(root))
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
}
