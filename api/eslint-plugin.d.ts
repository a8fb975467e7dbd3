// dist/floating-futures.d.ts
export declare const floatingFutures: {
    checkThenables: boolean;
    allowForKnownSafeCalls: object[];
};

// dist/imports.d.ts
import type { ESTree, Fix, Fixer, SourceCode, Variable } from '@oxlint/plugins';
type Node = ESTree.Node;
export declare function importsTasktree(sourceCode: SourceCode): boolean;
export declare function findVariable(sourceCode: SourceCode, at: Node, name: string): Variable | null;
export declare function isImported(sourceCode: SourceCode, variable: Variable): boolean;
export interface Export {
    readonly name: string;
    readonly source: string;
}
export declare function exportOf(sourceCode: SourceCode, expression: Node): Export | null;
export interface CoreImport {
    readonly local: string;
    addTo(fixer: Fixer): Fix[];
}
export declare function importOfCore(sourceCode: SourceCode, at: Node, exported: string): CoreImport | null;
export {};

// dist/index.d.ts
interface Rule {
    meta: {
        type: 'problem';
    };
    create(context: never): Record<string, (node: never) => void>;
}
interface Config {
    name: string;
    plugins?: Record<string, {
        meta: {
            name: string;
        };
        rules: Record<string, Rule>;
    }>;
    rules: Record<string, 'error' | ['error', object]>;
}
declare const plugin: {
    meta: {
        name: string;
    };
    rules: {
        'no-native-race': Rule;
        'no-swallowed-cancel': Rule;
    };
    configs: {
        recommended: Config;
        typeChecked: Config;
    };
};
export default plugin;

// dist/no-native-race.d.ts
import type { Rule } from '@oxlint/plugins';
export declare const noNativeRace: Rule;

// dist/no-swallowed-cancel.d.ts
import type { Rule } from '@oxlint/plugins';
export declare const noSwallowedCancel: Rule;

// dist/own-code.d.ts
import type { ESTree, SourceCode } from '@oxlint/plugins';
type Node = ESTree.Node;
export declare function someOwnNode(sourceCode: SourceCode, root: Node, test: (node: Node) => boolean): boolean;
export declare function calledName(callee: Node): string | null;
export declare function findFunction(sourceCode: SourceCode, callee: Node): ESTree.Function | ESTree.ArrowFunctionExpression | null;
export declare function asFunction(node: Node | null): ESTree.Function | ESTree.ArrowFunctionExpression | null;
type Member = ESTree.MethodDefinition | ESTree.PropertyDefinition | ESTree.BindingIdentifier;
export declare function findMember(member: ESTree.MemberExpression): Member | null;
export declare function findAssigned(member: ESTree.MemberExpression): Node | null;
export {};

// dist/tasktree-values.d.ts
import type { ESTree, SourceCode } from '@oxlint/plugins';
type Node = ESTree.Node;
export declare function makesRun(sourceCode: SourceCode, expression: Node): boolean;
export declare function isTasktreeValue(sourceCode: SourceCode, expression: Node): boolean;
export declare function isTasktreeArray(sourceCode: SourceCode, expression: Node): boolean;
export {};

// dist/without-types.d.ts
import type { ESTree } from '@oxlint/plugins';
type Node = ESTree.Node;
export declare function withoutTypes(node: Node): Node;
export {};
