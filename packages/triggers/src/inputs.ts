import { parseOptions, type RequestInput } from '@aimq/events'
import * as v from 'valibot'
import { queuesEntry, refuse, settingsEntries } from './options.ts'

const choice = { queues: queuesEntry }
const wish = {
  ...choice,
  ...settingsEntries,
  replaceForeign: v.optional(v.boolean()),
  policy: v.optional(v.boolean()),
}

const schemas = {
  install: v.strictObject(wish),
  plan: v.strictObject(wish),
  remove: v.strictObject(choice),
  list: v.strictObject(choice),
  repair: v.strictObject(choice),
  migration: v.strictObject({
    ...wish,
    queues: v.pipe(
      v.nonOptional(queuesEntry, 'expected a list of queue names'),
      v.minLength(1, 'expected at least one queue'),
    ),
    remove: v.optional(v.boolean()),
    naming: v.optional(v.picklist(['supabase', 'plain'], 'expected "supabase" or "plain"')),
  }),
}

/** A call's input, checked before anything of it gets near SQL. */
export function parseInput<Name extends keyof typeof schemas>(
  name: Name,
  input: unknown,
): RequestInput<`triggers:${Name}`> {
  return parseOptions(
    name,
    schemas[name] as v.GenericSchema,
    input,
    refuse,
  ) as RequestInput<`triggers:${Name}`>
}
