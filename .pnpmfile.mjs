// pnpm calls this when it packs a package, and publishes the manifest that it gets back.
import { publishedManifest } from './scripts/published-manifest.mjs'

export const hooks = { beforePacking: publishedManifest }
