import { cp } from 'node:fs/promises'
import { defineConfig } from 'tsup'

export default defineConfig([
  {
    entry: ['src/index.ts', 'src/main.ts', 'src/jobs/in-pools.ts'],
    format: ['esm'],
    target: 'node22',
    platform: 'node',
    dts: false, // tsup 9 cannot emit declarations with TypeScript 7: `tsc -p tsconfig.build.json` does
    sourcemap: true,
    // The page is built beside it, at the same time.
    clean: ['!page/**'],
    // esbuild drops the prefix of modules that only exist with it.
    removeNodeProtocol: false,
  },
  {
    entry: {
      page: 'src/dashboard/page/page.ts',
      'events-worker': 'src/dashboard/page/events-worker.ts',
      style: 'src/dashboard/page/style.css',
    },
    tsconfig: 'src/dashboard/page/tsconfig.json',
    outDir: 'dist/page',
    format: ['iife'],
    outExtension: () => ({ js: '.js' }),
    target: 'es2022',
    platform: 'browser',
    noExternal: [/.*/],
    minify: true,
    onSuccess: async () => {
      for (const name of ['page.html', 'login.html', 'icon.svg'])
        await cp(`src/dashboard/page/${name}`, `dist/page/${name}`)
    },
  },
])
