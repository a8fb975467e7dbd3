// `pnpm version-packages`: turns the changesets into versions and changelogs. The first version of every package is 0.1.0,
// which its manifest has from the beginning: peers name it, and what is packed from a checkout must be installable.
// `changeset version` would make 0.2.0 of it. So a package that has never been released counts from 0.0.0.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folders of the packages that have no changelog, and so were never released. */
function neverReleased(root: string): string[] {
  return globSync('packages/*', { cwd: root })
    .map((folder) => join(root, folder))
    .filter((folder) => !existsSync(join(folder, 'CHANGELOG.md')))
}

function edit(file: string, change: (text: string) => string): void {
  if (existsSync(file)) writeFileSync(file, change(readFileSync(file, 'utf8')))
}

/** Turns the changesets of `root` into versions and changelogs. */
export function versionPackages(root: string): void {
  const fresh = neverReleased(root)
  for (const folder of fresh) {
    edit(join(folder, 'package.json'), (text) =>
      text.replace(/^ {2}"version": ".*"/m, '  "version": "0.0.0"'),
    )
  }
  runChangesets(root)
  for (const folder of fresh) edit(join(folder, 'CHANGELOG.md'), withoutPatches)
}

/** Nobody has had an earlier version: what was mended on the way to the first one, and updated, is no news. */
function withoutPatches(changelog: string): string {
  return changelog.replace(/\n### Patch Changes\n[\s\S]*$/, '')
}

/** Runs `changeset version` in `root`, on the versions that are there. */
export function runChangesets(root: string): void {
  const changesets = fileURLToPath(import.meta.resolve('@changesets/cli/bin.js'))
  execFileSync(process.execPath, [changesets, 'version'], { cwd: root, stdio: 'pipe' })
}

if (import.meta.main) versionPackages(fileURLToPath(new URL('..', import.meta.url)))
