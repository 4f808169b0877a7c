


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



COMMENT ON TABLE public.alembic_version IS '9fdae64a569893196409db1dc3187ab87fc3ebf441b9a5526f3b222cbe807505';



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
01a23325-f415-7f68-9493-9cad805e57e3	QXyqOinf	\\x9ac2d22e288e4068513b1d0c1744fe2b42f82f4b7b73b8bb05d155a350454e45	ada	CI	{jobs:read}	2026-12-01 19:47:35.06204+00	2027-12-01 19:47:35.06204+00	\N	\N	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	\N
01a23325-eccf-754c-95dd-d3e0cfcdc9d5	4UTJrupR	\\x0686ada5452e5924f2f3c4a553004d82e070380b7047e9302349a005ec3bc967	ada	test	{jobs:read,jobs:write,admin}	2026-12-01 19:47:33.199348+00	\N	2026-12-01 19:49:23.251659+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a23327-019d-7409-a701-9e97184a5134	01a23325-f819-7563-b569-e39915db8ff5	README.md	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-12-01 19:48:44.061273+00
01a23327-01ab-7c91-ae8a-83cfbe5d9632	01a23325-f819-7563-b569-e39915db8ff5	config.json	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 19:48:44.075811+00
01a23327-01b2-7579-a83e-888bcf19d0f6	01a23325-f819-7563-b569-e39915db8ff5	generation_config.json	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 19:48:44.082367+00
01a23327-01bc-7601-a27e-2c312df63351	01a23325-f819-7563-b569-e39915db8ff5	masks.safetensors	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-12-01 19:48:44.09239+00
01a23327-01c2-79ad-ad2b-460e31ebd655	01a23325-f819-7563-b569-e39915db8ff5	model.safetensors	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-12-01 19:48:44.09862+00
01a23327-01c3-7319-9f88-2d63946d9a3e	01a23325-f819-7563-b569-e39915db8ff5	pruning_report.json	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/pruning_report.json	12279	846f700e9e80bdc51198e7f5133304082cc880b2b17638abe691f448bc8faa9b	\N	2026-12-01 19:48:44.099205+00
01a23327-01c3-7b1c-a912-2070d347cfd4	01a23325-f819-7563-b569-e39915db8ff5	tokenizer.json	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 19:48:44.099705+00
01a23327-01c5-7d91-a857-cdd7515b6b1d	01a23325-f819-7563-b569-e39915db8ff5	tokenizer_config.json	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 19:48:44.101862+00
01a23327-4337-715e-b321-74bfd2cf9fa4	01a23325-f9b1-7418-be1b-c31cabbdf86c	README.md	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/README.md	2445	94837b37d47ae0bd33f9c8509b85542c2fed712a291ee870a13c2c632a4d6427	\N	2026-12-01 19:49:00.855117+00
01a23327-4337-7d5e-9369-b93bb1adcc1e	01a23325-f9b1-7418-be1b-c31cabbdf86c	config.json	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-12-01 19:49:00.855848+00
01a23327-4338-72b2-947d-16ba1f7f105d	01a23325-f9b1-7418-be1b-c31cabbdf86c	generation_config.json	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 19:49:00.856179+00
01a23327-4338-7799-8fa0-bdfc9c429cb5	01a23325-f9b1-7418-be1b-c31cabbdf86c	model.safetensors	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-12-01 19:49:00.856484+00
01a23327-4338-7c59-bfd8-3d576ebff313	01a23325-f9b1-7418-be1b-c31cabbdf86c	pruning_report.json	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/pruning_report.json	5886	b55d882c38b237cb3f32c4fa50bb09ae3e502c4c87e01f0777e0b60bcf92e83a	\N	2026-12-01 19:49:00.856782+00
01a23327-4339-7104-ae73-132ee5a0cff0	01a23325-f9b1-7418-be1b-c31cabbdf86c	tokenizer.json	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 19:49:00.857073+00
01a23327-433a-7214-9ce0-734c01d39468	01a23325-f9b1-7418-be1b-c31cabbdf86c	tokenizer_config.json	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 19:49:00.858141+00
01a23327-6a25-7075-baa5-cdec0685b8c1	01a23325-fc84-73b0-ab26-052f9249c141	gradient_norms.safetensors	jobs/01a23325-fc84-73b0-ab26-052f9249c141/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-12-01 19:49:10.821056+00
01a23327-859a-74ff-b0a5-65a2ceb58963	01a23325-fd77-7c51-9c87-8396290a294b	README.md	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-12-01 19:49:17.850347+00
01a23327-85ac-792d-9902-837d9f124451	01a23325-fd77-7c51-9c87-8396290a294b	config.json	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 19:49:17.868599+00
01a23327-85ad-7206-8e07-c989cf7b559b	01a23325-fd77-7c51-9c87-8396290a294b	generation_config.json	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 19:49:17.869141+00
01a23327-85ad-776e-b911-0d99a07703f4	01a23325-fd77-7c51-9c87-8396290a294b	masks.safetensors	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-12-01 19:49:17.869475+00
01a23327-85ad-7bde-95dc-6ec76f42db43	01a23325-fd77-7c51-9c87-8396290a294b	model.safetensors	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-12-01 19:49:17.86975+00
01a23327-85ae-7101-8ddd-ce3a8ce9f4a9	01a23325-fd77-7c51-9c87-8396290a294b	pruning_report.json	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/pruning_report.json	12318	34328efc17be5df43e2bdea9418392511fddaf513ab67c1cf612b0eef4ad7edb	\N	2026-12-01 19:49:17.870074+00
01a23327-85ae-76fc-8b33-ffc441db32ff	01a23325-fd77-7c51-9c87-8396290a294b	tokenizer.json	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 19:49:17.870446+00
01a23327-85ae-79ac-9b7c-68c6dc80f9fd	01a23325-fd77-7c51-9c87-8396290a294b	tokenizer_config.json	jobs/01a23325-fd77-7c51-9c87-8396290a294b/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 19:49:17.870612+00
01a23327-9841-7f82-a3be-8c64bdb02c98	01a23325-fdf8-74af-b74e-94046b012296	README.md	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-12-01 19:49:22.626028+00
01a23327-9846-79d4-99e7-d3e5de450b72	01a23325-fdf8-74af-b74e-94046b012296	config.json	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-12-01 19:49:22.630636+00
01a23327-9849-7ccd-bd21-e6a2f62e025e	01a23325-fdf8-74af-b74e-94046b012296	generation_config.json	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-12-01 19:49:22.633822+00
01a23327-9852-7ae1-a6a9-ca0b71d0ffab	01a23325-fdf8-74af-b74e-94046b012296	masks.safetensors	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-12-01 19:49:22.642711+00
01a23327-9853-7597-bf71-284a0aeb394c	01a23325-fdf8-74af-b74e-94046b012296	model.safetensors	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-12-01 19:49:22.643368+00
01a23327-9856-7bc6-bec9-95d470f267e9	01a23325-fdf8-74af-b74e-94046b012296	pruning_report.json	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/pruning_report.json	12302	440eac954e307692433df3cb020ef07f90c6843395b23b418005b2c82e012629	\N	2026-12-01 19:49:22.646757+00
01a23327-9863-731d-b647-0f35ced4a9df	01a23325-fdf8-74af-b74e-94046b012296	tokenizer.json	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-12-01 19:49:22.659223+00
01a23327-9863-7aad-8013-cc8c9b2cd8d4	01a23325-fdf8-74af-b74e-94046b012296	tokenizer_config.json	jobs/01a23325-fdf8-74af-b74e-94046b012296/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-12-01 19:49:22.659683+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a23325-f435-73d8-bb74-e417ac0bc2fc	2026-12-01 19:47:35.093257+00	key.created	ada	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	127.0.0.1	key 01a23325-f415-7f68-9493-9cad805e57e3	ada
01a23325-f64f-70d1-a31e-d4f598edd65c	2026-12-01 19:47:35.631068+00	share.changed	ada	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	127.0.0.1	share {"weight":2.0}	eve
01a23327-9b54-7184-879b-9d65f51622ca	2026-12-01 19:49:23.412111+00	zoo.promoted	ada	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	127.0.0.1	zoo small-gblm-50-15db8ff5	ada
01a23327-9c50-79dc-bc81-6b8d735f43e9	2026-12-01 19:49:23.664631+00	queue.paused	ada	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-12-01	cpu	0	44.121635999999995
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a23325-fb08-7ebe-99c5-84402304a6f8	2026-12-01 19:49:24.528383+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
57e7913896c1c35722bde107185f06cfcb1dcbba59b39cb2db84199c6b1ff72e	01a23325-f9b1-7418-be1b-c31cabbdf86c	2026-12-01 19:48:48.808476+00	2026-12-01 19:48:50.70561+00	2026-12-01 19:48:50.705611+00
9298661e192cd0bb858274c85c8591ac9eb505bb1094216f2d7993d0b22bb7f5	01a23325-f819-7563-b569-e39915db8ff5	2026-12-01 19:48:40.046528+00	2026-12-01 19:48:41.32096+00	2026-12-01 19:49:20.793142+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
9298661e192cd0bb858274c85c8591ac9eb505bb1094216f2d7993d0b22bb7f5	0	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
9298661e192cd0bb858274c85c8591ac9eb505bb1094216f2d7993d0b22bb7f5	1	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
9298661e192cd0bb858274c85c8591ac9eb505bb1094216f2d7993d0b22bb7f5	2	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
9298661e192cd0bb858274c85c8591ac9eb505bb1094216f2d7993d0b22bb7f5	3	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
57e7913896c1c35722bde107185f06cfcb1dcbba59b39cb2db84199c6b1ff72e	0	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
57e7913896c1c35722bde107185f06cfcb1dcbba59b39cb2db84199c6b1ff72e	1	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
57e7913896c1c35722bde107185f06cfcb1dcbba59b39cb2db84199c6b1ff72e	2	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
57e7913896c1c35722bde107185f06cfcb1dcbba59b39cb2db84199c6b1ff72e	3	jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x85f5eba1da741ae32912f2e662ad73ec3ac7b2bf22d04caa3de53c6eb4d38f70	01a23325-f819-7563-b569-e39915db8ff5	\N	2026-12-01 19:47:36.10224+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a23325-f819-7563-b569-e39915db8ff5	1	host-1-29629-05ab76	0	2026-12-01 19:48:34.834138+00	2026-12-01 19:48:44.001034+00	succeeded	\N
01a23325-f9b1-7418-be1b-c31cabbdf86c	1	host-1-29629-05ab76	0	2026-12-01 19:48:45.136475+00	2026-12-01 19:49:00.837043+00	succeeded	\N
01a23325-fc84-73b0-ab26-052f9249c141	1	host-1-29629-05ab76	0	2026-12-01 19:49:06.946529+00	2026-12-01 19:49:10.701256+00	succeeded	\N
01a23325-fd77-7c51-9c87-8396290a294b	1	host-1-29629-05ab76	0	2026-12-01 19:49:11.388779+00	2026-12-01 19:49:17.775644+00	succeeded	\N
01a23325-fdf8-74af-b74e-94046b012296	1	host-1-29629-05ab76	0	2026-12-01 19:49:18.342173+00	2026-12-01 19:49:22.544407+00	succeeded	\N
01a23325-feb1-7222-ae39-54485eca9268	1	host-1-29629-05ab76	0	2026-12-01 19:49:22.928977+00	2026-12-01 19:49:23.135304+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a23327-9d47-7285-9061-f6e9414a0d70	1	worker	\N	2026-12-01 19:49:23.974065+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a23327-9d47-7285-9061-f6e9414a0d70	prune	0	1	jobs/01a23327-9d47-7285-9061-f6e9414a0d70/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-12-01 19:49:24.245644+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a23325-f819-7563-b569-e39915db8ff5	1	state	{"state": "queued"}	2026-12-01 19:47:36.091953+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	1	state	{"state": "queued"}	2026-12-01 19:47:36.551214+00
01a23325-fc84-73b0-ab26-052f9249c141	1	state	{"state": "queued"}	2026-12-01 19:47:37.231993+00
01a23325-fd77-7c51-9c87-8396290a294b	1	state	{"state": "queued"}	2026-12-01 19:47:37.472083+00
01a23325-fdf8-74af-b74e-94046b012296	1	state	{"state": "queued"}	2026-12-01 19:47:37.615598+00
01a23325-feb1-7222-ae39-54485eca9268	1	state	{"state": "queued"}	2026-12-01 19:47:37.791951+00
01a23325-f819-7563-b569-e39915db8ff5	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:48:34.763813+00
01a23325-f819-7563-b569-e39915db8ff5	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:48:34.912231+00
01a23325-f819-7563-b569-e39915db8ff5	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 600821760, "seconds_left": 0.003569327335711957}	2026-12-01 19:48:39.822307+00
01a23325-f819-7563-b569-e39915db8ff5	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 4.944382014000439, "peak_memory_bytes": 600821760}	2026-12-01 19:48:39.877955+00
01a23325-f819-7563-b569-e39915db8ff5	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 19:48:40.087379+00
01a23325-f819-7563-b569-e39915db8ff5	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 621690880, "seconds_left": 0.5886464597484721}	2026-12-01 19:48:40.780635+00
01a23325-f819-7563-b569-e39915db8ff5	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 1.109571082997718, "peak_memory_bytes": 621813760}	2026-12-01 19:48:41.083613+00
01a23325-f819-7563-b569-e39915db8ff5	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 19:48:41.113034+00
01a23325-f819-7563-b569-e39915db8ff5	10	progress	{"step": 3, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 623276032, "seconds_left": 0.47579625242370116}	2026-12-01 19:48:41.865214+00
01a23325-f819-7563-b569-e39915db8ff5	11	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 623288320, "seconds_left": 0.2576892424302525}	2026-12-01 19:48:42.234424+00
01a23325-f819-7563-b569-e39915db8ff5	12	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.4748966740007745, "peak_memory_bytes": 623202304}	2026-12-01 19:48:42.572099+00
01a23325-f819-7563-b569-e39915db8ff5	13	stage_started	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-12-01 19:48:42.604521+00
01a23325-f819-7563-b569-e39915db8ff5	14	progress	{"step": 1, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 626188288, "seconds_left": 0.7294181280028883}	2026-12-01 19:48:43.33127+00
01a23325-f819-7563-b569-e39915db8ff5	15	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 627261440, "seconds_left": 0.00062624}	2026-12-01 19:48:43.381379+00
01a23325-f819-7563-b569-e39915db8ff5	16	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.827542364000692, "peak_memory_bytes": 626978816}	2026-12-01 19:48:43.408292+00
01a23325-f819-7563-b569-e39915db8ff5	17	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 19:48:43.447622+00
01a23325-f819-7563-b569-e39915db8ff5	18	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 630644736, "seconds_left": 0.0}	2026-12-01 19:48:43.865304+00
01a23325-f819-7563-b569-e39915db8ff5	19	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.42799154500244185, "peak_memory_bytes": 630644736}	2026-12-01 19:48:43.873322+00
01a23325-f819-7563-b569-e39915db8ff5	20	state	{"state": "succeeded", "attempt": 1}	2026-12-01 19:48:43.971377+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:48:45.062286+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:48:45.368689+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 633503744, "seconds_left": 0.00820950561084686}	2026-12-01 19:48:48.704027+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.462007943999197, "peak_memory_bytes": 633503744}	2026-12-01 19:48:48.760472+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	6	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 19:48:48.837524+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 634085376, "seconds_left": 3.648849331575767}	2026-12-01 19:48:49.306981+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 1.4111565639977925, "peak_memory_bytes": 633913344}	2026-12-01 19:48:50.209325+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	9	stage_started	{"stage": "cut", "steps": 4, "attempt": 1}	2026-12-01 19:48:50.218252+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	10	progress	{"step": 1, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 634855424, "seconds_left": 14.113349021355038}	2026-12-01 19:48:50.587037+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	11	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 634888192, "seconds_left": 14.474735848123215}	2026-12-01 19:48:51.475787+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	12	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 2.6567281850002473, "peak_memory_bytes": 635871232}	2026-12-01 19:48:52.872187+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 19:48:53.203291+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	14	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 19:48:53.209638+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 637804544, "seconds_left": 22.2325753564539}	2026-12-01 19:48:53.776006+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 638226432, "seconds_left": 19.654774189558434}	2026-12-01 19:48:53.93728+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.9568310929971631, "peak_memory_bytes": 638124032}	2026-12-01 19:48:54.03801+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	18	stage_started	{"stage": "speed", "steps": 28, "attempt": 1}	2026-12-01 19:48:54.143347+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	19	progress	{"step": 1, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 649469952, "seconds_left": 81.89914373606136}	2026-12-01 19:48:57.195674+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	20	progress	{"step": 4, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 649797632, "seconds_left": 26.44614747203142}	2026-12-01 19:48:58.607424+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	21	progress	{"step": 8, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 649822208, "seconds_left": 13.963932227501042}	2026-12-01 19:48:59.763932+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	22	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 6.313748205000593, "peak_memory_bytes": 649666560}	2026-12-01 19:49:00.452617+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	23	stage_started	{"stage": "upload", "steps": 7, "attempt": 1}	2026-12-01 19:49:00.547478+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	24	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 651689984, "seconds_left": 0.0}	2026-12-01 19:49:00.616741+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	25	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.10430257699772483, "peak_memory_bytes": 651845632}	2026-12-01 19:49:00.621552+00
01a23325-f9b1-7418-be1b-c31cabbdf86c	26	state	{"state": "succeeded", "attempt": 1}	2026-12-01 19:49:00.760233+00
01a23325-fc84-73b0-ab26-052f9249c141	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:49:06.801665+00
01a23325-fc84-73b0-ab26-052f9249c141	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:49:07.07885+00
01a23325-fc84-73b0-ab26-052f9249c141	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 654385152, "seconds_left": 0.0019367778494364836}	2026-12-01 19:49:09.96969+00
01a23325-fc84-73b0-ab26-052f9249c141	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.9472212819964625, "peak_memory_bytes": 654385152}	2026-12-01 19:49:10.01349+00
01a23325-fc84-73b0-ab26-052f9249c141	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 19:49:10.193723+00
01a23325-fc84-73b0-ab26-052f9249c141	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 19:49:10.259708+00
01a23325-fc84-73b0-ab26-052f9249c141	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.28249254500406096, "peak_memory_bytes": 654434304}	2026-12-01 19:49:10.328758+00
01a23325-fc84-73b0-ab26-052f9249c141	9	stage_started	{"stage": "upload", "steps": 1, "attempt": 1}	2026-12-01 19:49:10.347652+00
01a23325-fc84-73b0-ab26-052f9249c141	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 655196160, "seconds_left": 0.0}	2026-12-01 19:49:10.408953+00
01a23325-fc84-73b0-ab26-052f9249c141	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07722756899602246, "peak_memory_bytes": 655196160}	2026-12-01 19:49:10.442098+00
01a23325-fc84-73b0-ab26-052f9249c141	12	state	{"state": "succeeded", "attempt": 1}	2026-12-01 19:49:10.649908+00
01a23325-fd77-7c51-9c87-8396290a294b	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:49:11.356289+00
01a23325-fd77-7c51-9c87-8396290a294b	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:49:11.499669+00
01a23325-fd77-7c51-9c87-8396290a294b	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656138240, "seconds_left": 0.003569327335711957}	2026-12-01 19:49:14.534641+00
01a23325-fd77-7c51-9c87-8396290a294b	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 3.114853895000124, "peak_memory_bytes": 656138240}	2026-12-01 19:49:14.588186+00
01a23325-fd77-7c51-9c87-8396290a294b	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 19:49:14.716957+00
01a23325-fd77-7c51-9c87-8396290a294b	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 19:49:14.778279+00
01a23325-fd77-7c51-9c87-8396290a294b	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.20751476499572163, "peak_memory_bytes": 656142336}	2026-12-01 19:49:14.88628+00
01a23325-fd77-7c51-9c87-8396290a294b	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 19:49:14.93188+00
01a23325-fd77-7c51-9c87-8396290a294b	10	progress	{"step": 2, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656150528, "seconds_left": 0.9600765842509926}	2026-12-01 19:49:15.536197+00
01a23325-fd77-7c51-9c87-8396290a294b	11	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656150528, "seconds_left": 0.2723193375670733}	2026-12-01 19:49:15.808094+00
01a23325-fd77-7c51-9c87-8396290a294b	12	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 1.2012717230027192, "peak_memory_bytes": 655958016}	2026-12-01 19:49:16.125159+00
01a23325-fd77-7c51-9c87-8396290a294b	13	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 19:49:16.188954+00
01a23325-fd77-7c51-9c87-8396290a294b	14	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 19:49:16.215153+00
01a23325-fd77-7c51-9c87-8396290a294b	15	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 653361152, "seconds_left": 0.366758686343139}	2026-12-01 19:49:16.851902+00
01a23325-fd77-7c51-9c87-8396290a294b	16	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 653742080, "seconds_left": 0.00062624}	2026-12-01 19:49:16.875376+00
01a23325-fd77-7c51-9c87-8396290a294b	17	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.7853264090008452, "peak_memory_bytes": 653602816}	2026-12-01 19:49:16.951735+00
01a23325-fd77-7c51-9c87-8396290a294b	18	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 19:49:17.10813+00
01a23325-fd77-7c51-9c87-8396290a294b	19	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 654974976, "seconds_left": 0.0}	2026-12-01 19:49:17.474062+00
01a23325-fd77-7c51-9c87-8396290a294b	20	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.38753985700168414, "peak_memory_bytes": 655011840}	2026-12-01 19:49:17.508254+00
01a23325-fd77-7c51-9c87-8396290a294b	21	state	{"state": "succeeded", "attempt": 1}	2026-12-01 19:49:17.702993+00
01a23325-fdf8-74af-b74e-94046b012296	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:49:18.215602+00
01a23325-fdf8-74af-b74e-94046b012296	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:49:18.42298+00
01a23325-fdf8-74af-b74e-94046b012296	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657178624, "seconds_left": 0.003569327335711957}	2026-12-01 19:49:20.652987+00
01a23325-fdf8-74af-b74e-94046b012296	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.2963196440032334, "peak_memory_bytes": 657178624}	2026-12-01 19:49:20.69944+00
01a23325-fdf8-74af-b74e-94046b012296	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-12-01 19:49:20.814954+00
01a23325-fdf8-74af-b74e-94046b012296	7	stage_started	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-12-01 19:49:20.819178+00
01a23325-fdf8-74af-b74e-94046b012296	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.12720700500358362, "peak_memory_bytes": 657215488}	2026-12-01 19:49:20.852502+00
01a23325-fdf8-74af-b74e-94046b012296	9	stage_started	{"stage": "prune", "steps": 4, "attempt": 1}	2026-12-01 19:49:20.87143+00
01a23325-fdf8-74af-b74e-94046b012296	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657215488, "seconds_left": 0.084202489067592}	2026-12-01 19:49:21.16549+00
01a23325-fdf8-74af-b74e-94046b012296	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.47886256200581556, "peak_memory_bytes": 657281024}	2026-12-01 19:49:21.352146+00
01a23325-fdf8-74af-b74e-94046b012296	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-12-01 19:49:21.365213+00
01a23325-fdf8-74af-b74e-94046b012296	13	stage_started	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-12-01 19:49:21.370311+00
01a23325-fdf8-74af-b74e-94046b012296	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 655040512, "seconds_left": 0.00062624}	2026-12-01 19:49:21.871913+00
01a23325-fdf8-74af-b74e-94046b012296	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.5536621789942728, "peak_memory_bytes": 654745600}	2026-12-01 19:49:21.935913+00
01a23325-fdf8-74af-b74e-94046b012296	16	stage_started	{"stage": "upload", "steps": 8, "attempt": 1}	2026-12-01 19:49:22.033792+00
01a23325-fdf8-74af-b74e-94046b012296	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 656138240, "seconds_left": 0.0}	2026-12-01 19:49:22.394553+00
01a23325-fdf8-74af-b74e-94046b012296	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.38793067700316897, "peak_memory_bytes": 656166912}	2026-12-01 19:49:22.422735+00
01a23325-fdf8-74af-b74e-94046b012296	19	state	{"state": "succeeded", "attempt": 1}	2026-12-01 19:49:22.501595+00
01a23325-feb1-7222-ae39-54485eca9268	2	state	{"state": "running", "worker": "host-1-29629-05ab76", "attempt": 1}	2026-12-01 19:49:22.906398+00
01a23325-feb1-7222-ae39-54485eca9268	3	stage_started	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-12-01 19:49:23.037013+00
01a23325-feb1-7222-ae39-54485eca9268	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-12-01 19:49:23.123325+00
01a23327-9d47-7285-9061-f6e9414a0d70	1	state	{"state": "queued"}	2026-12-01 19:49:23.916185+00
01a23327-9d47-7285-9061-f6e9414a0d70	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-12-01 19:49:23.95391+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a23325-f819-7563-b569-e39915db8ff5	team	ml	ada
01a23325-fd77-7c51-9c87-8396290a294b	team	ml	ada
01a23325-fdf8-74af-b74e-94046b012296	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, queue, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a23325-feb1-7222-ae39-54485eca9268	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	8572780fa4bfa9223a6888e63757fdfe6bb1f68968c1c6a5e9618cec590a5d01	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-12-01 19:49:23.035406+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-12-01 19:49:23.101419+00	\N	2026-12-01 19:47:37.777154+00	2026-12-01 19:49:22.904362+00	\N	2026-12-01 19:49:23.101419+00	\N	2026-12-01 19:47:37.777154+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a23325-f819-7563-b569-e39915db8ff5	ada	{"gate": {"export": null, "max_kl": null, "domains": {}, "baseline": null, "max_bytes": null, "min_speedup": null, "min_score": {}, "max_parameters": null, "max_perplexity": null, "max_score_drop": {}, "max_memory_bytes": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	41133f7e52a42e42c88aa40a445827405e3008f5bb847a7b1cecbc9727face8b	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004798767335711957, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 19:48:43.872137+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt_tokens": null, "speedup": 1.0, "generated_tokens": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 4.944382014000439, "peak_memory_bytes": 600821760}, {"name": "gradients", "seconds": 1.109571082997718, "peak_memory_bytes": 621813760}, {"name": "prune", "seconds": 1.4748966740007745, "peak_memory_bytes": 623202304}, {"name": "evaluate", "seconds": 0.827542364000692, "peak_memory_bytes": 626978816}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "41133f7e52a42e42c88aa40a445827405e3008f5bb847a7b1cecbc9727face8b", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	20	2026-12-01 19:48:43.948082+00	\N	2026-12-01 19:47:36.089357+00	2026-12-01 19:48:34.733838+00	\N	2026-12-01 19:48:43.948082+00	\N	2026-12-01 19:47:36.089357+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"export": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a23325-f9b1-7418-be1b-c31cabbdf86c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	2433cc2f719a32529cc0be1ad854e28ad64a701957a95ca78a989756a382a1e0	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.00943894561084686, "device_bytes": 2774393, "scratch_bytes": 750464, "cpu_scratch_bytes": 758656}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 19:49:00.620331+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 809.8279212551375, "noise": 0.927698700355849, "phase": "prefill", "pruned": 582.3849013157825, "speedup": 0.7191464828888028}, {"batch": 8, "dense": 9257.872225025507, "noise": 0.442074272898461, "phase": "prefill", "pruned": 8781.909892727643, "speedup": 0.948588366664722}, {"batch": 1, "dense": 50.177027691298406, "noise": 0.5046053857882566, "phase": "decode", "pruned": 39.37238566790552, "speedup": 0.7846695485857444}, {"batch": 8, "dense": 128.00263864584647, "noise": 3.013657833483621, "phase": "decode", "pruned": 228.96806913896884, "speedup": 1.7887761655638228}], "prompt_tokens": 56, "speedup": null, "generated_tokens": 8, "dense_bytes": 250904, "peak_memory_bytes": 1921632, "dense_peak_memory_bytes": 2671200}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_heads": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.462007943999197, "peak_memory_bytes": 633503744}, {"name": "gradients", "seconds": 1.4111565639977925, "peak_memory_bytes": 633913344}, {"name": "cut", "seconds": 2.6567281850002473, "peak_memory_bytes": 635871232}, {"name": "evaluate", "seconds": 0.9568310929971631, "peak_memory_bytes": 638124032}, {"name": "speed", "seconds": 6.313748205000593, "peak_memory_bytes": 649666560}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "2433cc2f719a32529cc0be1ad854e28ad64a701957a95ca78a989756a382a1e0", "dense_perplexity_reused": true}	382.0752385933565	0	\N	26	2026-12-01 19:49:00.73811+00	\N	2026-12-01 19:47:36.497277+00	2026-12-01 19:48:45.049221+00	\N	2026-12-01 19:49:00.73811+00	\N	2026-12-01 19:47:36.497277+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a23325-fc84-73b0-ab26-052f9249c141	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "add_bos_token": false, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	b52111ca001493950aa5bc39e76162474e5c0cc6cbbfd975aa5ae085a160ac62	/srv/models/small	norms	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0031662178494364836, "device_bytes": 2811564, "scratch_bytes": 294912, "cpu_scratch_bytes": 344064}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 19:49:10.440196+00	\N	\N	\N	\N	12	2026-12-01 19:49:10.580826+00	\N	2026-12-01 19:47:37.220252+00	2026-12-01 19:49:06.754611+00	\N	2026-12-01 19:49:10.580826+00	\N	2026-12-01 19:47:37.220252+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a23327-9d47-7285-9061-f6e9414a0d70	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	75e25d11905d544b07598c500ac87087cacbb6f86d0d0af23f45a9c3b67a8255	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	60210261-2620-4e35-b980-e2735827e7ee	2026-12-01 19:49:24.177548+00	\N	\N	\N	\N	2	\N	\N	2026-12-01 19:49:23.91118+00	2026-12-01 19:49:23.950921+00	\N	\N	\N	2026-12-01 19:49:23.91118+00	\N	\N	\N	\N	\N	\N	\N
01a23325-fd77-7c51-9c87-8396290a294b	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	7958d8ae857e25b5c7bda6b2cb36914000cc39640154c0c14bee2df1c3136b74	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a23325-fcef-749c-b242-302b723159e3	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004798767335711957, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 19:49:17.506578+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt_tokens": null, "speedup": 1.0, "generated_tokens": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 3.114853895000124, "peak_memory_bytes": 656138240}, {"name": "gradients", "seconds": 0.20751476499572163, "peak_memory_bytes": 656142336}, {"name": "prune", "seconds": 1.2012717230027192, "peak_memory_bytes": 655958016}, {"name": "evaluate", "seconds": 0.7853264090008452, "peak_memory_bytes": 653602816}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "7958d8ae857e25b5c7bda6b2cb36914000cc39640154c0c14bee2df1c3136b74", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	21	2026-12-01 19:49:17.663759+00	\N	2026-12-01 19:47:37.46379+00	2026-12-01 19:49:11.351269+00	\N	2026-12-01 19:49:17.663759+00	\N	2026-12-01 19:47:37.46379+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a23325-fdf8-74af-b74e-94046b012296	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "exports": [], "resources": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	e9ee6270cd7724bcf5e0ef83434d5c060827a9e10319b955bcfdfaa39d3f3851	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a23325-fcef-749c-b242-302b723159e3	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.004798767335711957, "device_bytes": 2811564, "scratch_bytes": 435328, "cpu_scratch_bytes": 468096}	0	succeeded	1	0	\N	cpu	\N	2026-12-01 19:49:22.418374+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt_tokens": null, "speedup": 1.0, "generated_tokens": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 2.2963196440032334, "peak_memory_bytes": 657178624}, {"name": "gradients", "seconds": 0.12720700500358362, "peak_memory_bytes": 657215488}, {"name": "prune", "seconds": 0.47886256200581556, "peak_memory_bytes": 657281024}, {"name": "evaluate", "seconds": 0.5536621789942728, "peak_memory_bytes": 654745600}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "e9ee6270cd7724bcf5e0ef83434d5c060827a9e10319b955bcfdfaa39d3f3851", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-12-01 19:49:22.498345+00	\N	2026-12-01 19:47:37.592321+00	2026-12-01 19:49:18.197278+00	\N	2026-12-01 19:49:22.498345+00	\N	2026-12-01 19:47:37.592321+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at) FROM stdin;
01a23327-9d47-7285-9061-f6e9414a0d70	60210261-2620-4e35-b980-e2735827e7ee	2026-12-01 20:39:23.989648+00
\.



