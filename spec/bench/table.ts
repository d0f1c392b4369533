/** One line of the table: what was measured, its unit and a value for each column. */
export type Figure = { readonly name: string; readonly unit: string; readonly values: readonly (number | undefined)[] }

/** The figures of several engines as a Markdown table; each value after the first with its ratio to the first. */
export function tableText(columns: readonly string[], figures: readonly Figure[]): string {
  const rows = [
    ['', 'unit', ...columns],
    ...figures.map(({ name, unit, values }) => [name, unit, ...values.map((value) => cell(value, values[0]))]),
  ]
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column]!)).join(' | ')} |`)
  lines.splice(1, 0, `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`)
  return lines.join('\n')
}

function cell(value: number | undefined, first: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '–'
  return value === first || !first ? shown(value) : `${shown(value)} (× ${shown(value / first)})`
}

/** Three digits that matter. */
export function shown(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
