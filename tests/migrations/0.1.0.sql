


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
01a23054-aeeb-710e-9f73-11532d89715c	U6xgdwkm	\\x2ecd8dafecb24fd6bd7b4f7782884abffbf7042691d18c94d4b9d5744f10dc47	ada	test	{jobs:read,jobs:write,admin}	2026-12-01 06:39:45.899097+00	\N	2026-12-01 06:39:45.992153+00	\N	\N	\N
01a23054-af5b-7343-bf6a-eeb932719d12	5Tzrt53r	\\x3fbb41a82bce15c0248eaa2e89797b3d1abe195d4ba7baf60885286ddaabf457	ada	CI	{jobs:read}	2026-12-01 06:39:46.011226+00	2027-12-01 06:39:46.011226+00	\N	\N	01a23054-aeeb-710e-9f73-11532d89715c	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a23054-f7c3-745c-ad12-89d80ae7699e	01a23054-afe4-7f49-a222-4f57ea3e2070	README.md	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-12-01 06:40:04.547285+00
01a23054-f7c3-7a91-916e-0db7d81e0e53	01a23054-afe4-7f49-a222-4f57ea3e2070	config.json	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 06:40:04.547669+00
01a23054-f7c3-7e03-a50c-bca57ed5fe09	01a23054-afe4-7f49-a222-4f57ea3e2070	generation_config.json	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 06:40:04.547884+00
01a23054-f7c4-7270-8462-7f47358b3fad	01a23054-afe4-7f49-a222-4f57ea3e2070	masks.safetensors	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-01 06:40:04.548161+00
01a23054-f7c4-7602-b654-47018756bf0c	01a23054-afe4-7f49-a222-4f57ea3e2070	model.safetensors	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-01 06:40:04.548384+00
01a23054-f7c4-793b-999b-7d8c4b447c32	01a23054-afe4-7f49-a222-4f57ea3e2070	pruning_report.json	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/pruning_report.json	12285	135dbdb3e1cad529cb55fc03043e07427c0c1fbb85c9e2bb875fc21b0e7c8d35	\N	2026-12-01 06:40:04.548585+00
01a23054-f7c4-7cff-a235-2c67aba8f5ec	01a23054-afe4-7f49-a222-4f57ea3e2070	tokenizer.json	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 06:40:04.54882+00
01a23054-f7c4-7f32-8cc8-cefc3ffa3089	01a23054-afe4-7f49-a222-4f57ea3e2070	tokenizer_config.json	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 06:40:04.548957+00
01a23054-fedc-7bce-b421-dedb0e424824	01a23054-b00c-7ce2-8584-81a6acf71052	README.md	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/README.md	2446	8becb782838534b29d777fc230ef42db8d1ac2388a8efdce2bbb117245ebed10	\N	2026-12-01 06:40:06.364766+00
01a23054-fede-715d-950f-06de8064436d	01a23054-b00c-7ce2-8584-81a6acf71052	config.json	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-01 06:40:06.366097+00
01a23054-fede-7547-a541-acfa1399b694	01a23054-b00c-7ce2-8584-81a6acf71052	generation_config.json	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 06:40:06.366338+00
01a23054-fede-78a1-a45b-f7aa374b79fe	01a23054-b00c-7ce2-8584-81a6acf71052	model.safetensors	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-01 06:40:06.366547+00
01a23054-fede-7bc4-b74d-cfa42924bdb9	01a23054-b00c-7ce2-8584-81a6acf71052	pruning_report.json	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/pruning_report.json	5912	9aa2cc224b28d9c6a513bd3cce67a2cd389818da6d0170fd2a66f536b07ab015	\N	2026-12-01 06:40:06.366743+00
01a23054-fede-7ec8-a26d-f16a7a22085e	01a23054-b00c-7ce2-8584-81a6acf71052	tokenizer.json	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 06:40:06.366932+00
01a23054-fedf-72cf-b2ed-bb15b36307d4	01a23054-b00c-7ce2-8584-81a6acf71052	tokenizer_config.json	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 06:40:06.367184+00
01a23055-0552-7b27-b145-775340ea472f	01a23054-b044-7dc4-8199-8a86a8589997	gradient_norms.safetensors	jobs/01a23054-b044-7dc4-8199-8a86a8589997/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-01 06:40:08.018722+00
01a23055-09d1-701d-a631-fa041351f4ff	01a23054-b051-7b54-98af-94259430560c	README.md	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-12-01 06:40:09.169021+00
01a23055-09d1-7661-b9ec-cb50f5b71a8a	01a23054-b051-7b54-98af-94259430560c	config.json	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 06:40:09.169408+00
01a23055-09d1-79e5-a7b2-1cf4d5636bdf	01a23054-b051-7b54-98af-94259430560c	generation_config.json	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 06:40:09.169627+00
01a23055-09d1-7d40-b118-6250aea2ee69	01a23054-b051-7b54-98af-94259430560c	masks.safetensors	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-01 06:40:09.169836+00
01a23055-09d2-717a-9a36-ed4be618e1a7	01a23054-b051-7b54-98af-94259430560c	model.safetensors	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-01 06:40:09.170101+00
01a23055-09d2-74e3-befc-d82deafdfe1a	01a23054-b051-7b54-98af-94259430560c	pruning_report.json	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/pruning_report.json	12318	005ffbdf49ab9adec906eaacf6be8beb42690f7a10fad2e8d2f6fd5ee1dac7c0	\N	2026-12-01 06:40:09.170313+00
01a23055-09d2-78be-9d6e-804b25325eb6	01a23054-b051-7b54-98af-94259430560c	tokenizer.json	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 06:40:09.170555+00
01a23055-09d2-7aeb-875a-8ab32d15ea3d	01a23054-b051-7b54-98af-94259430560c	tokenizer_config.json	jobs/01a23054-b051-7b54-98af-94259430560c/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 06:40:09.17069+00
01a23055-0dcf-7eda-bb06-2a28e7e45c7a	01a23054-b054-7e00-8b45-5ea5d36cb3fa	README.md	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-12-01 06:40:10.19196+00
01a23055-0dd0-7939-a541-3cc6b63833b4	01a23054-b054-7e00-8b45-5ea5d36cb3fa	config.json	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 06:40:10.192585+00
01a23055-0dd0-7f03-a652-fe97341aa4b5	01a23054-b054-7e00-8b45-5ea5d36cb3fa	generation_config.json	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 06:40:10.192947+00
01a23055-0dd1-724e-8f9c-598308e2e320	01a23054-b054-7e00-8b45-5ea5d36cb3fa	masks.safetensors	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-01 06:40:10.193152+00
01a23055-0dd1-759d-892d-9e3d1102eb04	01a23054-b054-7e00-8b45-5ea5d36cb3fa	model.safetensors	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-01 06:40:10.193359+00
01a23055-0dd1-78dc-9bf7-2032ac2d4a23	01a23054-b054-7e00-8b45-5ea5d36cb3fa	pruning_report.json	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/pruning_report.json	12303	b82abbfa44f536265b24ffb80729dd9305a638b8d5e023011eed94744467936f	\N	2026-12-01 06:40:10.193562+00
01a23055-0dd1-7caf-89b1-f71ab6ef59ba	01a23054-b054-7e00-8b45-5ea5d36cb3fa	tokenizer.json	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 06:40:10.193801+00
01a23055-0dd1-7edb-a6d4-341d8fd8d81e	01a23054-b054-7e00-8b45-5ea5d36cb3fa	tokenizer_config.json	jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 06:40:10.193936+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a23054-af5e-77db-96a1-5b2516470061	2026-12-01 06:39:46.01451+00	key.created	ada	01a23054-aeeb-710e-9f73-11532d89715c	127.0.0.1	key 01a23054-af5b-7343-bf6a-eeb932719d12	ada
01a23054-afbe-7a60-8d8c-fb39ebae46de	2026-12-01 06:39:46.110668+00	share.granted	ada	01a23054-aeeb-710e-9f73-11532d89715c	127.0.0.1	share {"weight":2.0}	eve
01a23055-0e7b-7ba2-9c0c-f0e640faddf4	2026-12-01 06:40:10.363737+00	zoo.promoted	ada	01a23054-aeeb-710e-9f73-11532d89715c	127.0.0.1	zoo small-gblm-50-ea3e2070	ada
01a23055-0e9e-7b3d-91c2-82ed3b960485	2026-12-01 06:40:10.398723+00	queue.paused	ada	01a23054-aeeb-710e-9f73-11532d89715c	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-01	cpu	0	6.318979
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a23054-b02d-71a5-8c72-2b67574cb484	2026-12-01 06:40:10.620199+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	01a23054-b00c-7ce2-8584-81a6acf71052	2026-12-01 06:40:05.084684+00	2026-12-01 06:40:05.239913+00	2026-12-01 06:40:05.239913+00
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	01a23054-afe4-7f49-a222-4f57ea3e2070	2026-12-01 06:40:03.911629+00	2026-12-01 06:40:04.091075+00	2026-12-01 06:40:09.694168+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	0	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	1	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	2	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	3	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	0	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	1	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	2	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	3	jobs/01a23054-b00c-7ce2-8584-81a6acf71052/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x96b5a419aa921914d4e24ae522d0954badc1512d6fbe661f5ff13e7626120aa0	01a23054-afe4-7f49-a222-4f57ea3e2070	\N	2026-12-01 06:39:46.152449+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a23054-afe4-7f49-a222-4f57ea3e2070	1	host-1-13752-c04a18	0	2026-12-01 06:40:03.207961+00	2026-12-01 06:40:04.54094+00	succeeded	\N
01a23054-b00c-7ce2-8584-81a6acf71052	1	host-1-13752-c04a18	0	2026-12-01 06:40:04.634359+00	2026-12-01 06:40:06.35385+00	succeeded	\N
01a23054-b044-7dc4-8199-8a86a8589997	1	host-1-13752-c04a18	0	2026-12-01 06:40:07.492047+00	2026-12-01 06:40:08.012376+00	succeeded	\N
01a23054-b051-7b54-98af-94259430560c	1	host-1-13752-c04a18	0	2026-12-01 06:40:08.233416+00	2026-12-01 06:40:09.16362+00	succeeded	\N
01a23054-b054-7e00-8b45-5ea5d36cb3fa	1	host-1-13752-c04a18	0	2026-12-01 06:40:09.268164+00	2026-12-01 06:40:10.182132+00	succeeded	\N
01a23054-b05f-76ac-af14-81fb40870fa5	1	host-1-13752-c04a18	0	2026-12-01 06:40:10.25973+00	2026-12-01 06:40:10.291125+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a23055-0f03-772f-8f75-3d7171d5688f	1	worker	\N	2026-12-01 06:40:10.583044+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a23055-0f03-772f-8f75-3d7171d5688f	prune	0	1	jobs/01a23055-0f03-772f-8f75-3d7171d5688f/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-01 06:40:10.60348+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a23054-afe4-7f49-a222-4f57ea3e2070	1	state	{"state": "queued"}	2026-12-01 06:39:46.150528+00
01a23054-b00c-7ce2-8584-81a6acf71052	1	state	{"state": "queued"}	2026-12-01 06:39:46.189595+00
01a23054-b044-7dc4-8199-8a86a8589997	1	state	{"state": "queued"}	2026-12-01 06:39:46.245648+00
01a23054-b051-7b54-98af-94259430560c	1	state	{"state": "queued"}	2026-12-01 06:39:46.258589+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	1	state	{"state": "queued"}	2026-12-01 06:39:46.261548+00
01a23054-b05f-76ac-af14-81fb40870fa5	1	state	{"state": "queued"}	2026-12-01 06:39:46.274995+00
01a23054-afe4-7f49-a222-4f57ea3e2070	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:03.198725+00
01a23054-afe4-7f49-a222-4f57ea3e2070	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:03.227492+00
01a23054-afe4-7f49-a222-4f57ea3e2070	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 601980928, "seconds_left": 0.003030189752617963}	2026-12-01 06:40:03.896874+00
01a23054-afe4-7f49-a222-4f57ea3e2070	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.6733402760000899, "peak_memory_bytes": 601980928}	2026-12-01 06:40:03.900347+00
01a23054-afe4-7f49-a222-4f57ea3e2070	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 06:40:03.918378+00
01a23054-afe4-7f49-a222-4f57ea3e2070	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 622624768, "seconds_left": 0.07562108253794828}	2026-12-01 06:40:04.020561+00
01a23054-afe4-7f49-a222-4f57ea3e2070	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.15061932699973113, "peak_memory_bytes": 622690304}	2026-12-01 06:40:04.053861+00
01a23054-afe4-7f49-a222-4f57ea3e2070	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 06:40:04.056258+00
01a23054-afe4-7f49-a222-4f57ea3e2070	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 624013312, "seconds_left": 0.02410391424196536}	2026-12-01 06:40:04.135243+00
01a23054-afe4-7f49-a222-4f57ea3e2070	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.20766635500058328, "peak_memory_bytes": 623767552}	2026-12-01 06:40:04.26525+00
01a23054-afe4-7f49-a222-4f57ea3e2070	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-01 06:40:04.270999+00
01a23054-afe4-7f49-a222-4f57ea3e2070	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 627941376, "seconds_left": 0.00062624}	2026-12-01 06:40:04.420671+00
01a23054-afe4-7f49-a222-4f57ea3e2070	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.15982042500036187, "peak_memory_bytes": 627810304}	2026-12-01 06:40:04.428305+00
01a23054-afe4-7f49-a222-4f57ea3e2070	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 06:40:04.437919+00
01a23054-afe4-7f49-a222-4f57ea3e2070	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 631459840, "seconds_left": 0.0}	2026-12-01 06:40:04.506906+00
01a23054-afe4-7f49-a222-4f57ea3e2070	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07252975400024297, "peak_memory_bytes": 631459840}	2026-12-01 06:40:04.510806+00
01a23054-afe4-7f49-a222-4f57ea3e2070	18	state	{"state": "succeeded", "attempt": 1}	2026-12-01 06:40:04.537109+00
01a23054-b00c-7ce2-8584-81a6acf71052	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:04.624543+00
01a23054-b00c-7ce2-8584-81a6acf71052	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:04.644603+00
01a23054-b00c-7ce2-8584-81a6acf71052	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 634380288, "seconds_left": 0.0072705130741526226}	2026-12-01 06:40:05.061228+00
01a23054-b00c-7ce2-8584-81a6acf71052	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.4220851390000462, "peak_memory_bytes": 634380288}	2026-12-01 06:40:05.066232+00
01a23054-b00c-7ce2-8584-81a6acf71052	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 06:40:05.089329+00
01a23054-b00c-7ce2-8584-81a6acf71052	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 635195392, "seconds_left": 0.7995919353603471}	2026-12-01 06:40:05.166174+00
01a23054-b00c-7ce2-8584-81a6acf71052	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.11751422099951014, "peak_memory_bytes": 635150336}	2026-12-01 06:40:05.196309+00
01a23054-b00c-7ce2-8584-81a6acf71052	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-01 06:40:05.198857+00
01a23054-b00c-7ce2-8584-81a6acf71052	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 635830272, "seconds_left": 1.1338051365082404}	2026-12-01 06:40:05.287932+00
01a23054-b00c-7ce2-8584-81a6acf71052	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.3262513700001364, "peak_memory_bytes": 636633088}	2026-12-01 06:40:05.527474+00
01a23054-b00c-7ce2-8584-81a6acf71052	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 06:40:05.55055+00
01a23054-b00c-7ce2-8584-81a6acf71052	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 06:40:05.553263+00
01a23054-b00c-7ce2-8584-81a6acf71052	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 639049728, "seconds_left": 2.5067849870376944}	2026-12-01 06:40:05.681078+00
01a23054-b00c-7ce2-8584-81a6acf71052	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.15147164700010762, "peak_memory_bytes": 638939136}	2026-12-01 06:40:05.695152+00
01a23054-b00c-7ce2-8584-81a6acf71052	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-01 06:40:05.703243+00
01a23054-b00c-7ce2-8584-81a6acf71052	17	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 0.4991146189995561, "peak_memory_bytes": 650530816}	2026-12-01 06:40:06.211607+00
01a23054-b00c-7ce2-8584-81a6acf71052	18	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-01 06:40:06.227538+00
01a23054-b00c-7ce2-8584-81a6acf71052	19	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 651440128, "seconds_left": 0.0}	2026-12-01 06:40:06.294793+00
01a23054-b00c-7ce2-8584-81a6acf71052	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07105811499968695, "peak_memory_bytes": 651558912}	2026-12-01 06:40:06.297396+00
01a23054-b00c-7ce2-8584-81a6acf71052	21	state	{"state": "succeeded", "attempt": 1}	2026-12-01 06:40:06.34902+00
01a23055-0f03-772f-8f75-3d7171d5688f	1	state	{"state": "queued"}	2026-12-01 06:40:10.500928+00
01a23054-b044-7dc4-8199-8a86a8589997	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:07.472048+00
01a23054-b044-7dc4-8199-8a86a8589997	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:07.505379+00
01a23054-b044-7dc4-8199-8a86a8589997	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 653225984, "seconds_left": 0.001723060545049096}	2026-12-01 06:40:07.900146+00
01a23054-b044-7dc4-8199-8a86a8589997	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.40295323499958613, "peak_memory_bytes": 653225984}	2026-12-01 06:40:07.903592+00
01a23054-b044-7dc4-8199-8a86a8589997	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 06:40:07.929542+00
01a23054-b044-7dc4-8199-8a86a8589997	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 06:40:07.938226+00
01a23054-b044-7dc4-8199-8a86a8589997	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.04594252399965626, "peak_memory_bytes": 653254656}	2026-12-01 06:40:07.953496+00
01a23054-b044-7dc4-8199-8a86a8589997	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-01 06:40:07.960229+00
01a23054-b044-7dc4-8199-8a86a8589997	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 653017088, "seconds_left": 0.0}	2026-12-01 06:40:07.975488+00
01a23054-b044-7dc4-8199-8a86a8589997	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.01828478300012648, "peak_memory_bytes": 653017088}	2026-12-01 06:40:07.978398+00
01a23054-b044-7dc4-8199-8a86a8589997	12	state	{"state": "succeeded", "attempt": 1}	2026-12-01 06:40:08.00506+00
01a23054-b051-7b54-98af-94259430560c	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:08.224406+00
01a23054-b051-7b54-98af-94259430560c	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:08.260699+00
01a23054-b051-7b54-98af-94259430560c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 654086144, "seconds_left": 0.003030189752617963}	2026-12-01 06:40:08.654734+00
01a23054-b051-7b54-98af-94259430560c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.407258974000797, "peak_memory_bytes": 654086144}	2026-12-01 06:40:08.65789+00
01a23054-b051-7b54-98af-94259430560c	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 06:40:08.681337+00
01a23054-b051-7b54-98af-94259430560c	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 06:40:08.684571+00
01a23054-b051-7b54-98af-94259430560c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.03656300700004067, "peak_memory_bytes": 654106624}	2026-12-01 06:40:08.699231+00
01a23054-b051-7b54-98af-94259430560c	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 06:40:08.702385+00
01a23054-b051-7b54-98af-94259430560c	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 654159872, "seconds_left": 0.033953365769358194}	2026-12-01 06:40:08.816618+00
01a23054-b051-7b54-98af-94259430560c	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.222046252999462, "peak_memory_bytes": 654020608}	2026-12-01 06:40:08.931325+00
01a23054-b051-7b54-98af-94259430560c	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 06:40:08.94404+00
01a23054-b051-7b54-98af-94259430560c	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 06:40:08.947606+00
01a23054-b051-7b54-98af-94259430560c	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 651464704, "seconds_left": 0.00062624}	2026-12-01 06:40:09.069785+00
01a23054-b051-7b54-98af-94259430560c	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.14293179499964026, "peak_memory_bytes": 651313152}	2026-12-01 06:40:09.078284+00
01a23054-b051-7b54-98af-94259430560c	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 06:40:09.087638+00
01a23054-b051-7b54-98af-94259430560c	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 652705792, "seconds_left": 0.0}	2026-12-01 06:40:09.143099+00
01a23054-b051-7b54-98af-94259430560c	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.058201877000101376, "peak_memory_bytes": 652759040}	2026-12-01 06:40:09.145568+00
01a23054-b051-7b54-98af-94259430560c	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 06:40:09.15994+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:09.259372+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:09.276162+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 655138816, "seconds_left": 0.003030189752617963}	2026-12-01 06:40:09.676872+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.4045615759996508, "peak_memory_bytes": 655138816}	2026-12-01 06:40:09.680154+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 06:40:09.703096+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 06:40:09.705863+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.02998925199972291, "peak_memory_bytes": 655171584}	2026-12-01 06:40:09.712657+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 06:40:09.715204+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 655175680, "seconds_left": 0.03417636109069466}	2026-12-01 06:40:09.830175+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.20908824000071036, "peak_memory_bytes": 654901248}	2026-12-01 06:40:09.925316+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 06:40:09.931074+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 06:40:09.933366+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 653692928, "seconds_left": 0.00062624}	2026-12-01 06:40:10.048301+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.12845213200034777, "peak_memory_bytes": 653467648}	2026-12-01 06:40:10.057097+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 06:40:10.06708+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655843328, "seconds_left": 0.0}	2026-12-01 06:40:10.116392+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.05195203199946263, "peak_memory_bytes": 655904768}	2026-12-01 06:40:10.118863+00
01a23054-b054-7e00-8b45-5ea5d36cb3fa	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 06:40:10.176404+00
01a23054-b05f-76ac-af14-81fb40870fa5	2	state	{"state": "running", "worker": "host-1-13752-c04a18", "attempt": 1}	2026-12-01 06:40:10.252559+00
01a23054-b05f-76ac-af14-81fb40870fa5	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 06:40:10.26827+00
01a23054-b05f-76ac-af14-81fb40870fa5	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-01 06:40:10.286493+00
01a23055-0f03-772f-8f75-3d7171d5688f	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-01 06:40:10.568102+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a23054-afe4-7f49-a222-4f57ea3e2070	team	ml	ada
01a23054-b051-7b54-98af-94259430560c	team	ml	ada
01a23054-b054-7e00-8b45-5ea5d36cb3fa	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a23054-afe4-7f49-a222-4f57ea3e2070	ada	{"gate": {"of": null, "max_kl": null, "domains": {}, "baseline": null, "max_bytes": null, "min_speedup": null, "min_zero_shot": {}, "max_parameters": null, "max_perplexity": null, "max_score_drop": {}, "max_memory_bytes": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	f4eb00b5bc76a81fac7d4711248cf1fca22146c6ee9b644b4b626ae4ea18754d	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004259629752617963, "device_bytes": 2811564, "scratch_bytes": 435328}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 06:40:04.51022+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.6733402760000899, "peak_memory_bytes": 601980928}, {"name": "gradients", "seconds": 0.15061932699973113, "peak_memory_bytes": 622690304}, {"name": "prune", "seconds": 0.20766635500058328, "peak_memory_bytes": 623767552}, {"name": "evaluate", "seconds": 0.15982042500036187, "peak_memory_bytes": 627810304}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "f4eb00b5bc76a81fac7d4711248cf1fca22146c6ee9b644b4b626ae4ea18754d", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-12-01 06:40:04.535106+00	\N	2026-12-01 06:39:46.148973+00	2026-12-01 06:40:03.197102+00	\N	2026-12-01 06:40:04.535106+00	\N	2026-12-01 06:39:46.148973+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a23054-b05f-76ac-af14-81fb40870fa5	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	4b16b5149b20bad6b90e6e496260bd6568b853059e744537b8911d222cf39b84	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-01 06:40:10.267322+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-01 06:40:10.282649+00	\N	2026-12-01 06:39:46.271437+00	2026-12-01 06:40:10.251127+00	\N	2026-12-01 06:40:10.282649+00	\N	2026-12-01 06:39:46.271437+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a23054-b00c-7ce2-8584-81a6acf71052	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	1a1c10dbe096430acd2603295253b70630df1cb036a353593fa90c67511a80a3	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.008499953074152623, "device_bytes": 2774393, "scratch_bytes": 750464}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 06:40:06.296794+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 19722.170962875844, "noise": 0.023885282563970378, "phase": "prefill", "pruned": 19243.133207150695, "speedup": 0.9757106985520574}, {"batch": 8, "dense": 88633.34698234247, "noise": 0.057896420068065724, "phase": "prefill", "pruned": 88031.07497031966, "speedup": 0.9932049050100433}, {"batch": 1, "dense": 693.9168989307965, "noise": 0.014524367002698546, "phase": "decode", "pruned": 693.2207773826395, "speedup": 0.9989968228915747}, {"batch": 8, "dense": 3727.21427249237, "noise": 0.1612145652823943, "phase": "decode", "pruned": 3514.864361386133, "speedup": 0.9430271791258623}], "prompt": 56, "speedup": 0.9757106985520574, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1888864, "dense_peak_memory_bytes": 2691680}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.4220851390000462, "peak_memory_bytes": 634380288}, {"name": "gradients", "seconds": 0.11751422099951014, "peak_memory_bytes": 635150336}, {"name": "cut", "seconds": 0.3262513700001364, "peak_memory_bytes": 636633088}, {"name": "evaluate", "seconds": 0.15147164700010762, "peak_memory_bytes": 638939136}, {"name": "speed", "seconds": 0.4991146189995561, "peak_memory_bytes": 650530816}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "1a1c10dbe096430acd2603295253b70630df1cb036a353593fa90c67511a80a3", "dense_perplexity_reused": true}	382.0752385933565	0	\N	21	2026-12-01 06:40:06.346695+00	\N	2026-12-01 06:39:46.188821+00	2026-12-01 06:40:04.623299+00	\N	2026-12-01 06:40:06.346695+00	\N	2026-12-01 06:39:46.188821+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": 0.9757106985520574, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a23054-b044-7dc4-8199-8a86a8589997	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "add_bos_token": false, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	d73694d516e583b81ee508b831dc366d6a4c7cb3035083fa4c4da9b9b13f20fb	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.002952500545049096, "device_bytes": 2811564, "scratch_bytes": 294912}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 06:40:07.977689+00	\N	\N	\N	\N	12	2026-12-01 06:40:08.000227+00	\N	2026-12-01 06:39:46.244879+00	2026-12-01 06:40:07.470188+00	\N	2026-12-01 06:40:08.000227+00	\N	2026-12-01 06:39:46.244879+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a23055-0f03-772f-8f75-3d7171d5688f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	01cbf9fb63bacb048e13736fb3590afe95d36db002c6cb298a8714b0b2b86326	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	e86011a7-659a-4461-a39c-c17683e2a9c5	2026-12-01 06:40:10.597948+00	\N	\N	\N	\N	2	\N	\N	2026-12-01 06:40:10.499479+00	2026-12-01 06:40:10.562658+00	\N	\N	\N	2026-12-01 06:40:10.499479+00	\N	\N	\N	\N	\N	\N	\N
01a23054-b051-7b54-98af-94259430560c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	65b81c461dd476bae66e361eac5307fdee6d0b62f057f140748b303b1462a431	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a23054-b04d-7f2b-b249-719b1a2990cc	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004259629752617963, "device_bytes": 2811564, "scratch_bytes": 435328}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 06:40:09.145022+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.407258974000797, "peak_memory_bytes": 654086144}, {"name": "gradients", "seconds": 0.03656300700004067, "peak_memory_bytes": 654106624}, {"name": "prune", "seconds": 0.222046252999462, "peak_memory_bytes": 654020608}, {"name": "evaluate", "seconds": 0.14293179499964026, "peak_memory_bytes": 651313152}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "65b81c461dd476bae66e361eac5307fdee6d0b62f057f140748b303b1462a431", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-12-01 06:40:09.15771+00	\N	2026-12-01 06:39:46.257718+00	2026-12-01 06:40:08.222951+00	\N	2026-12-01 06:40:09.15771+00	\N	2026-12-01 06:39:46.257719+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a23054-b054-7e00-8b45-5ea5d36cb3fa	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "placement": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	faaf8558cf8b7c045667b73ff872eb4e86dbc12c4ccb83a699100a424e021c0a	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a23054-b04d-7f2b-b249-719b1a2990cc	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004259629752617963, "device_bytes": 2811564, "scratch_bytes": 435328}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 06:40:10.118328+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.4045615759996508, "peak_memory_bytes": 655138816}, {"name": "gradients", "seconds": 0.02998925199972291, "peak_memory_bytes": 655171584}, {"name": "prune", "seconds": 0.20908824000071036, "peak_memory_bytes": 654901248}, {"name": "evaluate", "seconds": 0.12845213200034777, "peak_memory_bytes": 653467648}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "faaf8558cf8b7c045667b73ff872eb4e86dbc12c4ccb83a699100a424e021c0a", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-12-01 06:40:10.174287+00	\N	2026-12-01 06:39:46.260885+00	2026-12-01 06:40:09.258022+00	\N	2026-12-01 06:40:10.174287+00	\N	2026-12-01 06:39:46.260885+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a23055-0f03-772f-8f75-3d7171d5688f	e86011a7-659a-4461-a39c-c17683e2a9c5	2026-12-01 07:30:10.584617+00	2026-12-01 07:30:10.584617+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\xcdd619476748e7dc33e6db2981f5de861c1d1b978586b86a63c77358af39af28	01a23054-aeeb-710e-9f73-11532d89715c	f	2026-12-01 06:40:10.459683+00	2026-12-01 18:40:10.459683+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-01 06:40:09.92831+00	01a23054-afe4-7f49-a222-4f57ea3e2070	jobs/01a23054-afe4-7f49-a222-4f57ea3e2070/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-01 06:40:10.398056+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	6.318358385761949	2026-12-01 06:40:10.298801+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-13751-3a21b6	2026-12-01 06:40:10.063483+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a23055-0f03-772f-8f75-3d7171d5688f	model.safetensors	1	jobs/01a23055-0f03-772f-8f75-3d7171d5688f/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-01 06:40:10.596278+00
\.



