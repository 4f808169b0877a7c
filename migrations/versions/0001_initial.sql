-- The schema of 0.1.0, and the documents in its rows. Never edited once 0.1.0 is released: CONTRIBUTING.md.

CREATE TABLE audit_records (
    id UUID DEFAULT uuidv7() NOT NULL,
    at timestamptz DEFAULT clock_timestamp() NOT NULL,
    action TEXT NOT NULL,
    owner TEXT,
    key_id UUID,
    address TEXT NOT NULL,
    subject TEXT NOT NULL,
    subject_owner TEXT,
    CONSTRAINT pk_audit_records PRIMARY KEY (id)
);
-- A trigger, and not only rights: it holds for the role that owns the table as well.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_records can only be added to' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE daily_use (
    owner TEXT NOT NULL,
    day DATE NOT NULL,
    queue TEXT NOT NULL,
    gpu_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL,
    cpu_seconds DOUBLE PRECISION DEFAULT '0' NOT NULL,
    CONSTRAINT pk_daily_use PRIMARY KEY (owner, day, queue)
);

CREATE TABLE deleted_jobs (
    job_id UUID NOT NULL,
    delete_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    is_last BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_deleted_jobs PRIMARY KEY (job_id)
);
CREATE INDEX ix_deleted_jobs_delete_at ON deleted_jobs (delete_at);

CREATE TABLE owner_shares (
    owner TEXT NOT NULL,
    weight DOUBLE PRECISION DEFAULT '1' NOT NULL,
    max_running INTEGER,
    CONSTRAINT pk_owner_shares PRIMARY KEY (owner),
    CONSTRAINT ck_owner_shares_weight CHECK (weight > 0),
    CONSTRAINT ck_owner_shares_max_running CHECK (max_running >= 0)
);

CREATE TABLE perplexity_cache (
    fingerprint TEXT NOT NULL,
    losses DOUBLE PRECISION[] NOT NULL,
    used_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    job_id UUID,
    key TEXT,
    size BIGINT,
    sha256 TEXT,
    CONSTRAINT pk_perplexity_cache PRIMARY KEY (fingerprint)
);
CREATE INDEX ix_perplexity_cache_job_id ON perplexity_cache (job_id);
CREATE INDEX ix_perplexity_cache_used_at ON perplexity_cache (used_at);

CREATE TABLE queues (
    name TEXT NOT NULL,
    paused_at timestamptz,
    paused_by TEXT,
    CONSTRAINT pk_queues PRIMARY KEY (name)
);

CREATE TABLE recent_use (
    owner TEXT NOT NULL,
    queue TEXT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_recent_use PRIMARY KEY (owner, queue)
);

CREATE TABLE schedulers (
    name TEXT NOT NULL,
    seen_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    broker_away_since timestamptz,
    CONSTRAINT pk_schedulers PRIMARY KEY (name)
);

CREATE TABLE stray_uploads (
    key TEXT NOT NULL,
    owner TEXT,
    size BIGINT,
    since timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_stray_uploads PRIMARY KEY (key)
);
CREATE INDEX ix_stray_uploads_owner ON stray_uploads (owner) WHERE owner IS NOT NULL;

CREATE TABLE sweeps (
    id UUID DEFAULT uuidv7() NOT NULL,
    owner TEXT NOT NULL,
    request JSONB NOT NULL,
    state TEXT DEFAULT 'running' NOT NULL,
    search JSONB,
    error TEXT,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamptz,
    CONSTRAINT pk_sweeps PRIMARY KEY (id),
    CONSTRAINT ck_sweeps_state CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled'))
);
CREATE INDEX ix_sweeps_owner_id ON sweeps (owner, id);
CREATE INDEX ix_sweeps_running ON sweeps (id) WHERE state = 'running';

