export type Labels = Readonly<Record<string, string>>
export type Counter = { add(amount?: number): void }
export type Histogram = { observe(value: number): void }

/** A small registry of what is counted, in the text format of Prometheus. Ask for a child once and keep it: counting is then an addition. */
export type Metrics = {
  /** The counter of this name and these labels; the same again gives the same. Names end in `_total`. */
  readonly counter: (name: string, help: string, labels?: Labels) => Counter
  /** A value that is read when metrics are asked for. */
  readonly gauge: (name: string, help: string, read: () => number, labels?: Labels) => void
  /** Values by size; bounds ascend and are the same for all labels of a name. */
  readonly histogram: (name: string, help: string, bounds: readonly number[], labels?: Labels) => Histogram
  /** Everything, as a scraper reads it. */
  readonly text: () => string
}

type Child = { write(name: string, labels: string): string }
type Family = { help: string; kind: 'counter' | 'gauge' | 'histogram'; children: Map<string, Child> }

export function createMetrics(): Metrics {
  const families = new Map<string, Family>()
  function child<T extends Child>(name: string, help: string, kind: Family['kind'], labels: Labels | undefined, make: () => T): T {
    const family = families.get(name) ?? { help, kind, children: new Map() }
    families.set(name, family)
    if (family.kind !== kind) throw new Error(`${name} is a ${family.kind}`)
    const key = labelText(labels)
    const known = family.children.get(key) as T | undefined
    const made = known ?? make()
    if (!known) family.children.set(key, made)
    return made
  }
  return {
    counter: (name, help, labels) => child(name, help, 'counter', labels, makeCounter),
    gauge: (name, help, read, labels) => void child(name, help, 'gauge', labels, () => makeGauge(read)),
    histogram: (name, help, bounds, labels) => child(name, help, 'histogram', labels, () => makeHistogram(bounds)),
    text: () => [...families].map(([name, family]) => familyText(name, family)).join(''),
  }
}

function makeCounter(): Counter & Child {
  let value = 0
  return {
    add: (amount = 1) => {
      value += amount
    },
    write: (name, labels) => `${name}${wrap(labels)} ${value}\n`,
  }
}

function makeGauge(read: () => number): Child {
  return { write: (name, labels) => `${name}${wrap(labels)} ${read()}\n` }
}

function makeHistogram(bounds: readonly number[]): Histogram & Child {
  const counts = new Array<number>(bounds.length + 1).fill(0)
  let sum = 0
  return {
    observe(value) {
      let bucket = 0
      while (bucket < bounds.length && value > bounds[bucket]!) bucket++
      counts[bucket]!++
      sum += value
    },
    write(name, labels) {
      let total = 0
      const buckets = [...bounds.map(String), '+Inf'].map((bound, index) => {
        total += counts[index]!
        return `${name}_bucket${wrap(join(labels, `le="${bound}"`))} ${total}\n`
      })
      return `${buckets.join('')}${name}_sum${wrap(labels)} ${sum}\n${name}_count${wrap(labels)} ${total}\n`
    },
  }
}

function familyText(name: string, { help, kind, children }: Family): string {
  const lines = [...children].map(([labels, one]) => one.write(name, labels)).join('')
  return `# HELP ${name} ${help.replaceAll('\n', ' ')}\n# TYPE ${name} ${kind}\n${lines}`
}

function labelText(labels: Labels = {}): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(',')
}

function quoted(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

function join(left: string, right: string): string {
  return left ? `${left},${right}` : right
}

function wrap(labels: string): string {
  return labels ? `{${labels}}` : ''
}
