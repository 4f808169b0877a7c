


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
01a22e76-2800-79d6-88ee-3f73353f2e0b	LHOOuoQy	\\x420ea3b53c02ae0b0d63c284f6d32095f7d4324d5b294d586fffb82df7016f35	ada	CI	{jobs:read}	2026-11-30 21:57:05.152675+00	2027-11-30 21:57:05.152675+00	\N	\N	01a22e76-26cf-7028-9d4c-51a374cea26f	\N
01a22e76-26cf-7028-9d4c-51a374cea26f	EM18KP6u	\\x57648838db0f932adfc462ed80d66038566b9bf42f6bd367855a22e25b19a9be	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 21:57:04.847023+00	\N	2026-11-30 21:59:31.980559+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22e77-d8a3-7848-a16e-2ee3a9eaf4b3	01a22e76-2ad5-715c-a14b-a0b1b7a98512	README.md	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-11-30 21:58:55.907554+00
01a22e77-d8c1-7415-acb2-b0c700f94be3	01a22e76-2ad5-715c-a14b-a0b1b7a98512	config.json	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:58:55.937296+00
01a22e77-d8c4-7276-96f7-cf8019522ac9	01a22e76-2ad5-715c-a14b-a0b1b7a98512	generation_config.json	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:58:55.940175+00
01a22e77-d8c4-7967-a516-ace13619fdcb	01a22e76-2ad5-715c-a14b-a0b1b7a98512	masks.safetensors	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 21:58:55.940599+00
01a22e77-d8c4-7ecc-b35f-eb84538e4ec9	01a22e76-2ad5-715c-a14b-a0b1b7a98512	model.safetensors	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 21:58:55.940935+00
01a22e77-d8c5-72c1-9c73-f617ef9f3fec	01a22e76-2ad5-715c-a14b-a0b1b7a98512	pruning_report.json	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/pruning_report.json	12294	d25744aa6e03a82c869631144135b2a4623cc2fa39de64c8c9d8f865efdf6856	\N	2026-11-30 21:58:55.941181+00
01a22e77-d8c9-7ab7-a154-c3acd93b19f1	01a22e76-2ad5-715c-a14b-a0b1b7a98512	tokenizer.json	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:58:55.945698+00
01a22e77-d8c9-7ec9-b66b-127e21b33357	01a22e76-2ad5-715c-a14b-a0b1b7a98512	tokenizer_config.json	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:58:55.945933+00
01a22e78-0cca-7efb-aa56-44343d593d3f	01a22e76-2d0a-7f79-8e63-bf3e55102100	README.md	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/README.md	2452	e10ead7e0ab986b2aa0a91158f1a8931ab182f74ef582b55894a582328ec50ee	\N	2026-11-30 21:59:09.258969+00
01a22e78-0cdd-72f9-8b24-331b9f51b2de	01a22e76-2d0a-7f79-8e63-bf3e55102100	config.json	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 21:59:09.277217+00
01a22e78-0cdd-78bc-94e3-8f0ba04adc80	01a22e76-2d0a-7f79-8e63-bf3e55102100	generation_config.json	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:59:09.277558+00
01a22e78-0cdd-7c5b-bed5-114a5565d859	01a22e76-2d0a-7f79-8e63-bf3e55102100	model.safetensors	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 21:59:09.277781+00
01a22e78-0ce0-7ea7-ace0-48c11887b15c	01a22e76-2d0a-7f79-8e63-bf3e55102100	pruning_report.json	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/pruning_report.json	5903	5f152d8c0c036995e615e2186b3f3b503def450b1ec69d7b5aad4ae24de68d64	\N	2026-11-30 21:59:09.280929+00
01a22e78-0ce1-72cf-ab75-c8f080fa2c1b	01a22e76-2d0a-7f79-8e63-bf3e55102100	tokenizer.json	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:59:09.281184+00
01a22e78-0ce1-7773-b723-1efc5264c6e3	01a22e76-2d0a-7f79-8e63-bf3e55102100	tokenizer_config.json	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:59:09.281474+00
01a22e78-2ebc-7a02-bf42-d684e925c567	01a22e76-2fb6-7fa9-b145-2b7d937d966c	gradient_norms.safetensors	jobs/01a22e76-2fb6-7fa9-b145-2b7d937d966c/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 21:59:17.948687+00
01a22e78-4863-7438-b04b-ac7321683d89	01a22e76-305e-723e-bf35-474f1e54b1ce	README.md	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-11-30 21:59:24.515298+00
01a22e78-4871-778f-863f-17e1475958ad	01a22e76-305e-723e-bf35-474f1e54b1ce	config.json	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:59:24.529506+00
01a22e78-4874-7f24-9630-3f36293b879d	01a22e76-305e-723e-bf35-474f1e54b1ce	generation_config.json	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:59:24.532964+00
01a22e78-4875-7464-b792-22394ce2d0ca	01a22e76-305e-723e-bf35-474f1e54b1ce	masks.safetensors	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 21:59:24.533283+00
01a22e78-4875-77f8-975f-7d6c8f7f214e	01a22e76-305e-723e-bf35-474f1e54b1ce	model.safetensors	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 21:59:24.533506+00
01a22e78-4875-7b7e-9d90-8120faa3d6a6	01a22e76-305e-723e-bf35-474f1e54b1ce	pruning_report.json	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/pruning_report.json	12332	8d65ccd16735366fdcdaa120ed3a9cc043a406b2d7ff147a419cef0878b73db0	\N	2026-11-30 21:59:24.533727+00
01a22e78-4876-7037-9675-08f15a1e8e3e	01a22e76-305e-723e-bf35-474f1e54b1ce	tokenizer.json	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:59:24.534023+00
01a22e78-4878-7d66-a085-a66966911654	01a22e76-305e-723e-bf35-474f1e54b1ce	tokenizer_config.json	jobs/01a22e76-305e-723e-bf35-474f1e54b1ce/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:59:24.536848+00
01a22e78-6377-71fc-aa14-e9ff5f906ccc	01a22e76-306a-73a6-8209-48a9263d27a1	README.md	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-11-30 21:59:31.447159+00
01a22e78-6381-7272-a2e0-a4defd3c3869	01a22e76-306a-73a6-8209-48a9263d27a1	config.json	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:59:31.457174+00
01a22e78-6385-7191-895f-a9844adc7d58	01a22e76-306a-73a6-8209-48a9263d27a1	generation_config.json	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:59:31.461133+00
01a22e78-6385-7a7b-a747-c41f49142767	01a22e76-306a-73a6-8209-48a9263d27a1	masks.safetensors	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 21:59:31.461664+00
01a22e78-6386-74a5-a055-681fcd23eb69	01a22e76-306a-73a6-8209-48a9263d27a1	model.safetensors	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 21:59:31.462299+00
01a22e78-6386-7837-ae88-6377bd931148	01a22e76-306a-73a6-8209-48a9263d27a1	pruning_report.json	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/pruning_report.json	12310	4daf8d2592183d0634f6b21b43f64bb07bb17aeb738f2ae7a2348263261cb190	\N	2026-11-30 21:59:31.462521+00
01a22e78-6386-7c7a-a0ad-0c66056e6f33	01a22e76-306a-73a6-8209-48a9263d27a1	tokenizer.json	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:59:31.462788+00
01a22e78-6386-7ed2-980d-98696e3ea2ea	01a22e76-306a-73a6-8209-48a9263d27a1	tokenizer_config.json	jobs/01a22e76-306a-73a6-8209-48a9263d27a1/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:59:31.462934+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22e76-2804-7662-b479-d6711d7846dd	2026-11-30 21:57:05.156412+00	key.created	ada	01a22e76-26cf-7028-9d4c-51a374cea26f	127.0.0.1	key 01a22e76-2800-79d6-88ee-3f73353f2e0b	ada
01a22e76-293a-77be-aa61-4a3ff5c15171	2026-11-30 21:57:05.466507+00	share.granted	ada	01a22e76-26cf-7028-9d4c-51a374cea26f	127.0.0.1	share {"weight":2.0}	eve
01a22e78-66a5-718a-8d5f-91494e4bb88c	2026-11-30 21:59:32.261113+00	zoo.promoted	ada	01a22e76-26cf-7028-9d4c-51a374cea26f	127.0.0.1	zoo small-gblm-50-b7a98512	ada
01a22e78-66bc-7f88-ac00-37a30fded63a	2026-11-30 21:59:32.284991+00	queue.paused	ada	01a22e76-26cf-7028-9d4c-51a374cea26f	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	39.182094
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a22e76-2e61-705e-9f4e-ad2fa97e4415	2026-11-30 21:59:33.241015+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	01a22e76-2d0a-7f79-8e63-bf3e55102100	2026-11-30 21:58:59.155515+00	2026-11-30 21:59:00.115208+00	2026-11-30 21:59:00.115208+00
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	01a22e76-2ad5-715c-a14b-a0b1b7a98512	2026-11-30 21:58:52.401782+00	2026-11-30 21:58:53.275393+00	2026-11-30 21:59:28.61445+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	0	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	1	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	2	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
c906dc6fa203608982d352bc12c789b9a1d47296000f7f09952af499e59ce8e8	3	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	0	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	1	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	2	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
87d53e58b574e6fc7bd5d1f59939d5bbba73f2cfc0e30d4cce8a33e7b1d835a2	3	jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x6e1b1d492bac8dbc9b08a3fca362cf9730950a9bfab0a3a5e193cd8402369e68	01a22e76-2ad5-715c-a14b-a0b1b7a98512	\N	2026-11-30 21:57:05.982494+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22e76-2ad5-715c-a14b-a0b1b7a98512	1	host-1-13854-dd793a	0	2026-11-30 21:58:48.965442+00	2026-11-30 21:58:55.847092+00	succeeded	\N
01a22e76-2d0a-7f79-8e63-bf3e55102100	1	host-1-13854-dd793a	0	2026-11-30 21:58:56.467114+00	2026-11-30 21:59:09.201114+00	succeeded	\N
01a22e76-2fb6-7fa9-b145-2b7d937d966c	1	host-1-13854-dd793a	0	2026-11-30 21:59:15.212295+00	2026-11-30 21:59:17.943055+00	succeeded	\N
01a22e76-305e-723e-bf35-474f1e54b1ce	1	host-1-13854-dd793a	0	2026-11-30 21:59:18.015609+00	2026-11-30 21:59:24.451359+00	succeeded	\N
01a22e76-306a-73a6-8209-48a9263d27a1	1	host-1-13854-dd793a	0	2026-11-30 21:59:25.367881+00	2026-11-30 21:59:31.398853+00	succeeded	\N
01a22e76-3090-7ee6-b271-4242e67ed3ee	1	host-1-13854-dd793a	0	2026-11-30 21:59:31.533052+00	2026-11-30 21:59:31.670755+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22e78-66ef-741a-bb87-eee30582c42b	1	worker	\N	2026-11-30 21:59:32.74941+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22e78-66ef-741a-bb87-eee30582c42b	prune	0	1	jobs/01a22e78-66ef-741a-bb87-eee30582c42b/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 21:59:32.946529+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22e76-2ad5-715c-a14b-a0b1b7a98512	1	state	{"state": "queued"}	2026-11-30 21:57:05.927273+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	1	state	{"state": "queued"}	2026-11-30 21:57:06.482158+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	1	state	{"state": "queued"}	2026-11-30 21:57:07.184887+00
01a22e76-305e-723e-bf35-474f1e54b1ce	1	state	{"state": "queued"}	2026-11-30 21:57:07.295643+00
01a22e76-306a-73a6-8209-48a9263d27a1	1	state	{"state": "queued"}	2026-11-30 21:57:07.30997+00
01a22e76-3090-7ee6-b271-4242e67ed3ee	1	state	{"state": "queued"}	2026-11-30 21:57:07.35309+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:58:48.899484+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:58:48.977633+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 602992640, "seconds_left": 0.01688781822881029}	2026-11-30 21:58:52.190107+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.2351114799967036, "peak_memory_bytes": 602992640}	2026-11-30 21:58:52.258233+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:58:52.51027+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 623960064, "seconds_left": 0.6363882206993396}	2026-11-30 21:58:53.100938+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.8313853399886284, "peak_memory_bytes": 624005120}	2026-11-30 21:58:53.131014+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:58:53.134119+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 625336320, "seconds_left": 0.3698293945292946}	2026-11-30 21:58:54.238636+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.4259603019891074, "peak_memory_bytes": 625152000}	2026-11-30 21:58:54.61669+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 21:58:54.712915+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	13	progress	{"step": 0, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 627048448, "seconds_left": 0.44085898791777367}	2026-11-30 21:58:55.293675+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	14	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 629407744, "seconds_left": 0.00062624}	2026-11-30 21:58:55.627314+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 1.0147517259902088, "peak_memory_bytes": 629338112}	2026-11-30 21:58:55.650958+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:58:55.662763+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632741888, "seconds_left": 0.0}	2026-11-30 21:58:55.712228+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.052933625993318856, "peak_memory_bytes": 632864768}	2026-11-30 21:58:55.715111+00
01a22e76-2ad5-715c-a14b-a0b1b7a98512	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:58:55.798347+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:58:56.454139+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:58:56.480474+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 635162624, "seconds_left": 0.06904525885584552}	2026-11-30 21:58:58.851209+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.3977593790041283, "peak_memory_bytes": 635162624}	2026-11-30 21:58:58.918106+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:58:59.161814+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 636055552, "seconds_left": 0.5634788430825407}	2026-11-30 21:58:59.226708+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.5451564579998376, "peak_memory_bytes": 635846656}	2026-11-30 21:58:59.604823+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 21:58:59.668894+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	10	progress	{"step": 3, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 638324736, "seconds_left": 5.361652922834683}	2026-11-30 21:59:00.267153+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	11	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 638324736, "seconds_left": 5.514234767117246}	2026-11-30 21:59:00.442027+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	12	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 2.4123299019993283, "peak_memory_bytes": 638279680}	2026-11-30 21:59:02.078609+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:59:02.233892+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	14	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:59:02.262467+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641400832, "seconds_left": 13.093520979875246}	2026-11-30 21:59:03.182547+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641785856, "seconds_left": 13.891565908604136}	2026-11-30 21:59:03.321927+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 1.2460874230018817, "peak_memory_bytes": 641691648}	2026-11-30 21:59:03.433994+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	18	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 21:59:03.494353+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	19	progress	{"step": 1, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 651997184, "seconds_left": 63.35062633414183}	2026-11-30 21:59:05.900784+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	20	progress	{"step": 7, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652234752, "seconds_left": 10.295877790982027}	2026-11-30 21:59:06.945969+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	21	progress	{"step": 12, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652283904, "seconds_left": 6.413114069341418}	2026-11-30 21:59:08.306205+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	22	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 4.8414181690022815, "peak_memory_bytes": 652132352}	2026-11-30 21:59:08.33441+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	23	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 21:59:08.457964+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	24	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 654098432, "seconds_left": 0.0}	2026-11-30 21:59:08.906924+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	25	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.5079868330067256, "peak_memory_bytes": 654102528}	2026-11-30 21:59:08.954676+00
01a22e76-2d0a-7f79-8e63-bf3e55102100	26	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:59:09.138058+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:59:15.127059+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:59:15.34884+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656584704, "seconds_left": 0.008473257923778194}	2026-11-30 21:59:17.455656+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.189107201003935, "peak_memory_bytes": 656584704}	2026-11-30 21:59:17.459132+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:59:17.483739+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:59:17.487115+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.11218025600828696, "peak_memory_bytes": 656617472}	2026-11-30 21:59:17.614284+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 21:59:17.724953+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 656371712, "seconds_left": 0.0}	2026-11-30 21:59:17.829982+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.1523563710070448, "peak_memory_bytes": 656371712}	2026-11-30 21:59:17.862306+00
01a22e76-2fb6-7fa9-b145-2b7d937d966c	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:59:17.938271+00
01a22e76-305e-723e-bf35-474f1e54b1ce	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:59:18.006403+00
01a22e76-305e-723e-bf35-474f1e54b1ce	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:59:18.024437+00
01a22e76-305e-723e-bf35-474f1e54b1ce	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657371136, "seconds_left": 0.01688781822881029}	2026-11-30 21:59:21.50382+00
01a22e76-305e-723e-bf35-474f1e54b1ce	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.4835688440070953, "peak_memory_bytes": 657371136}	2026-11-30 21:59:21.507813+00
01a22e76-305e-723e-bf35-474f1e54b1ce	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:59:21.525653+00
01a22e76-305e-723e-bf35-474f1e54b1ce	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:59:21.529269+00
01a22e76-305e-723e-bf35-474f1e54b1ce	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.025623654000810347, "peak_memory_bytes": 657371136}	2026-11-30 21:59:21.536527+00
01a22e76-305e-723e-bf35-474f1e54b1ce	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:59:21.5396+00
01a22e76-305e-723e-bf35-474f1e54b1ce	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657461248, "seconds_left": 0.5062178251269772}	2026-11-30 21:59:22.526134+00
01a22e76-305e-723e-bf35-474f1e54b1ce	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.311459458011086, "peak_memory_bytes": 657240064}	2026-11-30 21:59:22.867043+00
01a22e76-305e-723e-bf35-474f1e54b1ce	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:59:22.938678+00
01a22e76-305e-723e-bf35-474f1e54b1ce	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:59:22.970795+00
01a22e76-305e-723e-bf35-474f1e54b1ce	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 656187392, "seconds_left": 0.00062624}	2026-11-30 21:59:23.242391+00
01a22e76-305e-723e-bf35-474f1e54b1ce	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.42796734599687625, "peak_memory_bytes": 656044032}	2026-11-30 21:59:23.349097+00
01a22e76-305e-723e-bf35-474f1e54b1ce	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:59:23.540879+00
01a22e76-305e-723e-bf35-474f1e54b1ce	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 658321408, "seconds_left": 0.0}	2026-11-30 21:59:24.202437+00
01a22e76-305e-723e-bf35-474f1e54b1ce	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.7559426739899209, "peak_memory_bytes": 658448384}	2026-11-30 21:59:24.247123+00
01a22e76-305e-723e-bf35-474f1e54b1ce	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:59:24.39401+00
01a22e76-306a-73a6-8209-48a9263d27a1	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:59:25.218831+00
01a22e76-306a-73a6-8209-48a9263d27a1	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:59:25.510072+00
01a22e76-306a-73a6-8209-48a9263d27a1	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 660643840, "seconds_left": 0.01688781822881029}	2026-11-30 21:59:28.474004+00
01a22e76-306a-73a6-8209-48a9263d27a1	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.018162228006986, "peak_memory_bytes": 660643840}	2026-11-30 21:59:28.522849+00
01a22e76-306a-73a6-8209-48a9263d27a1	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:59:28.74233+00
01a22e76-306a-73a6-8209-48a9263d27a1	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:59:28.84898+00
01a22e76-306a-73a6-8209-48a9263d27a1	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.3635059100051876, "peak_memory_bytes": 660668416}	2026-11-30 21:59:28.922474+00
01a22e76-306a-73a6-8209-48a9263d27a1	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:59:28.954678+00
01a22e76-306a-73a6-8209-48a9263d27a1	10	progress	{"step": 1, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 660729856, "seconds_left": 3.0462843341358137}	2026-11-30 21:59:29.539297+00
01a22e76-306a-73a6-8209-48a9263d27a1	11	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 660729856, "seconds_left": 0.4618083343352053}	2026-11-30 21:59:29.84205+00
01a22e76-306a-73a6-8209-48a9263d27a1	12	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.216019483996206, "peak_memory_bytes": 660733952}	2026-11-30 21:59:30.170638+00
01a22e76-306a-73a6-8209-48a9263d27a1	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:59:30.245958+00
01a22e76-306a-73a6-8209-48a9263d27a1	14	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:59:30.30203+00
01a22e76-306a-73a6-8209-48a9263d27a1	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 659271680, "seconds_left": 0.6467160563691}	2026-11-30 21:59:31.014558+00
01a22e76-306a-73a6-8209-48a9263d27a1	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 659607552, "seconds_left": 0.00062624}	2026-11-30 21:59:31.166026+00
01a22e76-306a-73a6-8209-48a9263d27a1	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.9887932260025991, "peak_memory_bytes": 659456000}	2026-11-30 21:59:31.176546+00
01a22e76-306a-73a6-8209-48a9263d27a1	18	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:59:31.188494+00
01a22e76-306a-73a6-8209-48a9263d27a1	19	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 661790720, "seconds_left": 0.0}	2026-11-30 21:59:31.234922+00
01a22e76-306a-73a6-8209-48a9263d27a1	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.049758280991227366, "peak_memory_bytes": 661860352}	2026-11-30 21:59:31.23768+00
01a22e76-306a-73a6-8209-48a9263d27a1	21	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:59:31.357804+00
01a22e76-3090-7ee6-b271-4242e67ed3ee	2	state	{"state": "running", "worker": "host-1-13854-dd793a", "attempt": 1}	2026-11-30 21:59:31.525575+00
01a22e76-3090-7ee6-b271-4242e67ed3ee	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:59:31.54232+00
01a22e76-3090-7ee6-b271-4242e67ed3ee	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 21:59:31.643823+00
01a22e78-66ef-741a-bb87-eee30582c42b	1	state	{"state": "queued"}	2026-11-30 21:59:32.336728+00
01a22e78-66ef-741a-bb87-eee30582c42b	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 21:59:32.438131+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22e76-2ad5-715c-a14b-a0b1b7a98512	team	ml	ada
01a22e76-305e-723e-bf35-474f1e54b1ce	team	ml	ada
01a22e76-306a-73a6-8209-48a9263d27a1	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22e76-3090-7ee6-b271-4242e67ed3ee	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	656988a833ff216dc474808676b78ce68f7611f1a8e1c8ba699b15c3877caa23	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 21:59:31.541488+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 21:59:31.626159+00	\N	2026-11-30 21:57:07.344965+00	2026-11-30 21:59:31.524209+00	\N	2026-11-30 21:59:31.626159+00	\N	2026-11-30 21:57:07.344965+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22e76-2ad5-715c-a14b-a0b1b7a98512	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	e3e096a28aa65c96d0c8ee839c1efb2014059b4f4da5f79eabd2210fd91947d5	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.01811725822881029, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:58:55.714463+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.2351114799967036, "peak_memory_bytes": 602992640}, {"name": "gradients", "seconds": 0.8313853399886284, "peak_memory_bytes": 624005120}, {"name": "prune", "seconds": 1.4259603019891074, "peak_memory_bytes": 625152000}, {"name": "evaluate", "seconds": 1.0147517259902088, "peak_memory_bytes": 629338112}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "e3e096a28aa65c96d0c8ee839c1efb2014059b4f4da5f79eabd2210fd91947d5", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	19	2026-11-30 21:58:55.776884+00	\N	2026-11-30 21:57:05.877119+00	2026-11-30 21:58:48.884097+00	\N	2026-11-30 21:58:55.776884+00	\N	2026-11-30 21:57:05.877119+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22e76-2d0a-7f79-8e63-bf3e55102100	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	43f92dda002cbb62e1a8ef2704d36519221ee36a040c4b5257861ce6ea84070b	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.07027469885584552, "device_bytes": 959763, "scratch_bytes": 811392}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:59:08.953388+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 1991.9495359859243, "noise": 0.3057847458224775, "phase": "prefill", "pruned": 1539.7091258157134, "speedup": 0.7729659301100856}, {"batch": 8, "dense": 6505.559770642946, "noise": 1.2622789012140896, "phase": "prefill", "pruned": 12635.96388546402, "speedup": 1.942333070627557}, {"batch": 1, "dense": 31.874183417306664, "noise": 1.0338048902788057, "phase": "decode", "pruned": 47.24064499138452, "speedup": 1.482097419497635}, {"batch": 8, "dense": 452.86952851988394, "noise": 3.1770581820773143, "phase": "decode", "pruned": 274.6325437926754, "speedup": 0.6064275171929948}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1946208, "dense_peak_memory_bytes": 2708064}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 2.3977593790041283, "peak_memory_bytes": 635162624}, {"name": "gradients", "seconds": 0.5451564579998376, "peak_memory_bytes": 635846656}, {"name": "cut", "seconds": 2.4123299019993283, "peak_memory_bytes": 638279680}, {"name": "evaluate", "seconds": 1.2460874230018817, "peak_memory_bytes": 641691648}, {"name": "speed", "seconds": 4.8414181690022815, "peak_memory_bytes": 652132352}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "43f92dda002cbb62e1a8ef2704d36519221ee36a040c4b5257861ce6ea84070b", "dense_perplexity_reused": true}	382.0752385933565	0	\N	26	2026-11-30 21:59:09.109387+00	\N	2026-11-30 21:57:06.442997+00	2026-11-30 21:58:56.451782+00	\N	2026-11-30 21:59:09.109387+00	\N	2026-11-30 21:57:06.442997+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22e76-2fb6-7fa9-b145-2b7d937d966c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	c31c7bf171369f38085cb765a757e183d69363c3e19b3c9a6f6054b91c55a2c7	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009702697923778194, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:59:17.861193+00	\N	\N	\N	\N	12	2026-11-30 21:59:17.935444+00	\N	2026-11-30 21:57:07.127014+00	2026-11-30 21:59:15.100086+00	\N	2026-11-30 21:59:17.935444+00	\N	2026-11-30 21:57:07.127014+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22e76-305e-723e-bf35-474f1e54b1ce	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	44d768680601e8a2ca16a43ba8a26076e91363d4aa289a50192a3e6fd5d7d316	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22e76-304f-72eb-9d23-be535a643a27	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.01811725822881029, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:59:24.24539+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.4835688440070953, "peak_memory_bytes": 657371136}, {"name": "gradients", "seconds": 0.025623654000810347, "peak_memory_bytes": 657371136}, {"name": "prune", "seconds": 1.311459458011086, "peak_memory_bytes": 657240064}, {"name": "evaluate", "seconds": 0.42796734599687625, "peak_memory_bytes": 656044032}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "44d768680601e8a2ca16a43ba8a26076e91363d4aa289a50192a3e6fd5d7d316", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 21:59:24.365107+00	\N	2026-11-30 21:57:07.29417+00	2026-11-30 21:59:18.005018+00	\N	2026-11-30 21:59:24.365107+00	\N	2026-11-30 21:57:07.29417+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22e76-306a-73a6-8209-48a9263d27a1	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	303f4323dc19dbd67e30805b183387813224f0f062d3465bbc0239fefb70a5e1	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22e76-304f-72eb-9d23-be535a643a27	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.01811725822881029, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:59:31.237076+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.018162228006986, "peak_memory_bytes": 660643840}, {"name": "gradients", "seconds": 0.3635059100051876, "peak_memory_bytes": 660668416}, {"name": "prune", "seconds": 1.216019483996206, "peak_memory_bytes": 660733952}, {"name": "evaluate", "seconds": 0.9887932260025991, "peak_memory_bytes": 659456000}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "303f4323dc19dbd67e30805b183387813224f0f062d3465bbc0239fefb70a5e1", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	21	2026-11-30 21:59:31.344869+00	\N	2026-11-30 21:57:07.306258+00	2026-11-30 21:59:25.210012+00	\N	2026-11-30 21:59:31.344869+00	\N	2026-11-30 21:57:07.306258+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
01a22e78-66ef-741a-bb87-eee30582c42b	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	b13ac9a654f4a832e692a7cfafa6daa1185d19fe0287ea447d1e9082254c36f5	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	7e59166d-fa9d-4ce9-8bbe-b088aa11ec4b	2026-11-30 21:59:32.799584+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 21:59:32.335275+00	2026-11-30 21:59:32.350714+00	\N	\N	\N	2026-11-30 21:59:32.335275+00	\N	\N	\N	\N	\N	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22e78-66ef-741a-bb87-eee30582c42b	7e59166d-fa9d-4ce9-8bbe-b088aa11ec4b	2026-11-30 22:49:32.752136+00	2026-11-30 22:49:32.752141+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x63a6f7638fe11f9d244269e3ebd25880478a770f17093dc47ec417d0692d1727	01a22e76-26cf-7028-9d4c-51a374cea26f	f	2026-11-30 21:59:32.321509+00	2026-12-01 09:59:32.321509+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-11-30 21:59:30.205407+00	01a22e76-2ad5-715c-a14b-a0b1b7a98512	jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 21:59:32.284244+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	39.159920072347504	2026-11-30 21:59:31.691354+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-13852-6e2739	2026-11-30 21:59:31.956922+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22e78-66ef-741a-bb87-eee30582c42b	model.safetensors	1	jobs/01a22e78-66ef-741a-bb87-eee30582c42b/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 21:59:32.879564+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 21:59:33.0929+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22e76-304f-72eb-9d23-be535a643a27	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 21:57:07.279214+00	2026-11-30 21:59:31.478471+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22e76-281f-74ba-ae0c-4ebfa2253f09	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/4e136a79-2558-4d03-9e3a-c9965d5f6d5a.txt	2026-11-30 21:57:05.183321+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22e78-0c7e-7876-beb7-38a0adc16341	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-2d0a-7f79-8e63-bf3e55102100", "url": "/v1/jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100", "gate": null, "page": "/jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:59:09.109387+00:00"}	2	2026-11-30 21:59:45.216863+00	2026-11-30 21:59:16.123091+00	\N	the host has no public address	\N	2026-11-30 21:59:09.182559+00
01a22e78-0fef-7068-bfdf-023bfaef9aba	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-2e61-705e-9f4e-ad2fa97e4415", "url": "/v1/jobs/01a22e76-2e61-705e-9f4e-ad2fa97e4415", "gate": null, "page": "/jobs/01a22e76-2e61-705e-9f4e-ad2fa97e4415", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:09.920122+00:00"}	2	2026-11-30 21:59:40.825825+00	2026-11-30 21:59:16.123128+00	\N	the host has no public address	\N	2026-11-30 21:59:10.063056+00
01a22e78-2081-7ef5-8634-64079f5e4e2b	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-2e61-705e-9f4e-ad2fa97e4415", "url": "/v1/jobs/01a22e76-2e61-705e-9f4e-ad2fa97e4415", "gate": null, "page": "/jobs/01a22e76-2e61-705e-9f4e-ad2fa97e4415", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:59:14.205158+00:00"}	2	2026-11-30 21:59:53.440189+00	2026-11-30 21:59:20.606499+00	\N	the host has no public address	\N	2026-11-30 21:59:14.305969+00
01a22e78-23fb-7307-bc67-974b107f5a30	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-2fb6-7fa9-b145-2b7d937d966c", "url": "/v1/jobs/01a22e76-2fb6-7fa9-b145-2b7d937d966c", "gate": null, "page": "/jobs/01a22e76-2fb6-7fa9-b145-2b7d937d966c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:15.100086+00:00"}	2	2026-11-30 21:59:51.658315+00	2026-11-30 21:59:22.014792+00	\N	the host has no public address	\N	2026-11-30 21:59:15.195221+00
01a22e77-bd7b-79c7-afd6-eba64735ada2	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-2ad5-715c-a14b-a0b1b7a98512", "url": "/v1/jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512", "gate": null, "page": "/jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:58:48.884097+00:00"}	3	2026-11-30 22:01:24.273537+00	2026-11-30 21:59:23.446465+00	\N	the host has no public address	\N	2026-11-30 21:58:48.955644+00
01a22e78-2eb5-7ba9-9fce-b63c8fd618da	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-2fb6-7fa9-b145-2b7d937d966c", "url": "/v1/jobs/01a22e76-2fb6-7fa9-b145-2b7d937d966c", "gate": null, "page": "/jobs/01a22e76-2fb6-7fa9-b145-2b7d937d966c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:59:17.935444+00:00"}	2	2026-11-30 21:59:54.788818+00	2026-11-30 21:59:24.962869+00	\N	the host has no public address	\N	2026-11-30 21:59:17.941747+00
01a22e77-d85e-7998-952e-e655215c1f8a	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-2ad5-715c-a14b-a0b1b7a98512", "url": "/v1/jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22e76-2ad5-715c-a14b-a0b1b7a98512", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:58:55.776884+00:00"}	3	2026-11-30 22:01:11.503689+00	2026-11-30 21:59:30.289094+00	\N	the host has no public address	\N	2026-11-30 21:58:55.838635+00
01a22e77-dacd-761e-b2cd-b96df32d17d5	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-2d0a-7f79-8e63-bf3e55102100", "url": "/v1/jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100", "gate": null, "page": "/jobs/01a22e76-2d0a-7f79-8e63-bf3e55102100", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:58:56.451782+00:00"}	3	2026-11-30 22:01:32.037549+00	2026-11-30 21:59:32.037549+00	\N	the host has no public address	\N	2026-11-30 21:58:56.461408+00
01a22e78-2efd-7421-bc7a-93421f3ca016	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-305e-723e-bf35-474f1e54b1ce", "url": "/v1/jobs/01a22e76-305e-723e-bf35-474f1e54b1ce", "gate": null, "page": "/jobs/01a22e76-305e-723e-bf35-474f1e54b1ce", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:18.005018+00:00"}	2	2026-11-30 21:59:59.047929+00	2026-11-30 21:59:24.962905+00	\N	the host has no public address	\N	2026-11-30 21:59:18.013281+00
01a22e78-4ba3-7220-b6db-61bbf9eac474	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-306a-73a6-8209-48a9263d27a1", "url": "/v1/jobs/01a22e76-306a-73a6-8209-48a9263d27a1", "gate": null, "page": "/jobs/01a22e76-306a-73a6-8209-48a9263d27a1", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:25.210012+00:00"}	1	2026-11-30 21:59:31.88864+00	2026-11-30 21:59:25.732619+00	\N	the host has no public address	\N	2026-11-30 21:59:25.347164+00
01a22e78-4813-7533-b53a-d901f88aef0d	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-305e-723e-bf35-474f1e54b1ce", "url": "/v1/jobs/01a22e76-305e-723e-bf35-474f1e54b1ce", "gate": null, "page": "/jobs/01a22e76-305e-723e-bf35-474f1e54b1ce", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:59:24.365107+00:00"}	2	2026-11-30 21:59:57.102419+00	2026-11-30 21:59:30.51456+00	\N	the host has no public address	\N	2026-11-30 21:59:24.435358+00
01a22e78-633a-7bbf-96ab-1946cc38cc03	01a22e76-27f1-70e0-876d-a409a88e396a	job.succeeded	{"data": {"id": "01a22e76-306a-73a6-8209-48a9263d27a1", "url": "/v1/jobs/01a22e76-306a-73a6-8209-48a9263d27a1", "gate": null, "page": "/jobs/01a22e76-306a-73a6-8209-48a9263d27a1", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:59:31.344869+00:00"}	1	2026-11-30 22:01:32.037593+00	2026-11-30 21:59:32.037593+00	\N	\N	\N	2026-11-30 21:59:31.386773+00
01a22e78-63ca-7c32-be31-d89f9d5dc33f	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e76-3090-7ee6-b271-4242e67ed3ee", "url": "/v1/jobs/01a22e76-3090-7ee6-b271-4242e67ed3ee", "gate": null, "page": "/jobs/01a22e76-3090-7ee6-b271-4242e67ed3ee", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:31.524209+00:00"}	1	2026-11-30 22:01:32.0376+00	2026-11-30 21:59:32.0376+00	\N	\N	\N	2026-11-30 21:59:31.530785+00
01a22e78-644e-7037-81db-cbb6be4bbce5	01a22e76-27f1-70e0-876d-a409a88e396a	job.failed	{"data": {"id": "01a22e76-3090-7ee6-b271-4242e67ed3ee", "url": "/v1/jobs/01a22e76-3090-7ee6-b271-4242e67ed3ee", "gate": null, "page": "/jobs/01a22e76-3090-7ee6-b271-4242e67ed3ee", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T21:59:31.626159+00:00"}	1	2026-11-30 22:01:32.037605+00	2026-11-30 21:59:32.037605+00	\N	\N	\N	2026-11-30 21:59:31.662048+00
01a22e78-67f7-752e-baa4-6339599569e7	01a22e76-27f1-70e0-876d-a409a88e396a	job.started	{"data": {"id": "01a22e78-66ef-741a-bb87-eee30582c42b", "url": "/v1/jobs/01a22e78-66ef-741a-bb87-eee30582c42b", "gate": null, "page": "/jobs/01a22e78-66ef-741a-bb87-eee30582c42b", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:59:32.350714+00:00"}	0	2026-11-30 21:59:32.599355+00	\N	\N	\N	\N	2026-11-30 21:59:32.599355+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22e76-27f1-70e0-876d-a409a88e396a	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x6741414141414272446645784445594a735255786b744f75554a78585332335270374c305f735f36313475315870525467316e786161434f5075526f346559787455716979524b536c453473686a6d39756e4b6e6c4b614368726d4a4d432d7865527a7968674f6743494f7152677278363247464548363952726f536d436966444166726777754351316961	2026-11-30 21:58:51.01699+00	\N	\N	2026-11-30 21:57:05.13708+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-13854-dd793a	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 47516250112}	f	2026-11-30 21:57:29.237389+00	2026-11-30 21:59:31.480211+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 5829252982.245521, "operations_per_second": {"float32": 9019885473.167799, "bfloat16": 18235313056.5472}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22e78-66a1-7fe8-87e7-aed033818e72	small-gblm-50-b7a98512	01a22e76-2ad5-715c-a14b-a0b1b7a98512	for chat	ada	2026-11-30 21:59:32.25802+00
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




