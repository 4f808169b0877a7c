"""Fills a database as a fleet in use leaves it: workers, a backlog, few expired rows among many."""

from sqlalchemy import Connection, text

from bench.seed_jobs import fill
from jobs.spec.job import JobSpec

# Ages in days are spread over the four weeks before, so that nothing has expired but for one in a thousand.
# Workers, leases and messages stay fresh for a day, however long it takes to fill the database.
_STATEMENTS = (
    """
    UPDATE jobs SET ended_at = CASE WHEN state IN ('succeeded', 'failed', 'cancelled') THEN at END,
                    running_at = at - interval '1 hour', progressed_at = at,
                    worker = CASE state WHEN 'running' THEN 'worker-' || place END,
                    orphaned_files_since = CASE WHEN place % 1000 = 0 AND state <> 'queued' THEN at END
    FROM (SELECT id, place, now() - CASE WHEN place % 1000 = 0 THEN interval '40 days'
                                         ELSE (place % 28) * interval '1 day' END AS at
          FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM jobs) AS numbered) AS aged
    WHERE aged.id = jobs.id
    """,
    # A few wait for the Hub or for another job. Most are of one owner. One in ten fits no
    # worker, a few are still to be sized.
    """
    UPDATE jobs SET needs = '{"device_bytes": 60e9}', queue = 'gpu.80g'
    WHERE state IN ('queued', 'running')
    """,
    """
    UPDATE jobs SET owner = CASE WHEN place % 20 = 0 THEN 'owner-' || place % 59 ELSE owner END,
                    next_try_at = CASE WHEN place % 499 = 0 THEN now() + interval '5 minutes' END,
                    needs = CASE WHEN place % 498 = 1 THEN NULL
                                 WHEN place % 10 = 3 THEN '{"gpus": 9}'::jsonb ELSE needs END
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM jobs WHERE state = 'queued') AS waiting
    WHERE waiting.id = jobs.id
    """,
    """
    INSERT INTO workers (name, queue, queues, machine, seen_at, capacity)
    SELECT name, 'gpu.80g', NULL, '{"device": "cuda"}'::jsonb, now() + interval '1 day',
           '{"gpus": 1, "device_bytes": 85e9, "host_bytes": 200e9, "scratch_bytes": 1e12}'::jsonb
    FROM (SELECT worker AS name FROM jobs WHERE state = 'running'
          UNION ALL SELECT 'idle-' || n FROM generate_series(1, 20) AS n) AS names
    """,
    """
    INSERT INTO owner_shares (owner, weight, max_running)
    SELECT 'owner-' || n, 1 + n % 3, CASE WHEN n % 5 = 0 THEN 10 END
    FROM generate_series(0, 58) AS n
    """,
    """
    INSERT INTO recent_use (owner, queue, seconds)
    SELECT owner, 'gpu.80g', count(*) FROM jobs WHERE state = 'queued' GROUP BY owner
    """,
    """
    INSERT INTO job_events (job_id, id, kind, data, at)
    SELECT jobs.id, number, CASE number WHEN 1 THEN 'state' ELSE 'progress' END,
           CASE number WHEN 1 THEN '{"state": "queued"}'::jsonb
                ELSE '{"attempt": 1, "stage": "prune", "step": 1, "steps": 2}' END,
           CASE WHEN jobs.state IN ('queued', 'running') THEN now() ELSE jobs.progressed_at END
    FROM jobs, generate_series(1, 2) AS number
    """,
    # Of jobs that run, or that may be retried.
    """
    INSERT INTO job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at)
    SELECT id, 'prune', block, 1, 'jobs/' || id || '/attempts/1/' || block, 100, 'ab', '{}',
           coalesce(ended_at, now())
    FROM jobs, generate_series(0, 3) AS block
    WHERE state = 'running'
       OR state = 'failed' AND (ended_at > now() - interval '7 days' OR ended_at < now() - interval '30 days')
    """,
    """
    INSERT INTO artifacts (job_id, name, key, size, sha256)
    SELECT id, 'model.safetensors', 'jobs/' || id || '/attempts/1/model', 1000, 'ab'
    FROM jobs WHERE state = 'succeeded'
    """,
    """
    INSERT INTO idempotency_keys (owner, key, body_sha256, job_id, created_at)
    SELECT owner, id::text, 'ab', id, now() - CASE WHEN n % 1000 = 0 THEN interval '8 days'
                                                   ELSE (n % 7) * interval '1 day' END
    FROM (SELECT id, owner, row_number() OVER (ORDER BY id DESC) AS n FROM jobs) AS recent
    WHERE n < (SELECT count(*) / 4 FROM jobs)
    """,
    """
    INSERT INTO gradient_cache (fingerprint, job_id, ready_at, used_at)
    SELECT md5(id::text), id, ended_at, ended_at
    FROM jobs WHERE state = 'succeeded' ORDER BY id LIMIT 500
    """,
    """
    INSERT INTO gradient_shards (fingerprint, block, key, size, sha256)
    SELECT fingerprint, block, 'jobs/' || job_id || '/attempts/1/norms-' || block, 1000, 'ab'
    FROM gradient_cache, generate_series(0, 3) AS block
    """,
    """
    INSERT INTO perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256)
    SELECT fingerprint, ARRAY[2.3], used_at, job_id, 'jobs/' || job_id || '/attempts/1/states', 1000, 'ab'
    FROM gradient_cache
    """,
    """
    INSERT INTO sweeps (owner, request)
    SELECT 'ada', '{}' FROM generate_series(1, 5)
    """,
    """
    UPDATE jobs SET sweep_id = (SELECT id FROM sweeps ORDER BY id OFFSET place % 5 LIMIT 1)
    FROM (SELECT id, row_number() OVER (ORDER BY id DESC) AS place FROM jobs) AS numbered
    WHERE numbered.id = jobs.id AND place <= 500
    """,
    """
    INSERT INTO api_keys (prefix, secret_sha256, owner, name, scopes, revoked_at)
    SELECT 'key-' || n, 'ab', 'owner-' || n % 60, '', ARRAY['jobs:read'],
           CASE WHEN n % 5 = 0 THEN now() - (n % 29) * interval '1 day' END
    FROM generate_series(1, 2000) AS n
    """,
    """
    INSERT INTO webhook_endpoints (owner, url, events, secret)
    SELECT 'owner-' || n, 'https://example.com', ARRAY['job.succeeded'], 'ab'
    FROM generate_series(1, 5000) AS n
    """,
    """
    INSERT INTO webhook_deliveries (endpoint_id, event, payload, attempts, next_attempt_at, delivered_at)
    SELECT webhook_endpoints.id, 'job.succeeded', '{}', 1, NULL, now()
    FROM webhook_endpoints, generate_series(1, (SELECT 1 + count(*)::int / 50000 FROM jobs))
    """,
    """
    INSERT INTO webhook_deliveries (endpoint_id, event, payload)
    SELECT id, 'job.succeeded', '{}' FROM webhook_endpoints LIMIT 5
    """,
    """
    INSERT INTO stray_uploads (key, owner, size)
    SELECT 'uploads/' || n, 'ada', 1 FROM generate_series(1, 3) AS n
    """,
)


def fill_fleet(connection: Connection, spec: JobSpec, *, jobs: int) -> None:
    """Insert `jobs` jobs, one in sixteen of which waits and one in a hundred runs, and two events of each.

    The planner knows of them after a VACUUM (ANALYZE), which cannot be in this transaction.
    """
    fill(connection, spec, '{"layers": []}', jobs=jobs, queued=jobs // 16, running=max(1000, jobs // 100))
    for statement in _STATEMENTS:
        connection.execute(text(statement))
