import { z } from 'zod';
import { problemShape } from './failure.ts';
import type { Route } from './route.ts';

export const openApiPath = '/api/v1/openapi.json';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the routes. */
export function openApiDocument(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = operation(route);
    paths[route.path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: '1',
      description:
        'Chat by HTTP. Every request is made by the user or service of its bearer token; in development the header ' +
        'parley-user (or the query user_id) names the user instead.',
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      schemas: { Problem: schema(problemShape, 'output') },
    },
  };
}

function operation(route: Route): Json {
  const parameters = [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...(route.idempotent ? [idempotencyKey] : []),
  ];
  return {
    operationId: route.operation,
    summary: route.summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: json(schema(route.body, 'input')) } }),
    responses: {
      200: { description: 'Done.', content: json(schema(answerOf(route), 'output')) },
      default: { description: 'Refused.', content: json({ $ref: '#/components/schemas/Problem' }) },
    },
  };
}

function answerOf(route: Route): z.ZodObject {
  return z.object({ code: z.literal(200).describe('HTTP status.'), ...route.output.shape });
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'A request that is repeated with the same key gets the first answer.',
  schema: { type: 'string', minLength: 1, maxLength: 64 },
};

function parametersOf(fields: z.ZodObject, place: 'path' | 'query'): Json[] {
  return Object.entries(fields.shape).map(([name, field]) => {
    const { description, ...type } = schema(field as z.ZodType, 'output');
    const required = place === 'path' || !(field as z.ZodType).safeParse(undefined).success;
    return { name, in: place, required, description, schema: type };
  });
}

function schema(type: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, '~standard': __, ...rest } = z.toJSONSchema(type, { io, reused: 'inline' }) as Json;
  return rest;
}

function json(what: Json): Json {
  return { 'application/json': { schema: what } };
}
