// Makes the manifest that a package has in the registry. The fields that all packages share stand only in the root manifest,
// so they are added here.
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The fields that a published package takes from the root manifest. The package's own manifest must not have them. */
export const sharedFields = ['author', 'homepage', 'bugs', 'repository']

/**
 * Returns the manifest of the package in `folder` as it is published: with the shared fields, and without `scripts` and
 * `devDependencies`, which only serve development in this repository.
 */
export function publishedManifest(manifest, folder) {
  const { scripts: _, devDependencies: __, ...published } = manifest
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  for (const field of sharedFields) {
    if (rootManifest[field] !== undefined) published[field] = rootManifest[field]
  }
  if (published.repository !== undefined) {
    const { repository } = published
    published.repository = {
      ...(typeof repository === 'string' ? { type: 'git', url: repository } : repository),
      directory: relative(root, folder).split(sep).join('/'),
    }
  }
  return published
}
