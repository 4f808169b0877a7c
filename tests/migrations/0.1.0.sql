


SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;


CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'audit_records can only be added to' USING ERRCODE = 'insufficient_privilege';
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;


CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);



COMMENT ON TABLE public.alembic_version IS '26d3f52d6f9f4ef6183fd5b583a8ba0973fff9e0bac4739fbb6f67c8a37e0ce1';



CREATE TABLE public.api_keys (
    id uuid DEFAULT uuidv7() NOT NULL,
    prefix text NOT NULL,
    secret_sha256 bytea NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    created_by uuid,
    subject text,
    CONSTRAINT ck_api_keys_scopes CHECK ((scopes <@ ARRAY['jobs:read'::text, 'jobs:write'::text, 'admin'::text]))
);



CREATE TABLE public.artifacts (
    id uuid DEFAULT uuidv7() NOT NULL,
    job_id uuid NOT NULL,
    name text NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    stored_size bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.audit_records (
    id uuid DEFAULT uuidv7() NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    action text NOT NULL,
    owner text,
    key_id uuid,
    address text NOT NULL,
    subject text NOT NULL,
    subject_owner text
);



CREATE TABLE public.daily_use (
    owner text NOT NULL,
    day date NOT NULL,
    queue text NOT NULL,
    gpu_seconds double precision DEFAULT '0'::double precision NOT NULL,
    cpu_seconds double precision DEFAULT '0'::double precision NOT NULL
);



CREATE TABLE public.deleted_jobs (
    job_id uuid NOT NULL,
    delete_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    is_last boolean DEFAULT false NOT NULL
);



CREATE TABLE public.gradient_cache (
    fingerprint text NOT NULL,
    job_id uuid NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ready_at timestamp with time zone,
    used_at timestamp with time zone
);



CREATE TABLE public.gradient_shards (
    fingerprint text NOT NULL,
    block integer NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL
);



CREATE TABLE public.idempotency_keys (
    owner text NOT NULL,
    key text NOT NULL,
    body_sha256 bytea NOT NULL,
    job_id uuid,
    sweep_id uuid,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.job_attempts (
    job_id uuid NOT NULL,
    attempt integer NOT NULL,
    worker text NOT NULL,
    gpus integer,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    reason text
);



CREATE TABLE public.job_blocks (
    job_id uuid NOT NULL,
    stage text NOT NULL,
    block integer NOT NULL,
    attempt integer NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    numerics_key jsonb NOT NULL,
    finished_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.job_events (
    job_id uuid NOT NULL,
    id integer NOT NULL,
    kind text NOT NULL,
    data jsonb NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.job_labels (
    job_id uuid NOT NULL,
    name text NOT NULL,
    value text NOT NULL,
    owner text NOT NULL
);



CREATE TABLE public.jobs (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner text NOT NULL,
    spec jsonb NOT NULL,
    name text,
    recipe_fingerprint text NOT NULL,
    model text NOT NULL,
    method text NOT NULL,
    pattern text NOT NULL,
    sparsity double precision NOT NULL,
    labels jsonb DEFAULT '{}'::jsonb NOT NULL,
    sweep_id uuid,
    needs jsonb,
    queue_group bigint GENERATED ALWAYS AS (hashtextextended(owner, jsonb_hash_extended(needs, (0)::bigint))) STORED,
    priority integer DEFAULT 0 NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    lost_attempts integer DEFAULT 0 NOT NULL,
    worker text,
    worker_class text,
    lease_token uuid,
    progressed_at timestamp with time zone,
    report jsonb,
    pruned_perplexity double precision,
    measured_sparsity double precision,
    error jsonb,
    last_event integer DEFAULT 0 NOT NULL,
    orphaned_files_since timestamp with time zone,
    artifacts_expired_at timestamp with time zone,
    queued_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    running_at timestamp with time zone,
    cancelling_at timestamp with time zone,
    ended_at timestamp with time zone,
    retried_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    next_try_at timestamp with time zone,
    traceparent text,
    blocked_on uuid,
    progress jsonb,
    figures jsonb,
    gate jsonb,
    outage jsonb,
    CONSTRAINT ck_jobs_lease_while_held CHECK (((state = ANY (ARRAY['running'::text, 'cancelling'::text])) = (lease_token IS NOT NULL))),
    CONSTRAINT ck_jobs_state CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'cancelling'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);



CREATE TABLE public.leases (
    job_id uuid NOT NULL,
    token uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    check_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');



CREATE TABLE public.owner_shares (
    owner text NOT NULL,
    weight double precision DEFAULT '1'::double precision NOT NULL,
    most_running integer,
    CONSTRAINT ck_owner_shares_most_running CHECK ((most_running >= 0)),
    CONSTRAINT ck_owner_shares_weight CHECK ((weight > (0)::double precision))
);



CREATE TABLE public.page_sessions (
    token_sha256 bytea NOT NULL,
    api_key_id uuid NOT NULL,
    one_time boolean NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL
);



CREATE TABLE public.perplexity_cache (
    fingerprint text NOT NULL,
    losses double precision[] NOT NULL,
    used_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    job_id uuid,
    key text,
    size bigint,
    sha256 text
);



CREATE TABLE public.queues (
    name text NOT NULL,
    paused_at timestamp with time zone,
    paused_by text
);



CREATE TABLE public.recent_use (
    owner text NOT NULL,
    queue text NOT NULL,
    seconds double precision NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.schedulers (
    name text NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    broker_away_since timestamp with time zone
);



CREATE TABLE public.sent_files (
    job_id uuid NOT NULL,
    name text NOT NULL,
    attempt integer NOT NULL,
    key text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    stored_size bigint,
    sent_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.stray_uploads (
    key text NOT NULL,
    owner text,
    size bigint,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.sweeps (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner text NOT NULL,
    request jsonb NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    search jsonb,
    error text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended_at timestamp with time zone,
    CONSTRAINT ck_sweeps_state CHECK ((state = ANY (ARRAY['running'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text])))
);



CREATE TABLE public.uploads (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    format text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    key text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT ck_uploads_format CHECK ((format = ANY (ARRAY['txt'::text, 'jsonl'::text, 'safetensors'::text])))
);



CREATE TABLE public.webhook_deliveries (
    id uuid DEFAULT uuidv7() NOT NULL,
    endpoint_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT clock_timestamp(),
    last_attempt_at timestamp with time zone,
    last_status integer,
    last_error text,
    delivered_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.webhook_endpoints (
    id uuid DEFAULT uuidv7() NOT NULL,
    owner text NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    format text DEFAULT 'standard'::text NOT NULL,
    secret bytea NOT NULL,
    failing_since timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_reason text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



CREATE TABLE public.workers (
    name text NOT NULL,
    queue text NOT NULL,
    queues text[],
    capacity jsonb,
    one_job boolean DEFAULT false NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    machine jsonb,
    sandbox jsonb,
    faults integer DEFAULT 0 NOT NULL,
    quarantined_at timestamp with time zone,
    fault text,
    cordoned_at timestamp with time zone,
    draining boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');



CREATE TABLE public.zoo_entries (
    id uuid DEFAULT uuidv7() NOT NULL,
    slug text NOT NULL,
    job_id uuid NOT NULL,
    note text NOT NULL,
    promoted_by text NOT NULL,
    promoted_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);



COPY public.alembic_version (version_num) FROM stdin;
0001
\.



COPY public.api_keys (id, prefix, secret_sha256, owner, name, scopes, created_at, expires_at, last_used_at, revoked_at, created_by, subject) FROM stdin;
01a231b0-364f-76b9-b8ff-47e7593cbfc2	NY1GO45k	\\xf388b7b361a9cfb151e1f86b7ca1247fe64ba01a67f38d6d1296781e5665e27b	ada	test	{jobs:read,jobs:write,admin}	2026-12-01 12:59:21.551447+00	\N	2026-12-01 12:59:23.609398+00	\N	\N	\N
01a231b0-3fd6-7753-a780-f608b1ba0e8b	08SenPWg	\\x8629e9caaaedfe57a70457b0d6e45f9277c3a7e0f48e0749261a22f51b9241a0	ada	CI	{jobs:read}	2026-12-01 12:59:23.990494+00	2027-12-01 12:59:23.990494+00	\N	\N	01a231b0-364f-76b9-b8ff-47e7593cbfc2	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a231b0-f5a1-7cd7-a243-b65ffa56a10b	01a231b0-42bf-7b68-bb91-8d0cf3d64317	README.md	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-12-01 13:00:10.529823+00
01a231b0-f5a2-778e-b0da-145e21296eec	01a231b0-42bf-7b68-bb91-8d0cf3d64317	config.json	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 13:00:10.530484+00
01a231b0-f5a2-7c9b-a013-a9ee1a26bc2a	01a231b0-42bf-7b68-bb91-8d0cf3d64317	generation_config.json	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 13:00:10.530799+00
01a231b0-f5a3-7187-bfe8-d950c8d4e791	01a231b0-42bf-7b68-bb91-8d0cf3d64317	masks.safetensors	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-01 13:00:10.531106+00
01a231b0-f5a3-7684-81ca-a15497602b40	01a231b0-42bf-7b68-bb91-8d0cf3d64317	model.safetensors	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-01 13:00:10.531418+00
01a231b0-f5a3-7bc9-92f5-977322ca3890	01a231b0-42bf-7b68-bb91-8d0cf3d64317	pruning_report.json	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/pruning_report.json	12278	78f363ce071d0185406bb17ca872dc6a3f2f9e7545b151c6ddc32e2d1383469b	\N	2026-12-01 13:00:10.531748+00
01a231b0-f5a4-7359-9cad-24c5f38dd96f	01a231b0-42bf-7b68-bb91-8d0cf3d64317	tokenizer.json	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 13:00:10.53222+00
01a231b0-f5a4-77b7-a1c4-9448c52babf5	01a231b0-42bf-7b68-bb91-8d0cf3d64317	tokenizer_config.json	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 13:00:10.532492+00
01a231b0-ffc7-7cdc-ae81-d36e40a482c2	01a231b0-4413-70db-8997-e51f7466445b	README.md	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/README.md	2441	520d9d9d2659d2efd4ff7e2218592711e3460eba44f5db9980a6a5905b157aa4	\N	2026-12-01 13:00:13.127836+00
01a231b0-ffca-75d9-a34a-264aa8519958	01a231b0-4413-70db-8997-e51f7466445b	config.json	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-01 13:00:13.130427+00
01a231b0-ffcb-720f-993f-4aff0dcec3fb	01a231b0-4413-70db-8997-e51f7466445b	generation_config.json	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 13:00:13.131141+00
01a231b0-ffcb-7ac8-a6e6-d55a71843602	01a231b0-4413-70db-8997-e51f7466445b	model.safetensors	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-01 13:00:13.131684+00
01a231b0-ffcb-7ea9-89d2-074c106947e5	01a231b0-4413-70db-8997-e51f7466445b	pruning_report.json	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/pruning_report.json	5888	d57bcbeed1767a380d2d675968ab4e9cc4df28c8684ddbc1e3b7a3770531b1cc	\N	2026-12-01 13:00:13.131925+00
01a231b0-ffcc-7215-a4f6-51c4e948dbb1	01a231b0-4413-70db-8997-e51f7466445b	tokenizer.json	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 13:00:13.132138+00
01a231b0-ffcc-7601-8730-abd8c1199e22	01a231b0-4413-70db-8997-e51f7466445b	tokenizer_config.json	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 13:00:13.132383+00
01a231b1-061b-7a10-a59b-07f709bed281	01a231b0-479e-77a0-8484-b4889a69eeae	gradient_norms.safetensors	jobs/01a231b0-479e-77a0-8484-b4889a69eeae/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-01 13:00:14.747655+00
01a231b1-09df-75f2-923d-1d576a6d15f7	01a231b0-4957-7eab-b655-e86e7464ad9c	README.md	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-12-01 13:00:15.711396+00
01a231b1-09df-7ef0-ba19-09286578e377	01a231b0-4957-7eab-b655-e86e7464ad9c	config.json	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 13:00:15.711942+00
01a231b1-09e0-7273-b375-615526cad445	01a231b0-4957-7eab-b655-e86e7464ad9c	generation_config.json	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 13:00:15.712161+00
01a231b1-09e0-75d2-9cdd-e0e72c8d44fd	01a231b0-4957-7eab-b655-e86e7464ad9c	masks.safetensors	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-01 13:00:15.712372+00
01a231b1-09e0-7919-8e1a-cd0681f74b6e	01a231b0-4957-7eab-b655-e86e7464ad9c	model.safetensors	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-01 13:00:15.712577+00
01a231b1-09e0-7c4e-8c4f-57e4101c70ef	01a231b0-4957-7eab-b655-e86e7464ad9c	pruning_report.json	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/pruning_report.json	12315	237b0d3fe1bce995b9b0afffe7e72c5c4aabd57c4747bece838d253ba5a6738f	\N	2026-12-01 13:00:15.712777+00
01a231b1-09e1-7007-9580-5fb5429ba409	01a231b0-4957-7eab-b655-e86e7464ad9c	tokenizer.json	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 13:00:15.71301+00
01a231b1-09e1-724e-adca-9e99ac21f63e	01a231b0-4957-7eab-b655-e86e7464ad9c	tokenizer_config.json	jobs/01a231b0-4957-7eab-b655-e86e7464ad9c/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 13:00:15.713151+00
01a231b1-0dc8-74b8-b50e-a71f5d303fad	01a231b0-4960-7b2e-a3dc-4863576d8981	README.md	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-12-01 13:00:16.712327+00
01a231b1-0dc8-7d44-83f8-fa8cab71c33f	01a231b0-4960-7b2e-a3dc-4863576d8981	config.json	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 13:00:16.712839+00
01a231b1-0dc9-75a6-8188-06644d857a63	01a231b0-4960-7b2e-a3dc-4863576d8981	generation_config.json	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 13:00:16.713364+00
01a231b1-0dc9-7a51-a106-faed1cc79bc9	01a231b0-4960-7b2e-a3dc-4863576d8981	masks.safetensors	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-01 13:00:16.713655+00
01a231b1-0dc9-7e8d-8ef9-5a16046847ca	01a231b0-4960-7b2e-a3dc-4863576d8981	model.safetensors	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-01 13:00:16.713919+00
01a231b1-0dca-7403-986f-bb9f2f2deb96	01a231b0-4960-7b2e-a3dc-4863576d8981	pruning_report.json	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/pruning_report.json	12299	b524c1efc0df18424485d376f24b26618952da6062cf33d3a4d7915e621df386	\N	2026-12-01 13:00:16.714261+00
01a231b1-0dca-78e3-bb02-65037ce81e44	01a231b0-4960-7b2e-a3dc-4863576d8981	tokenizer.json	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 13:00:16.714564+00
01a231b1-0dca-7b7b-a0ec-e6f4a46d434f	01a231b0-4960-7b2e-a3dc-4863576d8981	tokenizer_config.json	jobs/01a231b0-4960-7b2e-a3dc-4863576d8981/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 13:00:16.714726+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a231b0-4006-7883-b004-3fb4f39fdfb2	2026-12-01 12:59:24.038551+00	key.created	ada	01a231b0-364f-76b9-b8ff-47e7593cbfc2	127.0.0.1	key 01a231b0-3fd6-7753-a780-f608b1ba0e8b	ada
01a231b0-4270-7ca8-9cab-bb2f70d53f2c	2026-12-01 12:59:24.656815+00	share.granted	ada	01a231b0-364f-76b9-b8ff-47e7593cbfc2	127.0.0.1	share {"weight":2.0}	eve
01a231b1-0f21-7271-92c0-2b816b84fa83	2026-12-01 13:00:17.057169+00	zoo.promoted	ada	01a231b0-364f-76b9-b8ff-47e7593cbfc2	127.0.0.1	zoo small-gblm-50-f3d64317	ada
01a231b1-0f3b-71d7-becd-cd911e655ebb	2026-12-01 13:00:17.083135+00	queue.paused	ada	01a231b0-364f-76b9-b8ff-47e7593cbfc2	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-01	cpu	0	9.684439
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a231b0-45e7-76b6-ac59-1e0b895323d7	2026-12-01 13:00:17.230547+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	01a231b0-4413-70db-8997-e51f7466445b	2026-12-01 13:00:11.263414+00	2026-12-01 13:00:11.465523+00	2026-12-01 13:00:11.465523+00
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	01a231b0-42bf-7b68-bb91-8d0cf3d64317	2026-12-01 13:00:09.569858+00	2026-12-01 13:00:09.861902+00	2026-12-01 13:00:16.249077+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	0	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	1	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	2	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	3	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	0	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	1	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	2	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	3	jobs/01a231b0-4413-70db-8997-e51f7466445b/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x48380a5cc0b714077ff80027ca6129fbe6843493b7ccd9bb8fe5782a6a17539f	01a231b0-42bf-7b68-bb91-8d0cf3d64317	\N	2026-12-01 12:59:24.744967+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a231b0-42bf-7b68-bb91-8d0cf3d64317	1	host-1-21223-79d74b	0	2026-12-01 13:00:06.398665+00	2026-12-01 13:00:10.519164+00	succeeded	\N
01a231b0-4413-70db-8997-e51f7466445b	1	host-1-21223-79d74b	0	2026-12-01 13:00:10.675406+00	2026-12-01 13:00:13.11452+00	succeeded	\N
01a231b0-479e-77a0-8484-b4889a69eeae	1	host-1-21223-79d74b	0	2026-12-01 13:00:14.330119+00	2026-12-01 13:00:14.740671+00	succeeded	\N
01a231b0-4957-7eab-b655-e86e7464ad9c	1	host-1-21223-79d74b	0	2026-12-01 13:00:14.823068+00	2026-12-01 13:00:15.705788+00	succeeded	\N
01a231b0-4960-7b2e-a3dc-4863576d8981	1	host-1-21223-79d74b	0	2026-12-01 13:00:15.803742+00	2026-12-01 13:00:16.705571+00	succeeded	\N
01a231b0-4983-7080-af90-541faf6df7d3	1	host-1-21223-79d74b	0	2026-12-01 13:00:16.804549+00	2026-12-01 13:00:16.83291+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a231b1-0f7e-73c0-b538-2d48b9b22224	1	worker	\N	2026-12-01 13:00:17.205495+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a231b1-0f7e-73c0-b538-2d48b9b22224	prune	0	1	jobs/01a231b1-0f7e-73c0-b538-2d48b9b22224/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-01 13:00:17.216397+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a231b0-42bf-7b68-bb91-8d0cf3d64317	1	state	{"state": "queued"}	2026-12-01 12:59:24.738383+00
01a231b0-4413-70db-8997-e51f7466445b	1	state	{"state": "queued"}	2026-12-01 12:59:25.122311+00
01a231b0-479e-77a0-8484-b4889a69eeae	1	state	{"state": "queued"}	2026-12-01 12:59:25.99829+00
01a231b0-4957-7eab-b655-e86e7464ad9c	1	state	{"state": "queued"}	2026-12-01 12:59:26.427+00
01a231b0-4960-7b2e-a3dc-4863576d8981	1	state	{"state": "queued"}	2026-12-01 12:59:26.433798+00
01a231b0-4983-7080-af90-541faf6df7d3	1	state	{"state": "queued"}	2026-12-01 12:59:26.476262+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:06.340995+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:06.52366+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 600645632, "seconds_left": 0.01925159785981457}	2026-12-01 13:00:09.506188+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.0819352319995232, "peak_memory_bytes": 600645632}	2026-12-01 13:00:09.554147+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 13:00:09.581809+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 621936640, "seconds_left": 0.14449100395545128}	2026-12-01 13:00:09.748536+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.23854145199948107, "peak_memory_bytes": 622116864}	2026-12-01 13:00:09.800768+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 13:00:09.805575+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 623423488, "seconds_left": 0.08342427887127442}	2026-12-01 13:00:09.979116+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.28441386600025, "peak_memory_bytes": 623226880}	2026-12-01 13:00:10.090146+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-01 13:00:10.109748+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 627122176, "seconds_left": 0.00062624}	2026-12-01 13:00:10.306111+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.22735673900024267, "peak_memory_bytes": 626905088}	2026-12-01 13:00:10.327952+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 13:00:10.344425+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 630841344, "seconds_left": 0.0}	2026-12-01 13:00:10.469874+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.13066346800042083, "peak_memory_bytes": 630841344}	2026-12-01 13:00:10.473773+00
01a231b0-42bf-7b68-bb91-8d0cf3d64317	18	state	{"state": "succeeded", "attempt": 1}	2026-12-01 13:00:10.512709+00
01a231b0-4413-70db-8997-e51f7466445b	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:10.664943+00
01a231b0-4413-70db-8997-e51f7466445b	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:10.688377+00
01a231b0-4413-70db-8997-e51f7466445b	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 633782272, "seconds_left": 0.07698045793023081}	2026-12-01 13:00:11.2119+00
01a231b0-4413-70db-8997-e51f7466445b	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.531755541000166, "peak_memory_bytes": 633782272}	2026-12-01 13:00:11.217229+00
01a231b0-4413-70db-8997-e51f7466445b	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 13:00:11.26984+00
01a231b0-4413-70db-8997-e51f7466445b	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 634441728, "seconds_left": 0.5341604219124189}	2026-12-01 13:00:11.334041+00
01a231b0-4413-70db-8997-e51f7466445b	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.13517667099949904, "peak_memory_bytes": 634167296}	2026-12-01 13:00:11.390938+00
01a231b0-4413-70db-8997-e51f7466445b	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-01 13:00:11.395443+00
01a231b0-4413-70db-8997-e51f7466445b	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 635330560, "seconds_left": 1.3410684385828093}	2026-12-01 13:00:11.559938+00
01a231b0-4413-70db-8997-e51f7466445b	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.6666774349978368, "peak_memory_bytes": 636198912}	2026-12-01 13:00:12.063747+00
01a231b0-4413-70db-8997-e51f7466445b	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 13:00:12.095419+00
01a231b0-4413-70db-8997-e51f7466445b	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 13:00:12.103652+00
01a231b0-4413-70db-8997-e51f7466445b	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 638533632, "seconds_left": 3.3778543784310817}	2026-12-01 13:00:12.255793+00
01a231b0-4413-70db-8997-e51f7466445b	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.18393631699655089, "peak_memory_bytes": 638296064}	2026-12-01 13:00:12.271383+00
01a231b0-4413-70db-8997-e51f7466445b	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-01 13:00:12.281073+00
01a231b0-4413-70db-8997-e51f7466445b	17	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 0.6808127500007686, "peak_memory_bytes": 649908224}	2026-12-01 13:00:12.962222+00
01a231b0-4413-70db-8997-e51f7466445b	18	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-01 13:00:12.978158+00
01a231b0-4413-70db-8997-e51f7466445b	19	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 651653120, "seconds_left": 0.0}	2026-12-01 13:00:13.053417+00
01a231b0-4413-70db-8997-e51f7466445b	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.08156582700030413, "peak_memory_bytes": 651722752}	2026-12-01 13:00:13.057806+00
01a231b0-4413-70db-8997-e51f7466445b	21	state	{"state": "succeeded", "attempt": 1}	2026-12-01 13:00:13.106883+00
01a231b1-0f7e-73c0-b538-2d48b9b22224	1	state	{"state": "queued"}	2026-12-01 13:00:17.15544+00
01a231b0-479e-77a0-8484-b4889a69eeae	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:14.317005+00
01a231b0-479e-77a0-8484-b4889a69eeae	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:14.344891+00
01a231b0-479e-77a0-8484-b4889a69eeae	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 653574144, "seconds_left": 0.009544870723747968}	2026-12-01 13:00:14.628295+00
01a231b0-479e-77a0-8484-b4889a69eeae	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.2900237720023142, "peak_memory_bytes": 653574144}	2026-12-01 13:00:14.633286+00
01a231b0-479e-77a0-8484-b4889a69eeae	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 13:00:14.660811+00
01a231b0-479e-77a0-8484-b4889a69eeae	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 13:00:14.666452+00
01a231b0-479e-77a0-8484-b4889a69eeae	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.04882536300283391, "peak_memory_bytes": 653627392}	2026-12-01 13:00:14.687835+00
01a231b0-479e-77a0-8484-b4889a69eeae	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-01 13:00:14.698818+00
01a231b0-479e-77a0-8484-b4889a69eeae	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 653377536, "seconds_left": 0.0}	2026-12-01 13:00:14.711736+00
01a231b0-479e-77a0-8484-b4889a69eeae	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.018056123997666873, "peak_memory_bytes": 653377536}	2026-12-01 13:00:14.716413+00
01a231b0-479e-77a0-8484-b4889a69eeae	12	state	{"state": "succeeded", "attempt": 1}	2026-12-01 13:00:14.735712+00
01a231b0-4957-7eab-b655-e86e7464ad9c	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:14.815231+00
01a231b0-4957-7eab-b655-e86e7464ad9c	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:14.834261+00
01a231b0-4957-7eab-b655-e86e7464ad9c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 654401536, "seconds_left": 0.01925159785981457}	2026-12-01 13:00:15.170117+00
01a231b0-4957-7eab-b655-e86e7464ad9c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.340348615001858, "peak_memory_bytes": 654401536}	2026-12-01 13:00:15.173622+00
01a231b0-4957-7eab-b655-e86e7464ad9c	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 13:00:15.195167+00
01a231b0-4957-7eab-b655-e86e7464ad9c	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 13:00:15.199553+00
01a231b0-4957-7eab-b655-e86e7464ad9c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.03317829399748007, "peak_memory_bytes": 654401536}	2026-12-01 13:00:15.218307+00
01a231b0-4957-7eab-b655-e86e7464ad9c	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 13:00:15.225959+00
01a231b0-4957-7eab-b655-e86e7464ad9c	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 654561280, "seconds_left": 0.08837166023541958}	2026-12-01 13:00:15.391524+00
01a231b0-4957-7eab-b655-e86e7464ad9c	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.21557125500112306, "peak_memory_bytes": 654467072}	2026-12-01 13:00:15.440153+00
01a231b0-4957-7eab-b655-e86e7464ad9c	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 13:00:15.454556+00
01a231b0-4957-7eab-b655-e86e7464ad9c	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 13:00:15.459586+00
01a231b0-4957-7eab-b655-e86e7464ad9c	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 652779520, "seconds_left": 0.00062624}	2026-12-01 13:00:15.599824+00
01a231b0-4957-7eab-b655-e86e7464ad9c	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.1653418639980373, "peak_memory_bytes": 652591104}	2026-12-01 13:00:15.610276+00
01a231b0-4957-7eab-b655-e86e7464ad9c	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 13:00:15.622389+00
01a231b0-4957-7eab-b655-e86e7464ad9c	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655024128, "seconds_left": 0.0}	2026-12-01 13:00:15.687204+00
01a231b0-4957-7eab-b655-e86e7464ad9c	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.06902179200187675, "peak_memory_bytes": 655052800}	2026-12-01 13:00:15.690335+00
01a231b0-4957-7eab-b655-e86e7464ad9c	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 13:00:15.701964+00
01a231b0-4960-7b2e-a3dc-4863576d8981	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:15.783486+00
01a231b0-4960-7b2e-a3dc-4863576d8981	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:15.82139+00
01a231b0-4960-7b2e-a3dc-4863576d8981	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657518592, "seconds_left": 0.01925159785981457}	2026-12-01 13:00:16.228004+00
01a231b0-4960-7b2e-a3dc-4863576d8981	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.41315185300118173, "peak_memory_bytes": 657518592}	2026-12-01 13:00:16.233563+00
01a231b0-4960-7b2e-a3dc-4863576d8981	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 13:00:16.261671+00
01a231b0-4960-7b2e-a3dc-4863576d8981	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 13:00:16.26659+00
01a231b0-4960-7b2e-a3dc-4863576d8981	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.03739858600238222, "peak_memory_bytes": 657567744}	2026-12-01 13:00:16.276614+00
01a231b0-4960-7b2e-a3dc-4863576d8981	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 13:00:16.280459+00
01a231b0-4960-7b2e-a3dc-4863576d8981	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657588224, "seconds_left": 0.04895572872045545}	2026-12-01 13:00:16.37371+00
01a231b0-4960-7b2e-a3dc-4863576d8981	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.15325339600167354, "peak_memory_bytes": 657559552}	2026-12-01 13:00:16.441197+00
01a231b0-4960-7b2e-a3dc-4863576d8981	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 13:00:16.449595+00
01a231b0-4960-7b2e-a3dc-4863576d8981	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 13:00:16.453691+00
01a231b0-4960-7b2e-a3dc-4863576d8981	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 656097280, "seconds_left": 0.00062624}	2026-12-01 13:00:16.583712+00
01a231b0-4960-7b2e-a3dc-4863576d8981	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.1541874819995428, "peak_memory_bytes": 656031744}	2026-12-01 13:00:16.602423+00
01a231b0-4960-7b2e-a3dc-4863576d8981	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 13:00:16.613562+00
01a231b0-4960-7b2e-a3dc-4863576d8981	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 658366464, "seconds_left": 0.0}	2026-12-01 13:00:16.679906+00
01a231b0-4960-7b2e-a3dc-4863576d8981	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.06969238799865707, "peak_memory_bytes": 658530304}	2026-12-01 13:00:16.683143+00
01a231b0-4960-7b2e-a3dc-4863576d8981	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 13:00:16.701129+00
01a231b0-4983-7080-af90-541faf6df7d3	2	state	{"state": "running", "worker": "host-1-21223-79d74b", "attempt": 1}	2026-12-01 13:00:16.795219+00
01a231b0-4983-7080-af90-541faf6df7d3	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 13:00:16.817015+00
01a231b0-4983-7080-af90-541faf6df7d3	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-01 13:00:16.829453+00
01a231b1-0f7e-73c0-b538-2d48b9b22224	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-01 13:00:17.195487+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a231b0-42bf-7b68-bb91-8d0cf3d64317	team	ml	ada
01a231b0-4957-7eab-b655-e86e7464ad9c	team	ml	ada
01a231b0-4960-7b2e-a3dc-4863576d8981	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a231b0-4983-7080-af90-541faf6df7d3	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	5a462c8050e4102c1e2834f30f7b2634b09753a8f147bd1c6af1a400f1f8a5ab	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-01 13:00:16.812472+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-01 13:00:16.827072+00	\N	2026-12-01 12:59:26.467062+00	2026-12-01 13:00:16.793686+00	\N	2026-12-01 13:00:16.827072+00	\N	2026-12-01 12:59:26.467062+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a231b0-42bf-7b68-bb91-8d0cf3d64317	ada	{"gate": {"of": null, "max_kl": null, "domains": {}, "baseline": null, "max_bytes": null, "min_speedup": null, "min_zero_shot": {}, "max_parameters": null, "max_perplexity": null, "max_score_drop": {}, "max_memory_bytes": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	036be127be9c10e5253ba7d875028ffee97116cc512b5e96722d5dcde9a2107b	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.020481037859814567, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 13:00:10.472877+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.0819352319995232, "peak_memory_bytes": 600645632}, {"name": "gradients", "seconds": 0.23854145199948107, "peak_memory_bytes": 622116864}, {"name": "prune", "seconds": 0.28441386600025, "peak_memory_bytes": 623226880}, {"name": "evaluate", "seconds": 0.22735673900024267, "peak_memory_bytes": 626905088}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "036be127be9c10e5253ba7d875028ffee97116cc512b5e96722d5dcde9a2107b", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-12-01 13:00:10.509275+00	\N	2026-12-01 12:59:24.735748+00	2026-12-01 13:00:06.33834+00	\N	2026-12-01 13:00:10.509275+00	\N	2026-12-01 12:59:24.735748+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a231b0-4413-70db-8997-e51f7466445b	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	e001970698cc471450a680cededb8fa718d0f364ce682bc19c5441bea38d079c	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.07820989793023081, "device_bytes": 2774393, "scratch_bytes": 750464, "cpu_scratch_bytes": 758656}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 13:00:13.056717+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 16974.91803997223, "noise": 0.3287465171398668, "phase": "prefill", "pruned": 17284.067981822078, "speedup": 1.0182121610909616}, {"batch": 8, "dense": 63640.64852433828, "noise": 0.03238875561914112, "phase": "prefill", "pruned": 68403.32739747477, "speedup": 1.0748370575028803}, {"batch": 1, "dense": 489.97486916105925, "noise": 0.6986489061107912, "phase": "decode", "pruned": 527.008320041844, "speedup": 1.0755823476093658}, {"batch": 8, "dense": 3000.606685044762, "noise": 0.0716255483256657, "phase": "decode", "pruned": 2936.743148832983, "speedup": 0.9787164587314694}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1749600, "dense_peak_memory_bytes": 2376288}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.531755541000166, "peak_memory_bytes": 633782272}, {"name": "gradients", "seconds": 0.13517667099949904, "peak_memory_bytes": 634167296}, {"name": "cut", "seconds": 0.6666774349978368, "peak_memory_bytes": 636198912}, {"name": "evaluate", "seconds": 0.18393631699655089, "peak_memory_bytes": 638296064}, {"name": "speed", "seconds": 0.6808127500007686, "peak_memory_bytes": 649908224}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "e001970698cc471450a680cededb8fa718d0f364ce682bc19c5441bea38d079c", "dense_perplexity_reused": true}	382.0752385933565	0	\N	21	2026-12-01 13:00:13.103238+00	\N	2026-12-01 12:59:25.075086+00	2026-12-01 13:00:10.663397+00	\N	2026-12-01 13:00:13.103238+00	\N	2026-12-01 12:59:25.075086+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a231b0-479e-77a0-8484-b4889a69eeae	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "add_bos_token": false, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	d3337e38c6718550a36ba1ee4b2cbd6fc3b93f6b0884d8c59900319599389685	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.010774310723747968, "device_bytes": 2811564, "scratch_bytes": 294912, "cpu_scratch_bytes": 344064}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 13:00:14.715507+00	\N	\N	\N	\N	12	2026-12-01 13:00:14.733645+00	\N	2026-12-01 12:59:25.982522+00	2026-12-01 13:00:14.315318+00	\N	2026-12-01 13:00:14.733645+00	\N	2026-12-01 12:59:25.982522+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a231b1-0f7e-73c0-b538-2d48b9b22224	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	1462d61f38904ec6c051c969fb4bea28a86d66009017da8a54e8b6f2344dfea5	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	314d5472-02f2-495c-9787-763a71f51084	2026-12-01 13:00:17.21369+00	\N	\N	\N	\N	2	\N	\N	2026-12-01 13:00:17.150262+00	2026-12-01 13:00:17.193679+00	\N	\N	\N	2026-12-01 13:00:17.150262+00	\N	\N	\N	\N	\N	\N	\N
01a231b0-4957-7eab-b655-e86e7464ad9c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	2180fd4ed09bdf8fe393b6170634f9792e7549781de1b88a5d4e01560959e8f0	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a231b0-4948-757c-a0bb-fb44cc616c07	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.020481037859814567, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 13:00:15.689608+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.340348615001858, "peak_memory_bytes": 654401536}, {"name": "gradients", "seconds": 0.03317829399748007, "peak_memory_bytes": 654401536}, {"name": "prune", "seconds": 0.21557125500112306, "peak_memory_bytes": 654467072}, {"name": "evaluate", "seconds": 0.1653418639980373, "peak_memory_bytes": 652591104}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "2180fd4ed09bdf8fe393b6170634f9792e7549781de1b88a5d4e01560959e8f0", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-12-01 13:00:15.699712+00	\N	2026-12-01 12:59:26.423946+00	2026-12-01 13:00:14.813726+00	\N	2026-12-01 13:00:15.699712+00	\N	2026-12-01 12:59:26.423946+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a231b0-4960-7b2e-a3dc-4863576d8981	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	deb432072cee135404defc91d52a60db96b95eb906bb84053ec43bed287d199d	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a231b0-4948-757c-a0bb-fb44cc616c07	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.020481037859814567, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 13:00:16.682513+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.41315185300118173, "peak_memory_bytes": 657518592}, {"name": "gradients", "seconds": 0.03739858600238222, "peak_memory_bytes": 657567744}, {"name": "prune", "seconds": 0.15325339600167354, "peak_memory_bytes": 657559552}, {"name": "evaluate", "seconds": 0.1541874819995428, "peak_memory_bytes": 656031744}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "deb432072cee135404defc91d52a60db96b95eb906bb84053ec43bed287d199d", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-12-01 13:00:16.698469+00	\N	2026-12-01 12:59:26.432728+00	2026-12-01 13:00:15.78194+00	\N	2026-12-01 13:00:16.698469+00	\N	2026-12-01 12:59:26.432728+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a231b1-0f7e-73c0-b538-2d48b9b22224	314d5472-02f2-495c-9787-763a71f51084	2026-12-01 13:50:17.207745+00	2026-12-01 13:50:17.207746+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x70a76f8e5cd1e00307d067217a71a2bfae17545597854525c3fb4f7039fb6361	01a231b0-364f-76b9-b8ff-47e7593cbfc2	f	2026-12-01 13:00:17.128698+00	2026-12-02 01:00:17.128698+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-01 13:00:16.445721+00	01a231b0-42bf-7b68-bb91-8d0cf3d64317	jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-01 13:00:17.082294+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	9.683175474061299	2026-12-01 13:00:16.835722+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-21222-dc5538	2026-12-01 13:00:16.6439+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a231b1-0f7e-73c0-b538-2d48b9b22224	model.safetensors	1	jobs/01a231b1-0f7e-73c0-b538-2d48b9b22224/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-01 13:00:17.212345+00
\.



