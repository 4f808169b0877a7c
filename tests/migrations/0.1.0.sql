


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



COMMENT ON TABLE public.alembic_version IS '02393a9bceb86d895479781e2421b67347c63c36d14b55d7d974fd3866bb5d2e';



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
01a22dac-54d0-782d-b57c-cd727e63d7b3	5tG2xltc	\\xa1a796be16cf38cef8511945319b51583ade0c76a3cee4d9791f92b2ebeb32aa	ada	CI	{jobs:read}	2026-11-30 18:16:38.352539+00	2027-11-30 18:16:38.352539+00	\N	\N	01a22dac-5202-7115-9d81-d456cef64b7b	\N
01a22dac-5202-7115-9d81-d456cef64b7b	tuYnP42R	\\xd97afd8ddaf877be8f1e4c86adaf7e5efd00cf75a18a2a0e911c996a66a3dbfe	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 18:16:37.634088+00	\N	2026-11-30 18:17:47.267868+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22dad-318a-79f0-b5c3-6d697d41734c	01a22dac-571b-7822-92f9-2056af9f5077	README.md	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-11-30 18:17:34.858641+00
01a22dad-3190-7c6e-a288-1c2d2cc47b50	01a22dac-571b-7822-92f9-2056af9f5077	config.json	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 18:17:34.864791+00
01a22dad-3191-715f-8dbe-129a481a0936	01a22dac-571b-7822-92f9-2056af9f5077	generation_config.json	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 18:17:34.865094+00
01a22dad-3191-74e4-9548-69e4e5e6480b	01a22dac-571b-7822-92f9-2056af9f5077	masks.safetensors	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 18:17:34.865314+00
01a22dad-3191-7885-958e-8d2d8420bc40	01a22dac-571b-7822-92f9-2056af9f5077	model.safetensors	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 18:17:34.865541+00
01a22dad-3191-7bdf-a90f-38cf43e083b6	01a22dac-571b-7822-92f9-2056af9f5077	pruning_report.json	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/pruning_report.json	12298	6e937f0fd03ee4e056ee06e24021b60a22be7a7d8d9adcd3642946fd173db111	\N	2026-11-30 18:17:34.86575+00
01a22dad-3192-7298-ae6c-25dade5ad0b5	01a22dac-571b-7822-92f9-2056af9f5077	tokenizer.json	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 18:17:34.866171+00
01a22dad-3192-74eb-bee2-042c3c0006df	01a22dac-571b-7822-92f9-2056af9f5077	tokenizer_config.json	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 18:17:34.866315+00
01a22dad-436a-7a16-8f21-d1af37430ed6	01a22dac-588c-7d63-904b-3dedb928e156	README.md	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/README.md	2436	3943c39f807ab19af2f50460f4f3066238bc85e18ac0040ce2021c47c5ca3f2b	\N	2026-11-30 18:17:39.43465+00
01a22dad-436c-792a-8aec-66c8ff2c7052	01a22dac-588c-7d63-904b-3dedb928e156	config.json	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 18:17:39.436586+00
01a22dad-436c-7fad-b64b-2cc2ce59b433	01a22dac-588c-7d63-904b-3dedb928e156	generation_config.json	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 18:17:39.43699+00
01a22dad-436d-74b5-a1b2-e34b95a5f80d	01a22dac-588c-7d63-904b-3dedb928e156	model.safetensors	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 18:17:39.438688+00
01a22dad-436e-7f4c-a8b1-c10698a59a52	01a22dac-588c-7d63-904b-3dedb928e156	pruning_report.json	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/pruning_report.json	5912	6a70c8d53f8560ad045c0f773cc3f1d70e2e5a07ef32477355d1ba2e25aa0d15	\N	2026-11-30 18:17:39.438966+00
01a22dad-436f-72c8-803d-a456f238acc5	01a22dac-588c-7d63-904b-3dedb928e156	tokenizer.json	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 18:17:39.439182+00
01a22dad-436f-76b5-9144-925ed71b8925	01a22dac-588c-7d63-904b-3dedb928e156	tokenizer_config.json	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 18:17:39.439427+00
01a22dad-51a2-7613-992f-a3d1ae692adb	01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	gradient_norms.safetensors	jobs/01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 18:17:43.074401+00
01a22dad-595d-71f5-90c9-9455ad62e16f	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	README.md	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-11-30 18:17:45.053136+00
01a22dad-595d-788f-8ac6-88dc45751215	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	config.json	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 18:17:45.053544+00
01a22dad-595d-7d11-9375-d463807143c1	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	generation_config.json	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 18:17:45.053825+00
01a22dad-595e-7136-9a11-38a1a85eb28f	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	masks.safetensors	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 18:17:45.054085+00
01a22dad-595e-7530-b92e-d46771db9c25	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	model.safetensors	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 18:17:45.054332+00
01a22dad-595e-790a-8b14-fdb2cb2e08cd	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	pruning_report.json	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/pruning_report.json	12338	aae59065cfc3dfe859e643495c640ca4571aee32a84c820390808ef5c4f020c5	\N	2026-11-30 18:17:45.054573+00
01a22dad-595e-7eac-b2cf-dfda06d0be5d	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	tokenizer.json	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 18:17:45.054926+00
01a22dad-595f-7188-87dd-1e8e30f39175	01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	tokenizer_config.json	jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 18:17:45.055104+00
01a22dad-6102-76df-9295-cd0a2d51b526	01a22dac-5bfa-7c0b-acfa-381964f0f98f	README.md	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-11-30 18:17:47.010456+00
01a22dad-6102-7e19-aa15-b2b8648dfffd	01a22dac-5bfa-7c0b-acfa-381964f0f98f	config.json	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 18:17:47.010891+00
01a22dad-6103-7405-9288-4ded94f54f32	01a22dac-5bfa-7c0b-acfa-381964f0f98f	generation_config.json	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 18:17:47.011261+00
01a22dad-6103-7790-883e-13c34aa9490c	01a22dac-5bfa-7c0b-acfa-381964f0f98f	masks.safetensors	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 18:17:47.011481+00
01a22dad-6103-7afe-9d3a-a4d97ccd5558	01a22dac-5bfa-7c0b-acfa-381964f0f98f	model.safetensors	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 18:17:47.011695+00
01a22dad-6105-750f-9368-6eea8a3bbcfb	01a22dac-5bfa-7c0b-acfa-381964f0f98f	pruning_report.json	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/pruning_report.json	12318	a55125a5850641426e26e06f0758657cfff638998e2986fbae178dfce1a15375	\N	2026-11-30 18:17:47.013326+00
01a22dad-6108-7e27-8956-948f9a5f4c79	01a22dac-5bfa-7c0b-acfa-381964f0f98f	tokenizer.json	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 18:17:47.016895+00
01a22dad-6109-796e-a5b2-217fe563f86e	01a22dac-5bfa-7c0b-acfa-381964f0f98f	tokenizer_config.json	jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 18:17:47.017599+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22dac-54ee-7ac7-9ba8-da735c484338	2026-11-30 18:16:38.382692+00	key.created	ada	01a22dac-5202-7115-9d81-d456cef64b7b	127.0.0.1	key 01a22dac-54d0-782d-b57c-cd727e63d7b3	ada
01a22dac-5610-7e2e-ab6a-fdc9b94d01cf	2026-11-30 18:16:38.672904+00	share.granted	ada	01a22dac-5202-7115-9d81-d456cef64b7b	127.0.0.1	share {"weight":2.0}	eve
01a22dad-622b-7d07-9af6-d59d239dbe75	2026-11-30 18:17:47.307831+00	zoo.promoted	ada	01a22dac-5202-7115-9d81-d456cef64b7b	127.0.0.1	zoo small-gblm-50-af9f5077	ada
01a22dad-626b-747d-829a-c98bbd4dcc27	2026-11-30 18:17:47.371299+00	queue.paused	ada	01a22dac-5202-7115-9d81-d456cef64b7b	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	15.275266
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a22dac-59b1-7001-aa4a-fac77aa9682f	2026-11-30 18:17:47.704325+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	01a22dac-588c-7d63-904b-3dedb928e156	2026-11-30 18:17:35.901101+00	2026-11-30 18:17:36.380808+00	2026-11-30 18:17:36.380808+00
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	01a22dac-571b-7822-92f9-2056af9f5077	2026-11-30 18:17:33.162509+00	2026-11-30 18:17:33.710278+00	2026-11-30 18:17:45.966534+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	0	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	1	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	2	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	3	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	0	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	1	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	2	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	3	jobs/01a22dac-588c-7d63-904b-3dedb928e156/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x15c49266dda0697edae8112a2c9ccb940244ef416bc5b906875ab0a10c5032a8	01a22dac-571b-7822-92f9-2056af9f5077	\N	2026-11-30 18:16:38.978183+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22dac-571b-7822-92f9-2056af9f5077	1	host-1-442-827ef6	0	2026-11-30 18:17:30.979833+00	2026-11-30 18:17:34.838708+00	succeeded	\N
01a22dac-588c-7d63-904b-3dedb928e156	1	host-1-442-827ef6	0	2026-11-30 18:17:34.950151+00	2026-11-30 18:17:39.420377+00	succeeded	\N
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	1	host-1-442-827ef6	0	2026-11-30 18:17:42.203932+00	2026-11-30 18:17:43.060866+00	succeeded	\N
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	1	host-1-442-827ef6	0	2026-11-30 18:17:43.219661+00	2026-11-30 18:17:45.042508+00	succeeded	\N
01a22dac-5bfa-7c0b-acfa-381964f0f98f	1	host-1-442-827ef6	0	2026-11-30 18:17:45.192162+00	2026-11-30 18:17:46.995746+00	succeeded	\N
01a22dac-5c46-7f45-a652-8646e099d67e	1	host-1-442-827ef6	0	2026-11-30 18:17:47.12094+00	2026-11-30 18:17:47.203587+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22dad-62e6-7021-b69f-3a50b8fd1620	1	worker	\N	2026-11-30 18:17:47.620779+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22dad-62e6-7021-b69f-3a50b8fd1620	prune	0	1	jobs/01a22dad-62e6-7021-b69f-3a50b8fd1620/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 18:17:47.654383+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22dac-571b-7822-92f9-2056af9f5077	1	state	{"state": "queued"}	2026-11-30 18:16:38.957122+00
01a22dac-588c-7d63-904b-3dedb928e156	1	state	{"state": "queued"}	2026-11-30 18:16:39.319656+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	1	state	{"state": "queued"}	2026-11-30 18:16:40.09827+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	1	state	{"state": "queued"}	2026-11-30 18:16:40.177409+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	1	state	{"state": "queued"}	2026-11-30 18:16:40.188772+00
01a22dac-5c46-7f45-a652-8646e099d67e	1	state	{"state": "queued"}	2026-11-30 18:16:40.271594+00
01a22dac-571b-7822-92f9-2056af9f5077	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:30.954491+00
01a22dac-571b-7822-92f9-2056af9f5077	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:31.032796+00
01a22dac-571b-7822-92f9-2056af9f5077	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 603103232, "seconds_left": 0.016473508741309047}	2026-11-30 18:17:33.119014+00
01a22dac-571b-7822-92f9-2056af9f5077	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 2.1093403980048606, "peak_memory_bytes": 603103232}	2026-11-30 18:17:33.137099+00
01a22dac-571b-7822-92f9-2056af9f5077	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 18:17:33.189555+00
01a22dac-571b-7822-92f9-2056af9f5077	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 623902720, "seconds_left": 0.19914716155180487}	2026-11-30 18:17:33.414524+00
01a22dac-571b-7822-92f9-2056af9f5077	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.3638611269998364, "peak_memory_bytes": 624037888}	2026-11-30 18:17:33.511744+00
01a22dac-571b-7822-92f9-2056af9f5077	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 18:17:33.52731+00
01a22dac-571b-7822-92f9-2056af9f5077	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 625369088, "seconds_left": 0.13266036667018002}	2026-11-30 18:17:33.802616+00
01a22dac-571b-7822-92f9-2056af9f5077	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.41017231599835213, "peak_memory_bytes": 625352704}	2026-11-30 18:17:33.944748+00
01a22dac-571b-7822-92f9-2056af9f5077	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 18:17:33.973873+00
01a22dac-571b-7822-92f9-2056af9f5077	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 629067776, "seconds_left": 0.00062624}	2026-11-30 18:17:34.441922+00
01a22dac-571b-7822-92f9-2056af9f5077	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.512670056996285, "peak_memory_bytes": 628842496}	2026-11-30 18:17:34.474875+00
01a22dac-571b-7822-92f9-2056af9f5077	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 18:17:34.529794+00
01a22dac-571b-7822-92f9-2056af9f5077	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632799232, "seconds_left": 0.0}	2026-11-30 18:17:34.703701+00
01a22dac-571b-7822-92f9-2056af9f5077	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.1899791930045467, "peak_memory_bytes": 632799232}	2026-11-30 18:17:34.708013+00
01a22dac-571b-7822-92f9-2056af9f5077	18	state	{"state": "succeeded", "attempt": 1}	2026-11-30 18:17:34.82491+00
01a22dac-588c-7d63-904b-3dedb928e156	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:34.941574+00
01a22dac-588c-7d63-904b-3dedb928e156	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:35.055034+00
01a22dac-588c-7d63-904b-3dedb928e156	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 635834368, "seconds_left": 0.0749960305925165}	2026-11-30 18:17:35.831845+00
01a22dac-588c-7d63-904b-3dedb928e156	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.8519028689916013, "peak_memory_bytes": 635834368}	2026-11-30 18:17:35.849549+00
01a22dac-588c-7d63-904b-3dedb928e156	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 18:17:36.009044+00
01a22dac-588c-7d63-904b-3dedb928e156	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 636485632, "seconds_left": 1.3731474851461873}	2026-11-30 18:17:36.119545+00
01a22dac-588c-7d63-904b-3dedb928e156	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.35522666899487376, "peak_memory_bytes": 636219392}	2026-11-30 18:17:36.260774+00
01a22dac-588c-7d63-904b-3dedb928e156	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 18:17:36.278022+00
01a22dac-588c-7d63-904b-3dedb928e156	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 637792256, "seconds_left": 2.850138529665607}	2026-11-30 18:17:36.606657+00
01a22dac-588c-7d63-904b-3dedb928e156	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 1.2283481100021163, "peak_memory_bytes": 638722048}	2026-11-30 18:17:37.506027+00
01a22dac-588c-7d63-904b-3dedb928e156	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 18:17:37.534683+00
01a22dac-588c-7d63-904b-3dedb928e156	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 18:17:37.542127+00
01a22dac-588c-7d63-904b-3dedb928e156	14	progress	{"step": 0, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 640905216, "seconds_left": 7.043650671154301}	2026-11-30 18:17:37.678836+00
01a22dac-588c-7d63-904b-3dedb928e156	15	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641495040, "seconds_left": 6.177342930927508}	2026-11-30 18:17:37.704192+00
01a22dac-588c-7d63-904b-3dedb928e156	16	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.18422731600003317, "peak_memory_bytes": 641294336}	2026-11-30 18:17:37.717839+00
01a22dac-588c-7d63-904b-3dedb928e156	17	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 18:17:37.724199+00
01a22dac-588c-7d63-904b-3dedb928e156	18	progress	{"step": 4, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 653033472, "seconds_left": 6.059882270028007}	2026-11-30 18:17:38.740442+00
01a22dac-588c-7d63-904b-3dedb928e156	19	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 1.4406721840059618, "peak_memory_bytes": 652787712}	2026-11-30 18:17:39.183217+00
01a22dac-588c-7d63-904b-3dedb928e156	20	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 18:17:39.271114+00
01a22dac-588c-7d63-904b-3dedb928e156	21	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 654450688, "seconds_left": 0.0}	2026-11-30 18:17:39.381891+00
01a22dac-588c-7d63-904b-3dedb928e156	22	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.1151071179920109, "peak_memory_bytes": 654606336}	2026-11-30 18:17:39.385128+00
01a22dac-588c-7d63-904b-3dedb928e156	23	state	{"state": "succeeded", "attempt": 1}	2026-11-30 18:17:39.409513+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 18:17:46.00479+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:42.183064+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:42.244434+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656392192, "seconds_left": 0.00853211832130605}	2026-11-30 18:17:42.893684+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.6634576189971995, "peak_memory_bytes": 656392192}	2026-11-30 18:17:42.901182+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 18:17:42.934679+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 18:17:42.941066+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.06138269400980789, "peak_memory_bytes": 656437248}	2026-11-30 18:17:42.974432+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 18:17:42.998725+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 656224256, "seconds_left": 0.0}	2026-11-30 18:17:43.015682+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.024757920997217298, "peak_memory_bytes": 656224256}	2026-11-30 18:17:43.021727+00
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 18:17:43.049226+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:43.198433+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:43.256848+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657305600, "seconds_left": 0.016473508741309047}	2026-11-30 18:17:43.984283+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.7498697169939987, "peak_memory_bytes": 657305600}	2026-11-30 18:17:43.989923+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 18:17:44.009445+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 18:17:44.012771+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.031131294992519543, "peak_memory_bytes": 657330176}	2026-11-30 18:17:44.02417+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 18:17:44.026891+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657481728, "seconds_left": 0.1369273059849785}	2026-11-30 18:17:44.264893+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.42047882098995615, "peak_memory_bytes": 657432576}	2026-11-30 18:17:44.452889+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 18:17:44.476036+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 18:17:44.485093+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 656097280, "seconds_left": 0.00062624}	2026-11-30 18:17:44.75528+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.31962553699850105, "peak_memory_bytes": 656084992}	2026-11-30 18:17:44.786043+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 18:17:44.828759+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 658104320, "seconds_left": 0.0}	2026-11-30 18:17:44.992226+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.1681259049946675, "peak_memory_bytes": 658296832}	2026-11-30 18:17:44.997872+00
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 18:17:45.036301+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:45.181004+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:45.222064+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 660549632, "seconds_left": 0.016473508741309047}	2026-11-30 18:17:45.941816+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.7342292529938277, "peak_memory_bytes": 660549632}	2026-11-30 18:17:45.948063+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 18:17:46.032723+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.10452712701226119, "peak_memory_bytes": 660688896}	2026-11-30 18:17:46.058238+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 18:17:46.064995+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 660738048, "seconds_left": 0.19540264241912686}	2026-11-30 18:17:46.398204+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.4062298200005898, "peak_memory_bytes": 660520960}	2026-11-30 18:17:46.474805+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 18:17:46.503908+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 18:17:46.515424+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 659513344, "seconds_left": 0.00062624}	2026-11-30 18:17:46.7433+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.28307957100332715, "peak_memory_bytes": 659316736}	2026-11-30 18:17:46.766856+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 18:17:46.793672+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 661602304, "seconds_left": 0.0}	2026-11-30 18:17:46.922758+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.14272010400600266, "peak_memory_bytes": 661680128}	2026-11-30 18:17:46.936012+00
01a22dac-5bfa-7c0b-acfa-381964f0f98f	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 18:17:46.967997+00
01a22dac-5c46-7f45-a652-8646e099d67e	2	state	{"state": "running", "worker": "host-1-442-827ef6", "attempt": 1}	2026-11-30 18:17:47.105412+00
01a22dac-5c46-7f45-a652-8646e099d67e	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 18:17:47.15414+00
01a22dac-5c46-7f45-a652-8646e099d67e	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 18:17:47.189298+00
01a22dad-62e6-7021-b69f-3a50b8fd1620	1	state	{"state": "queued"}	2026-11-30 18:17:47.495493+00
01a22dad-62e6-7021-b69f-3a50b8fd1620	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 18:17:47.568988+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22dac-571b-7822-92f9-2056af9f5077	team	ml	ada
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	team	ml	ada
01a22dac-5bfa-7c0b-acfa-381964f0f98f	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, checks_pending, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22dac-5c46-7f45-a652-8646e099d67e	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	706044aea9d37369f44d19bc6174e9f9a51e7283b729c3d8d767bc4f8f63fb5d	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 18:17:47.153166+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 18:17:47.187381+00	\N	2026-11-30 18:16:40.262975+00	2026-11-30 18:17:47.1038+00	\N	2026-11-30 18:17:47.187381+00	\N	2026-11-30 18:16:40.262975+00	\N	\N	f	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22dad-62e6-7021-b69f-3a50b8fd1620	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	f49a7f9d76bf942cb291aeb50c864700b244ac7380e25766e63a16908877541c	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	ab10c10e-0c95-4412-9894-4a2e3d0f903d	2026-11-30 18:17:47.639408+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 18:17:47.494026+00	2026-11-30 18:17:47.561576+00	\N	\N	\N	2026-11-30 18:17:47.494026+00	\N	\N	f	\N	\N	\N	\N	\N
01a22dac-571b-7822-92f9-2056af9f5077	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	043899c23ae52301b8d3546a2765f3f431a4c9b7485e5a49b1bd3affd1613dc3	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.017702948741309045, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 18:17:34.707371+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 2.1093403980048606, "peak_memory_bytes": 603103232}, {"name": "gradients", "seconds": 0.3638611269998364, "peak_memory_bytes": 624037888}, {"name": "prune", "seconds": 0.41017231599835213, "peak_memory_bytes": 625352704}, {"name": "evaluate", "seconds": 0.512670056996285, "peak_memory_bytes": 628842496}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "043899c23ae52301b8d3546a2765f3f431a4c9b7485e5a49b1bd3affd1613dc3", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-11-30 18:17:34.813355+00	\N	2026-11-30 18:16:38.939534+00	2026-11-30 18:17:30.952377+00	\N	2026-11-30 18:17:34.813355+00	\N	2026-11-30 18:16:38.939534+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22dac-588c-7d63-904b-3dedb928e156	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	822079a1644d91217dcd2c583a7b4bfec70e2cb4a0e0ca698289b2a945590727	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0762254705925165, "device_bytes": 959763, "scratch_bytes": 721280}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 18:17:39.384346+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 6791.643427251396, "noise": 0.32557973475049573, "phase": "prefill", "pruned": 7753.5683383985115, "speedup": 1.1416336003871173}, {"batch": 8, "dense": 44739.75343719628, "noise": 0.198500430041751, "phase": "prefill", "pruned": 32268.241300354406, "speedup": 0.7212431634352021}, {"batch": 1, "dense": 111.12199950312063, "noise": 0.8431418738369492, "phase": "decode", "pruned": 128.48530441681606, "speedup": 1.1562544319876806}, {"batch": 8, "dense": 1496.5442338551538, "noise": 1.2275084183109262, "phase": "decode", "pruned": 1283.208431966684, "speedup": 0.8574477138314123}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1729120, "dense_peak_memory_bytes": 2392672}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.8519028689916013, "peak_memory_bytes": 635834368}, {"name": "gradients", "seconds": 0.35522666899487376, "peak_memory_bytes": 636219392}, {"name": "cut", "seconds": 1.2283481100021163, "peak_memory_bytes": 638722048}, {"name": "evaluate", "seconds": 0.18422731600003317, "peak_memory_bytes": 641294336}, {"name": "speed", "seconds": 1.4406721840059618, "peak_memory_bytes": 652787712}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "822079a1644d91217dcd2c583a7b4bfec70e2cb4a0e0ca698289b2a945590727", "dense_perplexity_reused": true}	382.0752385933565	0	\N	23	2026-11-30 18:17:39.396286+00	\N	2026-11-30 18:16:39.308863+00	2026-11-30 18:17:34.940101+00	\N	2026-11-30 18:17:39.396286+00	\N	2026-11-30 18:16:39.308863+00	\N	\N	f	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	91aeaadeff38f48a9d7673ab0bc63680d62ed558ecf6d486bce06b36f801ce36	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.00976155832130605, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 18:17:43.020982+00	\N	\N	\N	\N	12	2026-11-30 18:17:43.042528+00	\N	2026-11-30 18:16:40.062883+00	2026-11-30 18:17:42.171644+00	\N	2026-11-30 18:17:43.042528+00	\N	2026-11-30 18:16:40.062883+00	\N	\N	f	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	b263fd210afa72fb9bbcb3b4dc83e8879ba61339a5a04d5d430bd6f75edb8e9e	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22dac-5be9-72a6-ae63-681740a65885	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.017702948741309045, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 18:17:44.997258+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.7498697169939987, "peak_memory_bytes": 657305600}, {"name": "gradients", "seconds": 0.031131294992519543, "peak_memory_bytes": 657330176}, {"name": "prune", "seconds": 0.42047882098995615, "peak_memory_bytes": 657432576}, {"name": "evaluate", "seconds": 0.31962553699850105, "peak_memory_bytes": 656084992}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "b263fd210afa72fb9bbcb3b4dc83e8879ba61339a5a04d5d430bd6f75edb8e9e", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 18:17:45.034197+00	\N	2026-11-30 18:16:40.173703+00	2026-11-30 18:17:43.190861+00	\N	2026-11-30 18:17:45.034197+00	\N	2026-11-30 18:16:40.173703+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22dac-5bfa-7c0b-acfa-381964f0f98f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	cc382768827ee1295dc0586992bba009bbcb9a2c49cf4d227cc16c137185f922	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22dac-5be9-72a6-ae63-681740a65885	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.017702948741309045, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 18:17:46.935042+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 0.7342292529938277, "peak_memory_bytes": 660549632}, {"name": "gradients", "seconds": 0.10452712701226119, "peak_memory_bytes": 660688896}, {"name": "prune", "seconds": 0.4062298200005898, "peak_memory_bytes": 660520960}, {"name": "evaluate", "seconds": 0.28307957100332715, "peak_memory_bytes": 659316736}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "cc382768827ee1295dc0586992bba009bbcb9a2c49cf4d227cc16c137185f922", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-11-30 18:17:46.957077+00	\N	2026-11-30 18:16:40.186775+00	2026-11-30 18:17:45.175509+00	\N	2026-11-30 18:17:46.957077+00	\N	2026-11-30 18:16:40.186775+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22dad-62e6-7021-b69f-3a50b8fd1620	ab10c10e-0c95-4412-9894-4a2e3d0f903d	2026-11-30 19:07:47.623342+00	2026-11-30 19:07:47.623347+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x432dadb82728b65ddc39283f47f5e144901d6ac47231e2bc0224df0989e53da1	01a22dac-5202-7115-9d81-d456cef64b7b	f	2026-11-30 18:17:47.452142+00	2026-12-01 06:17:47.452142+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-11-30 18:17:46.485081+00	01a22dac-571b-7822-92f9-2056af9f5077	jobs/01a22dac-571b-7822-92f9-2056af9f5077/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 18:17:47.370533+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	15.271972365159272	2026-11-30 18:17:47.210595+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-428-e88af1	2026-11-30 18:17:47.449961+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22dad-62e6-7021-b69f-3a50b8fd1620	model.safetensors	1	jobs/01a22dad-62e6-7021-b69f-3a50b8fd1620/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 18:17:47.646059+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 18:17:47.678164+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22dac-5be9-72a6-ae63-681740a65885	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 18:16:40.169182+00	2026-11-30 18:17:47.029879+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22dac-5588-7638-81b7-f5a74a0b51c8	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/b024ad5c-7202-463d-974f-8dba31bf0fa2.txt	2026-11-30 18:16:38.536406+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22dad-225a-7e95-be02-2a041adfd4e1	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-571b-7822-92f9-2056af9f5077", "url": "/v1/jobs/01a22dac-571b-7822-92f9-2056af9f5077", "gate": null, "page": "/jobs/01a22dac-571b-7822-92f9-2056af9f5077", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:30.952377+00:00"}	2	2026-11-30 18:18:10.012351+00	2026-11-30 18:17:36.774337+00	\N	the host has no public address	\N	2026-11-30 18:17:30.97093+00
01a22dad-31e2-7dd2-83f1-af78d521443b	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-588c-7d63-904b-3dedb928e156", "url": "/v1/jobs/01a22dac-588c-7d63-904b-3dedb928e156", "gate": null, "page": "/jobs/01a22dac-588c-7d63-904b-3dedb928e156", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:34.940101+00:00"}	2	2026-11-30 18:18:15.419419+00	2026-11-30 18:17:41.256924+00	\N	the host has no public address	\N	2026-11-30 18:17:34.946885+00
01a22dad-3172-70d1-bfbc-da87ea4584ef	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-571b-7822-92f9-2056af9f5077", "url": "/v1/jobs/01a22dac-571b-7822-92f9-2056af9f5077", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22dac-571b-7822-92f9-2056af9f5077", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:34.813355+00:00"}	2	2026-11-30 18:18:11.016854+00	2026-11-30 18:17:41.256896+00	\N	the host has no public address	\N	2026-11-30 18:17:34.834076+00
01a22dad-518b-7bed-83aa-1f1f1c8efee3	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "url": "/v1/jobs/01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "gate": null, "page": "/jobs/01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:43.042528+00:00"}	1	2026-11-30 18:17:48.830924+00	2026-11-30 18:17:43.574754+00	\N	the host has no public address	\N	2026-11-30 18:17:43.051769+00
01a22dad-522a-7063-9ad9-e85ef203bdb7	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "url": "/v1/jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "gate": null, "page": "/jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:43.190861+00:00"}	1	2026-11-30 18:17:48.855438+00	2026-11-30 18:17:43.574786+00	\N	the host has no public address	\N	2026-11-30 18:17:43.210049+00
01a22dad-435a-7bf7-ab60-4455f4bd39b7	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-588c-7d63-904b-3dedb928e156", "url": "/v1/jobs/01a22dac-588c-7d63-904b-3dedb928e156", "gate": null, "page": "/jobs/01a22dac-588c-7d63-904b-3dedb928e156", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:39.396286+00:00"}	2	2026-11-30 18:18:11.89742+00	2026-11-30 18:17:46.897911+00	\N	the host has no public address	\N	2026-11-30 18:17:39.418777+00
01a22dad-4d86-72b8-8e4c-56cd550e7502	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-59b1-7001-aa4a-fac77aa9682f", "url": "/v1/jobs/01a22dac-59b1-7001-aa4a-fac77aa9682f", "gate": null, "page": "/jobs/01a22dac-59b1-7001-aa4a-fac77aa9682f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:42.000424+00:00"}	2	2026-11-30 18:18:16.192678+00	2026-11-30 18:17:46.897937+00	\N	the host has no public address	\N	2026-11-30 18:17:42.022185+00
01a22dad-60df-765e-86ad-d90ae2717e3f	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-5bfa-7c0b-acfa-381964f0f98f", "url": "/v1/jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f", "gate": null, "page": "/jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:46.957077+00:00"}	1	2026-11-30 18:17:52.832092+00	2026-11-30 18:17:47.040607+00	\N	the host has no public address	\N	2026-11-30 18:17:46.975425+00
01a22dad-4e39-7778-86e1-8bb2dd1d7ab3	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "url": "/v1/jobs/01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "gate": null, "page": "/jobs/01a22dac-5b7e-7dd6-9d8a-33ceed5e73b0", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:42.171644+00:00"}	2	2026-11-30 18:18:20.854151+00	2026-11-30 18:17:47.040582+00	\N	the host has no public address	\N	2026-11-30 18:17:42.201493+00
01a22dad-443e-75ab-aa79-5c1c23e2bad3	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-59b1-7001-aa4a-fac77aa9682f", "url": "/v1/jobs/01a22dac-59b1-7001-aa4a-fac77aa9682f", "gate": null, "page": "/jobs/01a22dac-59b1-7001-aa4a-fac77aa9682f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:39.628756+00:00"}	2	2026-11-30 18:18:16.282467+00	2026-11-30 18:17:45.738651+00	\N	the host has no public address	\N	2026-11-30 18:17:39.646377+00
01a22dad-594f-7cd8-ba20-34eecaf847c6	01a22dac-5456-77f8-9065-7a2838c1cec3	job.succeeded	{"data": {"id": "01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "url": "/v1/jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "gate": null, "page": "/jobs/01a22dac-5bed-7b0c-b2f8-4ea23a4bed2c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T18:17:45.034197+00:00"}	1	2026-11-30 18:17:50.444549+00	2026-11-30 18:17:45.738843+00	\N	the host has no public address	\N	2026-11-30 18:17:45.039823+00
01a22dad-59e6-70cd-bd75-cdbad0257cb8	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-5bfa-7c0b-acfa-381964f0f98f", "url": "/v1/jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f", "gate": null, "page": "/jobs/01a22dac-5bfa-7c0b-acfa-381964f0f98f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:45.175509+00:00"}	1	2026-11-30 18:17:50.733978+00	2026-11-30 18:17:45.738849+00	\N	the host has no public address	\N	2026-11-30 18:17:45.190073+00
01a22dad-6169-7ff5-a1bf-4149155bd4f0	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dac-5c46-7f45-a652-8646e099d67e", "url": "/v1/jobs/01a22dac-5c46-7f45-a652-8646e099d67e", "gate": null, "page": "/jobs/01a22dac-5c46-7f45-a652-8646e099d67e", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:47.103800+00:00"}	1	2026-11-30 18:17:52.087313+00	2026-11-30 18:17:47.148543+00	\N	the host has no public address	\N	2026-11-30 18:17:47.114019+00
01a22dad-61c2-720f-8832-064ed293fb57	01a22dac-5456-77f8-9065-7a2838c1cec3	job.failed	{"data": {"id": "01a22dac-5c46-7f45-a652-8646e099d67e", "url": "/v1/jobs/01a22dac-5c46-7f45-a652-8646e099d67e", "gate": null, "page": "/jobs/01a22dac-5c46-7f45-a652-8646e099d67e", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T18:17:47.187381+00:00"}	1	2026-11-30 18:17:52.98558+00	2026-11-30 18:17:47.238157+00	\N	the host has no public address	\N	2026-11-30 18:17:47.202157+00
01a22dad-634f-79e3-b86b-0c84486a1874	01a22dac-5456-77f8-9065-7a2838c1cec3	job.started	{"data": {"id": "01a22dad-62e6-7021-b69f-3a50b8fd1620", "url": "/v1/jobs/01a22dad-62e6-7021-b69f-3a50b8fd1620", "gate": null, "page": "/jobs/01a22dad-62e6-7021-b69f-3a50b8fd1620", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T18:17:47.561576+00:00"}	0	2026-11-30 18:17:47.599642+00	\N	\N	\N	\N	2026-11-30 18:17:47.599642+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22dac-5456-77f8-9065-7a2838c1cec3	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x6741414141414272446232477070643436596c494172367661674855795f436a52597556386b4c79435a367843454f7a794f57684a484b354c386d774a5643324a4f5330334b49496941506e68527279314a717a73586d5575754759674d5f45316f552d4e3868477230663842307249416251385a756d7a364e5542384370325f366f6e5f4f7945394b6837	2026-11-30 18:17:32.377659+00	\N	\N	2026-11-30 18:16:38.230517+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-442-827ef6	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 52212281344}	f	2026-11-30 18:16:53.26119+00	2026-11-30 18:17:46.692777+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 14311000409.098854, "operations_per_second": {"float32": 6330519808.027153, "bfloat16": 16073574914.646603}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22dad-6229-73e5-b224-ddd542b31439	small-gblm-50-af9f5077	01a22dac-571b-7822-92f9-2056af9f5077	for chat	ada	2026-11-30 18:17:47.305272+00
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




