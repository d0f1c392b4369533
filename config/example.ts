import { stringify } from 'yaml'
import type { Key, Schema } from './key.ts'
import { variableName } from './resolve.ts'

/** A commented example of every key in a schema, each with its default, as YAML. */
export function example(schema: Schema, head: readonly string[], prefix: string): string {
  return `${[...head.map((line) => `# ${line}`), '', ...describe(schema, '', '', prefix)].join('\n').trimEnd()}\n`
}

function describe(schema: Schema, above: string, indent: string, prefix: string): string[] {
  return Object.entries(schema).flatMap(([name, entry]) => {
    const at = above + name
    const lines =
      entry.kind === 'group'
        ? [`${indent}# ${entry.words}`, `${indent}${name}:`, ...describe(entry.keys, `${at}.`, `${indent}  `, prefix)]
        : describeKey(name, at, entry, indent, prefix)
    return indent === '' ? [...lines, ''] : lines
  })
}

function describeKey(name: string, at: string, key: Key<unknown>, indent: string, prefix: string): string[] {
  const variable = variableName(prefix, at)
  const also = key.secret ? `; or ${name}_path (${variable}_PATH), a file that holds it` : ''
  const items = Object.entries(key.items ?? {}).map(([item, inner]) =>
    inner.kind === 'key' ? `${indent}#   ${item}: ${inner.words} (${inner.expects})` : '',
  )
  return [
    `${indent}# ${key.words}`,
    `${indent}# Write ${key.expects}${also}. ${variable}`,
    ...items,
    ...(key.fallback === undefined
      ? [`#${indent}${name}:`]
      : stringify({ [name]: key.fallback }, { defaultStringType: 'PLAIN' })
          .trimEnd()
          .split('\n')
          .map((line) => indent + line)),
  ]
}