CREATE TABLE uploads (
    id UUID DEFAULT uuidv7() NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    format TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    key TEXT NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_uploads PRIMARY KEY (id),
    CONSTRAINT uq_uploads_owner_sha256_format UNIQUE (owner, sha256, format),
    CONSTRAINT ck_uploads_format CHECK (format IN ('txt', 'jsonl', 'safetensors'))
);
CREATE INDEX ix_uploads_owner_id ON uploads (owner, id);

CREATE TABLE webhook_endpoints (
    id UUID DEFAULT uuidv7() NOT NULL,
    owner TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT[] NOT NULL,
    format TEXT DEFAULT 'standard' NOT NULL,
    secret BYTEA NOT NULL,
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_reason TEXT,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id)
);
CREATE INDEX ix_webhook_endpoints_owner_id ON webhook_endpoints (owner, id);

CREATE TABLE workers (
    name TEXT NOT NULL,
    queue TEXT NOT NULL,
    queues TEXT[],
    capacity JSONB,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    machine JSONB,
    sandbox JSONB,
    faults INTEGER DEFAULT '0' NOT NULL,
    quarantined_at timestamptz,
    fault TEXT,
    cordoned_at timestamptz,
    draining BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_workers PRIMARY KEY (name)
)
 WITH (fillfactor = 50);

CREATE TABLE api_keys (
    id UUID DEFAULT uuidv7() NOT NULL,
    prefix TEXT NOT NULL,
    secret_sha256 BYTEA NOT NULL,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT[] NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_by UUID,
    subject TEXT,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT ck_api_keys_scopes CHECK (scopes <@ ARRAY['jobs:read', 'jobs:write', 'admin']),
    CONSTRAINT uq_api_keys_prefix UNIQUE (prefix),
    CONSTRAINT fk_api_keys_created_by FOREIGN KEY(created_by) REFERENCES api_keys (id)
);
CREATE INDEX ix_api_keys_created_by ON api_keys (created_by) WHERE created_by IS NOT NULL;
CREATE INDEX ix_api_keys_ended_at ON api_keys (LEAST(revoked_at, expires_at));
CREATE INDEX ix_api_keys_owner_id ON api_keys (owner, id);
CREATE UNIQUE INDEX ix_api_keys_subject_owner ON api_keys (subject, owner) WHERE revoked_at IS NULL;

