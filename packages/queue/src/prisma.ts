/**
 * Sends inside an interactive transaction of Prisma.
 *
 * @module
 */
import type { SqlClient } from './options.ts'

/** The part of `tx`, as `prisma.$transaction(async (tx) => …)` gives it, that is used. */
export interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: string[]): PromiseLike<unknown>
}

export function prismaTransaction(transaction: PrismaTransaction): SqlClient {
  return {
    // "Unsafe" is about building the text from input: ours is fixed, and every value is bound.
    query: async (text, values) => ({
      rows: [...((await transaction.$queryRawUnsafe(text, ...values)) as readonly unknown[])],
    }),
  }
}
