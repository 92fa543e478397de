/**
 * What came out of the database as JSON again, however deep it is nested: `JSON.stringify` goes down by calling itself and
 * runs out of stack where PostgreSQL and `JSON.parse` do not. Only then without `indent`.
 */
export function toJson(value: unknown, indent?: number): string {
  try {
    return JSON.stringify(value, undefined, indent)
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown
    return withoutRecursion(value)
  }
}

/** A value that is still to be written; a text is written as it stands. */
type Rest = string | { readonly value: unknown }

function withoutRecursion(root: unknown): string {
  const rest: Rest[] = [{ value: root }]
  let text = ''
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (typeof next === 'string') text += next
    else if (typeof next.value !== 'object' || next.value === null) text += JSON.stringify(next.value)
    else for (const part of partsOf(next.value).reverse()) rest.push(part)
  }
  return text
}

function partsOf(value: object): Rest[] {
  const isArray = Array.isArray(value)
  const parts: Rest[] = [isArray ? '[' : '{']
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    const comma = parts.length > 1 ? ',' : ''
    parts.push(isArray ? comma : `${comma}${JSON.stringify(name)}:`, { value: member })
  }
  parts.push(isArray ? ']' : '}')
  return parts
}
