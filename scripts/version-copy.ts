// Runs `changeset version` on a copy of the files that it reads, so that a check can look at a release before it is made.
import { cpSync, globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runChangesets, versionPackages } from './version-packages.ts'

/**
 * Copies the files, runs `changeset version` in the copy, and returns the result of `read(copy)`. The copy contains the pending
 * changesets of `root`, or only `changeset` if it is given. Nothing in `root` is changed, and the copy is removed at the end.
 */
export function versionCopy<T>(
  root: string,
  read: (copy: string) => T,
  changeset?: { readonly package: string; readonly bump: 'minor' | 'patch' },
): T {
  const copy = mkdtempSync(join(tmpdir(), 'release-'))
  try {
    const pending = changeset === undefined ? '.changeset/*.md' : '.changeset/config.json'
    const files = globSync(
      [
        '.changeset/config.json',
        pending,
        'package.json',
        'pnpm-workspace.yaml',
        'packages/*/package.json',
        'packages/*/CHANGELOG.md',
      ],
      { cwd: root },
    )
    for (const file of files) {
      mkdirSync(join(copy, dirname(file)), { recursive: true })
      cpSync(join(root, file), join(copy, file))
    }
    if (changeset !== undefined) {
      const text = `---\n'${changeset.package}': ${changeset.bump}\n---\n\nA release.\n`
      writeFileSync(join(copy, '.changeset/release.md'), text)
    }
    if (changeset === undefined) versionPackages(copy)
    else runChangesets(copy)
    return read(copy)
  } finally {
    rmSync(copy, { recursive: true })
  }
}