CREATE TABLE jobs (
    id UUID DEFAULT uuidv7() NOT NULL,
    owner TEXT NOT NULL,
    spec JSONB NOT NULL,
    name TEXT,
    recipe_fingerprint TEXT NOT NULL,
    model TEXT NOT NULL,
    method TEXT NOT NULL,
    pattern TEXT NOT NULL,
    sparsity DOUBLE PRECISION NOT NULL,
    labels JSONB DEFAULT '{}' NOT NULL,
    sweep_id UUID,
    needs JSONB,
    queue_group BIGINT GENERATED ALWAYS AS (hashtextextended(owner, jsonb_hash_extended(needs, 0))) STORED,
    priority INTEGER DEFAULT '0' NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    attempt INTEGER DEFAULT '0' NOT NULL,
    lost_attempts INTEGER DEFAULT '0' NOT NULL,
    worker TEXT,
    queue TEXT,
    lease_token UUID,
    progressed_at timestamptz,
    report JSONB,
    pruned_perplexity DOUBLE PRECISION,
    measured_sparsity DOUBLE PRECISION,
    error JSONB,
    last_event INTEGER DEFAULT '0' NOT NULL,
    orphaned_files_since timestamptz,
    artifacts_expired_at timestamptz,
    queued_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    running_at timestamptz,
    cancelling_at timestamptz,
    ended_at timestamptz,
    retried_at timestamptz,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    next_try_at timestamptz,
    traceparent TEXT,
    blocked_on UUID,
    progress JSONB,
    figures JSONB,
    gate JSONB,
    outage JSONB,
    CONSTRAINT pk_jobs PRIMARY KEY (id),
    CONSTRAINT ck_jobs_state CHECK (state IN ('queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')),
    CONSTRAINT ck_jobs_lease_while_held CHECK ((state IN ('running', 'cancelling')) = (lease_token IS NOT NULL)),
    CONSTRAINT fk_jobs_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweeps (id) ON DELETE SET NULL,
    CONSTRAINT fk_jobs_blocked_on FOREIGN KEY(blocked_on) REFERENCES jobs (id) ON DELETE SET NULL
);
CREATE INDEX ix_jobs_blocked_on ON jobs (blocked_on) WHERE blocked_on IS NOT NULL;
CREATE INDEX ix_jobs_held_by ON jobs (worker) WHERE state IN ('running', 'cancelling');
CREATE INDEX ix_jobs_in_line ON jobs (queue_group, priority DESC, id) WHERE state = 'queued' AND needs IS NOT NULL;
CREATE INDEX ix_jobs_interrupted ON jobs (id) WHERE state = 'queued' AND attempt > 0;
CREATE INDEX ix_jobs_open_of_sweep ON jobs (sweep_id) WHERE sweep_id IS NOT NULL AND state IN ('queued', 'running', 'cancelling');
CREATE INDEX ix_jobs_orphaned_files_since ON jobs (orphaned_files_since) WHERE orphaned_files_since IS NOT NULL;
CREATE INDEX ix_jobs_owner_gate ON jobs (owner, (gate ->> 'state'), id) WHERE gate IS NOT NULL;
CREATE INDEX ix_jobs_owner_id ON jobs (owner, id);
CREATE INDEX ix_jobs_owner_method_id ON jobs (owner, method, id);
CREATE INDEX ix_jobs_owner_model_id ON jobs (owner, model, id);
CREATE INDEX ix_jobs_owner_state_id ON jobs (owner, state, id);
CREATE INDEX ix_jobs_sweep_id_id ON jobs (sweep_id, id) WHERE sweep_id IS NOT NULL;
CREATE INDEX ix_jobs_unexpired ON jobs (ended_at) WHERE state = 'succeeded' AND artifacts_expired_at IS NULL;
CREATE INDEX ix_jobs_unsized ON jobs (id) WHERE state = 'queued' AND needs IS NULL;

CREATE TABLE webhook_deliveries (
    id UUID DEFAULT uuidv7() NOT NULL,
    endpoint_id UUID NOT NULL,
    event TEXT NOT NULL,
    payload JSONB NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    next_attempt_at timestamptz DEFAULT clock_timestamp(),
    last_attempt_at timestamptz,
    last_status INTEGER,
    last_error TEXT,
    delivered_at timestamptz,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id),
    CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY(endpoint_id) REFERENCES webhook_endpoints (id) ON DELETE CASCADE
);
CREATE INDEX ix_webhook_deliveries_due ON webhook_deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX ix_webhook_deliveries_endpoint_id_id ON webhook_deliveries (endpoint_id, id);

