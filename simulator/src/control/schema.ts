/**
 * The part of JSON Schema that the control API and the state file need. The same objects check what comes in, and stand in
 * the OpenAPI document.
 */
export type Schema =
  | TextSchema
  | NumberSchema
  | ListSchema
  | ObjectSchema
  | { type: 'boolean' | 'null' }
  | { oneOf: readonly Schema[]; description?: string }

interface TextSchema {
  type: 'string'
  enum?: readonly string[]
  /** Characters. `maxLength` is 1000 where nothing is said. */
  minLength?: number
  maxLength?: number
  pattern?: string
}

interface NumberSchema {
  type: 'integer' | 'number'
  minimum?: number
  maximum?: number
}

interface ListSchema {
  type: 'array'
  items: Schema
}

/** An object with these properties and no others. */
export interface ObjectSchema {
  type: 'object'
  properties: Readonly<Record<string, Schema>>
  required?: readonly string[]
}

/** What is wrong with a value, as a sentence that begins with where it is; `undefined` when nothing is. */
export function findFault(schema: Schema, value: unknown, where: string): string | undefined {
  if ('oneOf' in schema) {
    const fits = schema.oneOf.some((one) => findFault(one, value, where) === undefined)
    return fits ? undefined : `${where} is not ${schema.description ?? 'one of the shapes that it may have'}`
  }
  switch (schema.type) {
    case 'string':
      return faultOfText(schema, value, where)
    case 'integer':
    case 'number':
      return faultOfNumber(schema, value, where)
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `${where} is not true or false`
    case 'null':
      return value === null ? undefined : `${where} is not null`
    case 'array':
      return faultOfList(schema, value, where)
    case 'object':
      return faultOfObject(schema, value, where)
  }
}

function faultOfText(schema: TextSchema, value: unknown, where: string): string | undefined {
  const { enum: values, minLength = 0, maxLength = 1000, pattern } = schema
  if (typeof value !== 'string') return `${where} is not a text`
  if (values && !values.includes(value)) return `${where} is not one of ${values.join(', ')}`
  if (value.length < minLength) return `${where} is too short`
  if (value.length > maxLength) return `${where} is longer than ${maxLength} characters`
  if (pattern && !new RegExp(pattern, 'u').test(value)) return `${where} does not match ${pattern}`
  return undefined
}

function faultOfNumber(schema: NumberSchema, value: unknown, where: string): string | undefined {
  const { type, minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema
  if (typeof value !== 'number' || !Number.isFinite(value)) return `${where} is not a number`
  if (type === 'integer' && !Number.isInteger(value)) return `${where} is not a whole number`
  if (value < minimum || value > maximum) return `${where} is not from ${minimum} to ${maximum}`
  return undefined
}

function faultOfList(schema: ListSchema, value: unknown, where: string): string | undefined {
  if (!Array.isArray(value)) return `${where} is not a list`
  for (const [i, item] of value.entries()) {
    const fault = findFault(schema.items, item, `${where}[${i}]`)
    if (fault !== undefined) return fault
  }
  return undefined
}

function faultOfObject({ properties, required = [] }: ObjectSchema, value: unknown, where: string) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return `${where} is not an object`
  const names = Object.keys(properties)
  for (const [name, item] of Object.entries(value)) {
    const schema = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (schema === undefined) return `${where}.${name} is unknown: there is ${names.join(', ') || 'nothing'}`
    const fault = findFault(schema, item, `${where}.${name}`)
    if (fault !== undefined) return fault
  }
  const missing = required.find((name) => !Object.hasOwn(value, name))
  return missing === undefined ? undefined : `${where}.${missing} is missing`
}
