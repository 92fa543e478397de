import edgeFunction from './function.ts'

// What the platform does when pg_cron or a webhook calls the function.
const response = await edgeFunction.fetch(new Request('http://functions/drain', { method: 'POST' }))
console.log(response.status, await response.json())
