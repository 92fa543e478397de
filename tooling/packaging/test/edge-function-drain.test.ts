/* The example under a deadline shorter than its work: what is not done is handed back, and done by the next call. */
import { cp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createDatabase } from '../../integration/harness/database.ts'
import { installedBy } from '../harness/installed-by.ts'
import { workspace } from '../harness/pack.ts'
import { createProject } from '../harness/project.ts'

const folder = join(workspace, 'examples/edge-function-drain')

it('a job slower than the deadline is handed back, and ready for the next call', async () => {
  await using project = await createProject()
  await cp(folder, project.folder, { recursive: true })
  await project.install(...installedBy(await readFile(join(folder, 'README.md'), 'utf8')))
  await using database = await createDatabase()
  await database.query(`
    select pgmq.create('thumbnails');
    select pgmq.send('thumbnails', '{"image": "cat.png"}');
    select pgmq.send('thumbnails', '{"image": "film.gif", "takesMs": 60000}')`)
  const call = async (env: Record<string, string>) =>
    (await project.node(['main.ts'], { DATABASE_URL: database.url, ...env })).stdout

  expect(await call({ DRAIN_DEADLINE_MS: '500' })).toBe('a thumbnail of cat.png\n200 { empty: false }\n')
  const { rows } = await database.query(`
    select message->>'image' as image, vt <= clock_timestamp() as ready, headers from pgmq.q_thumbnails`)
  expect(rows).toEqual([{ image: 'film.gif', ready: true, headers: { 'x-aimq-releases': 1 } }])

  await database.query(`update pgmq.q_thumbnails set message = message - 'takesMs'`)
  expect(await call({})).toBe('a thumbnail of film.gif\n200 { empty: true }\n')
})
