/**
 * `work`, or the error that `overdue` makes when it takes longer. What `work` still does afterwards is nobody's concern: `abandoned`
 * is told if it does succeed, and its failure is swallowed, so that nothing is ever unhandled.
 */
export function withDeadline<Result>(
  work: Promise<Result>,
  milliseconds: number,
  overdue: () => Error,
  abandoned: (result: Result) => void = () => {},
): Promise<Result> {
  return new Promise((resolve, reject) => {
    let late = false
    const timer = setTimeout(() => {
      late = true
      reject(overdue())
    }, milliseconds)
    work.then(
      (result) => {
        clearTimeout(timer)
        if (late) abandoned(result)
        else resolve(result)
      },
      (thrown) => {
        clearTimeout(timer)
        if (!late) reject(thrown)
      },
    )
  })
}
