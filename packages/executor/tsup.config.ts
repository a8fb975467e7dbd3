import { isBuiltin } from 'node:module'
import type { Plugin } from 'esbuild'
import { defineConfig } from 'tsup'
import { shared } from '../../tsup.shared.ts'

/**
 * Takes Node's modules from `process.getBuiltinModule`. Without `import` and `require` the file is a valid script and
 * a valid module, so it runs wherever a bundler puts it, whatever the `type` of the package.json there.
 */
const builtinModules: Plugin = {
  name: 'builtin-modules',
  setup(build) {
    build.onResolve({ filter: /^[a-z]/ }, ({ path }) =>
      isBuiltin(path) ? { path, namespace: 'builtin' } : undefined,
    )
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      loader: 'js',
    }))
  },
}

export default defineConfig([
  // The two are built at the same time, so neither may empty the folder.
  { ...shared, entry: ['src/index.ts', 'src/lowlevel.ts'], clean: false },
  {
    // The program of the workers stands alone: bundlers copy this one file.
    ...shared,
    clean: false,
    entry: ['src/worker-entry.ts'],
    format: ['iife'],
    outExtension: () => ({ js: '.js' }),
    noExternal: [/.*/],
    minify: true,
    esbuildPlugins: [builtinModules],
    esbuildOptions: (options) => {
      // From core's source only the files that are used are taken.
      options.conditions = ['@tasktree/source']
      // Core looks for its own folder with it, and does without where there is none.
      options.logOverride = { 'empty-import-meta': 'silent' }
    },
  },
])
