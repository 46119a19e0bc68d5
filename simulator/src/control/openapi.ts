import type { Route } from './route.js'
import { ROUTES } from './routes.js'

/** The control API as OpenAPI 3.1, for tools: spec.openapis.org/oas/v3.1.0 */
export function openApi(baseUrl: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of ROUTES) {
    const path = `/simulator${route.path}`
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route) }
  }
  return {
    openapi: '3.1.0',
    info: { title: 'weapp-simulator', version: '1', description: 'Drives a simulated WeChat.' },
    servers: [{ url: baseUrl }],
    paths,
    components: { schemas: { Error: ERROR } },
  }
}

const ERROR = {
  type: 'object',
  properties: {
    error: { type: 'object', properties: { code: { type: 'string' }, message: { type: 'string' } } },
  },
}

function operation({ path, summary, query = {}, body, status = 200 }: Route): object {
  const inPath = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } }
  })
  const inQuery = Object.entries(query).map(([name, schema]) => ({ name, in: 'query', schema }))
  const parameters = [...inPath, ...inQuery]
  const isRequired = (body?.required?.length ?? 0) > 0
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: isRequired, content: json({ ...body, additionalProperties: false }) },
    }),
    responses: {
      [status]: { description: 'Done.', content: json({ type: 'object' }) },
      '4XX': { description: 'Refused.', content: json({ $ref: '#/components/schemas/Error' }) },
    },
  }
}

function json(schema: object): object {
  return { 'application/json': { schema } }
}
