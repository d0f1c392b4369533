import { join, relative } from 'node:path'
import {
  type FunctionLikeDeclaration,
  isCallExpression,
  isExportAssignment,
  isExportDeclaration,
  isFunctionLikeDeclaration,
  isIdentifier,
  isImportDeclaration,
  isNewExpression,
  isNoSubstitutionTemplateLiteral,
  isPropertyAccessExpression,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  type SourceFile,
  SyntaxKind,
} from 'typescript/unstable/ast'
import { API } from 'typescript/unstable/sync'

type Found = { line: number; text: string }
/** What the rules of the house look at in a file. Paths are the project's, with slashes. */
export type Facts = {
  path: string
  lines: number
  imports: { line: number; from: string; names: string[]; target: string | undefined }[]
  functions: { line: number; name: string; lines: number }[]
  strings: Found[]
  /** Identifiers in use and calls such as `Date.now`, for the purity of core. */
  uses: Found[]
  anys: number[]
  defaultExports: number[]
  isBarrel: boolean
}

/** The compiler's process, one for all houses; it ends with this one. */
let compiler: API | undefined

/** The facts of every TypeScript file of the project that `tsconfig.json` in the folder includes. */
export function readHouse(root: string): Facts[] {
  compiler ??= new API({ cwd: root })
  const config = join(root, 'tsconfig.json')
  const snapshot = compiler.updateSnapshot({ openProjects: [config] })
  const program = snapshot.getProject(config)?.program
  if (!program) throw new Error(`${config} is no project`)
  const names = program
    .getSourceFileNames()
    .filter((name) => name.startsWith(`${root}/`) && !name.includes('/node_modules/') && !name.endsWith('.d.ts'))
  const facts = names.sort().map((name) => readFacts(program.getSourceFile(name)!, relative(root, name).replaceAll('\\', '/')))
  snapshot.dispose()
  return facts
}

function readFacts(source: SourceFile, path: string): Facts {
  const { statements, text } = source
  const isBarrel = statements.length > 0 && statements.every((statement) => isExportDeclaration(statement) && statement.moduleSpecifier)
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  const facts: Facts = { path, lines, imports: [], functions: [], strings: [], uses: [], anys: [], defaultExports: [], isBarrel }
  const visit = (node: Node, parent: Node): void => {
    note(facts, source, node, parent)
    node.forEachChild((child) => visit(child, node))
  }
  for (const statement of statements) visit(statement, source)
  return facts
}

function note(facts: Facts, source: SourceFile, node: Node, parent: Node): void {
  const line = () => source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1
  if (node.kind === SyntaxKind.AnyKeyword) facts.anys.push(line())
  if (isExportAssignment(node) || node.kind === SyntaxKind.DefaultKeyword) facts.defaultExports.push(line())
  noteImport(facts, source, node, line)
  noteText(facts, node, parent, line)
  noteUse(facts, node, parent, line)
  if (isFunctionLikeDeclaration(node) && node.body && !isSuite(facts.path, source, node)) {
    const last = source.getLineAndCharacterOfPosition(node.end).line + 1
    facts.functions.push({ line: line(), name: nameOf(node, parent), lines: last - line() + 1 })
  }
}

/** What holds tests, under `describe` or in a loop over engines, is as long as they are many. */
function isSuite(path: string, source: SourceFile, node: Node): boolean {
  return path.startsWith('spec/') && /\bit\(/.test(node.getText(source))
}

function nameOf(node: FunctionLikeDeclaration, parent: Node): string {
  const named = [node, parent].map((one) => ('name' in one ? (one.name as Node | undefined) : undefined)).find((name) => name !== undefined)
  return named && isIdentifier(named) ? named.text : 'a function without a name'
}

function noteImport(facts: Facts, source: SourceFile, node: Node, line: () => number): void {
  const isDynamic = isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword
  const specifier =
    isImportDeclaration(node) || isExportDeclaration(node) ? node.moduleSpecifier : isDynamic ? node.arguments[0] : undefined
  if (!specifier || !isStringLiteral(specifier)) return
  const from = specifier.text
  const target = from.startsWith('.') ? join(facts.path, '..', from).replaceAll('\\', '/') : undefined
  const names = [...(/\{([^}]*)\}/.exec(node.getText(source))?.[1] ?? '').split(',')].map(
    (name) =>
      name
        .trim()
        .replace(/^type\s+/, '')
        .split(/\s/)[0] ?? '',
  )
  facts.imports.push({ line: line(), from, names: names.filter(Boolean), target })
}

function noteText(facts: Facts, node: Node, parent: Node, line: () => number): void {
  if (isImportDeclaration(parent) || isExportDeclaration(parent)) return
  if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) facts.strings.push({ line: line(), text: node.text })
  if (isTemplateExpression(node))
    facts.strings.push({ line: line(), text: [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('?') })
}

function noteUse(facts: Facts, node: Node, parent: Node, line: () => number): void {
  if (isPropertyAccessExpression(node) && isIdentifier(node.expression))
    facts.uses.push({ line: line(), text: `${node.expression.text}.${node.name.text}` })
  if (isNewExpression(node) && isIdentifier(node.expression) && !node.arguments?.length)
    facts.uses.push({ line: line(), text: `new ${node.expression.text}()` })
  const isName = 'name' in parent && parent.name === node
  if (isIdentifier(node) && !isName) facts.uses.push({ line: line(), text: node.text })
}
