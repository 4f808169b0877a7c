


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



COMMENT ON TABLE public.alembic_version IS 'edc34ec35295e7c3b80808321cfb5c949158a45a194cc3bca723459fc4193e02';



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
    queue text,
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
    expires_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');



CREATE TABLE public.owner_shares (
    owner text NOT NULL,
    weight double precision DEFAULT '1'::double precision NOT NULL,
    max_running integer,
    CONSTRAINT ck_owner_shares_max_running CHECK ((max_running >= 0)),
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
01a23a3e-c8bc-73cc-8596-312f4183080d	4CEI7RAp	\\xfd16ed2ad16fdc9dac3f609bccbc63949ac316dd10ca2f346f70149d8b15dd00	ada	test	{jobs:read,jobs:write,admin}	2026-12-03 04:52:02.876259+00	\N	2026-12-03 04:52:02.960959+00	\N	\N	\N
01a23a3e-c940-78da-bf81-155bb85df41c	IIrpjVBS	\\xbca6d7adc668a188e0b04b9d94c2b84f128eb18034b2e11e69578200528ea71c	ada	CI	{jobs:read}	2026-12-03 04:52:03.00858+00	2027-12-03 04:52:03.00858+00	\N	\N	01a23a3e-c8bc-73cc-8596-312f4183080d	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a23a3e-e0ca-7d9e-b8f5-32e4fff0ffe2	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	README.md	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/README.md	2373	4a68d04d87c7103133cf3692e45b1f973bdbefec0e52335dbe8c8fa1c3ddcbf6	\N	2026-12-03 04:52:09.03488+00
01a23a3e-e0cb-7a5e-a581-e6e21aa47525	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	config.json	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-03 04:52:09.035663+00
01a23a3e-e0cc-706d-8208-71655872f6e5	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	generation_config.json	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-03 04:52:09.03604+00
01a23a3e-e0cc-7548-8d2d-bf2e06964e81	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	masks.safetensors	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-03 04:52:09.03634+00
01a23a3e-e0cc-7a1c-8eb7-c9455da807a4	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	model.safetensors	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-03 04:52:09.036643+00
01a23a3e-e0cd-715b-960a-e3d310142aff	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	pruning_report.json	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/pruning_report.json	12301	25b35941a29ca13767c0156299bcd6b4b5e774a8ec700933707f6ef509468304	\N	2026-12-03 04:52:09.037092+00
01a23a3e-e0cd-7728-bd1d-07d2ee17aa82	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	tokenizer.json	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-03 04:52:09.037457+00
01a23a3e-e0cd-7a01-a622-a699c9202793	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	tokenizer_config.json	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-03 04:52:09.037634+00
01a23a3e-e7b1-765f-846f-086e86308b4f	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	README.md	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/README.md	2407	c01f79072e5c2b9ee416ab93fb2e3cb33b1c45eaa5262e23f89e3a2291f8d84c	\N	2026-12-03 04:52:10.801434+00
01a23a3e-e7b1-7ff6-a8ee-64cd667a7532	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	config.json	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-03 04:52:10.802009+00
01a23a3e-e7b2-73f9-ac95-30d7bff4c3e3	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	generation_config.json	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-03 04:52:10.802256+00
01a23a3e-e7b2-7720-81e2-36e2baa57e69	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	model.safetensors	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-03 04:52:10.802452+00
01a23a3e-e7b2-79c0-91cb-0909ac93efa3	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	pruning_report.json	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/pruning_report.json	5886	e1c5be844ec4ca8e4e64363fb455325b06ef10f6c9677c60d1346cf33d87f290	\N	2026-12-03 04:52:10.802616+00
01a23a3e-e7b2-7c3e-a097-8e0fbaf7a111	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	tokenizer.json	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-03 04:52:10.802771+00
01a23a3e-e7b3-7002-b62c-5c2f0729293c	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	tokenizer_config.json	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-03 04:52:10.803007+00
01a23a3e-eda0-7a64-8832-f3661cf0d786	01a23a3e-ca2c-7989-aa0d-9265e5db1d61	gradient_norms.safetensors	jobs/01a23a3e-ca2c-7989-aa0d-9265e5db1d61/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-03 04:52:12.32069+00
01a23a3e-f1e7-7738-a01a-d877460fbcd7	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	README.md	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/README.md	2374	30060c4efeb7a584184ec21453c9d850c13085cfaebc562ecb7ab046e4127d8c	\N	2026-12-03 04:52:13.415488+00
01a23a3e-f1e8-7323-8fa2-96ab3a661dc8	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	config.json	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-03 04:52:13.416209+00
01a23a3e-f1e9-7520-bf43-db83a6862a69	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	generation_config.json	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-03 04:52:13.417334+00
01a23a3e-f1e9-7b90-94e4-8775e5fb279d	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	masks.safetensors	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-03 04:52:13.417732+00
01a23a3e-f1ea-70eb-b0e7-31ea3bc7851d	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	model.safetensors	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-03 04:52:13.418066+00
01a23a3e-f1ea-750d-857e-f5a8f27402d9	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	pruning_report.json	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/pruning_report.json	12339	48c446f2f8c19d1f683018e5db6ef0c15fd3ee562bb4a8b0d98dcb36a28ba094	\N	2026-12-03 04:52:13.418323+00
01a23a3e-f1ea-7a6e-94e2-3a4766f1cb36	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	tokenizer.json	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-03 04:52:13.418659+00
01a23a3e-f1ea-7d32-a0a5-84dfec1ba8f4	01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	tokenizer_config.json	jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-03 04:52:13.41883+00
01a23a3e-f67b-7355-8b5a-2fb0dbf622f9	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	README.md	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/README.md	2372	0366bd216329d047310cb942b3a39c15b7758e12c417c62ebcef679ef2121242	\N	2026-12-03 04:52:14.587252+00
01a23a3e-f67c-7248-91eb-b0d0f5fd0278	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	config.json	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-03 04:52:14.588162+00
01a23a3e-f67c-7de6-b8a2-b895d566305a	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	generation_config.json	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-03 04:52:14.588884+00
01a23a3e-f67d-75ba-a24d-6a3485236e10	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	masks.safetensors	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-03 04:52:14.589372+00
01a23a3e-f67d-7f41-9551-3942f28cf515	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	model.safetensors	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-03 04:52:14.589967+00
01a23a3e-f67e-762e-9c50-951eecff4c78	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	pruning_report.json	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/pruning_report.json	12320	176f7ff7c152f0198ce58bfbd38883a22b89f1cb8086446f2d8f0acc75b4fbb8	\N	2026-12-03 04:52:14.590398+00
01a23a3e-f67e-7ebb-b36c-27143951fd37	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	tokenizer.json	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-03 04:52:14.590932+00
01a23a3e-f67f-72f2-bb03-8f98f80c3f80	01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	tokenizer_config.json	jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-03 04:52:14.591195+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a23a3e-c926-7574-81cb-53aa1900fe29	2026-12-03 04:52:02.982363+00	webhook.created	ada	01a23a3e-c8bc-73cc-8596-312f4183080d	127.0.0.1	webhook 01a23a3e-c91c-7f69-b195-26dc631e950b	ada
01a23a3e-c944-7893-8b7e-d35a9aeed6b1	2026-12-03 04:52:03.01256+00	key.created	ada	01a23a3e-c8bc-73cc-8596-312f4183080d	127.0.0.1	key 01a23a3e-c940-78da-bf81-155bb85df41c	ada
01a23a3e-c991-759b-923f-50d43aeaec6a	2026-12-03 04:52:03.089379+00	share.changed	ada	01a23a3e-c8bc-73cc-8596-312f4183080d	127.0.0.1	share {"weight":2.0}	eve
01a23a3e-f79f-7621-8e12-22779c27bda0	2026-12-03 04:52:14.879418+00	zoo.promoted	ada	01a23a3e-c8bc-73cc-8596-312f4183080d	127.0.0.1	zoo small-gblm-50-a8895d0e	ada
01a23a3e-f7d0-7aa5-bfea-2fac82cc5d78	2026-12-03 04:52:14.92869+00	queue.paused	ada	01a23a3e-c8bc-73cc-8596-312f4183080d	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-03	cpu	0	6.208277000000001
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a23a3e-ca0e-75d4-bc12-b065ea8bc532	2026-12-03 04:52:15.143135+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	01a23a3e-c9f5-7322-8c52-d155f3e9ea43	2026-12-03 04:52:09.637603+00	2026-12-03 04:52:09.854517+00	2026-12-03 04:52:09.854517+00
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	2026-12-03 04:52:08.426195+00	2026-12-03 04:52:08.618485+00	2026-12-03 04:52:14.008136+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	0	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	1	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	2	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	3	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	0	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	1	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	2	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	3	jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x0f0a6d3eafa8344423fea69ab0c4249e487cdbb900f5ce9383c3859f38f35f03	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	\N	2026-12-03 04:52:03.153758+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	1	host-1-24365-3528f4	0	2026-12-03 04:52:07.871917+00	2026-12-03 04:52:09.023583+00	succeeded	\N
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	1	host-1-24365-3528f4	0	2026-12-03 04:52:09.133318+00	2026-12-03 04:52:10.794503+00	succeeded	\N
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	1	host-1-24365-3528f4	0	2026-12-03 04:52:11.828668+00	2026-12-03 04:52:12.310983+00	succeeded	\N
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	1	host-1-24365-3528f4	0	2026-12-03 04:52:12.438443+00	2026-12-03 04:52:13.404757+00	succeeded	\N
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	1	host-1-24365-3528f4	0	2026-12-03 04:52:13.51096+00	2026-12-03 04:52:14.57326+00	succeeded	\N
01a23a3e-ca63-711e-a603-90a4974bf71a	1	host-1-24365-3528f4	0	2026-12-03 04:52:14.716766+00	2026-12-03 04:52:14.772093+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a23a3e-f830-7446-81d0-420f6d25b5c2	1	worker	\N	2026-12-03 04:52:15.094512+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a23a3e-f830-7446-81d0-420f6d25b5c2	prune	0	1	jobs/01a23a3e-f830-7446-81d0-420f6d25b5c2/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-03 04:52:15.115259+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	1	state	{"state": "queued"}	2026-12-03 04:52:03.148779+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	1	state	{"state": "queued"}	2026-12-03 04:52:03.19332+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	1	state	{"state": "queued"}	2026-12-03 04:52:03.246707+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	1	state	{"state": "queued"}	2026-12-03 04:52:03.275207+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	1	state	{"state": "queued"}	2026-12-03 04:52:03.281234+00
01a23a3e-ca63-711e-a603-90a4974bf71a	1	state	{"state": "queued"}	2026-12-03 04:52:03.303062+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:07.85109+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:07.892116+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 599691264, "seconds_left": 0.0026952402744412044}	2026-12-03 04:52:08.413108+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.5298936610051896, "peak_memory_bytes": 599691264}	2026-12-03 04:52:08.418029+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-03 04:52:08.433742+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 621113344, "seconds_left": 0.05528385255691145}	2026-12-03 04:52:08.506395+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.1365448950091377, "peak_memory_bytes": 621170688}	2026-12-03 04:52:08.559308+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-03 04:52:08.563667+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 622743552, "seconds_left": 0.023215091119345756}	2026-12-03 04:52:08.699029+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.1668136649968801, "peak_memory_bytes": 622419968}	2026-12-03 04:52:08.73134+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	12	stage_started	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-03 04:52:08.740021+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 626401280, "seconds_left": 0.00062624}	2026-12-03 04:52:08.871985+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.17646192100073677, "peak_memory_bytes": 626249728}	2026-12-03 04:52:08.913766+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	15	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-03 04:52:08.927078+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 630067200, "seconds_left": 0.0}	2026-12-03 04:52:09.001374+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07758192300389055, "peak_memory_bytes": 630194176}	2026-12-03 04:52:09.004627+00
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	18	state	{"state": "succeeded", "attempt": 1}	2026-12-03 04:52:09.016131+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:09.1238+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:09.147191+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 633118720, "seconds_left": 0.005138397235579951}	2026-12-03 04:52:09.607752+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.46626370199373923, "peak_memory_bytes": 633118720}	2026-12-03 04:52:09.612953+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-03 04:52:09.645582+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 633835520, "seconds_left": 0.6454539304632392}	2026-12-03 04:52:09.705473+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.14042636900558136, "peak_memory_bytes": 633491456}	2026-12-03 04:52:09.773085+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	9	stage_started	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-03 04:52:09.778185+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 633688064, "seconds_left": 1.5066185363515083}	2026-12-03 04:52:09.933011+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.3427689349919092, "peak_memory_bytes": 634531840}	2026-12-03 04:52:10.124512+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-03 04:52:10.154551+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-03 04:52:10.159258+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 636432384, "seconds_left": 2.461017905007479}	2026-12-03 04:52:10.277234+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.1458438749978086, "peak_memory_bytes": 636321792}	2026-12-03 04:52:10.295621+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	16	stage_started	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-03 04:52:10.301364+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	17	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 0.40851585200289264, "peak_memory_bytes": 647995392}	2026-12-03 04:52:10.710027+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	18	stage_started	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-03 04:52:10.723196+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	19	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 648654848, "seconds_left": 0.0}	2026-12-03 04:52:10.777086+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.05741099799342919, "peak_memory_bytes": 648773632}	2026-12-03 04:52:10.780212+00
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	21	state	{"state": "succeeded", "attempt": 1}	2026-12-03 04:52:10.789062+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:11.812434+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:11.845941+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 650551296, "seconds_left": 0.0015341105017459545}	2026-12-03 04:52:12.176435+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.3376852340006735, "peak_memory_bytes": 650551296}	2026-12-03 04:52:12.18223+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-03 04:52:12.213614+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-03 04:52:12.219035+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.054634515996440314, "peak_memory_bytes": 650559488}	2026-12-03 04:52:12.245338+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	9	stage_started	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-03 04:52:12.26732+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 651354112, "seconds_left": 0.0}	2026-12-03 04:52:12.286787+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.02542684400395956, "peak_memory_bytes": 651354112}	2026-12-03 04:52:12.291163+00
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	12	state	{"state": "succeeded", "attempt": 1}	2026-12-03 04:52:12.303627+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:12.413906+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:12.456569+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 652300288, "seconds_left": 0.0026952402744412044}	2026-12-03 04:52:12.852113+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.4054436050064396, "peak_memory_bytes": 652300288}	2026-12-03 04:52:12.861275+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-03 04:52:12.890529+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-03 04:52:12.898628+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.05019247200107202, "peak_memory_bytes": 652300288}	2026-12-03 04:52:12.922043+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-03 04:52:12.928275+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 652505088, "seconds_left": 0.03211955043494041}	2026-12-03 04:52:13.067879+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.17654692799260374, "peak_memory_bytes": 652333056}	2026-12-03 04:52:13.10548+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-03 04:52:13.118465+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-03 04:52:13.123951+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 649854976, "seconds_left": 0.00062624}	2026-12-03 04:52:13.251626+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.15608997200615704, "peak_memory_bytes": 649609216}	2026-12-03 04:52:13.269311+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	16	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-03 04:52:13.288608+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 651022336, "seconds_left": 0.0}	2026-12-03 04:52:13.378684+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.09498739200353157, "peak_memory_bytes": 651022336}	2026-12-03 04:52:13.382914+00
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	19	state	{"state": "succeeded", "attempt": 1}	2026-12-03 04:52:13.396828+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:13.497156+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:13.530215+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 653258752, "seconds_left": 0.0026952402744412044}	2026-12-03 04:52:13.983254+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.4625102879945189, "peak_memory_bytes": 653258752}	2026-12-03 04:52:13.989474+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-03 04:52:14.025267+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-03 04:52:14.03126+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.04973788400820922, "peak_memory_bytes": 653336576}	2026-12-03 04:52:14.044676+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-03 04:52:14.051693+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 653447168, "seconds_left": 0.03132295116386998}	2026-12-03 04:52:14.186704+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.1845003140042536, "peak_memory_bytes": 653373440}	2026-12-03 04:52:14.238149+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-03 04:52:14.254907+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-03 04:52:14.264149+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 650964992, "seconds_left": 0.00062624}	2026-12-03 04:52:14.386241+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.15532556099060457, "peak_memory_bytes": 650735616}	2026-12-03 04:52:14.399871+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	16	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-03 04:52:14.417897+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 653103104, "seconds_left": 0.0}	2026-12-03 04:52:14.537039+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.12394876799953636, "peak_memory_bytes": 653185024}	2026-12-03 04:52:14.54378+00
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	19	state	{"state": "succeeded", "attempt": 1}	2026-12-03 04:52:14.561428+00
01a23a3e-ca63-711e-a603-90a4974bf71a	2	state	{"state": "running", "worker": "host-1-24365-3528f4", "attempt": 1}	2026-12-03 04:52:14.700079+00
01a23a3e-ca63-711e-a603-90a4974bf71a	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-03 04:52:14.735076+00
01a23a3e-ca63-711e-a603-90a4974bf71a	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-03 04:52:14.755848+00
01a23a3e-f830-7446-81d0-420f6d25b5c2	1	state	{"state": "queued"}	2026-12-03 04:52:15.028831+00
01a23a3e-f830-7446-81d0-420f6d25b5c2	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-03 04:52:15.063444+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	team	ml	ada
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	team	ml	ada
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, queue, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a23a3e-ca2c-7989-aa0d-9265e5db1d61	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "add_bos_token": false, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	07599df71d77df403623b1c955cef444ab94228d3aedeada67548808713e8c1a	/srv/models/small	norms	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0027635505017459547, "device_bytes": 2811564, "scratch_bytes": 294912, "cpu_scratch_bytes": 344064}	0	succeeded	1	0	\N	cpu	\N	2026-12-03 04:52:12.29015+00	\N	\N	\N	\N	12	2026-12-03 04:52:12.301978+00	\N	2026-12-03 04:52:03.244618+00	2026-12-03 04:52:11.809869+00	\N	2026-12-03 04:52:12.301978+00	\N	2026-12-03 04:52:03.244618+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a23a3e-ca63-711e-a603-90a4974bf71a	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	47dc867331c3e1c797d13d16d8ea19f348a5a6077270e4a9bfa2e9929e18a18d	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-03 04:52:14.733512+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-03 04:52:14.753746+00	\N	2026-12-03 04:52:03.299095+00	2026-12-03 04:52:14.697519+00	\N	2026-12-03 04:52:14.753747+00	\N	2026-12-03 04:52:03.299095+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a23a3e-f830-7446-81d0-420f6d25b5c2	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	a002cff643c964f8cd5ba4f8624e37d94ecba1325e261bdca6ce8b5862524fe4	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	1241a7d2-84c4-4bc8-acb4-f31449e6667d	2026-12-03 04:52:15.10971+00	\N	\N	\N	\N	2	\N	\N	2026-12-03 04:52:15.02431+00	2026-12-03 04:52:15.060799+00	\N	\N	\N	2026-12-03 04:52:15.02431+00	\N	\N	\N	\N	\N	\N	\N
01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	ada	{"gate": {"export": null, "max_kl": null, "domains": {}, "baseline": null, "max_bytes": null, "min_score": {}, "min_speedup": null, "max_parameters": null, "max_perplexity": null, "max_score_drop": {}, "max_memory_bytes": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	0e86cd72242133a9cb39e5191bcef51199b08dede3903dc9cb4cababa0e3da76	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.003924680274441205, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-03 04:52:09.003891+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.5298936610051896, "peak_memory_bytes": 599691264}, {"name": "gradients", "seconds": 0.1365448950091377, "peak_memory_bytes": 621170688}, {"name": "prune", "seconds": 0.1668136649968801, "peak_memory_bytes": 622419968}, {"name": "evaluate", "seconds": 0.17646192100073677, "peak_memory_bytes": 626249728}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "0e86cd72242133a9cb39e5191bcef51199b08dede3903dc9cb4cababa0e3da76", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-12-03 04:52:09.01376+00	\N	2026-12-03 04:52:03.145129+00	2026-12-03 04:52:07.842112+00	\N	2026-12-03 04:52:09.01376+00	\N	2026-12-03 04:52:03.145129+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"state": "passed", "export": null, "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a23a3e-c9f5-7322-8c52-d155f3e9ea43	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	dbf37a793a2dd7cc739987dbf9bc1894384fb67510219737c4f962bbb5a164f9	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.006367837235579951, "device_bytes": 2774393, "scratch_bytes": 750464, "cpu_scratch_bytes": 758656}	0	succeeded	1	0	\N	cpu	\N	2026-12-03 04:52:10.779123+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 22097.965059876253, "noise": 0.4331644175269138, "phase": "prefill", "pruned": 22861.967203373384, "speedup": 1.034573416213982}, {"batch": 8, "dense": 100940.02668993165, "noise": 0.04120299728975341, "phase": "prefill", "pruned": 105774.45917445389, "speedup": 1.0478941074522665}, {"batch": 1, "dense": 995.696847289091, "noise": 0.16643426676198936, "phase": "decode", "pruned": 769.3165781149852, "speedup": 0.7726413719291626}, {"batch": 8, "dense": 3036.6604636114816, "noise": 0.2960321831664663, "phase": "decode", "pruned": 4174.276568034559, "speedup": 1.374627363860798}], "speedup": 0.7726413719291626, "dense_bytes": 250904, "prompt_tokens": 56, "generated_tokens": 8, "peak_memory_bytes": 1860192, "dense_peak_memory_bytes": 2425440}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.46626370199373923, "peak_memory_bytes": 633118720}, {"name": "gradients", "seconds": 0.14042636900558136, "peak_memory_bytes": 633491456}, {"name": "cut", "seconds": 0.3427689349919092, "peak_memory_bytes": 634531840}, {"name": "evaluate", "seconds": 0.1458438749978086, "peak_memory_bytes": 636321792}, {"name": "speed", "seconds": 0.40851585200289264, "peak_memory_bytes": 647995392}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "dbf37a793a2dd7cc739987dbf9bc1894384fb67510219737c4f962bbb5a164f9", "dense_perplexity_reused": true}	382.0752385933565	0	\N	21	2026-12-03 04:52:10.787442+00	\N	2026-12-03 04:52:03.189221+00	2026-12-03 04:52:09.121931+00	\N	2026-12-03 04:52:10.787442+00	\N	2026-12-03 04:52:03.189221+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": 0.7726413719291626, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a23a3e-ca49-733f-9ffb-bb4e9db02b0f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	7c9461241bfdf6aade38c57a57dbcab8255c41b1e98e8f81d800a65d2263e030	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a23a3e-ca42-77b9-b336-49bcf7f9b8fb	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.003924680274441205, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-03 04:52:13.381811+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.4054436050064396, "peak_memory_bytes": 652300288}, {"name": "gradients", "seconds": 0.05019247200107202, "peak_memory_bytes": 652300288}, {"name": "prune", "seconds": 0.17654692799260374, "peak_memory_bytes": 652333056}, {"name": "evaluate", "seconds": 0.15608997200615704, "peak_memory_bytes": 649609216}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "7c9461241bfdf6aade38c57a57dbcab8255c41b1e98e8f81d800a65d2263e030", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-12-03 04:52:13.394491+00	\N	2026-12-03 04:52:03.273266+00	2026-12-03 04:52:12.411417+00	\N	2026-12-03 04:52:13.394491+00	\N	2026-12-03 04:52:03.273266+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a23a3e-ca4f-7c29-9d4b-263dbabae3b0	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	b57191137326223fd0facba71ba7b51fe9ef57f33acf01625c4edbab278c01a3	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a23a3e-ca42-77b9-b336-49bcf7f9b8fb	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.003924680274441205, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-03 04:52:14.542355+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.4625102879945189, "peak_memory_bytes": 653258752}, {"name": "gradients", "seconds": 0.04973788400820922, "peak_memory_bytes": 653336576}, {"name": "prune", "seconds": 0.1845003140042536, "peak_memory_bytes": 653373440}, {"name": "evaluate", "seconds": 0.15532556099060457, "peak_memory_bytes": 650735616}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "b57191137326223fd0facba71ba7b51fe9ef57f33acf01625c4edbab278c01a3", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-12-03 04:52:14.558147+00	\N	2026-12-03 04:52:03.279782+00	2026-12-03 04:52:13.494457+00	\N	2026-12-03 04:52:14.558147+00	\N	2026-12-03 04:52:03.279782+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at) FROM stdin;
01a23a3e-f830-7446-81d0-420f6d25b5c2	1241a7d2-84c4-4bc8-acb4-f31449e6667d	2026-12-03 05:42:15.098294+00
\.



