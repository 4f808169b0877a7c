


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
01a2362a-8f07-712f-b678-b9f962214487	9GEig0WA	\\x2944d4119c438cc91a54da126321b1f288d4a10c49622b86fe799dfef00c944a	ada	test	{jobs:read,jobs:write,admin}	2026-12-02 09:51:28.519093+00	\N	2026-12-02 09:51:28.819482+00	\N	\N	\N
01a2362a-90a4-788a-a095-77845a4ae407	F5lIZyPi	\\xae6b3849f309ed560eff4c6cce206d83fe0215b63d694d64131758271fadfef5	ada	CI	{jobs:read}	2026-12-02 09:51:28.932563+00	2027-12-02 09:51:28.932563+00	\N	\N	01a2362a-8f07-712f-b678-b9f962214487	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a2362a-c958-73c1-afe4-891090845bf3	01a2362a-91d1-7137-98e9-e2e75686c34e	README.md	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/README.md	2373	4a68d04d87c7103133cf3692e45b1f973bdbefec0e52335dbe8c8fa1c3ddcbf6	\N	2026-12-02 09:51:43.448257+00
01a2362a-c958-7b0e-b9ea-16846e6a3d59	01a2362a-91d1-7137-98e9-e2e75686c34e	config.json	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-02 09:51:43.448699+00
01a2362a-c958-7e1e-8f20-93715b87e4df	01a2362a-91d1-7137-98e9-e2e75686c34e	generation_config.json	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-02 09:51:43.448889+00
01a2362a-c959-708e-9867-8ab54bf7cc39	01a2362a-91d1-7137-98e9-e2e75686c34e	masks.safetensors	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-02 09:51:43.44904+00
01a2362a-c959-7754-a91b-4b8460bce6ac	01a2362a-91d1-7137-98e9-e2e75686c34e	model.safetensors	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-02 09:51:43.449468+00
01a2362a-c959-7a06-8a93-a356c60717d4	01a2362a-91d1-7137-98e9-e2e75686c34e	pruning_report.json	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/pruning_report.json	12336	31a36d24d1fb7e530e9137ddc271f944d4db700ee640644bc52b1a1687d3a4ff	\N	2026-12-02 09:51:43.449632+00
01a2362a-c959-7cd2-a9ee-2737b1f2729c	01a2362a-91d1-7137-98e9-e2e75686c34e	tokenizer.json	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-02 09:51:43.449807+00
01a2362a-c95c-73f2-b988-ddb170398850	01a2362a-91d1-7137-98e9-e2e75686c34e	tokenizer_config.json	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-02 09:51:43.452255+00
01a2362a-d1cd-710a-80e2-da59f9732d71	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	README.md	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/README.md	2446	4e6e58bfd75f363f4c925985ab52ec74d44f7c0e33596adaab5b9a0c8bdecd94	\N	2026-12-02 09:51:45.613095+00
01a2362a-d1cd-77d3-9d97-5769e58f6a82	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	config.json	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-02 09:51:45.613498+00
01a2362a-d1cd-7acc-b09f-a771d0cca417	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	generation_config.json	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-02 09:51:45.613682+00
01a2362a-d1cd-7dc2-9f9a-a1dc03f6645b	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	model.safetensors	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-02 09:51:45.613867+00
01a2362a-d1ce-702f-a38e-187ac9616044	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	pruning_report.json	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/pruning_report.json	5948	26ef5c2e8b4e6a074f52702bd5097129e8ea79094ded39406096939906f69749	\N	2026-12-02 09:51:45.614018+00
01a2362a-d1ce-728e-a291-482cc67611f2	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	tokenizer.json	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-02 09:51:45.614166+00
01a2362a-d1ce-75c1-8e2c-9aa67730006b	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	tokenizer_config.json	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-02 09:51:45.614366+00
01a2362a-dbf8-70a2-b7ee-6fc615e59908	01a2362a-930b-781b-a58c-d94d40276c02	gradient_norms.safetensors	jobs/01a2362a-930b-781b-a58c-d94d40276c02/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-02 09:51:48.216072+00
01a2362a-df38-7b97-8ec5-7450192dff00	01a2362a-9324-73a2-bcc2-b53803a23ea8	README.md	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/README.md	2374	30060c4efeb7a584184ec21453c9d850c13085cfaebc562ecb7ab046e4127d8c	\N	2026-12-02 09:51:49.048736+00
01a2362a-df39-709c-b098-2a5c85f8ae54	01a2362a-9324-73a2-bcc2-b53803a23ea8	config.json	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-02 09:51:49.049046+00
01a2362a-df39-7358-b674-03fc86549434	01a2362a-9324-73a2-bcc2-b53803a23ea8	generation_config.json	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-02 09:51:49.049215+00
01a2362a-df39-75b7-b77c-5728bdf1a949	01a2362a-9324-73a2-bcc2-b53803a23ea8	masks.safetensors	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-02 09:51:49.049363+00
01a2362a-df39-77fa-8ef5-f5a74e723d6d	01a2362a-9324-73a2-bcc2-b53803a23ea8	model.safetensors	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-02 09:51:49.049504+00
01a2362a-df39-7a1e-8c71-4123e43bc80c	01a2362a-9324-73a2-bcc2-b53803a23ea8	pruning_report.json	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/pruning_report.json	12372	557caad2daa090da44771942bf27bff132cc898be1856e2a1129645cbc468c23	\N	2026-12-02 09:51:49.049638+00
01a2362a-df39-7cc5-ada6-9bf427a03c1d	01a2362a-9324-73a2-bcc2-b53803a23ea8	tokenizer.json	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-02 09:51:49.049804+00
01a2362a-df3a-7045-b619-1ef633c42653	01a2362a-9324-73a2-bcc2-b53803a23ea8	tokenizer_config.json	jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-02 09:51:49.050023+00
01a2362a-e266-78ed-97d9-0b2818df181b	01a2362a-932d-767e-b7ed-7045dd688319	README.md	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/README.md	2372	0366bd216329d047310cb942b3a39c15b7758e12c417c62ebcef679ef2121242	\N	2026-12-02 09:51:49.862577+00
01a2362a-e266-7eb2-bcb8-e731537f72b1	01a2362a-932d-767e-b7ed-7045dd688319	config.json	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-02 09:51:49.862928+00
01a2362a-e267-73d4-ae06-e5819a21143a	01a2362a-932d-767e-b7ed-7045dd688319	generation_config.json	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-02 09:51:49.863247+00
01a2362a-e267-765e-bb55-de5a86c200ea	01a2362a-932d-767e-b7ed-7045dd688319	masks.safetensors	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-02 09:51:49.863404+00
01a2362a-e267-78a7-9d61-0aa10ce2121f	01a2362a-932d-767e-b7ed-7045dd688319	model.safetensors	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-02 09:51:49.863547+00
01a2362a-e267-7ac7-8a2b-e28687b13e77	01a2362a-932d-767e-b7ed-7045dd688319	pruning_report.json	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/pruning_report.json	12354	a5973abcb673a6461812b406b73f5ec244dae1ac2019a0971c56774508e7f9ba	\N	2026-12-02 09:51:49.863679+00
01a2362a-e267-7d6a-bbb0-e72abb1eee6c	01a2362a-932d-767e-b7ed-7045dd688319	tokenizer.json	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-02 09:51:49.863844+00
01a2362a-e267-7eb2-a41f-2d122ccc86ce	01a2362a-932d-767e-b7ed-7045dd688319	tokenizer_config.json	jobs/01a2362a-932d-767e-b7ed-7045dd688319/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-02 09:51:49.863923+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a2362a-90af-7558-aeee-cb1db0c9d9a3	2026-12-02 09:51:28.943349+00	key.created	ada	01a2362a-8f07-712f-b678-b9f962214487	127.0.0.1	key 01a2362a-90a4-788a-a095-77845a4ae407	ada
01a2362a-9165-7314-911e-1d2462a06020	2026-12-02 09:51:29.125212+00	share.changed	ada	01a2362a-8f07-712f-b678-b9f962214487	127.0.0.1	share {"weight":2.0}	eve
01a2362a-e401-7ccb-b6bd-4ae524eab17b	2026-12-02 09:51:50.273882+00	zoo.promoted	ada	01a2362a-8f07-712f-b678-b9f962214487	127.0.0.1	zoo small-gblm-50-5686c34e	ada
01a2362a-e42f-7a33-8270-684a2b4f853d	2026-12-02 09:51:50.319661+00	queue.paused	ada	01a2362a-8f07-712f-b678-b9f962214487	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-02	cpu	0	7.156259
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a2362a-92a1-7064-aa33-d6ccd46bcbf6	2026-12-02 09:51:50.543339+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	01a2362a-9224-7b20-ba8f-9b2a85b8a47f	2026-12-02 09:51:44.168682+00	2026-12-02 09:51:44.391379+00	2026-12-02 09:51:44.391379+00
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	01a2362a-91d1-7137-98e9-e2e75686c34e	2026-12-02 09:51:42.724874+00	2026-12-02 09:51:42.976667+00	2026-12-02 09:51:49.503644+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	0	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	1	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	2	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
3eaf47dc2a11c6783959c47b0c34ac0b13a404b4d5a5a5891c5c054474afe6e1	3	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	0	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	1	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	2	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
f672f2f0d8bc04773bd23aad546349183aa95bee43247a30f4331ae8f8e1c27a	3	jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x246206501828f432688504272d3c305627aa7346a1b3a3f680c924ca9acfabf8	01a2362a-91d1-7137-98e9-e2e75686c34e	\N	2026-12-02 09:51:29.246267+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a2362a-91d1-7137-98e9-e2e75686c34e	1	host-1-28079-3290d2	0	2026-12-02 09:51:42.186427+00	2026-12-02 09:51:43.440384+00	succeeded	\N
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	1	host-1-28079-3290d2	0	2026-12-02 09:51:43.51731+00	2026-12-02 09:51:45.603838+00	succeeded	\N
01a2362a-930b-781b-a58c-d94d40276c02	1	host-1-28079-3290d2	0	2026-12-02 09:51:47.473412+00	2026-12-02 09:51:48.2047+00	succeeded	\N
01a2362a-9324-73a2-bcc2-b53803a23ea8	1	host-1-28079-3290d2	0	2026-12-02 09:51:48.335478+00	2026-12-02 09:51:49.043556+00	succeeded	\N
01a2362a-932d-767e-b7ed-7045dd688319	1	host-1-28079-3290d2	0	2026-12-02 09:51:49.122237+00	2026-12-02 09:51:49.856819+00	succeeded	\N
01a2362a-93a4-7b25-bb1f-96293b6409a4	1	host-1-28079-3290d2	0	2026-12-02 09:51:49.947251+00	2026-12-02 09:51:49.983189+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a2362a-e483-7493-a357-d351fa5cf2e8	1	worker	\N	2026-12-02 09:51:50.489505+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a2362a-e483-7493-a357-d351fa5cf2e8	prune	0	1	jobs/01a2362a-e483-7493-a357-d351fa5cf2e8/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-02 09:51:50.520695+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a2362a-91d1-7137-98e9-e2e75686c34e	1	state	{"state": "queued"}	2026-12-02 09:51:29.239374+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	1	state	{"state": "queued"}	2026-12-02 09:51:29.318521+00
01a2362a-930b-781b-a58c-d94d40276c02	1	state	{"state": "queued"}	2026-12-02 09:51:29.548566+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	1	state	{"state": "queued"}	2026-12-02 09:51:29.57529+00
01a2362a-932d-767e-b7ed-7045dd688319	1	state	{"state": "queued"}	2026-12-02 09:51:29.586709+00
01a2362a-93a4-7b25-bb1f-96293b6409a4	1	state	{"state": "queued"}	2026-12-02 09:51:29.703498+00
01a2362a-91d1-7137-98e9-e2e75686c34e	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:42.173623+00
01a2362a-91d1-7137-98e9-e2e75686c34e	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:42.196339+00
01a2362a-91d1-7137-98e9-e2e75686c34e	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 604168192, "seconds_left": 0.0025300751758972517}	2026-12-02 09:51:42.659665+00
01a2362a-91d1-7137-98e9-e2e75686c34e	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.46773001400015346, "peak_memory_bytes": 604168192}	2026-12-02 09:51:42.706865+00
01a2362a-91d1-7137-98e9-e2e75686c34e	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-02 09:51:42.740033+00
01a2362a-91d1-7137-98e9-e2e75686c34e	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 625029120, "seconds_left": 0.10338064835651553}	2026-12-02 09:51:42.883159+00
01a2362a-91d1-7137-98e9-e2e75686c34e	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.22425677599994742, "peak_memory_bytes": 625098752}	2026-12-02 09:51:42.936163+00
01a2362a-91d1-7137-98e9-e2e75686c34e	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-02 09:51:42.93888+00
01a2362a-91d1-7137-98e9-e2e75686c34e	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 626585600, "seconds_left": 0.03408795696792157}	2026-12-02 09:51:43.168933+00
01a2362a-91d1-7137-98e9-e2e75686c34e	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.26626633299997593, "peak_memory_bytes": 626348032}	2026-12-02 09:51:43.215463+00
01a2362a-91d1-7137-98e9-e2e75686c34e	12	stage_started	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-02 09:51:43.225431+00
01a2362a-91d1-7137-98e9-e2e75686c34e	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 630595584, "seconds_left": 0.00062624}	2026-12-02 09:51:43.345932+00
01a2362a-91d1-7137-98e9-e2e75686c34e	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.13550348200010376, "peak_memory_bytes": 630358016}	2026-12-02 09:51:43.356139+00
01a2362a-91d1-7137-98e9-e2e75686c34e	15	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-02 09:51:43.367267+00
01a2362a-91d1-7137-98e9-e2e75686c34e	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 633946112, "seconds_left": 0.0}	2026-12-02 09:51:43.423542+00
01a2362a-91d1-7137-98e9-e2e75686c34e	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.059380765000014435, "peak_memory_bytes": 634028032}	2026-12-02 09:51:43.426268+00
01a2362a-91d1-7137-98e9-e2e75686c34e	18	state	{"state": "succeeded", "attempt": 1}	2026-12-02 09:51:43.435252+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:43.509941+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:43.529391+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 637030400, "seconds_left": 0.004858346823324403}	2026-12-02 09:51:44.136853+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.6145084019999558, "peak_memory_bytes": 637030400}	2026-12-02 09:51:44.141901+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-02 09:51:44.177018+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 637673472, "seconds_left": 0.9472049704755866}	2026-12-02 09:51:44.259365+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.17000677200007885, "peak_memory_bytes": 637538304}	2026-12-02 09:51:44.330035+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	9	stage_started	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-02 09:51:44.333646+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 638390272, "seconds_left": 1.297348283942633}	2026-12-02 09:51:44.448851+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.3488548029999947, "peak_memory_bytes": 639201280}	2026-12-02 09:51:44.692844+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-02 09:51:44.709438+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-02 09:51:44.712584+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641163264, "seconds_left": 2.466594682412234}	2026-12-02 09:51:44.835579+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.15975432200002615, "peak_memory_bytes": 640925696}	2026-12-02 09:51:44.866533+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	16	stage_started	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-02 09:51:44.876637+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	17	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 0.41167820300006497, "peak_memory_bytes": 652537856}	2026-12-02 09:51:45.292835+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	18	stage_started	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-02 09:51:45.305395+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	19	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 653336576, "seconds_left": 0.0}	2026-12-02 09:51:45.513128+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.21067013299989412, "peak_memory_bytes": 653377536}	2026-12-02 09:51:45.515871+00
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	21	state	{"state": "succeeded", "attempt": 1}	2026-12-02 09:51:45.596769+00
01a2362a-930b-781b-a58c-d94d40276c02	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:47.465791+00
01a2362a-930b-781b-a58c-d94d40276c02	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:47.48218+00
01a2362a-930b-781b-a58c-d94d40276c02	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656203776, "seconds_left": 0.0014663535628989244}	2026-12-02 09:51:47.964326+00
01a2362a-930b-781b-a58c-d94d40276c02	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.4921629309999389, "peak_memory_bytes": 656203776}	2026-12-02 09:51:47.990067+00
01a2362a-930b-781b-a58c-d94d40276c02	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-02 09:51:48.02848+00
01a2362a-930b-781b-a58c-d94d40276c02	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-02 09:51:48.035453+00
01a2362a-930b-781b-a58c-d94d40276c02	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.05852502000016102, "peak_memory_bytes": 656203776}	2026-12-02 09:51:48.054761+00
01a2362a-930b-781b-a58c-d94d40276c02	9	stage_started	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-02 09:51:48.069636+00
01a2362a-930b-781b-a58c-d94d40276c02	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 655949824, "seconds_left": 0.0}	2026-12-02 09:51:48.122077+00
01a2362a-930b-781b-a58c-d94d40276c02	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.05957076499998948, "peak_memory_bytes": 655949824}	2026-12-02 09:51:48.130553+00
01a2362a-930b-781b-a58c-d94d40276c02	12	state	{"state": "succeeded", "attempt": 1}	2026-12-02 09:51:48.191814+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:48.319463+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:48.359134+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657047552, "seconds_left": 0.0025300751758972517}	2026-12-02 09:51:48.739537+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.39275327600012133, "peak_memory_bytes": 657047552}	2026-12-02 09:51:48.743081+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-02 09:51:48.757444+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-02 09:51:48.760234+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.02082203500003743, "peak_memory_bytes": 657063936}	2026-12-02 09:51:48.766387+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-02 09:51:48.768742+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657154048, "seconds_left": 0.01974199852333354}	2026-12-02 09:51:48.860471+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.11285868799996024, "peak_memory_bytes": 657018880}	2026-12-02 09:51:48.882585+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-02 09:51:48.888457+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-02 09:51:48.891441+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654471168, "seconds_left": 0.00062624}	2026-12-02 09:51:48.958122+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.08160308699984853, "peak_memory_bytes": 654344192}	2026-12-02 09:51:48.967033+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	16	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-02 09:51:48.976093+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655683584, "seconds_left": 0.0}	2026-12-02 09:51:49.029403+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.056043368000018745, "peak_memory_bytes": 655781888}	2026-12-02 09:51:49.032397+00
01a2362a-9324-73a2-bcc2-b53803a23ea8	19	state	{"state": "succeeded", "attempt": 1}	2026-12-02 09:51:49.039534+00
01a2362a-932d-767e-b7ed-7045dd688319	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:49.1152+00
01a2362a-932d-767e-b7ed-7045dd688319	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:49.130569+00
01a2362a-932d-767e-b7ed-7045dd688319	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 658161664, "seconds_left": 0.0025300751758972517}	2026-12-02 09:51:49.47796+00
01a2362a-932d-767e-b7ed-7045dd688319	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.3588525799998479, "peak_memory_bytes": 658161664}	2026-12-02 09:51:49.491299+00
01a2362a-932d-767e-b7ed-7045dd688319	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-02 09:51:49.510599+00
01a2362a-932d-767e-b7ed-7045dd688319	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-02 09:51:49.51437+00
01a2362a-932d-767e-b7ed-7045dd688319	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.025075620000052368, "peak_memory_bytes": 658178048}	2026-12-02 09:51:49.522352+00
01a2362a-932d-767e-b7ed-7045dd688319	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-02 09:51:49.52493+00
01a2362a-932d-767e-b7ed-7045dd688319	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 658182144, "seconds_left": 0.02209992961711932}	2026-12-02 09:51:49.628016+00
01a2362a-932d-767e-b7ed-7045dd688319	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.12647420899997996, "peak_memory_bytes": 658128896}	2026-12-02 09:51:49.652611+00
01a2362a-932d-767e-b7ed-7045dd688319	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-02 09:51:49.657955+00
01a2362a-932d-767e-b7ed-7045dd688319	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-02 09:51:49.660291+00
01a2362a-932d-767e-b7ed-7045dd688319	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 655839232, "seconds_left": 0.00062624}	2026-12-02 09:51:49.755138+00
01a2362a-932d-767e-b7ed-7045dd688319	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.11303926699997646, "peak_memory_bytes": 655708160}	2026-12-02 09:51:49.769506+00
01a2362a-932d-767e-b7ed-7045dd688319	16	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-02 09:51:49.78546+00
01a2362a-932d-767e-b7ed-7045dd688319	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 656945152, "seconds_left": 0.0}	2026-12-02 09:51:49.84313+00
01a2362a-932d-767e-b7ed-7045dd688319	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.06328594999990855, "peak_memory_bytes": 657072128}	2026-12-02 09:51:49.845514+00
01a2362a-932d-767e-b7ed-7045dd688319	19	state	{"state": "succeeded", "attempt": 1}	2026-12-02 09:51:49.852605+00
01a2362a-93a4-7b25-bb1f-96293b6409a4	2	state	{"state": "running", "worker": "host-1-28079-3290d2", "attempt": 1}	2026-12-02 09:51:49.938629+00
01a2362a-93a4-7b25-bb1f-96293b6409a4	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-02 09:51:49.959295+00
01a2362a-93a4-7b25-bb1f-96293b6409a4	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-02 09:51:49.97698+00
01a2362a-e483-7493-a357-d351fa5cf2e8	1	state	{"state": "queued"}	2026-12-02 09:51:50.415837+00
01a2362a-e483-7493-a357-d351fa5cf2e8	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-02 09:51:50.455829+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a2362a-91d1-7137-98e9-e2e75686c34e	team	ml	ada
01a2362a-9324-73a2-bcc2-b53803a23ea8	team	ml	ada
01a2362a-932d-767e-b7ed-7045dd688319	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, queue, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a2362a-93a4-7b25-bb1f-96293b6409a4	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	7bdb055d3261ecab47f7d9a426d892fdd3a3ee2b5131ab63836d8de9f54df918	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-02 09:51:49.958013+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-02 09:51:49.975324+00	\N	2026-12-02 09:51:29.700717+00	2026-12-02 09:51:49.936665+00	\N	2026-12-02 09:51:49.975324+00	\N	2026-12-02 09:51:29.700717+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a2362a-91d1-7137-98e9-e2e75686c34e	ada	{"gate": {"export": null, "max_kl": null, "domains": {}, "baseline": null, "max_bytes": null, "min_score": {}, "min_speedup": null, "max_parameters": null, "max_perplexity": null, "max_score_drop": {}, "max_memory_bytes": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	353d15c74d3e8958074c03e5c780b546f1675227cbc8ec788ac5ed8959e9ff04	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0037595151758972522, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-02 09:51:43.425594+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.46773001400015346, "peak_memory_bytes": 604168192}, {"name": "gradients", "seconds": 0.22425677599994742, "peak_memory_bytes": 625098752}, {"name": "prune", "seconds": 0.26626633299997593, "peak_memory_bytes": 626348032}, {"name": "evaluate", "seconds": 0.13550348200010376, "peak_memory_bytes": 630358016}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "353d15c74d3e8958074c03e5c780b546f1675227cbc8ec788ac5ed8959e9ff04", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-12-02 09:51:43.433525+00	\N	2026-12-02 09:51:29.233101+00	2026-12-02 09:51:42.171869+00	\N	2026-12-02 09:51:43.433525+00	\N	2026-12-02 09:51:29.233101+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"state": "passed", "export": null, "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a2362a-e483-7493-a357-d351fa5cf2e8	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	03cda2a9f246da512ad6818d784ddcd14152e7717bb1dbc2d20eed283d417de3	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	0b92e7cb-7f11-4b71-b5a7-4757bcd53d30	2026-12-02 09:51:50.514155+00	\N	\N	\N	\N	2	\N	\N	2026-12-02 09:51:50.403322+00	2026-12-02 09:51:50.448294+00	\N	\N	\N	2026-12-02 09:51:50.403322+00	\N	\N	\N	\N	\N	\N	\N
01a2362a-9224-7b20-ba8f-9b2a85b8a47f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	a93d0ba10cfc405e5f46c42fd89db40a69736da5b522b30fba325cd856363d79	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.006087786823324403, "device_bytes": 2774393, "scratch_bytes": 750464, "cpu_scratch_bytes": 758656}	0	succeeded	1	0	\N	cpu	\N	2026-12-02 09:51:45.515078+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 16837.897054983805, "noise": 0.27851790962755496, "phase": "prefill", "pruned": 20593.875895384117, "speedup": 1.2230669796908273}, {"batch": 8, "dense": 121455.88738452346, "noise": 0.02356637087057234, "phase": "prefill", "pruned": 112333.68722281895, "speedup": 0.9248928943821054}, {"batch": 1, "dense": 871.8419568433858, "noise": 0.11497154808346854, "phase": "decode", "pruned": 892.3390683095492, "speedup": 1.023510122798375}, {"batch": 8, "dense": 3972.8463401724134, "noise": 0.5175170910534905, "phase": "decode", "pruned": 4612.008647233908, "speedup": 1.1608827153968801}], "speedup": null, "dense_bytes": 250904, "prompt_tokens": 56, "generated_tokens": 8, "peak_memory_bytes": 1938016, "dense_peak_memory_bytes": 2683488}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.6145084019999558, "peak_memory_bytes": 637030400}, {"name": "gradients", "seconds": 0.17000677200007885, "peak_memory_bytes": 637538304}, {"name": "cut", "seconds": 0.3488548029999947, "peak_memory_bytes": 639201280}, {"name": "evaluate", "seconds": 0.15975432200002615, "peak_memory_bytes": 640925696}, {"name": "speed", "seconds": 0.41167820300006497, "peak_memory_bytes": 652537856}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "a93d0ba10cfc405e5f46c42fd89db40a69736da5b522b30fba325cd856363d79", "dense_perplexity_reused": true}	382.0752385933565	0	\N	21	2026-12-02 09:51:45.595023+00	\N	2026-12-02 09:51:29.316708+00	2026-12-02 09:51:43.508568+00	\N	2026-12-02 09:51:45.595023+00	\N	2026-12-02 09:51:29.316708+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a2362a-930b-781b-a58c-d94d40276c02	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "add_bos_token": false, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	3b006072f21f30f2ac6336ad65c5c38390d41b0aaf6ae3e98025bf346e2f4c53	/srv/models/small	norms	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0026957935628989247, "device_bytes": 2811564, "scratch_bytes": 294912, "cpu_scratch_bytes": 344064}	0	succeeded	1	0	\N	cpu	\N	2026-12-02 09:51:48.129532+00	\N	\N	\N	\N	12	2026-12-02 09:51:48.181682+00	\N	2026-12-02 09:51:29.547527+00	2026-12-02 09:51:47.464252+00	\N	2026-12-02 09:51:48.181682+00	\N	2026-12-02 09:51:29.547527+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a2362a-9324-73a2-bcc2-b53803a23ea8	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	dc10e213000f1ce098675a020ed5810194e1a91fdff01f17797b3ba0aeb43769	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a2362a-931c-7a98-bdef-1ccd769924c3	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0037595151758972522, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-02 09:51:49.031466+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.39275327600012133, "peak_memory_bytes": 657047552}, {"name": "gradients", "seconds": 0.02082203500003743, "peak_memory_bytes": 657063936}, {"name": "prune", "seconds": 0.11285868799996024, "peak_memory_bytes": 657018880}, {"name": "evaluate", "seconds": 0.08160308699984853, "peak_memory_bytes": 654344192}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "dc10e213000f1ce098675a020ed5810194e1a91fdff01f17797b3ba0aeb43769", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-12-02 09:51:49.038384+00	\N	2026-12-02 09:51:29.572256+00	2026-12-02 09:51:48.31758+00	\N	2026-12-02 09:51:49.038384+00	\N	2026-12-02 09:51:29.572256+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a2362a-932d-767e-b7ed-7045dd688319	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	4fa3d406c6f26a676971707e820adeb9ef0a514a1249d65831352c4fbda1c40f	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a2362a-931c-7a98-bdef-1ccd769924c3	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0037595151758972522, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-02 09:51:49.84482+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "speedup": 1.0, "dense_bytes": 250904, "prompt_tokens": null, "generated_tokens": null, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.3588525799998479, "peak_memory_bytes": 658161664}, {"name": "gradients", "seconds": 0.025075620000052368, "peak_memory_bytes": 658178048}, {"name": "prune", "seconds": 0.12647420899997996, "peak_memory_bytes": 658128896}, {"name": "evaluate", "seconds": 0.11303926699997646, "peak_memory_bytes": 655708160}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "4fa3d406c6f26a676971707e820adeb9ef0a514a1249d65831352c4fbda1c40f", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-12-02 09:51:49.85134+00	\N	2026-12-02 09:51:29.581439+00	2026-12-02 09:51:49.113625+00	\N	2026-12-02 09:51:49.85134+00	\N	2026-12-02 09:51:29.581439+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at) FROM stdin;
01a2362a-e483-7493-a357-d351fa5cf2e8	0b92e7cb-7f11-4b71-b5a7-4757bcd53d30	2026-12-02 10:41:50.491567+00
\.



