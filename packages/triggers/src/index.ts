/**
 * The database tells of every enqueue by itself.
 *
 * @module
 */
export {}
