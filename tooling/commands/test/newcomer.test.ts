import { mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { aimq, type Ended, type Started, start, temporaryFolder } from '../harness/aimq.ts'

test('from init to a dead letter sent back, typing only what commands print', async () => {
  const cwd = await temporaryFolder()
  let printed = ''
  const knows = (words: string) => expect(printed).toContain(`aimq ${words}`)
  const follow = async (words: string, ...more: string[]): Promise<Ended> => {
    knows(words)
    const ended = await aimq([...words.split(' '), ...more], { cwd })
    expect({ words, code: ended.code, stderr: ended.stderr }).toMatchObject({ code: 0 })
    printed += ended.stdout + ended.stderr
    return ended
  }
  const open = async (words: string, ready: RegExp): Promise<Started> => {
    knows(words)
    const started = await start(words.split(' '), { cwd })
    await started.saw(ready)
    printed += started.output()
    return started
  }
  printed = (await aimq(['init'], { cwd })).stdout
  // What `npm install` would bring.
  knows('dev')
  await mkdir(join(cwd, 'node_modules/@aimq'), { recursive: true })
  for (const step of ['worker', 'events', 'queue']) {
    await symlink(join(import.meta.dirname, '../../../packages', step), join(cwd, 'node_modules/@aimq', step))
  }
  const dev = await open('dev', /Ctrl-C stops it/)
  await follow('create emails')
  await follow('enable-realtime', 'emails')
  const listening = await open('realtime listen', /Listening on/)
  const worker = await open('start handlers', /worker started/)
  await follow('send emails', '{"to":"nobody"}')
  await listening.saw(/emails ×1/)
  await worker.saw(/job moved to its dead-letter queue/)
  const top = await follow('top', '--once')
  expect(top.stdout).toMatch(/^emails_dlq +1 /m)
  await follow('dlq list')
  expect((await follow('dlq show emails_dlq')).stdout).toContain('nobody is no address')
  const { stdout } = await follow('dlq redrive emails_dlq')
  expect(stdout).toContain('sent 1 dead letter')
  for (const { child } of [listening, worker, dev]) child.kill('SIGINT')
  for (const process of [listening, worker, dev]) expect((await process.ended()).code).toBe(0)
}, 120_000)
