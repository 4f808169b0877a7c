"""Fills a database with many jobs by SQL."""

from typing import Any

from sqlalchemy import Connection, text

from jobs.spec.job import JobSpec

# Like a service in use: most jobs have succeeded and few are queued; labels are common, less common and rare.
_JOBS = """
INSERT INTO jobs (owner, spec, recipe_fingerprint, model, method, pattern, sparsity, labels, state, attempt,
                  lease_token, report, figures, pruned_perplexity, gate,
                  last_event)
SELECT CASE WHEN n % 100 = 0 THEN 'eve' ELSE 'ada' END,
       CAST(:spec AS jsonb), md5(n::text), 'org/model-' || n % 40,
       (ARRAY['gblm', 'gblm', 'gblm', 'wanda', 'sparsegpt', 'magnitude'])[1 + n % 6], 'unstructured', 0.5,
       jsonb_build_object('pipeline', (n / 4)::text,
                          'branch', CASE WHEN n % 3 = 0 THEN 'main' ELSE 'b' || n % 50 END),
       state, 1,
       CASE WHEN state = 'running' THEN gen_random_uuid() END,
       CASE WHEN state <> 'succeeded' THEN NULL WHEN n % 20 = 10 THEN CAST(:report AS jsonb) ELSE '{}' END,
       '{"dense_perplexity": 10}', 12,
       CASE WHEN state = 'succeeded' AND n % 2 = 0
            THEN jsonb_build_object('state', CASE WHEN n % 30 = 0 THEN 'failed' ELSE 'passed' END,
                                    'conditions', '[]'::jsonb) END,
       6
FROM generate_series(1, :jobs) AS n,
     LATERAL (SELECT CASE WHEN n > :jobs - :queued THEN 'queued'
                          WHEN n > :jobs - :queued - :running THEN 'running'
                          WHEN n % 25 = 1 THEN 'failed' WHEN n % 50 = 2 THEN 'cancelled'
                          ELSE 'succeeded' END AS state) AS states
"""
_LABELS = """
INSERT INTO job_labels (job_id, name, value, owner)
SELECT jobs.id, label.key, label.value, jobs.owner FROM jobs, jsonb_each_text(jobs.labels) AS label
"""
_LEASES = """
INSERT INTO leases (job_id, token, expires_at)
SELECT id, lease_token, now() + interval '1 day' FROM jobs WHERE state = 'running'
"""
_ATTEMPTS = "INSERT INTO job_attempts (job_id, attempt, worker) SELECT id, 1, 'worker' FROM jobs"


def fill(
    connection: Connection, spec: JobSpec, report: str, *, jobs: int, queued: int = 20, running: int = 4
) -> None:
    """Insert `jobs` jobs with `spec`, one in twenty of them with the JSON `report`."""
    values: dict[str, Any] = {"spec": spec.model_dump_json(), "report": report}
    values |= {"jobs": jobs, "queued": queued, "running": running}
    connection.execute(text(_JOBS), values)
    for statement in (_LABELS, _LEASES, _ATTEMPTS):
        connection.execute(text(statement))
    connection.execute(text("ANALYZE"))
