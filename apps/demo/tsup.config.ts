import { defineConfig } from 'tsup'

export default defineConfig({
  entry: ['src/main.ts', 'src/cluster/run-cluster.ts', 'src/cluster/node.ts'],
  format: ['esm'],
  target: 'node22',
  platform: 'node',
  sourcemap: true,
  clean: true,
})
