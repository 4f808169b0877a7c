-- How many workers a class needs: of the jobs that wait for it, those that a worker could claim now, counting for no owner more
-- than may run at once; for a class whose workers stay (a ScaledObject), also those that run. kustomization.yaml sets class and
-- kind. A job waits for the smallest class below that it fits, by the rule of jobs/queue/resources.py.
WITH asked (class, kind) AS (VALUES ($class$cpu$class$, $kind$ScaledObject$kind$)),
-- What a worker of each class has at least. The scratch space is what its volume has left for jobs.
fleet (place, class, gpus, device_bytes, host_bytes, scratch_bytes, longest_seconds) AS (VALUES
  (1, 'cpu', 0, 0, 15e9, 85e9, 900),
  (2, 'gpu.24g', 1, 22548578304, 46e9, 450e9, NULL),
  (3, 'gpu.80g', 1, 75161927680, 115e9, 1800e9, NULL),
  (4, 'gpu.2x80g', 2, 75161927680, 230e9, 3600e9, NULL),
  (5, 'cpu', 0, 0, 15e9, 85e9, NULL)
),
queued AS (
  SELECT owner,
    coalesce((needs ->> 'gpus')::numeric, 0) AS gpus,
    coalesce((needs ->> 'device_bytes')::numeric, 0) AS device_bytes,
    coalesce((needs ->> 'host_bytes')::numeric, 0) AS host_bytes,
    coalesce((needs ->> 'cpu_bytes')::numeric, 0) AS cpu_bytes,
    coalesce((needs ->> 'scratch_bytes')::numeric, 0) AS scratch_bytes,
    coalesce((needs ->> 'cpu_scratch_bytes')::numeric, 0) AS cpu_scratch_bytes,
    -- Nothing is known of it: it may take long.
    CASE WHEN needs = '{}' THEN 1e9 ELSE coalesce((needs ->> 'cpu_seconds')::numeric, 0) END AS cpu_seconds
  FROM jobs
  WHERE state = 'queued' AND needs IS NOT NULL
    AND (next_try_at IS NULL OR next_try_at <= now())
    AND (blocked_on IS NULL OR (
      SELECT computing.state IN ('succeeded', 'failed', 'cancelled') FROM jobs AS computing WHERE computing.id = jobs.blocked_on
    ))
),
waiting AS (
  SELECT owner, count(*) AS jobs
  FROM queued CROSS JOIN asked
  WHERE asked.class = (
      SELECT fleet.class FROM fleet
      WHERE queued.gpus <= fleet.gpus
        AND CASE WHEN fleet.gpus = 0
          THEN queued.cpu_bytes <= fleet.host_bytes AND queued.cpu_scratch_bytes <= fleet.scratch_bytes
          ELSE queued.device_bytes <= fleet.device_bytes AND queued.host_bytes <= fleet.host_bytes
            AND queued.scratch_bytes <= fleet.scratch_bytes END
        AND (fleet.longest_seconds IS NULL OR queued.cpu_seconds <= fleet.longest_seconds)
      ORDER BY fleet.place LIMIT 1
    )
    AND NOT EXISTS (SELECT FROM queues WHERE queues.name = asked.class AND queues.paused_at IS NOT NULL)
  GROUP BY owner
),
held AS (
  SELECT owner, queue, count(*) AS jobs FROM jobs WHERE state IN ('running', 'cancelling') GROUP BY owner, queue
),
may_begin AS (
  SELECT CASE WHEN max_running IS NULL THEN waiting.jobs ELSE least(waiting.jobs, greatest(0, max_running - coalesce(
      (SELECT sum(held.jobs) FROM held WHERE held.owner = waiting.owner), 0
    ))) END AS jobs
  FROM waiting LEFT JOIN owner_shares USING (owner)
)
SELECT (SELECT coalesce(sum(jobs), 0) FROM may_begin)
  + (SELECT coalesce(sum(held.jobs), 0) FROM held CROSS JOIN asked
     WHERE held.queue = asked.class AND asked.kind = 'ScaledObject') AS workers
