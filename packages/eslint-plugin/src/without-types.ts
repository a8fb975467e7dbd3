import type { ESTree } from '@oxlint/plugins'

type Node = ESTree.Node

/** Returns the expression without the parts that only the compiler reads: `x as T`, `x!`, `x satisfies T`, parentheses. */
export function withoutTypes(node: Node): Node {
  switch (node.type) {
    case 'ChainExpression':
    case 'ParenthesizedExpression':
    case 'TSAsExpression':
    case 'TSNonNullExpression':
    case 'TSSatisfiesExpression':
    case 'TSTypeAssertion':
      return withoutTypes(node.expression)
    default:
      return node
  }
}
