/**
 * The names of all fields of a type, optional ones and those within others included: `triggers.findings.problem`. What
 * has any keys whatever, such as headers, ends a path.
 */
export type Paths<T> = T extends readonly (infer Element)[]
  ? Paths<Element>
  : T extends object
    ? string extends keyof T
      ? never
      : { [Key in keyof T & string]-?: Key | `${Key}.${Paths<T[Key]>}` }[keyof T & string]
    : never
