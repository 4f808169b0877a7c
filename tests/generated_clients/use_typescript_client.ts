// Submits a job and waits for its end, with the types that openapi-typescript has generated.
import createClient from "openapi-fetch";
import type { paths } from "./schema.js";

declare const process: { env: Record<string, string | undefined> };

const client = createClient<paths>({
  baseUrl: process.env.URL,
  headers: { Authorization: `Bearer ${process.env.KEY}` },
});

const submitted = await client.POST("/v1/jobs", {
  body: JSON.parse(process.env.JOB ?? ""),
  params: { header: { "idempotency-key": "typescript" } },
});
if (submitted.error) throw new Error(submitted.error.detail ?? submitted.error.title);
let job = submitted.data;
while (!["succeeded", "failed", "cancelled"].includes(job.state)) {
  await new Promise((resolve) => setTimeout(resolve, 200));
  const read = await client.GET("/v1/jobs/{job_id}", { params: { path: { job_id: job.id } } });
  if (read.error) throw new Error(read.error.title);
  job = read.data;
}
const again = await client.POST("/v1/jobs", { body: job.spec });
const pruned: number | null | undefined = job.perplexity?.pruned;
console.log(JSON.stringify({ state: job.state, pruned, again: again.response.status }));
