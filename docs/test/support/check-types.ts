import { join, relative, resolve } from 'node:path'
import ts from 'typescript'
import { docs } from './pages.ts'

const root = resolve(docs, '..')

/** The options of the packages, without those that only make sense for their own files. */
export function compilerOptions(): ts.CompilerOptions {
  const config = ts.readConfigFile(join(root, 'tsconfig.base.json'), (file) =>
    ts.sys.readFile(file),
  )
  const { options } = ts.parseJsonConfigFileContent(
    {
      ...(config.config as object),
      compilerOptions: {
        ...(config.config as { compilerOptions: object }).compilerOptions,
        declaration: false,
        isolatedDeclarations: false,
        noUnusedLocals: false,
        allowImportingTsExtensions: true,
      },
    },
    ts.sys,
    docs,
  )
  return options
}

/**
 * What the compiler says of the texts, each of which is given with the path of a file that exists for the compiler alone. One
 * compiler checks them all, because most of its time goes into the packages.
 */
export function checkTypes(
  texts: ReadonlyMap<string, string>,
  options: ts.CompilerOptions = compilerOptions(),
): string[] {
  const host = ts.createCompilerHost(options)
  const readFile = host.readFile.bind(host)
  const fileExists = host.fileExists.bind(host)
  host.readFile = (file) => texts.get(file) ?? readFile(file)
  host.fileExists = (file) => texts.has(file) || fileExists(file)
  const program = ts.createProgram([...texts.keys()], options, host)
  return [...texts.keys()].flatMap((file) => {
    const source = program.getSourceFile(file)
    return [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ].map(({ messageText, start = 0 }) => {
      const line = (source?.getLineAndCharacterOfPosition(start).line ?? 0) + 1
      return `${relative(root, file)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  })
}
