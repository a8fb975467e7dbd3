import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { testWhere } from '../../vitest.skips.ts'

const home = new URL('../', import.meta.url)
const isLinux = process.platform === 'linux' && process.arch === 'x64'

testWhere(isLinux, 'the runtimes are installed for Linux on x64 only')(
  'core, sync, flow, streams and actor run in workerd with nodejs_compat',
  { tags: ['slow'] },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tasktree-workerd-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    await build({
      entryPoints: [fileURLToPath(new URL('workerd/worker.mjs', home))],
      bundle: true,
      format: 'esm',
      // wrangler bundles with these conditions. "browser" is one of them, although workerd is not a browser.
      conditions: ['workerd', 'worker', 'browser'],
      external: ['node:*'],
      outfile: join(folder, 'bundle.mjs'),
    })
    await copyFile(new URL('workerd/config.capnp', home), join(folder, 'config.capnp'))
    const workerd = fileURLToPath(new URL('node_modules/workerd/bin/workerd', home))
    await promisify(execFile)(process.execPath, [workerd, 'test', 'config.capnp'], {
      cwd: folder,
      timeout: 50_000,
    })
  },
)
