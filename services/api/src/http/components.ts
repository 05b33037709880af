import { z } from 'zod';

const named = new Map<z.ZodType, string>();

/**
 * Gives a schema a name in the OpenAPI document, so that generated clients have a type of that name.
 *
 * @param id never changes.
 * @throws Error when another schema has it.
 */
export function component<S extends z.ZodType>(id: string, schema: S): S {
  for (const [other, taken] of named) if (taken === id && other !== schema) throw new Error(`${id} names two schemas`);
  named.set(schema, id);
  return schema;
}

export const componentId = (schema: z.ZodType): string | undefined => named.get(schema);

/** All of them, and one more, as zod's converter wants them. */
export function componentRegistry(more?: { readonly id: string; readonly schema: z.ZodType }): z.core.$ZodRegistry<{
  id: string;
}> {
  const registry = z.registry<{ id: string }>();
  for (const [schema, id] of named) registry.add(schema, { id });
  if (more !== undefined) registry.add(more.schema, { id: more.id });
  return registry;
}
