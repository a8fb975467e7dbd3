import { cp } from 'node:fs/promises'
import { defineConfig } from 'tsup'
import { shared } from '../../tsup.shared.ts'

export default defineConfig([
  {
    ...shared,
    entry: ['src/index.ts', 'src/main.ts', 'src/jobs/in-pools.ts'],
    // The page is built beside it, at the same time.
    clean: ['!page/**'],
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
