


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



COMMENT ON TABLE public.alembic_version IS 'bb9a2166c6188de877a951f34d4a5c7e5e597cb2595a63bedfebe72efaacc802';



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
    is_last boolean DEFAULT false NOT NULL,
    by_retention boolean DEFAULT false NOT NULL
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
    checks_pending boolean DEFAULT false NOT NULL,
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
    may_cross boolean DEFAULT false NOT NULL,
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
    perplexity double precision NOT NULL,
    used_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    job_id uuid,
    key text,
    size bigint,
    sha256 text
);



CREATE TABLE public.queue_turns (
    queue text NOT NULL,
    crossed boolean NOT NULL
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
    previous_secret bytea,
    previous_secret_until timestamp with time zone,
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
01a22bf3-e3c2-7cc3-b1f8-9cd913687509	1CGdUj6q	\\x31e967e483b136703517febc44b64918c626938e5401d63d112e50ed5e063f71	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 10:15:33.570807+00	\N	2026-11-30 10:15:33.94497+00	\N	\N	\N
01a22bf3-e5a9-79f3-92ec-02d1c36c3242	wwMeGnlp	\\x92b22dad3fac290a9ca23f20f9d4c38d0d4436473edd6bd86f8531ff6e1c7d01	ada	CI	{jobs:read}	2026-11-30 10:15:34.057644+00	2027-11-30 10:15:34.057644+00	\N	\N	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22bf4-7792-7f1f-8af5-97777564718d	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	README.md	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/README.md	2311	c0bc207b81accfd4905c79a7dee23e854ef1d4bad3dc93027b50d9ee2ea44cc2	\N	2026-11-30 10:16:11.41097+00
01a22bf4-7798-7df1-997c-f15038d663a0	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	config.json	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 10:16:11.416885+00
01a22bf4-7799-723c-a1f1-2b672d86858d	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	generation_config.json	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 10:16:11.417149+00
01a22bf4-7799-75bd-a0e7-deda649d2747	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	masks.safetensors	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 10:16:11.417367+00
01a22bf4-7799-7952-b187-b6aa051cb16e	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	model.safetensors	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 10:16:11.417591+00
01a22bf4-7799-7ca9-b31b-21cc3110a936	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	pruning_report.json	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/pruning_report.json	12210	cfb881ff06cf1517e7c171e57e5485be9fcf707130b890d73c97a4fafb6a29ce	\N	2026-11-30 10:16:11.417799+00
01a22bf4-779a-70a7-a3ec-89cdc6336e9f	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	tokenizer.json	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 10:16:11.418049+00
01a22bf4-779a-72f2-ae03-32e4862ed4c7	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	tokenizer_config.json	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 10:16:11.418192+00
01a22bf4-870c-7d58-b7a8-f53c795c23f1	01a22bf3-e756-7f61-ba9e-7ddf423625e3	README.md	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/README.md	2384	811337a80ba1e85f06d58097c937bfd82c8f44098cd3cb7b04264272e443d07d	\N	2026-11-30 10:16:15.372861+00
01a22bf4-870d-753d-b121-18483d66ed12	01a22bf3-e756-7f61-ba9e-7ddf423625e3	config.json	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 10:16:15.373339+00
01a22bf4-870d-78ff-909d-13e6451c50b4	01a22bf3-e756-7f61-ba9e-7ddf423625e3	generation_config.json	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 10:16:15.373571+00
01a22bf4-870d-7c79-ab09-bfc405d9e2ee	01a22bf3-e756-7f61-ba9e-7ddf423625e3	model.safetensors	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 10:16:15.373788+00
01a22bf4-870e-7097-ad6b-6000fc0a8f72	01a22bf3-e756-7f61-ba9e-7ddf423625e3	pruning_report.json	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/pruning_report.json	5831	cf15c755c2ba1ba87fd8dd15256995a088f5ccba8aaba1e97b9aaa7a18c5665d	\N	2026-11-30 10:16:15.374045+00
01a22bf4-870e-73da-836d-8007157cc846	01a22bf3-e756-7f61-ba9e-7ddf423625e3	tokenizer.json	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 10:16:15.374249+00
01a22bf4-870e-77b1-a64b-bb9e67f960bb	01a22bf3-e756-7f61-ba9e-7ddf423625e3	tokenizer_config.json	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 10:16:15.374489+00
01a22bf4-902a-724a-801f-88e6e5a6f4ce	01a22bf3-e7d3-7c39-9784-ba79ce15e90e	gradient_norms.safetensors	jobs/01a22bf3-e7d3-7c39-9784-ba79ce15e90e/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 10:16:17.706164+00
01a22bf4-95fb-7437-9e68-f15c7d5031c4	01a22bf3-e81a-78f5-a569-7f50241d4bff	README.md	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/README.md	2312	da7871c5aaff0b743559c003148db3d6a9ba6a883f9c05874bcf97b32a096cf8	\N	2026-11-30 10:16:19.195284+00
01a22bf4-95ff-7029-aa2d-853237507952	01a22bf3-e81a-78f5-a569-7f50241d4bff	config.json	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 10:16:19.199019+00
01a22bf4-95ff-73ed-8b45-53ada372c2ba	01a22bf3-e81a-78f5-a569-7f50241d4bff	generation_config.json	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 10:16:19.199253+00
01a22bf4-95ff-7751-8993-22e37868e38b	01a22bf3-e81a-78f5-a569-7f50241d4bff	masks.safetensors	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 10:16:19.199465+00
01a22bf4-95ff-7a9b-8c2d-89b02ccc6944	01a22bf3-e81a-78f5-a569-7f50241d4bff	model.safetensors	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 10:16:19.199671+00
01a22bf4-95ff-7e0b-8c0e-d793e7508056	01a22bf3-e81a-78f5-a569-7f50241d4bff	pruning_report.json	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/pruning_report.json	12245	9b4b2e58d54416f052dd71d2d46ff7abf60e91955eccc97ea3f605598a72d0c9	\N	2026-11-30 10:16:19.199886+00
01a22bf4-9600-71ca-ad19-5fb96629d1ef	01a22bf3-e81a-78f5-a569-7f50241d4bff	tokenizer.json	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 10:16:19.20012+00
01a22bf4-9600-73e9-a051-2e19e3acacf4	01a22bf3-e81a-78f5-a569-7f50241d4bff	tokenizer_config.json	jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 10:16:19.200252+00
01a22bf4-9c9c-7fca-bf33-639e15fa6db6	01a22bf3-e846-7e15-a063-cd80f0535f07	README.md	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/README.md	2310	b6839296ffe856fa86b0273047a742125a7363a0f48f60c1ade8730cd576f00b	\N	2026-11-30 10:16:20.893019+00
01a22bf4-9c9d-795b-a0d7-304f5dc6eeed	01a22bf3-e846-7e15-a063-cd80f0535f07	config.json	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 10:16:20.893594+00
01a22bf4-9c9d-7f73-8759-b2252b1ce585	01a22bf3-e846-7e15-a063-cd80f0535f07	generation_config.json	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 10:16:20.893986+00
01a22bf4-9ca0-7d81-9fbc-3dd06991b0c5	01a22bf3-e846-7e15-a063-cd80f0535f07	masks.safetensors	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 10:16:20.896853+00
01a22bf4-9ca1-712b-9c5a-e0ec637df7fb	01a22bf3-e846-7e15-a063-cd80f0535f07	model.safetensors	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 10:16:20.897081+00
01a22bf4-9ca1-7484-81a2-f9915b8e1507	01a22bf3-e846-7e15-a063-cd80f0535f07	pruning_report.json	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/pruning_report.json	12227	b2b17a46f1d8b0a4031e3d51ed4d090fc58f4d75cc2b902720ac53bf178b885a	\N	2026-11-30 10:16:20.89729+00
01a22bf4-9ca1-7879-a12f-340b6a280218	01a22bf3-e846-7e15-a063-cd80f0535f07	tokenizer.json	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 10:16:20.897538+00
01a22bf4-9ca1-7ab4-9271-66d1839d5519	01a22bf3-e846-7e15-a063-cd80f0535f07	tokenizer_config.json	jobs/01a22bf3-e846-7e15-a063-cd80f0535f07/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 10:16:20.897676+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22bf3-e5af-7d41-90bb-7e9b456e4e3f	2026-11-30 10:15:34.063839+00	key.created	ada	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	127.0.0.1	key 01a22bf3-e5a9-79f3-92ec-02d1c36c3242	ada
01a22bf3-e691-75f8-9d7d-692cdffdf155	2026-11-30 10:15:34.289397+00	share.granted	ada	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	127.0.0.1	share {"weight":2.0}	eve
01a22bf4-9eb5-72d5-9e55-39c6d25ac3d7	2026-11-30 10:16:21.429187+00	zoo.promoted	ada	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	127.0.0.1	zoo small-gblm-50-c0e6e1e1	ada
01a22bf4-9ecd-73da-a22e-5e1eed6d052a	2026-11-30 10:16:21.453262+00	queue.paused	ada	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	11.824148
\.



COPY public.deleted_jobs (job_id, delete_at, is_last, by_retention) FROM stdin;
01a22bf3-e763-7e44-84f4-2ced94b8377e	2026-11-30 10:16:21.794006+00	f	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	01a22bf3-e756-7f61-ba9e-7ddf423625e3	2026-11-30 10:16:12.877225+00	2026-11-30 10:16:13.243733+00	2026-11-30 10:16:13.243733+00
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	2026-11-30 10:16:09.994053+00	2026-11-30 10:16:10.484407+00	2026-11-30 10:16:19.981607+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	0	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	1	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	2	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	3	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	0	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	1	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	2	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	3	jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x07a60cfb13438617f953b2559b633ba835c7c7276cfdb7b24fe30bd5d559acdd	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	\N	2026-11-30 10:15:34.392298+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	1	host-1-2189-1b20ed	0	2026-11-30 10:16:08.389872+00	2026-11-30 10:16:11.392768+00	succeeded	\N
01a22bf3-e756-7f61-ba9e-7ddf423625e3	1	host-1-2189-1b20ed	0	2026-11-30 10:16:11.604209+00	2026-11-30 10:16:15.357904+00	succeeded	\N
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	1	host-1-2189-1b20ed	0	2026-11-30 10:16:17.055322+00	2026-11-30 10:16:17.697051+00	succeeded	\N
01a22bf3-e81a-78f5-a569-7f50241d4bff	1	host-1-2189-1b20ed	0	2026-11-30 10:16:17.793892+00	2026-11-30 10:16:19.183385+00	succeeded	\N
01a22bf3-e846-7e15-a063-cd80f0535f07	1	host-1-2189-1b20ed	0	2026-11-30 10:16:19.305047+00	2026-11-30 10:16:20.720927+00	succeeded	\N
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	1	host-1-2189-1b20ed	0	2026-11-30 10:16:21.083753+00	2026-11-30 10:16:21.202172+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	1	worker	\N	2026-11-30 10:16:21.68905+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	prune	0	1	jobs/01a22bf4-9f2c-740f-9c19-1b25ae4d1851/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 10:16:21.768459+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	1	state	{"state": "queued"}	2026-11-30 10:15:34.390198+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	1	state	{"state": "queued"}	2026-11-30 10:15:34.48837+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	1	state	{"state": "queued"}	2026-11-30 10:15:34.620821+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	1	state	{"state": "queued"}	2026-11-30 10:15:34.699227+00
01a22bf3-e846-7e15-a063-cd80f0535f07	1	state	{"state": "queued"}	2026-11-30 10:15:34.736786+00
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	1	state	{"state": "queued"}	2026-11-30 10:15:34.826524+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:08.366646+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:08.430337+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 601067520, "seconds_left": 0.0038132003859485}	2026-11-30 10:16:09.953491+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.5556551780027803, "peak_memory_bytes": 601067520}	2026-11-30 10:16:09.972888+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 10:16:10.022107+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 621522944, "seconds_left": 0.15429301478765797}	2026-11-30 10:16:10.207219+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.29791961800219724, "peak_memory_bytes": 621604864}	2026-11-30 10:16:10.288713+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 10:16:10.312922+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 623075328, "seconds_left": 0.082525620723732}	2026-11-30 10:16:10.642452+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.5361778449951089, "peak_memory_bytes": 622821376}	2026-11-30 10:16:10.836295+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 10:16:10.888787+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 626896896, "seconds_left": 0.00062624}	2026-11-30 10:16:11.127218+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.3040950979993795, "peak_memory_bytes": 626688000}	2026-11-30 10:16:11.174807+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 10:16:11.192849+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 630296576, "seconds_left": 0.0}	2026-11-30 10:16:11.295851+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.1092323690027115, "peak_memory_bytes": 630403072}	2026-11-30 10:16:11.30407+00
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	18	state	{"state": "succeeded", "attempt": 1}	2026-11-30 10:16:11.381514+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:11.574302+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:11.6648+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 632938496, "seconds_left": 0.01005139915794271}	2026-11-30 10:16:12.813567+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.1809313729972928, "peak_memory_bytes": 632938496}	2026-11-30 10:16:12.822161+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 10:16:12.898429+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 633606144, "seconds_left": 1.1578226127144708}	2026-11-30 10:16:13.010008+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.2645594119967427, "peak_memory_bytes": 633339904}	2026-11-30 10:16:13.130289+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 10:16:13.142319+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 635015168, "seconds_left": 2.3733772984622354}	2026-11-30 10:16:13.378257+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.7258524879944162, "peak_memory_bytes": 635977728}	2026-11-30 10:16:13.861991+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 10:16:13.887962+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 10:16:13.896393+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 638652416, "seconds_left": 4.637606731186201}	2026-11-30 10:16:14.086144+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.22665119600424077, "peak_memory_bytes": 638443520}	2026-11-30 10:16:14.105729+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 10:16:14.113994+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	17	progress	{"step": 11, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 649822208, "seconds_left": 1.5820403964554712}	2026-11-30 10:16:15.138197+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	18	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 1.0938841290044365, "peak_memory_bytes": 649539584}	2026-11-30 10:16:15.210639+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	19	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 10:16:15.234921+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	20	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 651657216, "seconds_left": 0.0}	2026-11-30 10:16:15.304592+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	21	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07830884199938737, "peak_memory_bytes": 651657216}	2026-11-30 10:16:15.307483+00
01a22bf3-e756-7f61-ba9e-7ddf423625e3	22	state	{"state": "succeeded", "attempt": 1}	2026-11-30 10:16:15.348888+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:17.041295+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:17.078274+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 654303232, "seconds_left": 0.002080253169127206}	2026-11-30 10:16:17.584262+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.5106161279982189, "peak_memory_bytes": 654303232}	2026-11-30 10:16:17.58767+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 10:16:17.608077+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 10:16:17.611422+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.03468013200472342, "peak_memory_bytes": 654385152}	2026-11-30 10:16:17.626844+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 10:16:17.633254+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 654385152, "seconds_left": 0.0}	2026-11-30 10:16:17.641615+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.011407721998693887, "peak_memory_bytes": 654385152}	2026-11-30 10:16:17.644315+00
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 10:16:17.693362+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:17.778267+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:17.810694+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656371712, "seconds_left": 0.0038132003859485}	2026-11-30 10:16:18.395006+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.5892793260063627, "peak_memory_bytes": 656371712}	2026-11-30 10:16:18.402377+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 10:16:18.452926+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 10:16:18.459461+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.055766493002010975, "peak_memory_bytes": 656412672}	2026-11-30 10:16:18.467657+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 10:16:18.470831+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656412672, "seconds_left": 0.04868226334882473}	2026-11-30 10:16:18.611812+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.2997421670006588, "peak_memory_bytes": 656375808}	2026-11-30 10:16:18.775073+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 10:16:18.784593+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 10:16:18.791484+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654188544, "seconds_left": 0.00062624}	2026-11-30 10:16:18.958203+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.1956575160002103, "peak_memory_bytes": 653996032}	2026-11-30 10:16:18.978109+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 10:16:18.998278+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 656289792, "seconds_left": 0.0}	2026-11-30 10:16:19.098545+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.10980178199679358, "peak_memory_bytes": 656289792}	2026-11-30 10:16:19.101534+00
01a22bf3-e81a-78f5-a569-7f50241d4bff	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 10:16:19.173823+00
01a22bf3-e846-7e15-a063-cd80f0535f07	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:19.286516+00
01a22bf3-e846-7e15-a063-cd80f0535f07	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:19.330245+00
01a22bf3-e846-7e15-a063-cd80f0535f07	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 658599936, "seconds_left": 0.0038132003859485}	2026-11-30 10:16:19.945691+00
01a22bf3-e846-7e15-a063-cd80f0535f07	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.6286287010007072, "peak_memory_bytes": 658599936}	2026-11-30 10:16:19.962254+00
01a22bf3-e846-7e15-a063-cd80f0535f07	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 10:16:20.006782+00
01a22bf3-e846-7e15-a063-cd80f0535f07	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 10:16:20.018596+00
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	1	state	{"state": "queued"}	2026-11-30 10:16:21.554267+00
01a22bf3-e846-7e15-a063-cd80f0535f07	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.06560158600041177, "peak_memory_bytes": 658620416}	2026-11-30 10:16:20.033688+00
01a22bf3-e846-7e15-a063-cd80f0535f07	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 10:16:20.04563+00
01a22bf3-e846-7e15-a063-cd80f0535f07	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 658620416, "seconds_left": 0.05363466547894013}	2026-11-30 10:16:20.194174+00
01a22bf3-e846-7e15-a063-cd80f0535f07	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.3047012549941428, "peak_memory_bytes": 658415616}	2026-11-30 10:16:20.347398+00
01a22bf3-e846-7e15-a063-cd80f0535f07	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 10:16:20.354142+00
01a22bf3-e846-7e15-a063-cd80f0535f07	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 10:16:20.357017+00
01a22bf3-e846-7e15-a063-cd80f0535f07	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 656506880, "seconds_left": 0.00062624}	2026-11-30 10:16:20.487624+00
01a22bf3-e846-7e15-a063-cd80f0535f07	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.1532418429997051, "peak_memory_bytes": 656355328}	2026-11-30 10:16:20.504576+00
01a22bf3-e846-7e15-a063-cd80f0535f07	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 10:16:20.557122+00
01a22bf3-e846-7e15-a063-cd80f0535f07	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 657604608, "seconds_left": 0.0}	2026-11-30 10:16:20.638515+00
01a22bf3-e846-7e15-a063-cd80f0535f07	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.10515207800199278, "peak_memory_bytes": 657715200}	2026-11-30 10:16:20.644064+00
01a22bf3-e846-7e15-a063-cd80f0535f07	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 10:16:20.705207+00
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	2	state	{"state": "running", "worker": "host-1-2189-1b20ed", "attempt": 1}	2026-11-30 10:16:21.05884+00
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 10:16:21.130437+00
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 10:16:21.189641+00
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 10:16:21.614571+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	team	ml	ada
01a22bf3-e81a-78f5-a569-7f50241d4bff	team	ml	ada
01a22bf3-e846-7e15-a063-cd80f0535f07	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, checks_pending, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22bf3-e8a7-71a3-80a3-2f05adbb4f57	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	917f6ac427f3bfddbbc6cf31962116ccc1b3a50fd8dc8f228247989b367eed49	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 10:16:21.129094+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 10:16:21.185536+00	\N	2026-11-30 10:15:34.823132+00	2026-11-30 10:16:21.04918+00	\N	2026-11-30 10:16:21.185536+00	\N	2026-11-30 10:15:34.823132+00	\N	\N	f	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	62dd8157407abb7e531cd75e9767806beb0f88e6e3f818db311b193ddb82c4e6	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0050426403859485, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 10:16:11.303286+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.5556551780027803, "peak_memory_bytes": 601067520}, {"name": "gradients", "seconds": 0.29791961800219724, "peak_memory_bytes": 621604864}, {"name": "prune", "seconds": 0.5361778449951089, "peak_memory_bytes": 622821376}, {"name": "evaluate", "seconds": 0.3040950979993795, "peak_memory_bytes": 626688000}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "62dd8157407abb7e531cd75e9767806beb0f88e6e3f818db311b193ddb82c4e6", "further_perplexities": [], "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-11-30 10:16:11.373174+00	\N	2026-11-30 10:15:34.376884+00	2026-11-30 10:16:08.361161+00	\N	2026-11-30 10:16:11.373174+00	\N	2026-11-30 10:15:34.376884+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "margin": 0.9928448735734592, "passed": true, "measured": 0.007155126426540814}]}	\N
01a22bf3-e756-7f61-ba9e-7ddf423625e3	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	6e7455ee2c4c1252ce0c392285db27ee95cfd618303a0ffc8b9f714e4163a6a1	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.011280839157942712, "device_bytes": 959763, "scratch_bytes": 721280}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 10:16:15.306881+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 18466.41074808646, "noise": 0.36838695909163893, "phase": "prefill", "pruned": 11609.160201948713, "speedup": 0.6286635968579701}, {"batch": 8, "dense": 22988.761728390436, "noise": 1.241376477230055, "phase": "prefill", "pruned": 32425.02021158019, "speedup": 1.410472673329606}, {"batch": 1, "dense": 284.5454644406481, "noise": 0.2969611722625777, "phase": "decode", "pruned": 223.93074538992087, "speedup": 0.7869770331082871}, {"batch": 8, "dense": 1641.6633638758535, "noise": 0.5681107785492705, "phase": "decode", "pruned": 1819.4862656974235, "speedup": 1.10831873679738}], "prompt": 56, "speedup": 0.6286635968579701, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1700448, "dense_peak_memory_bytes": 2425440}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.1809313729972928, "peak_memory_bytes": 632938496}, {"name": "gradients", "seconds": 0.2645594119967427, "peak_memory_bytes": 633339904}, {"name": "cut", "seconds": 0.7258524879944162, "peak_memory_bytes": 635977728}, {"name": "evaluate", "seconds": 0.22665119600424077, "peak_memory_bytes": 638443520}, {"name": "speed", "seconds": 1.0938841290044365, "peak_memory_bytes": 649539584}], "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.000005262420113320977, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "6e7455ee2c4c1252ce0c392285db27ee95cfd618303a0ffc8b9f714e4163a6a1", "further_perplexities": [], "dense_perplexity_reused": true}	382.0752385933565	0	\N	22	2026-11-30 10:16:15.344588+00	\N	2026-11-30 10:15:34.48698+00	2026-11-30 10:16:11.567708+00	\N	2026-11-30 10:16:15.344588+00	\N	2026-11-30 10:15:34.48698+00	\N	\N	f	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.000005262420113320977, "exports": [], "speedup": 0.6286635968579701, "agreement": 0.967741935483871, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22bf3-e7d3-7c39-9784-ba79ce15e90e	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "windows": null, "task_limit": null, "sequence_length": null, "further_datasets": []}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	01929406dfffd6e0ae11603019c9b78d7328181cf2117e427b0999b21c6646b7	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.003309693169127206, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 10:16:17.643618+00	\N	\N	\N	\N	12	2026-11-30 10:16:17.691634+00	\N	2026-11-30 10:15:34.611784+00	2026-11-30 10:16:17.039745+00	\N	2026-11-30 10:16:17.691634+00	\N	2026-11-30 10:15:34.611784+00	\N	\N	f	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22bf3-e81a-78f5-a569-7f50241d4bff	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	c89920b8bce52039fd84e44d52bfc58c4bb9e887e0351fbc3c69b33e896c7387	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22bf3-e7fe-7d6a-b119-fff38b2592fc	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0050426403859485, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 10:16:19.100882+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 0.5892793260063627, "peak_memory_bytes": 656371712}, {"name": "gradients", "seconds": 0.055766493002010975, "peak_memory_bytes": 656412672}, {"name": "prune", "seconds": 0.2997421670006588, "peak_memory_bytes": 656375808}, {"name": "evaluate", "seconds": 0.1956575160002103, "peak_memory_bytes": 653996032}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "c89920b8bce52039fd84e44d52bfc58c4bb9e887e0351fbc3c69b33e896c7387", "further_perplexities": [], "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 10:16:19.171525+00	\N	2026-11-30 10:15:34.68259+00	2026-11-30 10:16:17.773724+00	\N	2026-11-30 10:16:19.171525+00	\N	2026-11-30 10:15:34.68259+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22bf3-e846-7e15-a063-cd80f0535f07	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	5c667966c9f8f61daccf0a64e4d448f001354351e6e7052937e1ee763a3ea5b3	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22bf3-e7fe-7d6a-b119-fff38b2592fc	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0050426403859485, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 10:16:20.643235+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 0.6286287010007072, "peak_memory_bytes": 658599936}, {"name": "gradients", "seconds": 0.06560158600041177, "peak_memory_bytes": 658620416}, {"name": "prune", "seconds": 0.3047012549941428, "peak_memory_bytes": 658415616}, {"name": "evaluate", "seconds": 0.1532418429997051, "peak_memory_bytes": 656355328}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.0011241618736793526, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "5c667966c9f8f61daccf0a64e4d448f001354351e6e7052937e1ee763a3ea5b3", "further_perplexities": [], "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-11-30 10:16:20.702262+00	\N	2026-11-30 10:15:34.726912+00	2026-11-30 10:16:19.279374+00	\N	2026-11-30 10:16:20.702262+00	\N	2026-11-30 10:15:34.726912+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793526, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	dcf9c7771605dce0e43d15ce53db17baacfa5fc894dceea631115ea315b93b14	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	ae2bd9a9-4951-4c22-aaf7-ac2acd4fc5ed	2026-11-30 10:16:21.727352+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 10:16:21.548278+00	2026-11-30 10:16:21.604815+00	\N	\N	\N	2026-11-30 10:16:21.548278+00	\N	\N	f	\N	\N	\N	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	ae2bd9a9-4951-4c22-aaf7-ac2acd4fc5ed	2026-11-30 11:06:21.711337+00	2026-11-30 11:06:21.711342+00
\.