COPY public.stray_uploads (key, owner, size, since) FROM stdin;
uploads/begun	ada	1	2026-12-01 06:40:10.613515+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a23054-b04d-7f2b-b249-719b1a2990cc	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-01 06:39:46.253968+00	2026-12-01 06:40:10.20669+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a23054-af8f-7213-821c-e4c63d817c19	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/effae09c-df0b-4939-9980-f142ddac2bf1.txt	2026-12-01 06:39:46.06316+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a23054-f7bb-7e00-8faf-04069a15daa5	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-afe4-7f49-a222-4f57ea3e2070", "url": "/v1/jobs/01a23054-afe4-7f49-a222-4f57ea3e2070", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a23054-afe4-7f49-a222-4f57ea3e2070", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:04.535106+00:00"}	1	2026-12-01 06:40:11.159572+00	2026-12-01 06:40:05.528184+00	\N	the host has no public address	\N	2026-12-01 06:40:04.53989+00
01a23054-fed0-7afe-b819-5fd7961e739d	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-b00c-7ce2-8584-81a6acf71052", "url": "/v1/jobs/01a23054-b00c-7ce2-8584-81a6acf71052", "gate": null, "page": "/jobs/01a23054-b00c-7ce2-8584-81a6acf71052", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:06.346695+00:00"}	1	2026-12-01 06:40:11.213938+00	2026-12-01 06:40:06.627091+00	\N	the host has no public address	\N	2026-12-01 06:40:06.352714+00
01a23054-ff55-7b5b-b29d-43909db07a81	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b02d-71a5-8c72-2b67574cb484", "url": "/v1/jobs/01a23054-b02d-71a5-8c72-2b67574cb484", "gate": null, "page": "/jobs/01a23054-b02d-71a5-8c72-2b67574cb484", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:06.471949+00:00"}	1	2026-12-01 06:40:12.593149+00	2026-12-01 06:40:06.627121+00	\N	the host has no public address	\N	2026-12-01 06:40:06.485734+00
01a23055-02bd-7455-ae95-ebdcb7b582ea	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-b02d-71a5-8c72-2b67574cb484", "url": "/v1/jobs/01a23054-b02d-71a5-8c72-2b67574cb484", "gate": null, "page": "/jobs/01a23054-b02d-71a5-8c72-2b67574cb484", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:07.348465+00:00"}	1	2026-12-01 06:40:12.134681+00	2026-12-01 06:40:07.741611+00	\N	the host has no public address	\N	2026-12-01 06:40:07.3573+00
01a23055-0339-70b2-94c7-742aa13b36da	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b044-7dc4-8199-8a86a8589997", "url": "/v1/jobs/01a23054-b044-7dc4-8199-8a86a8589997", "gate": null, "page": "/jobs/01a23054-b044-7dc4-8199-8a86a8589997", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:07.470188+00:00"}	1	2026-12-01 06:40:11.988697+00	2026-12-01 06:40:07.741639+00	\N	the host has no public address	\N	2026-12-01 06:40:07.481063+00
01a23055-0549-7e3a-aee5-2cb14e099db8	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-b044-7dc4-8199-8a86a8589997", "url": "/v1/jobs/01a23054-b044-7dc4-8199-8a86a8589997", "gate": null, "page": "/jobs/01a23054-b044-7dc4-8199-8a86a8589997", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:08.000227+00:00"}	1	2026-12-01 06:40:14.101531+00	2026-12-01 06:40:08.841326+00	\N	the host has no public address	\N	2026-12-01 06:40:08.009908+00
01a23055-0627-747d-b914-61b3d00f51d8	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b051-7b54-98af-94259430560c", "url": "/v1/jobs/01a23054-b051-7b54-98af-94259430560c", "gate": null, "page": "/jobs/01a23054-b051-7b54-98af-94259430560c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:08.222951+00:00"}	1	2026-12-01 06:40:13.607292+00	2026-12-01 06:40:08.841355+00	\N	the host has no public address	\N	2026-12-01 06:40:08.231302+00
01a23055-0dc2-7f8d-bc37-54d2c78ac650	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-b054-7e00-8b45-5ea5d36cb3fa", "url": "/v1/jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa", "gate": null, "page": "/jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:10.174287+00:00"}	0	2026-12-01 06:40:10.178993+00	\N	\N	\N	\N	2026-12-01 06:40:10.178993+00
01a23054-f285-72ff-8a56-7ba69a4ad5aa	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-afe4-7f49-a222-4f57ea3e2070", "url": "/v1/jobs/01a23054-afe4-7f49-a222-4f57ea3e2070", "gate": null, "page": "/jobs/01a23054-afe4-7f49-a222-4f57ea3e2070", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:03.197102+00:00"}	2	2026-12-01 06:40:43.265393+00	2026-12-01 06:40:09.949041+00	\N	the host has no public address	\N	2026-12-01 06:40:03.205205+00
01a23055-09ca-78df-8a13-3498666d889d	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.succeeded	{"data": {"id": "01a23054-b051-7b54-98af-94259430560c", "url": "/v1/jobs/01a23054-b051-7b54-98af-94259430560c", "gate": null, "page": "/jobs/01a23054-b051-7b54-98af-94259430560c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-01T06:40:09.157710+00:00"}	1	2026-12-01 06:40:15.100696+00	2026-12-01 06:40:09.949171+00	\N	the host has no public address	\N	2026-12-01 06:40:09.162577+00
01a23055-0a31-7c8e-ba38-89f991d504ed	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b054-7e00-8b45-5ea5d36cb3fa", "url": "/v1/jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa", "gate": null, "page": "/jobs/01a23054-b054-7e00-8b45-5ea5d36cb3fa", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:09.258022+00:00"}	1	2026-12-01 06:40:15.805514+00	2026-12-01 06:40:09.949178+00	\N	the host has no public address	\N	2026-12-01 06:40:09.265806+00
01a23054-f818-7648-b2b3-382687a837f5	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b00c-7ce2-8584-81a6acf71052", "url": "/v1/jobs/01a23054-b00c-7ce2-8584-81a6acf71052", "gate": null, "page": "/jobs/01a23054-b00c-7ce2-8584-81a6acf71052", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:04.623299+00:00"}	2	2026-12-01 06:40:42.205883+00	2026-12-01 06:40:09.949165+00	\N	the host has no public address	\N	2026-12-01 06:40:04.632413+00
01a23055-0e11-7934-8f91-60398a60bc06	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23054-b05f-76ac-af14-81fb40870fa5", "url": "/v1/jobs/01a23054-b05f-76ac-af14-81fb40870fa5", "gate": null, "page": "/jobs/01a23054-b05f-76ac-af14-81fb40870fa5", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:10.251127+00:00"}	0	2026-12-01 06:40:10.257596+00	\N	\N	\N	\N	2026-12-01 06:40:10.257596+00
01a23055-0e30-7678-8101-f2c5712868cb	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.failed	{"data": {"id": "01a23054-b05f-76ac-af14-81fb40870fa5", "url": "/v1/jobs/01a23054-b05f-76ac-af14-81fb40870fa5", "gate": null, "page": "/jobs/01a23054-b05f-76ac-af14-81fb40870fa5", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-01T06:40:10.282649+00:00"}	0	2026-12-01 06:40:10.288424+00	\N	\N	\N	\N	2026-12-01 06:40:10.288425+00
01a23055-0f53-7f38-b9c2-6169bc5c3dbc	01a23054-af4f-7418-8b40-4d49bd76b1e5	job.started	{"data": {"id": "01a23055-0f03-772f-8f75-3d7171d5688f", "url": "/v1/jobs/01a23055-0f03-772f-8f75-3d7171d5688f", "gate": null, "page": "/jobs/01a23055-0f03-772f-8f75-3d7171d5688f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T06:40:10.562658+00:00"}	0	2026-12-01 06:40:10.57997+00	\N	\N	\N	\N	2026-12-01 06:40:10.57997+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a23054-af4f-7418-8b40-4d49bd76b1e5	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x6741414141414272446d7578586a684c505a5a6a4a77435458646358306a7a556f7a494d3267474a7a7159596354535a6c42597149613350426c30426c4a504c507332626b7276536f49733753624f53377764786a797869446c50773238697267665f775041717830564a5a6370637034483761356b64746f4a557550384638686d6345477854776d6c674d	2026-12-01 06:40:03.512549+00	\N	\N	2026-12-01 06:39:45.999275+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-13752-c04a18	cpu	\N	{"gpus": 0, "host_bytes": 22748851814, "device_bytes": 0, "scratch_bytes": 35034259456}	f	2026-12-01 06:39:49.016088+00	2026-12-01 06:40:10.262879+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276502016, "bytes_per_second": 63331772904.3389, "operations_per_second": {"float32": 104223323722.32724, "bfloat16": 222316369741.8908}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a23055-0e79-7d03-9fa3-d1264b4f6040	small-gblm-50-ea3e2070	01a23054-afe4-7f49-a222-4f57ea3e2070	for chat	ada	2026-12-01 06:40:10.361834+00
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




