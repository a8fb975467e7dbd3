// `pnpm version-packages` runs this script. It turns the changesets into versions and changelogs.
//
// The first released version of every package is 0.1.0. The manifest has this version before the first release too, because
// other packages name it in their peer ranges, and packages that are packed from a checkout must be installable.
// `changeset version` would turn 0.1.0 into 0.2.0. So this script first sets a package that has never been released to 0.0.0.
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Returns the folders of the packages that have no changelog. Such a package was never released. */
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

/**
 * Removes the patch entries from a first changelog. No user has had an earlier version, so fixes and updated dependencies are
 * not news.
 */
function withoutPatches(changelog: string): string {
  return changelog.replace(/\n### Patch Changes\n[\s\S]*$/, '')
}

/** Runs `changeset version` in `root`, and leaves the present versions as they are before that. */
export function runChangesets(root: string): void {
  const changesets = fileURLToPath(import.meta.resolve('@changesets/cli/bin.js'))
  execFileSync(process.execPath, [changesets, 'version'], { cwd: root, stdio: 'pipe' })
}

if (import.meta.main) versionPackages(fileURLToPath(new URL('..', import.meta.url)))
