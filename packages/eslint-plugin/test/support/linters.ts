// Runs the cases of a rule under each linter that loads the plugin.
import type { Rule } from '@oxlint/plugins'
import { RuleTester as EslintTester } from 'eslint'
import { RuleTester as Eslint9Tester } from 'eslint9'
import { RuleTester as OxlintTester } from 'oxlint/plugins-dev'
import tseslint from 'typescript-eslint'
import { describe, it } from 'vitest'

/** A case that the rule must report: the code, the code after the fix, and the code after each suggestion. */
export interface Invalid {
  readonly code: string
  readonly options?: [object]
  /** The code after the automatic fix. */
  readonly output?: string
  readonly errors: readonly {
    readonly messageId: string
    readonly suggestions?: {
      readonly messageId: string
      readonly output: string
      readonly data?: object
    }[]
  }[]
}

export interface Cases {
  readonly valid: readonly (string | { readonly code: string; readonly options: [object] })[]
  readonly invalid: readonly Invalid[]
}

for (const tester of [EslintTester, Eslint9Tester, OxlintTester]) {
  tester.describe = describe
  tester.it = it
}

/** Tests the cases, which are TypeScript, under ESLint 10, ESLint 9 and oxlint. */
export function testRule(name: string, rule: Rule, cases: Cases): void {
  const eslint = { languageOptions: { parser: tseslint.parser } }
  const oxlint: OxlintTester.Config = {
    eslintCompat: true,
    languageOptions: { parserOptions: { lang: 'ts' } },
  }
  describe('ESLint 10', () => {
    new EslintTester(eslint).run(name, rule as never, cases as never)
  })
  describe('ESLint 9', () => {
    new Eslint9Tester(eslint).run(name, rule as never, cases as never)
  })
  describe('oxlint', () => {
    new OxlintTester(oxlint).run(name, rule, cases as never)
  })
}
