import { expect, it } from 'vitest'
import { lastWords, wrongEndings } from '../campaign/aftermath.ts'
import { Stage } from '../campaign/stage.ts'

it('a worker that neither answers nor ends is killed after a while, and named', async () => {
  await using stage = await Stage.open(1, 1000)
  const [first, second] = stage.workers
  await stage.tell(first, 'SIGSTOP')
  const { broken } = await lastWords(stage)
  expect(broken).toEqual(['worker 1 did not answer within 15 s'])
  await Promise.all([stage.tell(first, 'SIGTERM'), stage.tell(second, 'SIGTERM')])
  await stage.close()
  expect(stage.endings).toHaveLength(5)
  expect(wrongEndings(stage)).toEqual([
    expect.stringMatching(/^worker 1 did not end within 15 s, told SIGTERM/),
  ])
}, 120_000)