COPY public.stray_uploads (key, owner, size, since) FROM stdin;
uploads/begun	ada	1	2026-12-01 13:00:17.223953+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a231b0-4948-757c-a0bb-fb44cc616c07	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-01 12:59:26.408384+00	2026-12-01 13:00:16.733191+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a231b0-4172-7440-b769-fa44fad6da5f	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/ca3651a2-f58a-4d67-98ae-6b715c70c8da.txt	2026-12-01 12:59:24.402298+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a231b0-f630-7e11-a65c-3bef0c648639	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-4413-70db-8997-e51f7466445b", "url": "/v1/jobs/01a231b0-4413-70db-8997-e51f7466445b", "gate": null, "page": "/jobs/01a231b0-4413-70db-8997-e51f7466445b", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:10.663397+00:00"}	1	2026-12-01 13:00:17.054891+00	2026-12-01 13:00:10.965417+00	\N	the host has no public address	\N	2026-12-01 13:00:10.672899+00
01a231b0-ffb6-74ba-8740-25e371ad59e1	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-4413-70db-8997-e51f7466445b", "url": "/v1/jobs/01a231b0-4413-70db-8997-e51f7466445b", "gate": null, "page": "/jobs/01a231b0-4413-70db-8997-e51f7466445b", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:13.103238+00:00"}	1	2026-12-01 13:00:19.183195+00	2026-12-01 13:00:14.094066+00	\N	the host has no public address	\N	2026-12-01 13:00:13.110324+00
01a231b1-0082-7a53-8e98-625a09a97ffb	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-45e7-76b6-ac59-1e0b895323d7", "url": "/v1/jobs/01a231b0-45e7-76b6-ac59-1e0b895323d7", "gate": null, "page": "/jobs/01a231b0-45e7-76b6-ac59-1e0b895323d7", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:13.298086+00:00"}	1	2026-12-01 13:00:18.801247+00	2026-12-01 13:00:14.094072+00	\N	the host has no public address	\N	2026-12-01 13:00:13.314679+00
01a231b0-e55c-78f9-ad58-3a177ce82a10	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-42bf-7b68-bb91-8d0cf3d64317", "url": "/v1/jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317", "gate": null, "page": "/jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:06.338340+00:00"}	2	2026-12-01 13:00:43.86101+00	2026-12-01 13:00:14.09402+00	\N	the host has no public address	\N	2026-12-01 13:00:06.364594+00
01a231b1-040b-79b4-91b6-5df30fd06174	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-45e7-76b6-ac59-1e0b895323d7", "url": "/v1/jobs/01a231b0-45e7-76b6-ac59-1e0b895323d7", "gate": null, "page": "/jobs/01a231b0-45e7-76b6-ac59-1e0b895323d7", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:14.213012+00:00"}	1	2026-12-01 13:00:19.91875+00	2026-12-01 13:00:15.223103+00	\N	the host has no public address	\N	2026-12-01 13:00:14.219633+00
01a231b1-0475-7ec2-93b9-1d6d982f41d5	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-479e-77a0-8484-b4889a69eeae", "url": "/v1/jobs/01a231b0-479e-77a0-8484-b4889a69eeae", "gate": null, "page": "/jobs/01a231b0-479e-77a0-8484-b4889a69eeae", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:14.315318+00:00"}	1	2026-12-01 13:00:19.825634+00	2026-12-01 13:00:15.22313+00	\N	the host has no public address	\N	2026-12-01 13:00:14.325951+00
01a231b1-0613-7712-a7f6-920c62921bf7	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-479e-77a0-8484-b4889a69eeae", "url": "/v1/jobs/01a231b0-479e-77a0-8484-b4889a69eeae", "gate": null, "page": "/jobs/01a231b0-479e-77a0-8484-b4889a69eeae", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:14.733645+00:00"}	1	2026-12-01 13:00:20.035778+00	2026-12-01 13:00:15.223136+00	\N	the host has no public address	\N	2026-12-01 13:00:14.739465+00
01a231b1-09d8-7a55-a86e-f59e0519715e	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-4957-7eab-b655-e86e7464ad9c", "url": "/v1/jobs/01a231b0-4957-7eab-b655-e86e7464ad9c", "gate": null, "page": "/jobs/01a231b0-4957-7eab-b655-e86e7464ad9c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:15.699712+00:00"}	1	2026-12-01 13:00:22.227612+00	2026-12-01 13:00:16.391844+00	\N	the host has no public address	\N	2026-12-01 13:00:15.704667+00
01a231b0-f595-7195-a636-6b3f95c42190	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-42bf-7b68-bb91-8d0cf3d64317", "url": "/v1/jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a231b0-42bf-7b68-bb91-8d0cf3d64317", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:10.509275+00:00"}	2	2026-12-01 13:00:43.574928+00	2026-12-01 13:00:16.391802+00	\N	the host has no public address	\N	2026-12-01 13:00:10.517123+00
01a231b1-0664-7b79-a6a5-077b3ae3e4e6	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-4957-7eab-b655-e86e7464ad9c", "url": "/v1/jobs/01a231b0-4957-7eab-b655-e86e7464ad9c", "gate": null, "page": "/jobs/01a231b0-4957-7eab-b655-e86e7464ad9c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:14.813726+00:00"}	1	2026-12-01 13:00:19.945911+00	2026-12-01 13:00:15.22314+00	\N	the host has no public address	\N	2026-12-01 13:00:14.820732+00
01a231b1-0a34-73fb-b34e-809915bde257	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-4960-7b2e-a3dc-4863576d8981", "url": "/v1/jobs/01a231b0-4960-7b2e-a3dc-4863576d8981", "gate": null, "page": "/jobs/01a231b0-4960-7b2e-a3dc-4863576d8981", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:15.781940+00:00"}	1	2026-12-01 13:00:20.778482+00	2026-12-01 13:00:16.391853+00	\N	the host has no public address	\N	2026-12-01 13:00:15.796289+00
01a231b1-0dc0-7485-8163-9c050712bc7f	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.succeeded	{"data": {"id": "01a231b0-4960-7b2e-a3dc-4863576d8981", "url": "/v1/jobs/01a231b0-4960-7b2e-a3dc-4863576d8981", "gate": null, "page": "/jobs/01a231b0-4960-7b2e-a3dc-4863576d8981", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-01T13:00:16.698469+00:00"}	0	2026-12-01 13:00:16.704306+00	\N	\N	\N	\N	2026-12-01 13:00:16.704306+00
01a231b1-0e20-79d2-b0b3-f03bfa682f67	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b0-4983-7080-af90-541faf6df7d3", "url": "/v1/jobs/01a231b0-4983-7080-af90-541faf6df7d3", "gate": null, "page": "/jobs/01a231b0-4983-7080-af90-541faf6df7d3", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:16.793686+00:00"}	0	2026-12-01 13:00:16.800636+00	\N	\N	\N	\N	2026-12-01 13:00:16.800636+00
01a231b1-0e3f-7c67-b39e-9011f9e331ee	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.failed	{"data": {"id": "01a231b0-4983-7080-af90-541faf6df7d3", "url": "/v1/jobs/01a231b0-4983-7080-af90-541faf6df7d3", "gate": null, "page": "/jobs/01a231b0-4983-7080-af90-541faf6df7d3", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-01T13:00:16.827072+00:00"}	0	2026-12-01 13:00:16.83179+00	\N	\N	\N	\N	2026-12-01 13:00:16.83179+00
01a231b1-0fb2-756c-9145-74fc359b5d4f	01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	job.started	{"data": {"id": "01a231b1-0f7e-73c0-b538-2d48b9b22224", "url": "/v1/jobs/01a231b1-0f7e-73c0-b538-2d48b9b22224", "gate": null, "page": "/jobs/01a231b1-0f7e-73c0-b538-2d48b9b22224", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T13:00:17.193679+00:00"}	0	2026-12-01 13:00:17.202361+00	\N	\N	\N	\N	2026-12-01 13:00:17.202361+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a231b0-3ee7-7d0d-b673-0b31d2b6c7dc	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x67414141414142724473537235646561654950676965776c4d64483279713873366c476d4541504e3050484f787a454f6e5f4c70366935365f30704a4e6e71515f44456c615972567a534b3838673939383450716f53785574626f393959305273714f46354862455f756752307852376a664a71615476325832413362486b497a6d784a74595230616b555f	2026-12-01 13:00:07.717677+00	\N	\N	2026-12-01 12:59:23.75185+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-21223-79d74b	cpu	\N	{"gpus": 0, "host_bytes": 22748851814, "device_bytes": 0, "scratch_bytes": 44434112512}	f	2026-12-01 12:59:18.96278+00	2026-12-01 13:00:16.590033+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276502016, "bytes_per_second": 4389432160.331464, "operations_per_second": {"float32": 12653188252.320127, "bfloat16": 16472642881.43343}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a231b1-0f1e-772a-805b-e5b3103a7604	small-gblm-50-f3d64317	01a231b0-42bf-7b68-bb91-8d0cf3d64317	for chat	ada	2026-12-01 13:00:17.054479+00
\.



ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT pk_api_keys PRIMARY KEY (id);



ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT pk_artifacts PRIMARY KEY (id);



ALTER TABLE ONLY public.audit_records
    ADD CONSTRAINT pk_audit_records PRIMARY KEY (id);



ALTER TABLE ONLY public.daily_use
    ADD CONSTRAINT pk_daily_use PRIMARY KEY (owner, day, queue);



ALTER TABLE ONLY public.deleted_jobs
    ADD CONSTRAINT pk_deleted_jobs PRIMARY KEY (job_id);



ALTER TABLE ONLY public.gradient_cache
    ADD CONSTRAINT pk_gradient_cache PRIMARY KEY (fingerprint);



ALTER TABLE ONLY public.gradient_shards
    ADD CONSTRAINT pk_gradient_shards PRIMARY KEY (fingerprint, block);



ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT pk_idempotency_keys PRIMARY KEY (owner, key);



ALTER TABLE ONLY public.job_attempts
    ADD CONSTRAINT pk_job_attempts PRIMARY KEY (job_id, attempt);



ALTER TABLE ONLY public.job_blocks
    ADD CONSTRAINT pk_job_blocks PRIMARY KEY (job_id, stage, block);



ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT pk_job_events PRIMARY KEY (job_id, id);



ALTER TABLE ONLY public.job_labels
    ADD CONSTRAINT pk_job_labels PRIMARY KEY (job_id, name);



ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT pk_jobs PRIMARY KEY (id);



ALTER TABLE ONLY public.leases
    ADD CONSTRAINT pk_leases PRIMARY KEY (job_id);



ALTER TABLE ONLY public.owner_shares
    ADD CONSTRAINT pk_owner_shares PRIMARY KEY (owner);



ALTER TABLE ONLY public.page_sessions
    ADD CONSTRAINT pk_page_sessions PRIMARY KEY (token_sha256);



ALTER TABLE ONLY public.perplexity_cache
    ADD CONSTRAINT pk_perplexity_cache PRIMARY KEY (fingerprint);



ALTER TABLE ONLY public.queues
    ADD CONSTRAINT pk_queues PRIMARY KEY (name);



ALTER TABLE ONLY public.recent_use
    ADD CONSTRAINT pk_recent_use PRIMARY KEY (owner, queue);



ALTER TABLE ONLY public.schedulers
    ADD CONSTRAINT pk_schedulers PRIMARY KEY (name);



ALTER TABLE ONLY public.sent_files
    ADD CONSTRAINT pk_sent_files PRIMARY KEY (job_id, name);



ALTER TABLE ONLY public.stray_uploads
    ADD CONSTRAINT pk_stray_uploads PRIMARY KEY (key);



ALTER TABLE ONLY public.sweeps
    ADD CONSTRAINT pk_sweeps PRIMARY KEY (id);



ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT pk_uploads PRIMARY KEY (id);



ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id);



ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT pk_webhook_endpoints PRIMARY KEY (id);



ALTER TABLE ONLY public.workers
    ADD CONSTRAINT pk_workers PRIMARY KEY (name);



ALTER TABLE ONLY public.zoo_entries
    ADD CONSTRAINT pk_zoo_entries PRIMARY KEY (id);



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT uq_api_keys_prefix UNIQUE (prefix);



ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT uq_artifacts_job_id_name UNIQUE (job_id, name);



ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uq_uploads_owner_sha256_format UNIQUE (owner, sha256, format);



ALTER TABLE ONLY public.zoo_entries
    ADD CONSTRAINT uq_zoo_entries_job_id UNIQUE (job_id);



ALTER TABLE ONLY public.zoo_entries
    ADD CONSTRAINT uq_zoo_entries_slug UNIQUE (slug);



CREATE INDEX ix_api_keys_created_by ON public.api_keys USING btree (created_by) WHERE (created_by IS NOT NULL);



CREATE INDEX ix_api_keys_ended_at ON public.api_keys USING btree (LEAST(revoked_at, expires_at));



CREATE INDEX ix_api_keys_owner_id ON public.api_keys USING btree (owner, id);



CREATE UNIQUE INDEX ix_api_keys_subject_owner ON public.api_keys USING btree (subject, owner) WHERE (revoked_at IS NULL);



CREATE INDEX ix_deleted_jobs_delete_at ON public.deleted_jobs USING btree (delete_at);



CREATE INDEX ix_gradient_cache_job_id ON public.gradient_cache USING btree (job_id);



CREATE INDEX ix_gradient_cache_used_at ON public.gradient_cache USING btree (used_at);



CREATE INDEX ix_idempotency_keys_created_at ON public.idempotency_keys USING btree (created_at);



CREATE INDEX ix_idempotency_keys_job_id ON public.idempotency_keys USING btree (job_id);



CREATE INDEX ix_idempotency_keys_sweep_id ON public.idempotency_keys USING btree (sweep_id) WHERE (sweep_id IS NOT NULL);



CREATE INDEX ix_job_blocks_finished_at ON public.job_blocks USING btree (finished_at);



CREATE INDEX ix_job_events_progress_at ON public.job_events USING btree (at) WHERE (kind = 'progress'::text);



CREATE INDEX ix_job_labels_owner_name_value_job_id ON public.job_labels USING btree (owner, name, value, job_id);



CREATE INDEX ix_jobs_blocked_on ON public.jobs USING btree (blocked_on) WHERE (blocked_on IS NOT NULL);



CREATE INDEX ix_jobs_held_by ON public.jobs USING btree (worker) WHERE (state = ANY (ARRAY['running'::text, 'cancelling'::text]));



CREATE INDEX ix_jobs_in_line ON public.jobs USING btree (queue_group, priority DESC, id) WHERE ((state = 'queued'::text) AND (needs IS NOT NULL));



CREATE INDEX ix_jobs_interrupted ON public.jobs USING btree (id) WHERE ((state = 'queued'::text) AND (attempt > 0));



CREATE INDEX ix_jobs_open_of_sweep ON public.jobs USING btree (sweep_id) WHERE ((sweep_id IS NOT NULL) AND (state = ANY (ARRAY['queued'::text, 'running'::text, 'cancelling'::text])));



CREATE INDEX ix_jobs_orphaned_files_since ON public.jobs USING btree (orphaned_files_since) WHERE (orphaned_files_since IS NOT NULL);



CREATE INDEX ix_jobs_owner_gate ON public.jobs USING btree (owner, ((gate ->> 'state'::text)), id) WHERE (gate IS NOT NULL);



CREATE INDEX ix_jobs_owner_id ON public.jobs USING btree (owner, id);



CREATE INDEX ix_jobs_owner_method_id ON public.jobs USING btree (owner, method, id);



CREATE INDEX ix_jobs_owner_model_id ON public.jobs USING btree (owner, model, id);



CREATE INDEX ix_jobs_owner_state_id ON public.jobs USING btree (owner, state, id);



CREATE INDEX ix_jobs_sweep_id_id ON public.jobs USING btree (sweep_id, id) WHERE (sweep_id IS NOT NULL);



CREATE INDEX ix_jobs_unexpired ON public.jobs USING btree (ended_at) WHERE ((state = 'succeeded'::text) AND (artifacts_expired_at IS NULL));



CREATE INDEX ix_jobs_unsized ON public.jobs USING btree (id) WHERE ((state = 'queued'::text) AND (needs IS NULL));



CREATE INDEX ix_leases_check_at ON public.leases USING btree (check_at);



CREATE INDEX ix_page_sessions_api_key_id ON public.page_sessions USING btree (api_key_id);



CREATE INDEX ix_perplexity_cache_job_id ON public.perplexity_cache USING btree (job_id);



CREATE INDEX ix_perplexity_cache_used_at ON public.perplexity_cache USING btree (used_at);



CREATE INDEX ix_stray_uploads_owner ON public.stray_uploads USING btree (owner) WHERE (owner IS NOT NULL);



CREATE INDEX ix_sweeps_owner_id ON public.sweeps USING btree (owner, id);



CREATE INDEX ix_sweeps_running ON public.sweeps USING btree (id) WHERE (state = 'running'::text);



CREATE INDEX ix_uploads_owner_id ON public.uploads USING btree (owner, id);



CREATE INDEX ix_webhook_deliveries_due ON public.webhook_deliveries USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);



CREATE INDEX ix_webhook_deliveries_endpoint_id_id ON public.webhook_deliveries USING btree (endpoint_id, id);



CREATE INDEX ix_webhook_endpoints_owner_id ON public.webhook_endpoints USING btree (owner, id);



CREATE TRIGGER only_added BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_records FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT fk_api_keys_created_by FOREIGN KEY (created_by) REFERENCES public.api_keys(id);



ALTER TABLE ONLY public.artifacts
    ADD CONSTRAINT fk_artifacts_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.gradient_cache
    ADD CONSTRAINT fk_gradient_cache_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.gradient_shards
    ADD CONSTRAINT fk_gradient_shards_fingerprint FOREIGN KEY (fingerprint) REFERENCES public.gradient_cache(fingerprint) ON DELETE CASCADE;



ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT fk_idempotency_keys_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE SET NULL;



ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT fk_idempotency_keys_sweep_id FOREIGN KEY (sweep_id) REFERENCES public.sweeps(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.job_attempts
    ADD CONSTRAINT fk_job_attempts_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.job_blocks
    ADD CONSTRAINT fk_job_blocks_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.job_events
    ADD CONSTRAINT fk_job_events_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.job_labels
    ADD CONSTRAINT fk_job_labels_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_blocked_on FOREIGN KEY (blocked_on) REFERENCES public.jobs(id) ON DELETE SET NULL;



ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT fk_jobs_sweep_id FOREIGN KEY (sweep_id) REFERENCES public.sweeps(id) ON DELETE SET NULL;



ALTER TABLE ONLY public.leases
    ADD CONSTRAINT fk_leases_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.page_sessions
    ADD CONSTRAINT fk_page_sessions_api_key_id FOREIGN KEY (api_key_id) REFERENCES public.api_keys(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.sent_files
    ADD CONSTRAINT fk_sent_files_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT fk_webhook_deliveries_endpoint_id FOREIGN KEY (endpoint_id) REFERENCES public.webhook_endpoints(id) ON DELETE CASCADE;



ALTER TABLE ONLY public.zoo_entries
    ADD CONSTRAINT fk_zoo_entries_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id);




