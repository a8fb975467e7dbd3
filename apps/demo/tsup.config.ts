import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/main.ts', 'src/job-kinds/cpu-jobs.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  clean: true,
  // esbuild drops the prefix of modules that only exist with it.
  removeNodeProtocol: false,
})
