-- KEDA's role: it may read what waiting-for-a-class.sql reads, and nothing else. Run it as the superuser, after the migrations:
-- psql --dbname pruneserve --set password=… --file keda-role.sql
CREATE ROLE pruneserve_keda LOGIN PASSWORD :'password';
GRANT SELECT (id, owner, state, queue, needs, next_try_at, blocked_on)
  ON jobs TO pruneserve_keda;
GRANT SELECT (owner, max_running) ON owner_shares TO pruneserve_keda;
GRANT SELECT (name, paused_at) ON queues TO pruneserve_keda;