CREATE TABLE artifacts (
    id UUID DEFAULT uuidv7() NOT NULL,
    job_id UUID NOT NULL,
    name TEXT NOT NULL,
    key TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    stored_size BIGINT,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_artifacts PRIMARY KEY (id),
    CONSTRAINT uq_artifacts_job_id_name UNIQUE (job_id, name),
    CONSTRAINT fk_artifacts_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE TABLE gradient_cache (
    fingerprint TEXT NOT NULL,
    job_id UUID NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    ready_at timestamptz,
    used_at timestamptz,
    CONSTRAINT pk_gradient_cache PRIMARY KEY (fingerprint),
    CONSTRAINT fk_gradient_cache_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_gradient_cache_job_id ON gradient_cache (job_id);
CREATE INDEX ix_gradient_cache_used_at ON gradient_cache (used_at);

CREATE TABLE idempotency_keys (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    body_sha256 BYTEA NOT NULL,
    job_id UUID,
    sweep_id UUID,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_idempotency_keys PRIMARY KEY (owner, key),
    CONSTRAINT fk_idempotency_keys_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE SET NULL,
    CONSTRAINT fk_idempotency_keys_sweep_id FOREIGN KEY(sweep_id) REFERENCES sweeps (id) ON DELETE CASCADE
);
CREATE INDEX ix_idempotency_keys_created_at ON idempotency_keys (created_at);
CREATE INDEX ix_idempotency_keys_job_id ON idempotency_keys (job_id);
CREATE INDEX ix_idempotency_keys_sweep_id ON idempotency_keys (sweep_id) WHERE sweep_id IS NOT NULL;

CREATE TABLE job_attempts (
    job_id UUID NOT NULL,
    attempt INTEGER NOT NULL,
    worker TEXT NOT NULL,
    gpus INTEGER,
    started_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamptz,
    outcome TEXT,
    reason TEXT,
    CONSTRAINT pk_job_attempts PRIMARY KEY (job_id, attempt),
    CONSTRAINT fk_job_attempts_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE TABLE job_blocks (
    job_id UUID NOT NULL,
    stage TEXT NOT NULL,
    block INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    key TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    numerics_key JSONB NOT NULL,
    finished_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_job_blocks PRIMARY KEY (job_id, stage, block),
    CONSTRAINT fk_job_blocks_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_job_blocks_finished_at ON job_blocks (finished_at);

CREATE TABLE job_events (
    job_id UUID NOT NULL,
    id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data JSONB NOT NULL,
    at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_job_events PRIMARY KEY (job_id, id),
    CONSTRAINT fk_job_events_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_job_events_progress_at ON job_events (at) WHERE kind = 'progress';

CREATE TABLE job_labels (
    job_id UUID NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    owner TEXT NOT NULL,
    CONSTRAINT pk_job_labels PRIMARY KEY (job_id, name),
    CONSTRAINT fk_job_labels_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE INDEX ix_job_labels_owner_name_value_job_id ON job_labels (owner, name, value, job_id);

CREATE TABLE leases (
    job_id UUID NOT NULL,
    token UUID NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (job_id),
    CONSTRAINT fk_leases_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
)
 WITH (fillfactor = 50);

CREATE TABLE page_sessions (
    token_sha256 BYTEA NOT NULL,
    api_key_id UUID NOT NULL,
    one_time BOOLEAN NOT NULL,
    created_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamptz NOT NULL,
    CONSTRAINT pk_page_sessions PRIMARY KEY (token_sha256),
    CONSTRAINT fk_page_sessions_api_key_id FOREIGN KEY(api_key_id) REFERENCES api_keys (id) ON DELETE CASCADE
);
CREATE INDEX ix_page_sessions_api_key_id ON page_sessions (api_key_id);

CREATE TABLE sent_files (
    job_id UUID NOT NULL,
    name TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    key TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    stored_size BIGINT,
    sent_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_sent_files PRIMARY KEY (job_id, name),
    CONSTRAINT fk_sent_files_job_id FOREIGN KEY(job_id) REFERENCES jobs (id) ON DELETE CASCADE
);

CREATE TABLE zoo_entries (
    id UUID DEFAULT uuidv7() NOT NULL,
    slug TEXT NOT NULL,
    job_id UUID NOT NULL,
    note TEXT NOT NULL,
    promoted_by TEXT NOT NULL,
    promoted_at timestamptz DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT pk_zoo_entries PRIMARY KEY (id),
    CONSTRAINT uq_zoo_entries_slug UNIQUE (slug),
    CONSTRAINT uq_zoo_entries_job_id UNIQUE (job_id),
    CONSTRAINT fk_zoo_entries_job_id FOREIGN KEY(job_id) REFERENCES jobs (id)
);

CREATE TABLE gradient_shards (
    fingerprint TEXT NOT NULL,
    block INTEGER NOT NULL,
    key TEXT NOT NULL,
    size BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    CONSTRAINT pk_gradient_shards PRIMARY KEY (fingerprint, block),
    CONSTRAINT fk_gradient_shards_fingerprint FOREIGN KEY(fingerprint) REFERENCES gradient_cache (fingerprint) ON DELETE CASCADE
);
