// `npm run docs`: builds the site and serves it on localhost. `--port 8080` chooses the port; `--build` only builds.
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { serve } from 'vitepress'
import { buildSite } from './build.ts'

const { values } = parseArgs({
  options: { port: { type: 'string', default: '4173' }, build: { type: 'boolean' } },
})
await buildSite()
if (!values.build) {
  await serve({ root: resolve(import.meta.dirname, '..'), port: Number(values.port) })
}
