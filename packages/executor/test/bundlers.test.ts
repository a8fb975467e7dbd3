// Bundles a program that uses pools into one file, and runs it outside of node_modules, with the file of the workers beside it.
import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import { build as viteBuild } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import webpack from 'webpack'

const execute = promisify(execFile)

/** Runs a program without NODE_PATH. pnpm sets this variable, and a bundle could find the package through it. */
async function run(program: string, args: string[]): Promise<{ stdout: string; stderr: string }> {
  return execute(program, args, { env: { ...process.env, NODE_PATH: '' } })
}

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const workerEntry = join(packageFolder, 'dist/worker-entry.js')
const bun = join(packageFolder, '../../runtimes/node_modules/bun/bin/bun')
const tool = (name: string): string => join(packageFolder, 'node_modules/.bin', name)
const expected = '6 cancelled from inside 6 cancelled from inside 9\n'

let project = ''
let app = ''
beforeAll(async () => {
  if (!existsSync(workerEntry)) throw new Error('build this package and core first')
  // The folder is outside of the repository, so that a bundle cannot find the package by accident.
  project = mkdtempSync(join(tmpdir(), 'executor-bundle-'))
  const scope = join(project, 'source/node_modules/@tasktree')
  mkdirSync(scope, { recursive: true })
  for (const name of ['core', 'executor']) {
    symlinkSync(join(packageFolder, '..', name), join(scope, name))
  }
  app = join(project, 'source/app.mjs')
  copyFileSync(join(packageFolder, 'test/fixtures/bundled-app.mjs'), app)
})
afterAll(() => rmSync(project, { recursive: true }))

interface Bundler {
  readonly name: string
  /** Bundles the program of the folder, and returns the path of the result. */
  readonly bundle: (folder: string) => Promise<string>
  /** Whether the bundler copies the file of the workers by itself. */
  readonly copies?: boolean
}

async function bundleWithEsbuild(file: string, options: esbuild.BuildOptions): Promise<string> {
  await esbuild.build({
    entryPoints: [app],
    bundle: true,
    platform: 'node',
    outfile: file,
    logLevel: 'silent',
    ...options,
  })
  return file
}

async function bundleWithWebpack(folder: string, isModule: boolean): Promise<string> {
  const name = isModule ? 'app.mjs' : 'app.cjs'
  const compiler = webpack({
    mode: 'production',
    target: 'node',
    entry: app,
    experiments: { outputModule: isModule },
    output: { path: folder, filename: name, ...(isModule && { module: true }) },
  })
  await new Promise<void>((resolve, reject) => {
    compiler?.run((error, stats) => {
      if (error === null && stats?.hasErrors() === false) resolve()
      else reject(error ?? new Error(stats?.toString()))
    })
  })
  return join(folder, name)
}

const bundlers: Bundler[] = [
  ...(['esm', 'cjs'] as const).flatMap((format): Bundler[] => [
    {
      name: `esbuild, ${format}`,
      bundle: async (folder) =>
        bundleWithEsbuild(join(folder, `app.${format === 'esm' ? 'mjs' : 'cjs'}`), { format }),
    },
    {
      name: `esbuild, ${format}, --minify --keep-names`,
      bundle: async (folder) =>
        bundleWithEsbuild(join(folder, `app.${format === 'esm' ? 'mjs' : 'cjs'}`), {
          format,
          minify: true,
          keepNames: true,
        }),
    },
    {
      name: `rollup, ${format}`,
      bundle: async (folder) => {
        const bundle = await rollup({
          input: app,
          plugins: [nodeResolve({ exportConditions: ['node'] })],
          onLog: () => {},
        })
        const file = join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs')
        await bundle.write({ file, format })
        return file
      },
    },
    {
      name: `rolldown, ${format}`,
      bundle: async (folder) => {
        const bundle = await rolldown({ input: app, platform: 'node', onLog: () => {} })
        const file = join(folder, format === 'esm' ? 'app.mjs' : 'app.cjs')
        await bundle.write({ file, format })
        return file
      },
    },
    {
      name: `webpack, ${format}`,
      copies: true,
      bundle: async (folder) => bundleWithWebpack(folder, format === 'esm'),
    },
  ]),
  {
    name: 'vite',
    bundle: async (folder) => {
      await viteBuild({
        root: join(project, 'source'),
        configFile: false,
        logLevel: 'silent',
        ssr: { noExternal: true },
        build: {
          ssr: app,
          outDir: folder,
          emptyOutDir: false,
          rollupOptions: { output: { entryFileNames: 'app.mjs' } },
        },
      })
      return join(folder, 'app.mjs')
    },
  },
  {
    name: 'ncc',
    copies: true,
    bundle: async (folder) => {
      await run(tool('ncc'), ['build', app, '-o', folder])
      return join(folder, 'index.mjs')
    },
  },
  ...(existsSync(bun)
    ? [
        {
          name: 'bun build',
          bundle: async (folder: string) => {
            await run(bun, ['build', app, '--target=node', `--outfile=${join(folder, 'app.mjs')}`])
            return join(folder, 'app.mjs')
          },
        },
      ]
    : []),
]

describe.for(bundlers)(
  'a bundle made by $name',
  { tags: ['slow'] },
  ({ name, bundle, copies = false }) => {
    test('runs pools once worker-entry.js lies beside the bundle', async () => {
      const folder = join(project, name.replaceAll(/\W+/g, '-'))
      mkdirSync(folder)
      const file = await bundle(folder)
      if (!copies) {
        const failure = await run(process.execPath, [file]).catch((error: unknown) => error)
        expect((failure as { stderr: string }).stderr).toMatch(
          /copy @tasktree\/executor's dist\/worker-entry\.js beside it, or .* workerEntry/,
        )
        copyFileSync(workerEntry, join(folder, 'worker-entry.js'))
      }
      const { stdout, stderr } = await run(process.execPath, [file])
      expect({ stdout, stderr }).toEqual({ stdout: expected, stderr: '' })
    })
  },
)

test(
  'a bundle in a project where the package is installed finds worker-entry.js in the package',
  { tags: ['slow'] },
  async () => {
    for (const format of ['esm', 'cjs'] as const) {
      const file = join(project, `source/dist/app.${format === 'esm' ? 'mjs' : 'cjs'}`)
      await bundleWithEsbuild(file, { format })
      const { stdout } = await run(process.execPath, [file])
      expect(stdout).toBe(expected)
    }
  },
)

test(
  'pools of a bundle start their workers from the file that the option workerEntry names',
  { tags: ['slow'] },
  async () => {
    const folder = join(project, 'named')
    mkdirSync(folder)
    copyFileSync(workerEntry, join(folder, 'elsewhere.js'))
    const program = `
    import { ProcessPoolExecutor, ThreadPoolExecutor } from '@tasktree/executor'
    for (const Pool of [ThreadPoolExecutor, ProcessPoolExecutor]) {
      await using pool = new Pool({ workerEntry: new URL('./elsewhere.js', import.meta.url), maxWorkers: 1 })
      console.log(await pool.submit((n) => n + 1, 1))
    }`
    const file = join(folder, 'app.mjs')
    await esbuild.build({
      stdin: { contents: program, resolveDir: join(project, 'source') },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: file,
    })
    const { stdout } = await run(process.execPath, [file])
    expect(stdout).toBe('2\n2\n')
  },
)
