import { floatingFutures } from './floating-futures.ts'
import { noNativeRace } from './no-native-race.ts'
import { noSwallowedCancel } from './no-swallowed-cancel.ts'

/** A rule, as ESLint and oxlint take it. */
interface Rule {
  meta: { type: 'problem' }
  create(context: never): Record<string, (node: never) => void>
}

/** A configuration of ESLint, to be put into the list that `eslint.config.js` exports. */
interface Config {
  name: string
  plugins?: Record<string, { meta: { name: string }; rules: Record<string, Rule> }>
  rules: Record<string, 'error' | ['error', object]>
}

const meta = { name: '@tasktree/eslint-plugin' }

const rules: { 'no-native-race': Rule; 'no-swallowed-cancel': Rule } = {
  'no-native-race': noNativeRace as Rule,
  'no-swallowed-cancel': noSwallowedCancel as Rule,
}

const plugin: {
  meta: { name: string }
  rules: { 'no-native-race': Rule; 'no-swallowed-cancel': Rule }
  configs: { recommended: Config; typeChecked: Config }
} = {
  meta,
  rules,
  configs: {
    recommended: {
      name: '@tasktree/recommended',
      plugins: { '@tasktree': { meta, rules } },
      rules: {
        '@tasktree/no-native-race': 'error',
        '@tasktree/no-swallowed-cancel': 'error',
      },
    },
    typeChecked: {
      name: '@tasktree/type-checked',
      rules: { '@typescript-eslint/no-floating-promises': ['error', floatingFutures] },
    },
  },
}

// oxlint-disable-next-line import/no-default-export -- ESLint and oxlint load the default export of a plugin
export default plugin
