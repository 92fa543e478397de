/**
 * `work`, or the error that `overdue` makes when it takes longer. What `work` still does afterwards is nobody's concern: `abandoned`
 * is told if it does succeed, and its failure is swallowed, so that nothing is ever unhandled.
 */
export async function withDeadline<Result>(
  work: Promise<Result>,
  milliseconds: number,
  overdue: () => Error,
  abandoned: (result: Result) => void = () => {},
): Promise<Result> {
  let late = false
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true
      reject(overdue())
    }, milliseconds)
  })
  work.then(
    (result) => {
      if (late) abandoned(result)
    },
    () => {},
  )
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
