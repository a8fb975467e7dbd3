import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/main.ts', 'src/cluster/cluster-main.ts', 'src/cluster/node.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  clean: true,
})