COPY public.owner_shares (owner, weight, max_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\xc15eca04076730e34f93fc9c3f27e294c636a02b70bf62d83f85020f777b011c	01a23a3e-c8bc-73cc-8596-312f4183080d	f	2026-12-03 04:52:14.994396+00	2026-12-03 16:52:14.994396+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
81ba18f61379e717afc0b8afb3c2886e00dcd7eeb6f21062589306f86ff1ff19	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-03 04:52:14.246691+00	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-03 04:52:14.927138+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	6.207682368849156	2026-12-03 04:52:14.786027+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-24364-a1cef4	2026-12-03 04:52:14.239864+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a23a3e-f830-7446-81d0-420f6d25b5c2	model.safetensors	1	jobs/01a23a3e-f830-7446-81d0-420f6d25b5c2/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-03 04:52:15.107136+00
\.



COPY public.stray_uploads (key, owner, size, since) FROM stdin;
uploads/begun	ada	1	2026-12-03 04:52:15.130626+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a23a3e-ca42-77b9-b336-49bcf7f9b8fb	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "resources": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-03 04:52:03.266507+00	2026-12-03 04:52:14.61581+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a23a3e-c96f-721d-a43d-b8c2a6a09d5a	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/d04d62c1-c1dc-4970-b3b3-cb071be5793d.txt	2026-12-03 04:52:03.055158+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a23a3e-e0bd-708a-a335-a2c4278410f0	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "url": "/v1/jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "gate": {"state": "passed", "export": null, "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:09.013760+00:00"}	1	2026-12-03 04:52:15.726899+00	2026-12-03 04:52:10.012386+00	\N	the host has no public address	\N	2026-12-03 04:52:09.021073+00
01a23a3e-e7a8-768a-b293-42af72ed2380	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "url": "/v1/jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "gate": null, "page": "/jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:10.787442+00:00"}	1	2026-12-03 04:52:16.780972+00	2026-12-03 04:52:11.124159+00	\N	the host has no public address	\N	2026-12-03 04:52:10.792439+00
01a23a3e-e803-7b85-88d0-30bf0326b18f	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "url": "/v1/jobs/01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "gate": null, "page": "/jobs/01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:10.870953+00:00"}	1	2026-12-03 04:52:17.130065+00	2026-12-03 04:52:11.124277+00	\N	the host has no public address	\N	2026-12-03 04:52:10.883755+00
01a23a3e-eb41-7f74-98ba-919c7bf42d43	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "url": "/v1/jobs/01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "gate": null, "page": "/jobs/01a23a3e-ca0e-75d4-bc12-b065ea8bc532", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:11.707905+00:00"}	1	2026-12-03 04:52:17.550257+00	2026-12-03 04:52:12.239519+00	\N	the host has no public address	\N	2026-12-03 04:52:11.713995+00
01a23a3e-ebb0-7c02-8fd8-b0def85217bc	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "url": "/v1/jobs/01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "gate": null, "page": "/jobs/01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:11.809869+00:00"}	1	2026-12-03 04:52:17.12595+00	2026-12-03 04:52:12.239565+00	\N	the host has no public address	\N	2026-12-03 04:52:11.824793+00
01a23a3e-ed94-71ea-84b5-ad6067139177	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "url": "/v1/jobs/01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "gate": null, "page": "/jobs/01a23a3e-ca2c-7989-aa0d-9265e5db1d61", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:12.301978+00:00"}	1	2026-12-03 04:52:18.103411+00	2026-12-03 04:52:12.355047+00	\N	the host has no public address	\N	2026-12-03 04:52:12.308162+00
01a23a3e-dc3c-70df-acbc-8a56127d9040	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "url": "/v1/jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "gate": null, "page": "/jobs/01a23a3e-c9c9-7177-81d8-eb5ca8895d0e", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:07.842112+00:00"}	2	2026-12-03 04:52:50.446477+00	2026-12-03 04:52:14.635701+00	\N	the host has no public address	\N	2026-12-03 04:52:07.868088+00
01a23a3e-e12a-7786-94df-81a4b03fa3bc	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "url": "/v1/jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "gate": null, "page": "/jobs/01a23a3e-c9f5-7322-8c52-d155f3e9ea43", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:09.121931+00:00"}	2	2026-12-03 04:52:43.578192+00	2026-12-03 04:52:14.63575+00	\N	the host has no public address	\N	2026-12-03 04:52:09.130502+00
01a23a3e-ee0e-7632-802e-17deb515318c	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "url": "/v1/jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "gate": null, "page": "/jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:12.411417+00:00"}	1	2026-12-03 04:52:17.250108+00	2026-12-03 04:52:12.44755+00	\N	the host has no public address	\N	2026-12-03 04:52:12.430436+00
01a23a3e-f1d9-7754-84a5-7e00bcd3df3a	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "url": "/v1/jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "gate": null, "page": "/jobs/01a23a3e-ca49-733f-9ffb-bb4e9db02b0f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:13.394491+00:00"}	1	2026-12-03 04:52:18.365653+00	2026-12-03 04:52:13.532095+00	\N	the host has no public address	\N	2026-12-03 04:52:13.401498+00
01a23a3e-f243-74a1-99d3-9567dbd13aca	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "url": "/v1/jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "gate": null, "page": "/jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:13.494457+00:00"}	1	2026-12-03 04:52:18.357479+00	2026-12-03 04:52:13.532134+00	\N	the host has no public address	\N	2026-12-03 04:52:13.507321+00
01a23a3e-f668-7d00-91ac-d607ff16c958	01a23a3e-c91c-7f69-b195-26dc631e950b	job.succeeded	{"data": {"id": "01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "url": "/v1/jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "gate": null, "page": "/jobs/01a23a3e-ca4f-7c29-9d4b-263dbabae3b0", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-03T04:52:14.558147+00:00"}	1	2026-12-03 04:52:19.315475+00	2026-12-03 04:52:14.635761+00	\N	the host has no public address	\N	2026-12-03 04:52:14.568847+00
01a23a3e-f6f8-74f2-a131-bf836b3a2383	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-ca63-711e-a603-90a4974bf71a", "url": "/v1/jobs/01a23a3e-ca63-711e-a603-90a4974bf71a", "gate": null, "page": "/jobs/01a23a3e-ca63-711e-a603-90a4974bf71a", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:14.697519+00:00"}	1	2026-12-03 04:52:19.640333+00	2026-12-03 04:52:14.790299+00	\N	the host has no public address	\N	2026-12-03 04:52:14.712351+00
01a23a3e-f72e-7769-9d25-851cb43ceb81	01a23a3e-c91c-7f69-b195-26dc631e950b	job.failed	{"data": {"id": "01a23a3e-ca63-711e-a603-90a4974bf71a", "url": "/v1/jobs/01a23a3e-ca63-711e-a603-90a4974bf71a", "gate": null, "page": "/jobs/01a23a3e-ca63-711e-a603-90a4974bf71a", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-03T04:52:14.753747+00:00"}	1	2026-12-03 04:52:19.853164+00	2026-12-03 04:52:14.883642+00	\N	the host has no public address	\N	2026-12-03 04:52:14.766507+00
01a23a3e-f86e-74b8-8b81-c65f632dba4e	01a23a3e-c91c-7f69-b195-26dc631e950b	job.started	{"data": {"id": "01a23a3e-f830-7446-81d0-420f6d25b5c2", "url": "/v1/jobs/01a23a3e-f830-7446-81d0-420f6d25b5c2", "gate": null, "page": "/jobs/01a23a3e-f830-7446-81d0-420f6d25b5c2", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-03T04:52:15.060799+00:00"}	0	2026-12-03 04:52:15.086331+00	\N	\N	\N	\N	2026-12-03 04:52:15.086331+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a23a3e-c91c-7f69-b195-26dc631e950b	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_not_passed}	standard	\\x6741414141414272455056796e36743552587a765f4e57346736526b544f63624171355975386a4142754871707171354f382d33442d616b6c4e623049525548367370663870566b6b4f6c625648727753314f507474344f36686e694c7a713048374257646241435370566a66715035576c48736c62666a4838705554662d6e79784656376d6a366273667a	2026-12-03 04:52:08.980085+00	\N	\N	2026-12-03 04:52:02.972994+00
\.



COPY public.workers (name, queue, queues, capacity, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-24365-3528f4	cpu	\N	{"gpus": 0, "host_bytes": 22748391014, "device_bytes": 0, "scratch_bytes": 47069925376}	2026-12-03 04:52:02.74241+00	2026-12-03 04:52:14.944401+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25275990016, "bytes_per_second": 46244278200.10558, "operations_per_second": {"float32": 92545684525.26872, "bfloat16": 416205941604.65356}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a23a3e-f790-73db-a173-f19007a01166	small-gblm-50-a8895d0e	01a23a3e-c9c9-7177-81d8-eb5ca8895d0e	for chat	ada	2026-12-03 04:52:14.864275+00
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




