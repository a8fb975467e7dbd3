import { defineConfig } from 'eslint/config'
import plugin from '../src/index.ts'

// The types of ESLint accept the plugin and its configurations.
export const configs: object = defineConfig([
  plugin.configs.recommended,
  plugin.configs.typeChecked,
  { plugins: { tasktree: plugin }, rules: { 'tasktree/no-native-race': 'warn' } },
])