COPY public.owner_shares (owner, weight, max_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\xa2b3fb5933932e22ffe79086fcbfb6c4665f47fe3cd2d10466fad47a98b677d2	01a2362a-8f07-712f-b678-b9f962214487	f	2026-12-02 09:51:50.358135+00	2026-12-02 21:51:50.358135+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
81ba18f61379e717afc0b8afb3c2886e00dcd7eeb6f21062589306f86ff1ff19	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-02 09:51:49.655224+00	01a2362a-91d1-7137-98e9-e2e75686c34e	jobs/01a2362a-91d1-7137-98e9-e2e75686c34e/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-02 09:51:50.31884+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	7.155500410057442	2026-12-02 09:51:49.9879+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-28078-326b33	2026-12-02 09:51:49.374254+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a2362a-e483-7493-a357-d351fa5cf2e8	model.safetensors	1	jobs/01a2362a-e483-7493-a357-d351fa5cf2e8/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-02 09:51:50.50919+00
\.



COPY public.stray_uploads (key, owner, size, since) FROM stdin;
uploads/begun	ada	1	2026-12-02 09:51:50.535938+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a2362a-931c-7a98-bdef-1ccd769924c3	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "resources": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-02 09:51:29.564697+00	2026-12-02 09:51:49.882982+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a2362a-9107-755f-bfa6-3af2c3dc656e	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/844364b4-d7fb-4b35-bfdc-2ec16c3dfbb1.txt	2026-12-02 09:51:29.031359+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a2362a-d1bf-7ef5-8343-c939fe2de525	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "url": "/v1/jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "gate": null, "page": "/jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:45.595023+00:00"}	1	2026-12-02 09:51:51.179479+00	2026-12-02 09:51:46.002039+00	\N	the host has no public address	\N	2026-12-02 09:51:45.59996+00
01a2362a-d240-7759-a1fd-a6948b601b0c	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "url": "/v1/jobs/01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "gate": null, "page": "/jobs/01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:45.719074+00:00"}	1	2026-12-02 09:51:52.001882+00	2026-12-02 09:51:46.002082+00	\N	the host has no public address	\N	2026-12-02 09:51:45.728481+00
01a2362a-d886-76ed-ba24-7c36cb14ba93	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "url": "/v1/jobs/01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "gate": null, "page": "/jobs/01a2362a-92a1-7064-aa33-d6ccd46bcbf6", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:47.324836+00:00"}	1	2026-12-02 09:51:52.969+00	2026-12-02 09:51:48.13697+00	\N	the host has no public address	\N	2026-12-02 09:51:47.334468+00
01a2362a-d90f-732b-a599-2be73be327a8	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-930b-781b-a58c-d94d40276c02", "url": "/v1/jobs/01a2362a-930b-781b-a58c-d94d40276c02", "gate": null, "page": "/jobs/01a2362a-930b-781b-a58c-d94d40276c02", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:47.464252+00:00"}	1	2026-12-02 09:51:54.107864+00	2026-12-02 09:51:48.136976+00	\N	the host has no public address	\N	2026-12-02 09:51:47.471228+00
01a2362a-c467-7c36-8681-1b32acba0ac3	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-91d1-7137-98e9-e2e75686c34e", "url": "/v1/jobs/01a2362a-91d1-7137-98e9-e2e75686c34e", "gate": null, "page": "/jobs/01a2362a-91d1-7137-98e9-e2e75686c34e", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:42.171869+00:00"}	2	2026-12-02 09:52:16.140962+00	2026-12-02 09:51:48.136933+00	\N	the host has no public address	\N	2026-12-02 09:51:42.183782+00
01a2362a-dbe9-7fb2-9651-c69c6aae5a54	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-930b-781b-a58c-d94d40276c02", "url": "/v1/jobs/01a2362a-930b-781b-a58c-d94d40276c02", "gate": null, "page": "/jobs/01a2362a-930b-781b-a58c-d94d40276c02", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:48.181682+00:00"}	1	2026-12-02 09:51:53.726389+00	2026-12-02 09:51:48.262503+00	\N	the host has no public address	\N	2026-12-02 09:51:48.202023+00
01a2362a-dc6a-7cc2-b504-ce77a1dab97c	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-9324-73a2-bcc2-b53803a23ea8", "url": "/v1/jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8", "gate": null, "page": "/jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:48.317580+00:00"}	1	2026-12-02 09:51:54.270832+00	2026-12-02 09:51:48.353243+00	\N	the host has no public address	\N	2026-12-02 09:51:48.330878+00
01a2362a-e25f-7261-8a2c-e8cb382dfbca	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-932d-767e-b7ed-7045dd688319", "url": "/v1/jobs/01a2362a-932d-767e-b7ed-7045dd688319", "gate": null, "page": "/jobs/01a2362a-932d-767e-b7ed-7045dd688319", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:49.851340+00:00"}	0	2026-12-02 09:51:49.855169+00	\N	\N	\N	\N	2026-12-02 09:51:49.855169+00
01a2362a-c99b-721d-abd4-29609afe21ea	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "url": "/v1/jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "gate": null, "page": "/jobs/01a2362a-9224-7b20-ba8f-9b2a85b8a47f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:43.508568+00:00"}	2	2026-12-02 09:52:24.360718+00	2026-12-02 09:51:49.451614+00	\N	the host has no public address	\N	2026-12-02 09:51:43.515158+00
01a2362a-df31-7eb5-844d-e66bc69fe83d	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-9324-73a2-bcc2-b53803a23ea8", "url": "/v1/jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8", "gate": null, "page": "/jobs/01a2362a-9324-73a2-bcc2-b53803a23ea8", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:49.038384+00:00"}	1	2026-12-02 09:51:54.879341+00	2026-12-02 09:51:49.451621+00	\N	the host has no public address	\N	2026-12-02 09:51:49.041938+00
01a2362a-c94e-7870-9bf6-c8e77cbf1812	01a2362a-9055-712c-92fe-6302544b591a	job.succeeded	{"data": {"id": "01a2362a-91d1-7137-98e9-e2e75686c34e", "url": "/v1/jobs/01a2362a-91d1-7137-98e9-e2e75686c34e", "gate": {"state": "passed", "export": null, "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a2362a-91d1-7137-98e9-e2e75686c34e", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-02T09:51:43.433525+00:00"}	2	2026-12-02 09:52:17.184237+00	2026-12-02 09:51:49.451441+00	\N	the host has no public address	\N	2026-12-02 09:51:43.438555+00
01a2362a-df80-70d9-969f-ee2a62c131c2	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-932d-767e-b7ed-7045dd688319", "url": "/v1/jobs/01a2362a-932d-767e-b7ed-7045dd688319", "gate": null, "page": "/jobs/01a2362a-932d-767e-b7ed-7045dd688319", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:49.113625+00:00"}	1	2026-12-02 09:51:55.075514+00	2026-12-02 09:51:49.451627+00	\N	the host has no public address	\N	2026-12-02 09:51:49.120078+00
01a2362a-e2b8-7cd7-8b98-db17da8d5471	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-93a4-7b25-bb1f-96293b6409a4", "url": "/v1/jobs/01a2362a-93a4-7b25-bb1f-96293b6409a4", "gate": null, "page": "/jobs/01a2362a-93a4-7b25-bb1f-96293b6409a4", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:49.936665+00:00"}	0	2026-12-02 09:51:49.944831+00	\N	\N	\N	\N	2026-12-02 09:51:49.944831+00
01a2362a-e2dc-72bb-aafb-92da8fab0e99	01a2362a-9055-712c-92fe-6302544b591a	job.failed	{"data": {"id": "01a2362a-93a4-7b25-bb1f-96293b6409a4", "url": "/v1/jobs/01a2362a-93a4-7b25-bb1f-96293b6409a4", "gate": null, "page": "/jobs/01a2362a-93a4-7b25-bb1f-96293b6409a4", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-02T09:51:49.975324+00:00"}	0	2026-12-02 09:51:49.980212+00	\N	\N	\N	\N	2026-12-02 09:51:49.980212+00
01a2362a-e4d0-7124-be10-dd2d9af79e53	01a2362a-9055-712c-92fe-6302544b591a	job.started	{"data": {"id": "01a2362a-e483-7493-a357-d351fa5cf2e8", "url": "/v1/jobs/01a2362a-e483-7493-a357-d351fa5cf2e8", "gate": null, "page": "/jobs/01a2362a-e483-7493-a357-d351fa5cf2e8", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-02T09:51:50.448294+00:00"}	0	2026-12-02 09:51:50.480107+00	\N	\N	\N	\N	2026-12-02 09:51:50.480108+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a2362a-9055-712c-92fe-6302544b591a	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_not_passed}	standard	\\x6741414141414272442d6f674e304c556435496c67626c2d6245593142396d75575443486d493737484c4c6a4c5161355646416e6d31684a6a46786957423761624f556f597677667a446e755a6c6a4875414137715438737732626b707474554447624d6e4f71654f544d326654574c43337555704f365a4463445068633834686e7377516e7561444d494c	2026-12-02 09:51:42.680297+00	\N	\N	2026-12-02 09:51:28.853098+00
\.



COPY public.workers (name, queue, queues, capacity, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-28079-3290d2	cpu	\N	{"gpus": 0, "host_bytes": 22748391014, "device_bytes": 0, "scratch_bytes": 55743926272}	2026-12-02 09:51:28.287457+00	2026-12-02 09:51:49.648078+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25275990016, "bytes_per_second": 66478267772.18595, "operations_per_second": {"float32": 63564151487.21796, "bfloat16": 447387859594.5211}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a2362a-e3f4-7155-a66e-a49d2d133648	small-gblm-50-5686c34e	01a2362a-91d1-7137-98e9-e2e75686c34e	for chat	ada	2026-12-02 09:51:50.260285+00
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




