// The release check of what the registry shows: the fields of each manifest, and the changelog of a first release. `pnpm
// release` runs it before anything is built or published.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sharedFields } from './published-manifest.mjs'
import { versionCopy } from './version-copy.ts'

export type Fields = Readonly<Record<string, unknown>>

/** Hosts and owners that stand for an address which nobody has decided on yet. */
const placeholder = /example|localhost|placeholder|your-|owner\/|todo|…|<|>/i

/** One line for each fault in the fields that the root manifest gives to every package. */
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

/** The packages that the install lines of a README name. Whoever follows them has all that its programs need. */
export function installedBy(readme: string): string[] {
  const lines = readme.matchAll(/^ {4}npm install(?: --save-dev)? (.*)$/gm)
  return [...lines].flatMap((line) => (line[1] as string).trim().split(/\s+/))
}

/** One line for each fault in what a package itself says of itself. */
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
  // Nothing of the plugin runs in a program, beside core.
  const needsCore = name !== '@tasktree/eslint-plugin'
  if (!installed.includes(String(name)) || (needsCore && !installed.includes('@tasktree/core'))) {
    faults.push('must say in its README how it is installed, and name core')
  }
  return faults.map((fault) => `${String(name)} ${fault}`)
}

/** One line for each entry of a first changelog that tells of an earlier state, which its readers have not seen. */
export function findChangelogFaults(name: string, changelog: string): string[] {
  const entries = changelog.split('\n').filter((line) => line.startsWith('- '))
  const faults = entries.flatMap((entry) => {
    const text = entry.replace(/^- ([0-9a-f]{7,40}: )?/, '')
    if (text.startsWith('Updated dependencies') || text.startsWith('Add: ')) return []
    return [`the first changelog of ${name} has an entry that is not an addition: ${text}`]
  })
  return entries.length === 0 ? [`the first changelog of ${name} says nothing`] : faults
}

/** The changelogs that the pending changesets make, of the packages that have none yet. */
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

/** The text of a file; empty if there is none, in which a check then finds its fault. */
function readText(file: string): string {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

function readFields(file: string): Fields {
  return JSON.parse(readFileSync(file, 'utf8')) as Fields
}

/** The faults of the packages as they are in `root`. */
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

/** One line for each changeset that waits: what is published must have its changelog. */
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
