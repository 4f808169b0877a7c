


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



COMMENT ON TABLE public.alembic_version IS '9c52161a0fe061d4ad0d244c67aa3f02e4b039892c60328a6b8ac52f99f45f83';



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
    pending_delete boolean DEFAULT false NOT NULL,
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
01a22f2f-93c1-722c-b58b-dd63f129df7d	LBaDQH57	\\x8b9d0d23b0b9c9583dad36b98327380b143ec6b43ab8823c9f68e5d3a9721e49	ada	CI	{jobs:read}	2026-12-01 01:19:36.89717+00	2027-12-01 01:19:36.89717+00	\N	\N	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	\N
01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	nwbpYnCu	\\x3e46a65c9c1b30f453fd5d858b650b5ed8698182deb734bba8b7f4769442786c	ada	test	{jobs:read,jobs:write,admin}	2026-12-01 01:19:35.162355+00	\N	2026-12-01 01:21:55.896991+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22f31-147a-713b-8c77-6129f879acd6	01a22f2f-96fd-71d2-b486-5b53143980e5	README.md	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-12-01 01:21:15.386093+00
01a22f31-147a-7959-85ef-7f7c6b44161b	01a22f2f-96fd-71d2-b486-5b53143980e5	config.json	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 01:21:15.386593+00
01a22f31-147a-7c32-a40b-84638ba990d9	01a22f2f-96fd-71d2-b486-5b53143980e5	generation_config.json	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 01:21:15.386768+00
01a22f31-147a-7e52-b5c9-6de006b30201	01a22f2f-96fd-71d2-b486-5b53143980e5	masks.safetensors	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-01 01:21:15.3869+00
01a22f31-147b-7088-9c99-72b4656f175c	01a22f2f-96fd-71d2-b486-5b53143980e5	model.safetensors	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-01 01:21:15.387038+00
01a22f31-147b-726d-9b92-fe22c92590ca	01a22f2f-96fd-71d2-b486-5b53143980e5	pruning_report.json	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/pruning_report.json	12277	16e44824fd880c9f170b3176ef412f3b0e3e36e1c01242574b6a73ac5056e2cf	\N	2026-12-01 01:21:15.387156+00
01a22f31-147b-75d5-a92c-f0402f072ab4	01a22f2f-96fd-71d2-b486-5b53143980e5	tokenizer.json	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 01:21:15.387373+00
01a22f31-147b-77e5-8848-6183c7b6e7fd	01a22f2f-96fd-71d2-b486-5b53143980e5	tokenizer_config.json	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 01:21:15.387498+00
01a22f31-49b1-7c63-8413-a07f9adf93f9	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	README.md	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/README.md	2418	85959cd4beff5f2812950905f77a312330375bccd8ba4f63b6b2fcacaee590fd	\N	2026-12-01 01:21:29.009809+00
01a22f31-49b2-7473-80cf-7e0ea5978da4	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	config.json	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-01 01:21:29.010287+00
01a22f31-49d1-7333-af0a-7d25b0cb6ca5	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	generation_config.json	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 01:21:29.041233+00
01a22f31-49d1-7de9-859d-83974a5510d6	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	model.safetensors	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-01 01:21:29.041884+00
01a22f31-49d2-737a-a774-8474928cc425	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	pruning_report.json	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/pruning_report.json	5901	5611e703961539ee4d7338fa8afa5482239fe752181c3a41dc2ac49aa0d1f47c	\N	2026-12-01 01:21:29.042226+00
01a22f31-49d5-7331-9843-3505472b9767	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	tokenizer.json	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 01:21:29.045233+00
01a22f31-49dc-7cd9-8b01-6d2dec18d457	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	tokenizer_config.json	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 01:21:29.052827+00
01a22f31-7445-78d8-bc57-a0422f98f202	01a22f2f-9a83-71d5-8d06-7fda449346b4	gradient_norms.safetensors	jobs/01a22f2f-9a83-71d5-8d06-7fda449346b4/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-01 01:21:39.909585+00
01a22f31-90b5-705f-9b95-5b265508c518	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	README.md	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-12-01 01:21:47.18906+00
01a22f31-90b9-70e3-91b3-de602e3a918a	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	config.json	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 01:21:47.193078+00
01a22f31-90c1-7274-9a6d-1e7be2f02e60	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	generation_config.json	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 01:21:47.201174+00
01a22f31-90c8-7da9-9ffd-1a9d40bd707c	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	masks.safetensors	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-01 01:21:47.208869+00
01a22f31-90c9-73c3-bed9-34814b6b6147	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	model.safetensors	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-01 01:21:47.209242+00
01a22f31-90cc-7dff-b481-24e8b7bd88e0	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	pruning_report.json	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/pruning_report.json	12314	f221a606b0da4ff2b12a07add9bdbe2839169e250957068ce877b742a838d94e	\N	2026-12-01 01:21:47.212884+00
01a22f31-90cd-7181-bc69-0fbbe22c92e5	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	tokenizer.json	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 01:21:47.213099+00
01a22f31-90cd-72eb-9fde-917dd4b6592d	01a22f2f-9ba8-7fa7-aded-44aa10028e7f	tokenizer_config.json	jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 01:21:47.213186+00
01a22f31-ae19-78f3-a781-b4b4e5e28173	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	README.md	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-12-01 01:21:54.713581+00
01a22f31-ae19-7fea-b8bb-6f9f50b30abc	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	config.json	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 01:21:54.714001+00
01a22f31-ae1a-7497-8514-c79dd428e925	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	generation_config.json	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 01:21:54.714293+00
01a22f31-ae1a-76cc-b6e6-404dfc594555	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	masks.safetensors	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-01 01:21:54.71443+00
01a22f31-ae1a-78cf-8796-3a05943595db	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	model.safetensors	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-01 01:21:54.714556+00
01a22f31-ae1a-7ab4-8900-e18b53e0bbcf	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	pruning_report.json	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/pruning_report.json	12294	36a8e9391f3520e1dd9fca7803faa7f65cf6b0ad2e18ec98952ccd60951b90f0	\N	2026-12-01 01:21:54.714674+00
01a22f31-ae1a-7d09-b97f-dd5036bb211b	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	tokenizer.json	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 01:21:54.71482+00
01a22f31-ae1a-7e38-9b7d-233eb16db0bc	01a22f2f-9bcd-768e-9dd2-6f76f22e9460	tokenizer_config.json	jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 01:21:54.714893+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22f2f-940b-7f44-90d8-f82cac576eee	2026-12-01 01:19:36.971974+00	key.created	ada	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	127.0.0.1	key 01a22f2f-93c1-722c-b58b-dd63f129df7d	ada
01a22f2f-9561-7f33-a353-eef89c324b1b	2026-12-01 01:19:37.313983+00	share.granted	ada	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	127.0.0.1	share {"weight":2.0}	eve
01a22f31-b352-7058-86e7-8d384df4517a	2026-12-01 01:21:56.050038+00	zoo.promoted	ada	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	127.0.0.1	zoo small-gblm-50-143980e5	ada
01a22f31-b445-7cc6-90d2-c90c207f04b9	2026-12-01 01:21:56.293832+00	queue.paused	ada	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-01	cpu	0	43.709347
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a22f2f-99ab-7337-a780-90171483bf77	2026-12-01 01:21:57.492948+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	01a22f2f-98c5-70cc-9900-2b6f0edd6a67	2026-12-01 01:21:19.62934+00	2026-12-01 01:21:21.314336+00	2026-12-01 01:21:21.314336+00
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	01a22f2f-96fd-71d2-b486-5b53143980e5	2026-12-01 01:21:12.149352+00	2026-12-01 01:21:12.375815+00	2026-12-01 01:21:51.589962+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	0	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	1	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	2	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	3	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	0	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	1	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	2	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	3	jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\xf17209c0b71c81653c009cb8acecb17b8679c052a7051522ac03714224464bbe	01a22f2f-96fd-71d2-b486-5b53143980e5	\N	2026-12-01 01:19:37.808928+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22f2f-96fd-71d2-b486-5b53143980e5	1	host-1-30598-36bce5	0	2026-12-01 01:21:07.951555+00	2026-12-01 01:21:15.345103+00	succeeded	\N
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	1	host-1-30598-36bce5	0	2026-12-01 01:21:15.833135+00	2026-12-01 01:21:28.96416+00	succeeded	\N
01a22f2f-9a83-71d5-8d06-7fda449346b4	1	host-1-30598-36bce5	0	2026-12-01 01:21:36.243315+00	2026-12-01 01:21:39.817391+00	succeeded	\N
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	1	host-1-30598-36bce5	0	2026-12-01 01:21:40.569162+00	2026-12-01 01:21:47.124894+00	succeeded	\N
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	1	host-1-30598-36bce5	0	2026-12-01 01:21:47.793205+00	2026-12-01 01:21:54.708488+00	succeeded	\N
01a22f2f-9be0-750e-9922-5aefc1222dc2	1	host-1-30598-36bce5	0	2026-12-01 01:21:55.341222+00	2026-12-01 01:21:55.568905+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22f31-b68a-7547-967f-45ed0ef03e8f	1	worker	\N	2026-12-01 01:21:57.108179+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22f31-b68a-7547-967f-45ed0ef03e8f	prune	0	1	jobs/01a22f31-b68a-7547-967f-45ed0ef03e8f/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-01 01:21:57.188758+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22f2f-96fd-71d2-b486-5b53143980e5	1	state	{"state": "queued"}	2026-12-01 01:19:37.761161+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	1	state	{"state": "queued"}	2026-12-01 01:19:38.20274+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	1	state	{"state": "queued"}	2026-12-01 01:19:38.642131+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	1	state	{"state": "queued"}	2026-12-01 01:19:38.944913+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	1	state	{"state": "queued"}	2026-12-01 01:19:38.958378+00
01a22f2f-9be0-750e-9922-5aefc1222dc2	1	state	{"state": "queued"}	2026-12-01 01:19:38.979737+00
01a22f2f-96fd-71d2-b486-5b53143980e5	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:07.845158+00
01a22f2f-96fd-71d2-b486-5b53143980e5	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:07.992889+00
01a22f2f-96fd-71d2-b486-5b53143980e5	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 602791936, "seconds_left": 0.007993757761798658}	2026-12-01 01:21:12.069605+00
01a22f2f-96fd-71d2-b486-5b53143980e5	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 4.109213905000615, "peak_memory_bytes": 602791936}	2026-12-01 01:21:12.104897+00
01a22f2f-96fd-71d2-b486-5b53143980e5	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 01:21:12.188813+00
01a22f2f-96fd-71d2-b486-5b53143980e5	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 623370240, "seconds_left": 0.14326955239854233}	2026-12-01 01:21:12.317408+00
01a22f2f-96fd-71d2-b486-5b53143980e5	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.23001713599933282, "peak_memory_bytes": 623624192}	2026-12-01 01:21:12.344947+00
01a22f2f-96fd-71d2-b486-5b53143980e5	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 01:21:12.347443+00
01a22f2f-96fd-71d2-b486-5b53143980e5	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 624918528, "seconds_left": 0.14553404825240246}	2026-12-01 01:21:13.0101+00
01a22f2f-96fd-71d2-b486-5b53143980e5	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.7272850830004245, "peak_memory_bytes": 624766976}	2026-12-01 01:21:13.092806+00
01a22f2f-96fd-71d2-b486-5b53143980e5	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-01 01:21:13.160782+00
01a22f2f-96fd-71d2-b486-5b53143980e5	13	progress	{"step": 1, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 627912704, "seconds_left": 1.0062443290005634}	2026-12-01 01:21:14.180443+00
01a22f2f-96fd-71d2-b486-5b53143980e5	14	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 628789248, "seconds_left": 0.00062624}	2026-12-01 01:21:14.433374+00
01a22f2f-96fd-71d2-b486-5b53143980e5	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 1.463824418000513, "peak_memory_bytes": 628506624}	2026-12-01 01:21:14.585009+00
01a22f2f-96fd-71d2-b486-5b53143980e5	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 01:21:14.73695+00
01a22f2f-96fd-71d2-b486-5b53143980e5	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632389632, "seconds_left": 0.0}	2026-12-01 01:21:15.240593+00
01a22f2f-96fd-71d2-b486-5b53143980e5	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.5449672340000689, "peak_memory_bytes": 632389632}	2026-12-01 01:21:15.256624+00
01a22f2f-96fd-71d2-b486-5b53143980e5	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 01:21:15.304944+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:15.745026+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:15.940967+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 635252736, "seconds_left": 0.023068539602823228}	2026-12-01 01:21:19.416903+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.5538112840004032, "peak_memory_bytes": 635252736}	2026-12-01 01:21:19.460868+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 01:21:19.692925+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 635826176, "seconds_left": 3.722207395998162}	2026-12-01 01:21:20.176923+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 1.115822527999626, "peak_memory_bytes": 635572224}	2026-12-01 01:21:20.69691+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-01 01:21:20.744839+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	10	progress	{"step": 1, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 635740160, "seconds_left": 10.550163618046147}	2026-12-01 01:21:21.192936+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	11	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 635740160, "seconds_left": 11.255897303369277}	2026-12-01 01:21:22.121923+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	12	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 2.7421813450000627, "peak_memory_bytes": 636678144}	2026-12-01 01:21:23.48797+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 01:21:23.502636+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	14	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 01:21:23.50566+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 638578688, "seconds_left": 17.794335663800922}	2026-12-01 01:21:24.008831+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 639004672, "seconds_left": 15.214118382766866}	2026-12-01 01:21:24.124807+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.6918760039998233, "peak_memory_bytes": 638775296}	2026-12-01 01:21:24.208773+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	18	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-01 01:21:24.296769+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	19	progress	{"step": 1, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 650387456, "seconds_left": 48.49634543000449}	2026-12-01 01:21:26.060537+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	20	progress	{"step": 8, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 650608640, "seconds_left": 7.707220987500401}	2026-12-01 01:21:27.424879+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	21	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 3.9025837039998805, "peak_memory_bytes": 650522624}	2026-12-01 01:21:28.212788+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	22	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-01 01:21:28.316752+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	23	progress	{"step": 1, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 649773056, "seconds_left": 1.1291729820022738}	2026-12-01 01:21:28.516924+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	24	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 652533760, "seconds_left": 0.0}	2026-12-01 01:21:28.85298+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	25	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.5746579239994389, "peak_memory_bytes": 652656640}	2026-12-01 01:21:28.872974+00
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	26	state	{"state": "succeeded", "attempt": 1}	2026-12-01 01:21:28.934162+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:36.181042+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:36.339082+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 655130624, "seconds_left": 0.003928951821858501}	2026-12-01 01:21:39.068929+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.7880772290000095, "peak_memory_bytes": 655130624}	2026-12-01 01:21:39.095074+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 01:21:39.184956+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 01:21:39.216895+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.18392459400001826, "peak_memory_bytes": 655175680}	2026-12-01 01:21:39.316857+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-01 01:21:39.396842+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 654921728, "seconds_left": 0.0}	2026-12-01 01:21:39.583987+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.2398910399997476, "peak_memory_bytes": 654921728}	2026-12-01 01:21:39.63907+00
01a22f2f-9a83-71d5-8d06-7fda449346b4	12	state	{"state": "succeeded", "attempt": 1}	2026-12-01 01:21:39.750032+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:40.493039+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:40.704899+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 655994880, "seconds_left": 0.007993757761798658}	2026-12-01 01:21:44.166831+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.553928848999931, "peak_memory_bytes": 655994880}	2026-12-01 01:21:44.212918+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 01:21:44.358677+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 01:21:44.365026+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.21600560699971538, "peak_memory_bytes": 655994880}	2026-12-01 01:21:44.457754+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 01:21:44.461303+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	10	progress	{"step": 3, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656093184, "seconds_left": 0.5827613373357038}	2026-12-01 01:21:45.174481+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	11	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656093184, "seconds_left": 0.41696295212017825}	2026-12-01 01:21:45.522555+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	12	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.3751395369999955, "peak_memory_bytes": 656039936}	2026-12-01 01:21:45.837651+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 01:21:45.924831+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	14	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 01:21:45.962377+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 653139968, "seconds_left": 0.5541143639281968}	2026-12-01 01:21:46.565802+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 653414400, "seconds_left": 0.00062624}	2026-12-01 01:21:46.68082+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.8870515819999127, "peak_memory_bytes": 653348864}	2026-12-01 01:21:46.7636+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	18	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 01:21:46.824656+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	19	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 654643200, "seconds_left": 0.0}	2026-12-01 01:21:46.996325+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.18750712900055078, "peak_memory_bytes": 654835712}	2026-12-01 01:21:47.011625+00
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	21	state	{"state": "succeeded", "attempt": 1}	2026-12-01 01:21:47.085603+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:47.724848+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:47.93714+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657096704, "seconds_left": 0.007993757761798658}	2026-12-01 01:21:51.498535+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.67034026500005, "peak_memory_bytes": 657096704}	2026-12-01 01:21:51.532808+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 01:21:51.643058+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 01:21:51.648836+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.14006641599917202, "peak_memory_bytes": 657186816}	2026-12-01 01:21:51.698259+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 01:21:51.736772+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	10	progress	{"step": 3, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657186816, "seconds_left": 0.8723533342856034}	2026-12-01 01:21:52.743235+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	11	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657186816, "seconds_left": 0.4932226024338985}	2026-12-01 01:21:52.957613+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	12	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.3946297710008366, "peak_memory_bytes": 656945152}	2026-12-01 01:21:53.120805+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 01:21:53.16475+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	14	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 01:21:53.224808+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654471168, "seconds_left": 0.5619466516649722}	2026-12-01 01:21:54.004751+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654745600, "seconds_left": 0.00062624}	2026-12-01 01:21:54.105532+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 1.039330272999905, "peak_memory_bytes": 654647296}	2026-12-01 01:21:54.186232+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	18	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 01:21:54.212311+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	19	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655941632, "seconds_left": 0.0}	2026-12-01 01:21:54.649368+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.44682128400017973, "peak_memory_bytes": 656011264}	2026-12-01 01:21:54.674174+00
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	21	state	{"state": "succeeded", "attempt": 1}	2026-12-01 01:21:54.703456+00
01a22f2f-9be0-750e-9922-5aefc1222dc2	2	state	{"state": "running", "worker": "host-1-30598-36bce5", "attempt": 1}	2026-12-01 01:21:55.255152+00
01a22f2f-9be0-750e-9922-5aefc1222dc2	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 01:21:55.436859+00
01a22f2f-9be0-750e-9922-5aefc1222dc2	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-01 01:21:55.532203+00
01a22f31-b68a-7547-967f-45ed0ef03e8f	1	state	{"state": "queued"}	2026-12-01 01:21:56.876082+00
01a22f31-b68a-7547-967f-45ed0ef03e8f	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-01 01:21:57.025934+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22f2f-96fd-71d2-b486-5b53143980e5	team	ml	ada
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	team	ml	ada
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22f2f-9be0-750e-9922-5aefc1222dc2	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	606e2f377de1d1b3b503197c7422df0efee078be7f42a727c64b80ede1752d9f	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-01 01:21:55.429346+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-01 01:21:55.521495+00	\N	2026-12-01 01:19:38.976346+00	2026-12-01 01:21:55.213309+00	\N	2026-12-01 01:21:55.521495+00	\N	2026-12-01 01:19:38.976346+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22f2f-96fd-71d2-b486-5b53143980e5	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	4c16d41016183d6e2fc801b32d9db0636335f29b0d250c5052ad22d2011868b0	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009223197761798658, "device_bytes": 2811564, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 01:21:15.255756+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 4.109213905000615, "peak_memory_bytes": 602791936}, {"name": "gradients", "seconds": 0.23001713599933282, "peak_memory_bytes": 623624192}, {"name": "prune", "seconds": 0.7272850830004245, "peak_memory_bytes": 624766976}, {"name": "evaluate", "seconds": 1.463824418000513, "peak_memory_bytes": 628506624}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "4c16d41016183d6e2fc801b32d9db0636335f29b0d250c5052ad22d2011868b0", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	19	2026-12-01 01:21:15.280166+00	\N	2026-12-01 01:19:37.725149+00	2026-12-01 01:21:07.837498+00	\N	2026-12-01 01:21:15.280166+00	\N	2026-12-01 01:19:37.725149+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22f2f-98c5-70cc-9900-2b6f0edd6a67	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	6fa5a92d0697c456bab09f1209ad07d124dfc23dc82b7ca20e62abcc9013ef8f	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.02429797960282323, "device_bytes": 2774393, "scratch_bytes": 811392}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 01:21:28.866373+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 2051.9046878520176, "noise": 0.631622189147438, "phase": "prefill", "pruned": 1636.1320599168207, "speedup": 0.797372348532213}, {"batch": 8, "dense": 51503.06759310708, "noise": 0.7129555349377998, "phase": "prefill", "pruned": 32538.094083164327, "speedup": 0.6317700207728805}, {"batch": 1, "dense": 156.3614533452933, "noise": 0.23589075441589824, "phase": "decode", "pruned": 74.25242358283685, "speedup": 0.4748767806529982}, {"batch": 8, "dense": 310.28645912610887, "noise": 0.5117022343392688, "phase": "decode", "pruned": 558.2203405248475, "speedup": 1.7990483442204341}], "prompt": 56, "speedup": 0.4748767806529982, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1737312, "dense_peak_memory_bytes": 2441824}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.5538112840004032, "peak_memory_bytes": 635252736}, {"name": "gradients", "seconds": 1.115822527999626, "peak_memory_bytes": 635572224}, {"name": "cut", "seconds": 2.7421813450000627, "peak_memory_bytes": 636678144}, {"name": "evaluate", "seconds": 0.6918760039998233, "peak_memory_bytes": 638775296}, {"name": "speed", "seconds": 3.9025837039998805, "peak_memory_bytes": 650522624}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "6fa5a92d0697c456bab09f1209ad07d124dfc23dc82b7ca20e62abcc9013ef8f", "dense_perplexity_reused": true}	382.0752385933565	0	\N	26	2026-12-01 01:21:28.915232+00	\N	2026-12-01 01:19:38.181084+00	2026-12-01 01:21:15.721278+00	\N	2026-12-01 01:21:28.915232+00	\N	2026-12-01 01:19:38.181084+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": 0.4748767806529982, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22f31-b68a-7547-967f-45ed0ef03e8f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	5799c161693d17d07fc6815f6dfe1d6e6deefad28e5e51927e3db4339dd5251a	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	d11f0f82-ffbd-4b33-af5b-e068bb1c92a2	2026-12-01 01:21:57.16425+00	\N	\N	\N	\N	2	\N	\N	2026-12-01 01:21:56.874365+00	2026-12-01 01:21:57.024354+00	\N	\N	\N	2026-12-01 01:21:56.874365+00	\N	\N	\N	\N	\N	\N	\N
01a22f2f-9a83-71d5-8d06-7fda449346b4	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	d0876495fa50bea3b068f7eee4382bd3116a2c331b6a110e2e3ff2c8e85fc82a	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005158391821858501, "device_bytes": 2811564, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 01:21:39.633557+00	\N	\N	\N	\N	12	2026-12-01 01:21:39.70773+00	\N	2026-12-01 01:19:38.627147+00	2026-12-01 01:21:36.145284+00	\N	2026-12-01 01:21:39.70773+00	\N	2026-12-01 01:19:38.627147+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22f2f-9ba8-7fa7-aded-44aa10028e7f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	ac31a13b14706e3bbca88f9cf770bd50dc68571d4101a5c003b6390b638be765	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22f2f-9b69-74f8-a177-46184b62f2fb	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009223197761798658, "device_bytes": 2811564, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 01:21:47.008746+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.553928848999931, "peak_memory_bytes": 655994880}, {"name": "gradients", "seconds": 0.21600560699971538, "peak_memory_bytes": 655994880}, {"name": "prune", "seconds": 1.3751395369999955, "peak_memory_bytes": 656039936}, {"name": "evaluate", "seconds": 0.8870515819999127, "peak_memory_bytes": 653348864}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "ac31a13b14706e3bbca88f9cf770bd50dc68571d4101a5c003b6390b638be765", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	21	2026-12-01 01:21:47.073906+00	\N	2026-12-01 01:19:38.921011+00	2026-12-01 01:21:40.465308+00	\N	2026-12-01 01:21:47.073906+00	\N	2026-12-01 01:19:38.921011+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22f2f-9bcd-768e-9dd2-6f76f22e9460	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	9cbc5744651cb9fa175f45630bdcca22aa06e53ed3df1a4168dcb2dbbd022a8a	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22f2f-9b69-74f8-a177-46184b62f2fb	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009223197761798658, "device_bytes": 2811564, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 01:21:54.673147+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.67034026500005, "peak_memory_bytes": 657096704}, {"name": "gradients", "seconds": 0.14006641599917202, "peak_memory_bytes": 657186816}, {"name": "prune", "seconds": 1.3946297710008366, "peak_memory_bytes": 656945152}, {"name": "evaluate", "seconds": 1.039330272999905, "peak_memory_bytes": 654647296}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "9cbc5744651cb9fa175f45630bdcca22aa06e53ed3df1a4168dcb2dbbd022a8a", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	21	2026-12-01 01:21:54.699389+00	\N	2026-12-01 01:19:38.957442+00	2026-12-01 01:21:47.705288+00	\N	2026-12-01 01:21:54.699389+00	\N	2026-12-01 01:19:38.957442+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22f31-b68a-7547-967f-45ed0ef03e8f	d11f0f82-ffbd-4b33-af5b-e068bb1c92a2	2026-12-01 02:11:57.124795+00	2026-12-01 02:11:57.1248+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\xf95d005c05712bc9b0b64f408aa5b0aa170c9b836a31fe97b327f75e61b4012d	01a22f2f-8cfa-7559-86c8-f8fd9c6c64d0	f	2026-12-01 01:21:56.751827+00	2026-12-01 13:21:56.751828+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-01 01:21:53.141625+00	01a22f2f-96fd-71d2-b486-5b53143980e5	jobs/01a22f2f-96fd-71d2-b486-5b53143980e5/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-01 01:21:56.280901+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	43.68102115624299	2026-12-01 01:21:55.601001+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-30597-50790e	2026-12-01 01:21:56.72084+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22f31-b68a-7547-967f-45ed0ef03e8f	model.safetensors	1	jobs/01a22f31-b68a-7547-967f-45ed0ef03e8f/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-01 01:21:57.185259+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-12-01 01:21:57.396931+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22f2f-9b69-74f8-a177-46184b62f2fb	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-01 01:19:38.857339+00	2026-12-01 01:21:54.8388+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22f2f-94bf-773f-aeb5-23485be04c1b	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/5ba91907-5929-4ac7-814f-dd40f73f4cc5.txt	2026-12-01 01:19:37.151469+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22f31-4ba9-7023-b599-b14d70482cf2	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-99ab-7337-a780-90171483bf77", "url": "/v1/jobs/01a22f2f-99ab-7337-a780-90171483bf77", "gate": null, "page": "/jobs/01a22f2f-99ab-7337-a780-90171483bf77", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:29.443792+00:00"}	2	2026-12-01 01:22:10.846388+00	2026-12-01 01:21:36.121056+00	\N	the host has no public address	\N	2026-12-01 01:21:29.513043+00
01a22f31-4975-704f-acf4-e2ba64d6e619	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "url": "/v1/jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "gate": null, "page": "/jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:28.915232+00:00"}	2	2026-12-01 01:22:06.638199+00	2026-12-01 01:21:36.330539+00	\N	the host has no public address	\N	2026-12-01 01:21:28.949056+00
01a22f31-62e5-71c3-bcaf-2ff5f35b08ee	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-99ab-7337-a780-90171483bf77", "url": "/v1/jobs/01a22f2f-99ab-7337-a780-90171483bf77", "gate": null, "page": "/jobs/01a22f2f-99ab-7337-a780-90171483bf77", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:35.412823+00:00"}	2	2026-12-01 01:22:11.763565+00	2026-12-01 01:21:41.417064+00	\N	the host has no public address	\N	2026-12-01 01:21:35.461146+00
01a22f31-1449-7122-adc7-851ca1ab3884	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-96fd-71d2-b486-5b53143980e5", "url": "/v1/jobs/01a22f2f-96fd-71d2-b486-5b53143980e5", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22f2f-96fd-71d2-b486-5b53143980e5", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:15.280166+00:00"}	3	2026-12-01 01:23:33.447472+00	2026-12-01 01:21:46.540984+00	\N	the host has no public address	\N	2026-12-01 01:21:15.337104+00
01a22f31-162a-7f54-89f7-2cc1d45f6a4b	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "url": "/v1/jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "gate": null, "page": "/jobs/01a22f2f-98c5-70cc-9900-2b6f0edd6a67", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:15.721278+00:00"}	3	2026-12-01 01:24:10.164069+00	2026-12-01 01:21:48.422377+00	\N	the host has no public address	\N	2026-12-01 01:21:15.81899+00
01a22f30-f761-71f5-bf86-12df1cbe69a7	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-96fd-71d2-b486-5b53143980e5", "url": "/v1/jobs/01a22f2f-96fd-71d2-b486-5b53143980e5", "gate": null, "page": "/jobs/01a22f2f-96fd-71d2-b486-5b53143980e5", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:07.837498+00:00"}	3	2026-12-01 01:23:49.440595+00	2026-12-01 01:21:49.858874+00	\N	the host has no public address	\N	2026-12-01 01:21:07.937157+00
01a22f31-65e6-7645-b7ab-288713fd4c38	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-9a83-71d5-8d06-7fda449346b4", "url": "/v1/jobs/01a22f2f-9a83-71d5-8d06-7fda449346b4", "gate": null, "page": "/jobs/01a22f2f-9a83-71d5-8d06-7fda449346b4", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:36.145284+00:00"}	2	2026-12-01 01:22:13.268375+00	2026-12-01 01:21:41.417105+00	\N	the host has no public address	\N	2026-12-01 01:21:36.230423+00
01a22f31-73d5-7e82-989c-4a2e56ace9fa	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-9a83-71d5-8d06-7fda449346b4", "url": "/v1/jobs/01a22f2f-9a83-71d5-8d06-7fda449346b4", "gate": null, "page": "/jobs/01a22f2f-9a83-71d5-8d06-7fda449346b4", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:39.707730+00:00"}	2	2026-12-01 01:22:10.888159+00	2026-12-01 01:21:45.220992+00	\N	the host has no public address	\N	2026-12-01 01:21:39.79794+00
01a22f31-76c5-70f4-8d66-5663c32f56cf	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "url": "/v1/jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "gate": null, "page": "/jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:40.465308+00:00"}	2	2026-12-01 01:22:18.472978+00	2026-12-01 01:21:47.826227+00	\N	the host has no public address	\N	2026-12-01 01:21:40.549093+00
01a22f31-9071-70a2-9b45-1d2908a58526	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "url": "/v1/jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "gate": null, "page": "/jobs/01a22f2f-9ba8-7fa7-aded-44aa10028e7f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:47.073906+00:00"}	2	2026-12-01 01:22:20.466929+00	2026-12-01 01:21:53.39423+00	\N	the host has no public address	\N	2026-12-01 01:21:47.121078+00
01a22f31-92fe-7e32-9ea9-b04b6f70a86f	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "url": "/v1/jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "gate": null, "page": "/jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:47.705288+00:00"}	2	2026-12-01 01:22:25.646765+00	2026-12-01 01:21:54.770374+00	\N	the host has no public address	\N	2026-12-01 01:21:47.77492+00
01a22f31-ae13-763c-b7aa-d247e5bced6d	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.succeeded	{"data": {"id": "01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "url": "/v1/jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "gate": null, "page": "/jobs/01a22f2f-9bcd-768e-9dd2-6f76f22e9460", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-01T01:21:54.699389+00:00"}	1	2026-12-01 01:22:01.099402+00	2026-12-01 01:21:54.770407+00	\N	the host has no public address	\N	2026-12-01 01:21:54.707412+00
01a22f31-b076-7770-b99c-7757e12f1549	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f2f-9be0-750e-9922-5aefc1222dc2", "url": "/v1/jobs/01a22f2f-9be0-750e-9922-5aefc1222dc2", "gate": null, "page": "/jobs/01a22f2f-9be0-750e-9922-5aefc1222dc2", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:55.213309+00:00"}	1	2026-12-01 01:22:00.689288+00	2026-12-01 01:21:56.262089+00	\N	the host has no public address	\N	2026-12-01 01:21:55.318501+00
01a22f31-b166-7107-b060-f8208bc47056	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.failed	{"data": {"id": "01a22f2f-9be0-750e-9922-5aefc1222dc2", "url": "/v1/jobs/01a22f2f-9be0-750e-9922-5aefc1222dc2", "gate": null, "page": "/jobs/01a22f2f-9be0-750e-9922-5aefc1222dc2", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-01T01:21:55.521495+00:00"}	1	2026-12-01 01:22:01.184393+00	2026-12-01 01:21:56.262124+00	\N	the host has no public address	\N	2026-12-01 01:21:55.558097+00
01a22f31-b753-76e9-950c-40cc5c58c9a5	01a22f2f-9295-70d8-960b-7d7a6198aeea	job.started	{"data": {"id": "01a22f31-b68a-7547-967f-45ed0ef03e8f", "url": "/v1/jobs/01a22f31-b68a-7547-967f-45ed0ef03e8f", "gate": null, "page": "/jobs/01a22f31-b68a-7547-967f-45ed0ef03e8f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T01:21:57.024354+00:00"}	0	2026-12-01 01:21:57.075461+00	\N	\N	\N	\N	2026-12-01 01:21:57.075461+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22f2f-9295-70d8-960b-7d7a6198aeea	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x67414141414142724469436f4b436e5049653177565166735042734f39665f5a6c4669665f794272714773746159766e596d4d724b346c6734434b54706236646a765452656b43644c5a51797172695f37397447364e447179525f6c6d6d48723630576d484b59696a6e463739684572446258766d6635356e72595f4a7244556b5f666d4c3041425f736942	2026-12-01 01:21:09.561035+00	\N	\N	2026-12-01 01:19:36.59709+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-30598-36bce5	cpu	\N	{"gpus": 0, "host_bytes": 22748866560, "device_bytes": 0, "scratch_bytes": 67584937984}	f	2026-12-01 01:19:54.537344+00	2026-12-01 01:21:56.652916+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276518400, "bytes_per_second": 6646792048.960037, "operations_per_second": {"float32": 14365701376.924925, "bfloat16": 65316829426.649086}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22f31-b33c-7f6b-91c9-b10fb12db2b5	small-gblm-50-143980e5	01a22f2f-96fd-71d2-b486-5b53143980e5	for chat	ada	2026-12-01 01:21:56.028995+00
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