COPY public.owner_shares (owner, weight, max_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\xaa12997228a7f169e5f60c826cd49e7c4c1099d40e63cf78af4d178051be3b7c	01a23325-eccf-754c-95dd-d3e0cfcdc9d5	f	2026-12-01 19:49:23.87792+00	2026-12-02 07:49:23.87792+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
8c0e7ccab9d15d3c4088435ce8f12cadbee8406354496c4a67ee220722976ad3	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-12-01 19:49:21.35861+00	01a23325-f819-7563-b569-e39915db8ff5	jobs/01a23325-f819-7563-b569-e39915db8ff5/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-12-01 19:49:23.658848+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	44.09362727789639	2026-12-01 19:49:23.147292+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-29628-b07943	2026-12-01 19:49:22.662386+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a23327-9d47-7285-9061-f6e9414a0d70	model.safetensors	1	jobs/01a23327-9d47-7285-9061-f6e9414a0d70/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-12-01 19:49:24.142215+00
\.



COPY public.stray_uploads (key, owner, size, since) FROM stdin;
uploads/begun	ada	1	2026-12-01 19:49:24.397123+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a23325-fcef-749c-b242-302b723159e3	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "resources": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-12-01 19:47:37.327312+00	2026-12-01 19:49:22.825621+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a23325-f560-7abe-ad12-7c2bc0d52b8d	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/e48d0ca2-9d51-4ea1-8064-59209bd39669.txt	2026-12-01 19:47:35.39269+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a23327-0158-7493-bbdd-a6b8e41dd49f	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-f819-7563-b569-e39915db8ff5", "url": "/v1/jobs/01a23325-f819-7563-b569-e39915db8ff5", "gate": {"export": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a23325-f819-7563-b569-e39915db8ff5", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:48:43.948082+00:00"}	2	2026-12-01 19:49:25.052471+00	2026-12-01 19:48:49.448547+00	\N	the host has no public address	\N	2026-12-01 19:48:43.99232+00
01a23327-43e2-7d8a-a615-df7927ca16bd	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-fb08-7ebe-99c5-84402304a6f8", "url": "/v1/jobs/01a23325-fb08-7ebe-99c5-84402304a6f8", "gate": null, "page": "/jobs/01a23325-fb08-7ebe-99c5-84402304a6f8", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:01.013289+00:00"}	2	2026-12-01 19:49:39.58083+00	2026-12-01 19:49:07.872836+00	\N	the host has no public address	\N	2026-12-01 19:49:01.026874+00
01a23327-4319-71e5-b554-c5eed67dad6e	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-f9b1-7418-be1b-c31cabbdf86c", "url": "/v1/jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c", "gate": null, "page": "/jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:49:00.738110+00:00"}	2	2026-12-01 19:49:36.75188+00	2026-12-01 19:49:07.872789+00	\N	the host has no public address	\N	2026-12-01 19:49:00.825143+00
01a23326-dd85-7556-816e-58e4a37a39b4	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-f819-7563-b569-e39915db8ff5", "url": "/v1/jobs/01a23325-f819-7563-b569-e39915db8ff5", "gate": null, "page": "/jobs/01a23325-f819-7563-b569-e39915db8ff5", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:48:34.733838+00:00"}	3	2026-12-01 19:51:33.430302+00	2026-12-01 19:49:10.802204+00	\N	the host has no public address	\N	2026-12-01 19:48:34.821359+00
01a23327-5638-76a0-921f-e89df0f7b564	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-fb08-7ebe-99c5-84402304a6f8", "url": "/v1/jobs/01a23325-fb08-7ebe-99c5-84402304a6f8", "gate": null, "page": "/jobs/01a23325-fb08-7ebe-99c5-84402304a6f8", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:49:05.667820+00:00"}	2	2026-12-01 19:49:41.272267+00	2026-12-01 19:49:10.802246+00	\N	the host has no public address	\N	2026-12-01 19:49:05.720451+00
01a23327-5afb-7db3-90fe-5beb904c525c	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-fc84-73b0-ab26-052f9249c141", "url": "/v1/jobs/01a23325-fc84-73b0-ab26-052f9249c141", "gate": null, "page": "/jobs/01a23325-fc84-73b0-ab26-052f9249c141", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:06.754611+00:00"}	2	2026-12-01 19:49:40.008926+00	2026-12-01 19:49:12.894089+00	\N	the host has no public address	\N	2026-12-01 19:49:06.939891+00
01a23327-699d-7711-a899-40003991c0f5	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-fc84-73b0-ab26-052f9249c141", "url": "/v1/jobs/01a23325-fc84-73b0-ab26-052f9249c141", "gate": null, "page": "/jobs/01a23325-fc84-73b0-ab26-052f9249c141", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "norms", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:49:10.580826+00:00"}	2	2026-12-01 19:49:51.268402+00	2026-12-01 19:49:17.324159+00	\N	the host has no public address	\N	2026-12-01 19:49:10.685474+00
01a23327-05b1-7b94-b454-9560a1aedec2	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-f9b1-7418-be1b-c31cabbdf86c", "url": "/v1/jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c", "gate": null, "page": "/jobs/01a23325-f9b1-7418-be1b-c31cabbdf86c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:48:45.049221+00:00"}	3	2026-12-01 19:51:22.181003+00	2026-12-01 19:49:22.172457+00	\N	the host has no public address	\N	2026-12-01 19:48:45.105754+00
01a23327-6c4a-77ab-aebd-00896cee26a7	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-fd77-7c51-9c87-8396290a294b", "url": "/v1/jobs/01a23325-fd77-7c51-9c87-8396290a294b", "gate": null, "page": "/jobs/01a23325-fd77-7c51-9c87-8396290a294b", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:11.351269+00:00"}	2	2026-12-01 19:49:43.19971+00	2026-12-01 19:49:17.324199+00	\N	the host has no public address	\N	2026-12-01 19:49:11.370515+00
01a23327-876c-7160-bcfc-260805f74651	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-fdf8-74af-b74e-94046b012296", "url": "/v1/jobs/01a23325-fdf8-74af-b74e-94046b012296", "gate": null, "page": "/jobs/01a23325-fdf8-74af-b74e-94046b012296", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:18.197278+00:00"}	1	2026-12-01 19:49:24.852056+00	2026-12-01 19:49:18.628942+00	\N	the host has no public address	\N	2026-12-01 19:49:18.316107+00
01a23327-8537-7d66-8c9c-7f290f612e0a	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-fd77-7c51-9c87-8396290a294b", "url": "/v1/jobs/01a23325-fd77-7c51-9c87-8396290a294b", "gate": null, "page": "/jobs/01a23325-fd77-7c51-9c87-8396290a294b", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:49:17.663759+00:00"}	2	2026-12-01 19:51:23.392736+00	2026-12-01 19:49:23.392737+00	\N	the host has no public address	\N	2026-12-01 19:49:17.75186+00
01a23327-97db-7ccc-b219-7bd6397f8d2b	01a23325-f329-7f5b-8d47-33c37189acbe	job.succeeded	{"data": {"id": "01a23325-fdf8-74af-b74e-94046b012296", "url": "/v1/jobs/01a23325-fdf8-74af-b74e-94046b012296", "gate": null, "page": "/jobs/01a23325-fdf8-74af-b74e-94046b012296", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-12-01T19:49:22.498345+00:00"}	1	2026-12-01 19:51:23.392779+00	2026-12-01 19:49:23.392779+00	\N	\N	\N	2026-12-01 19:49:22.523817+00
01a23327-996d-754d-a188-923a294a376e	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23325-feb1-7222-ae39-54485eca9268", "url": "/v1/jobs/01a23325-feb1-7222-ae39-54485eca9268", "gate": null, "page": "/jobs/01a23325-feb1-7222-ae39-54485eca9268", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:22.904362+00:00"}	1	2026-12-01 19:51:23.392789+00	2026-12-01 19:49:23.392789+00	\N	\N	\N	2026-12-01 19:49:22.925358+00
01a23327-9a3d-7776-867d-e826fbb34629	01a23325-f329-7f5b-8d47-33c37189acbe	job.failed	{"data": {"id": "01a23325-feb1-7222-ae39-54485eca9268", "url": "/v1/jobs/01a23325-feb1-7222-ae39-54485eca9268", "gate": null, "page": "/jobs/01a23325-feb1-7222-ae39-54485eca9268", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-12-01T19:49:23.101419+00:00"}	1	2026-12-01 19:51:23.392796+00	2026-12-01 19:49:23.392796+00	\N	\N	\N	2026-12-01 19:49:23.133487+00
01a23327-9d7f-71b1-9aea-ab104c2be560	01a23325-f329-7f5b-8d47-33c37189acbe	job.started	{"data": {"id": "01a23327-9d47-7285-9061-f6e9414a0d70", "url": "/v1/jobs/01a23327-9d47-7285-9061-f6e9414a0d70", "gate": null, "page": "/jobs/01a23327-9d47-7285-9061-f6e9414a0d70", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-12-01T19:49:23.950921+00:00"}	0	2026-12-01 19:49:23.967145+00	\N	\N	\N	\N	2026-12-01 19:49:23.967145+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a23325-f329-7f5b-8d47-33c37189acbe	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_not_passed}	standard	\\x6741414141414272447952576c2d303669754e422d7144514433374951742d536c384d4d6433332d4d64747a7a32736b7a7538516d37486137732d3344777342794f65386c3548476544635633676b5a55754a74515772377743734e554a306b72783148654b6d497341773976744e5342564846615546476b597a6f3970496d47476e3347536c734c326756	2026-12-01 19:48:36.293223+00	\N	\N	2026-12-01 19:47:34.826005+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-29629-05ab76	cpu	\N	{"gpus": 0, "host_bytes": 22748851814, "device_bytes": 0, "scratch_bytes": 31066345472}	f	2026-12-01 19:47:36.755237+00	2026-12-01 19:49:22.960585+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276502016, "bytes_per_second": 24968967889.575577, "operations_per_second": {"float32": 8320822323.284859, "bfloat16": 208738653724.92313}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a23327-9b51-7234-811f-c1dae6957a5e	small-gblm-50-15db8ff5	01a23325-f819-7563-b569-e39915db8ff5	for chat	ada	2026-12-01 19:49:23.409161+00
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