COPY public.owner_shares (owner, weight, most_running, may_cross) FROM stdin;
eve	2	\N	f
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x58e5383fac50cfb62f280ef0be59f6b8d1320662ec1dcc6c8ef2e094114a4385	01a22bf3-e3c2-7cc3-b1f8-9cd913687509	f	2026-11-30 10:16:21.522305+00	2026-11-30 22:16:21.522305+00
\.



COPY public.perplexity_cache (fingerprint, perplexity, used_at, job_id, key, size, sha256) FROM stdin;
2af8514ac12c5205a889ca3340f6465dbf523b0e4c6a03d4d631e67613da280e	382.1642520456846	2026-11-30 10:16:20.350902+00	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queue_turns (queue, crossed) FROM stdin;
cpu	f
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 10:16:21.452583+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	11.82211016712631	2026-11-30 10:16:21.208554+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-2188-8fd90e	2026-11-30 10:16:20.50208+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22bf4-9f2c-740f-9c19-1b25ae4d1851	model.safetensors	1	jobs/01a22bf4-9f2c-740f-9c19-1b25ae4d1851/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 10:16:21.729421+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 10:16:21.781939+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22bf3-e7fe-7d6a-b119-fff38b2592fc	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 10:15:34.654868+00	2026-11-30 10:16:20.914809+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22bf3-e5f1-7d15-ba2d-90116e377473	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/83868dad-6c75-4400-95c5-14076fcf48e7.txt	2026-11-30 10:15:34.129845+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22bf4-6bc2-79a5-8eec-11661305a5f4	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "url": "/v1/jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "gate": null, "page": "/jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:08.361161+00:00"}	2	2026-11-30 10:16:46.664623+00	2026-11-30 10:16:15.875134+00	\N	the host has no public address	\N	2026-11-30 10:16:08.386622+00
01a22bf4-86fa-7dc0-b9aa-c3be97b1a657	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e756-7f61-ba9e-7ddf423625e3", "url": "/v1/jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3", "gate": null, "page": "/jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:15.344588+00:00"}	1	2026-11-30 10:16:21.544076+00	2026-11-30 10:16:15.875201+00	\N	the host has no public address	\N	2026-11-30 10:16:15.354882+00
01a22bf4-7848-7223-9a27-bc7ebfbe5ba3	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e756-7f61-ba9e-7ddf423625e3", "url": "/v1/jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3", "gate": null, "page": "/jobs/01a22bf3-e756-7f61-ba9e-7ddf423625e3", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:11.567708+00:00"}	2	2026-11-30 10:16:47.793087+00	2026-11-30 10:16:16.056041+00	\N	the host has no public address	\N	2026-11-30 10:16:11.592159+00
01a22bf4-777f-755a-a979-127b6fd9cef2	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "url": "/v1/jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "gate": {"of": null, "state": "passed", "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "margin": 0.9928448735734592, "passed": true, "measured": 0.007155126426540814}]}, "page": "/jobs/01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:11.373174+00:00"}	2	2026-11-30 10:16:44.707896+00	2026-11-30 10:16:17.211544+00	\N	the host has no public address	\N	2026-11-30 10:16:11.391355+00
01a22bf4-8d3a-79c8-8438-4cc2df40b7ae	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e763-7e44-84f4-2ced94b8377e", "url": "/v1/jobs/01a22bf3-e763-7e44-84f4-2ced94b8377e", "gate": null, "page": "/jobs/01a22bf3-e763-7e44-84f4-2ced94b8377e", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:16.943944+00:00"}	1	2026-11-30 10:16:22.508722+00	2026-11-30 10:16:17.21157+00	\N	the host has no public address	\N	2026-11-30 10:16:16.954639+00
01a22bf4-901f-7e04-8881-d1b323586640	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "url": "/v1/jobs/01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "gate": null, "page": "/jobs/01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:17.691634+00:00"}	1	2026-11-30 10:16:22.599788+00	2026-11-30 10:16:18.404+00	\N	the host has no public address	\N	2026-11-30 10:16:17.695894+00
01a22bf4-875c-752d-bab4-ef20b0bd4b82	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e763-7e44-84f4-2ced94b8377e", "url": "/v1/jobs/01a22bf3-e763-7e44-84f4-2ced94b8377e", "gate": null, "page": "/jobs/01a22bf3-e763-7e44-84f4-2ced94b8377e", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:15.445080+00:00"}	2	2026-11-30 10:16:45.349183+00	2026-11-30 10:16:20.714673+00	\N	the host has no public address	\N	2026-11-30 10:16:15.452344+00
01a22bf4-8d9d-71e0-8f15-5c04cbe6cbcb	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "url": "/v1/jobs/01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "gate": null, "page": "/jobs/01a22bf3-e7d3-7c39-9784-ba79ce15e90e", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:17.039745+00:00"}	1	2026-11-30 10:16:23.303899+00	2026-11-30 10:16:17.211575+00	\N	the host has no public address	\N	2026-11-30 10:16:17.05314+00
01a22bf4-9078-7858-9e20-3e9f40733388	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e81a-78f5-a569-7f50241d4bff", "url": "/v1/jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff", "gate": null, "page": "/jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:17.773724+00:00"}	1	2026-11-30 10:16:24.15807+00	2026-11-30 10:16:18.40402+00	\N	the host has no public address	\N	2026-11-30 10:16:17.784543+00
01a22bf4-95ee-70e2-be91-1d9636a3406e	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e81a-78f5-a569-7f50241d4bff", "url": "/v1/jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff", "gate": null, "page": "/jobs/01a22bf3-e81a-78f5-a569-7f50241d4bff", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:19.171525+00:00"}	1	2026-11-30 10:16:25.171723+00	2026-11-30 10:16:19.566883+00	\N	the host has no public address	\N	2026-11-30 10:16:19.182079+00
01a22bf4-9666-7369-91e0-40d866c1ebdb	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e846-7e15-a063-cd80f0535f07", "url": "/v1/jobs/01a22bf3-e846-7e15-a063-cd80f0535f07", "gate": null, "page": "/jobs/01a22bf3-e846-7e15-a063-cd80f0535f07", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:19.279374+00:00"}	1	2026-11-30 10:16:24.268554+00	2026-11-30 10:16:19.566909+00	\N	the host has no public address	\N	2026-11-30 10:16:19.302231+00
01a22bf4-9bec-7fee-8b12-2d21585a7318	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.succeeded	{"data": {"id": "01a22bf3-e846-7e15-a063-cd80f0535f07", "url": "/v1/jobs/01a22bf3-e846-7e15-a063-cd80f0535f07", "gate": null, "page": "/jobs/01a22bf3-e846-7e15-a063-cd80f0535f07", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T10:16:20.702262+00:00"}	0	2026-11-30 10:16:20.717026+00	\N	\N	\N	\N	2026-11-30 10:16:20.717026+00
01a22bf4-9d50-7d19-aee7-51e65ed17cc5	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "url": "/v1/jobs/01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "gate": null, "page": "/jobs/01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:21.049180+00:00"}	0	2026-11-30 10:16:21.072842+00	\N	\N	\N	\N	2026-11-30 10:16:21.072842+00
01a22bf4-9dce-7709-9b63-6ec718ea482f	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.failed	{"data": {"id": "01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "url": "/v1/jobs/01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "gate": null, "page": "/jobs/01a22bf3-e8a7-71a3-80a3-2f05adbb4f57", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T10:16:21.185536+00:00"}	0	2026-11-30 10:16:21.19847+00	\N	\N	\N	\N	2026-11-30 10:16:21.19847+00
01a22bf4-9fb0-7fad-8f52-4b4225f6eeaf	01a22bf3-e544-7a83-a526-8d91e07bd22f	job.started	{"data": {"id": "01a22bf4-9f2c-740f-9c19-1b25ae4d1851", "url": "/v1/jobs/01a22bf4-9f2c-740f-9c19-1b25ae4d1851", "gate": null, "page": "/jobs/01a22bf4-9f2c-740f-9c19-1b25ae4d1851", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T10:16:21.604815+00:00"}	0	2026-11-30 10:16:21.681011+00	\N	\N	\N	\N	2026-11-30 10:16:21.681011+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, previous_secret, previous_secret_until, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22bf3-e544-7a83-a526-8d91e07bd22f	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x674141414141427244557a4657394b77485152453077426b4c35786938786c6153503368423842736b58553474756437677950304c5876752d656e344d305343427945343534734b69667865316f486a4a5a375f3033474b6e4c45507851307065466132587a4862514145785556584c42617476725a65506a6d655455556c443865574c6172374f56353256	\N	\N	2026-11-30 10:16:09.626852+00	\N	\N	2026-11-30 10:15:33.956676+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-2189-1b20ed	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 52737503232}	f	2026-11-30 10:15:41.398988+00	2026-11-30 10:16:21.257171+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 29757603564.320824, "operations_per_second": {"float32": 34674174882.94972, "bfloat16": 153434585032.6336}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22bf4-9eb3-742b-bc7f-9c5d8ed49fef	small-gblm-50-c0e6e1e1	01a22bf3-e6e8-7dc3-93b0-6964c0e6e1e1	for chat	ada	2026-11-30 10:16:21.427284+00
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



ALTER TABLE ONLY public.queue_turns
    ADD CONSTRAINT pk_queue_turns PRIMARY KEY (queue);



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



CREATE INDEX ix_deleted_jobs_asked_for ON public.deleted_jobs USING btree (delete_at) WHERE (NOT by_retention);



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



CREATE INDEX ix_jobs_checks_pending ON public.jobs USING btree (id) WHERE ((state = 'queued'::text) AND checks_pending);



CREATE INDEX ix_jobs_held_by ON public.jobs USING btree (worker) WHERE (state = ANY (ARRAY['running'::text, 'cancelling'::text]));



CREATE INDEX ix_jobs_held_of ON public.jobs USING btree (owner, worker_class) WHERE (state = ANY (ARRAY['running'::text, 'cancelling'::text]));



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
    ADD CONSTRAINT fk_idempotency_keys_job_id FOREIGN KEY (job_id) REFERENCES public.jobs(id) ON DELETE CASCADE;



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




