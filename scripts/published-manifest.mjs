// What a package's manifest is in the registry. The root manifest is the one place of the fields that all packages share.
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** The fields that a package takes from the root manifest, and must not have itself. */
export const sharedFields = ['author', 'homepage', 'bugs', 'repository']

/**
 * The manifest of the package in `folder` as it is published: with the shared fields, and without what only serves
 * development in this repository.
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
