


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
01a22e5f-9734-71e3-8d0e-1e25241e8fd0	aIvfCOMh	\\xdb45a660204af69358a882950874caa182d5f3da72addb4b47bb81bdb8eb8527	ada	CI	{jobs:read}	2026-11-30 21:32:26.292142+00	2027-11-30 21:32:26.292142+00	\N	\N	01a22e5f-932e-7370-896e-7cb352b4de9b	\N
01a22e5f-932e-7370-896e-7cb352b4de9b	8nxdYdU7	\\xc66fbbad3177dde23240ae7a9de8eb1ccca70034a04ad9c19365e33419e1451c	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 21:32:25.262233+00	\N	2026-11-30 21:34:01.631826+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22e60-c285-708a-8989-c2aafa88a0fc	01a22e5f-9a7b-74bd-978e-1a9528ec5476	README.md	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-11-30 21:33:42.917099+00
01a22e60-c289-71f9-97f5-8cb399d2f544	01a22e5f-9a7b-74bd-978e-1a9528ec5476	config.json	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:33:42.921145+00
01a22e60-c289-777b-b006-2bd0caa71612	01a22e5f-9a7b-74bd-978e-1a9528ec5476	generation_config.json	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:33:42.921476+00
01a22e60-c289-7afc-a564-ea6c19449957	01a22e5f-9a7b-74bd-978e-1a9528ec5476	masks.safetensors	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 21:33:42.921695+00
01a22e60-c28c-7dee-98eb-9b819e4022d9	01a22e5f-9a7b-74bd-978e-1a9528ec5476	model.safetensors	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 21:33:42.924881+00
01a22e60-c28d-71cd-85a3-3b24b5ffee03	01a22e5f-9a7b-74bd-978e-1a9528ec5476	pruning_report.json	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/pruning_report.json	12317	92c0ccad906b182ed8b3ec1facee9739d79fe6ef900478857a2b2068ed15f1ad	\N	2026-11-30 21:33:42.925121+00
01a22e60-c28d-7639-8fce-2416e95fdccb	01a22e5f-9a7b-74bd-978e-1a9528ec5476	tokenizer.json	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:33:42.925398+00
01a22e60-c28d-78a8-a27d-365eb7ee7eb1	01a22e5f-9a7b-74bd-978e-1a9528ec5476	tokenizer_config.json	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:33:42.925549+00
01a22e60-dcb7-7c6b-b29f-70c94f469933	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	README.md	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/README.md	2457	aa4bc71f71dc670317d3447ec62ad45ece0ae0b2f6a5d5856424f8cc337c6120	\N	2026-11-30 21:33:49.623798+00
01a22e60-dcc0-7ee2-b6ec-e1782ff35c52	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	config.json	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 21:33:49.632952+00
01a22e60-dcc4-7e4f-a8e6-b249a91a6f13	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	generation_config.json	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:33:49.636922+00
01a22e60-dcc5-7852-a9f1-51b9c836a9c0	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	model.safetensors	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 21:33:49.637529+00
01a22e60-dcc5-7c0c-b347-2ab65b932586	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	pruning_report.json	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/pruning_report.json	5929	39def22fee9386f92690cacada27cec8ad46f4275d0d1c1affcd124d671fe81a	\N	2026-11-30 21:33:49.637761+00
01a22e60-dcc5-7f61-9458-0f37f9251a69	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	tokenizer.json	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:33:49.637969+00
01a22e60-dcc6-739d-8589-537948e28579	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	tokenizer_config.json	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:33:49.638234+00
01a22e60-eed4-7d30-91ab-4213fa1d524a	01a22e5f-9ced-7524-9e01-6a59f2a881e3	gradient_norms.safetensors	jobs/01a22e5f-9ced-7524-9e01-6a59f2a881e3/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 21:33:54.260847+00
01a22e60-fdc0-7f2a-8f68-bb2ee8582156	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	README.md	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-11-30 21:33:58.080983+00
01a22e60-fdc2-7762-8c03-4a00c1c3c78e	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	config.json	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:33:58.082478+00
01a22e60-fdc4-7159-a045-f014636863c1	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	generation_config.json	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:33:58.084098+00
01a22e60-fdc4-7b55-a89b-47d03d52968f	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	masks.safetensors	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 21:33:58.08472+00
01a22e60-fdc5-703d-acda-d24d95a7fc14	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	model.safetensors	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 21:33:58.085024+00
01a22e60-fdc5-7426-8c29-9fbc8bf5d7c2	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	pruning_report.json	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/pruning_report.json	12355	2b0e202656728249e14aa3df60f4fb57e4981972124b699fbcd643aa26cb93ef	\N	2026-11-30 21:33:58.085268+00
01a22e60-fdc5-786f-8384-485c0ab0f8ca	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	tokenizer.json	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:33:58.085536+00
01a22e60-fdc5-7b89-8c9d-ea96b90d9071	01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	tokenizer_config.json	jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:33:58.085729+00
01a22e61-09d0-7ed8-aba3-51c01e8a6a84	01a22e5f-9dad-7061-892b-ba12d630e4b4	README.md	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-11-30 21:34:01.16896+00
01a22e61-09d1-797c-9970-a9d67fbbc41e	01a22e5f-9dad-7061-892b-ba12d630e4b4	config.json	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 21:34:01.169607+00
01a22e61-09d2-7312-9ae2-897496721279	01a22e5f-9dad-7061-892b-ba12d630e4b4	generation_config.json	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 21:34:01.170205+00
01a22e61-09d2-789a-9947-c8b7dd5a0729	01a22e5f-9dad-7061-892b-ba12d630e4b4	masks.safetensors	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 21:34:01.170547+00
01a22e61-09d2-7cdd-9fe1-1de8bfdab9e5	01a22e5f-9dad-7061-892b-ba12d630e4b4	model.safetensors	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 21:34:01.170816+00
01a22e61-09d3-70eb-bfba-be31a64bcb9f	01a22e5f-9dad-7061-892b-ba12d630e4b4	pruning_report.json	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/pruning_report.json	12339	8adfa29485048ab0b5a6f83e45cda6154bb68b3f87a1c28624b51b4b048e8659	\N	2026-11-30 21:34:01.171067+00
01a22e61-09d3-7543-8c06-3078d42b353c	01a22e5f-9dad-7061-892b-ba12d630e4b4	tokenizer.json	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 21:34:01.171338+00
01a22e61-09d3-77ba-a081-3dd8702fbb2c	01a22e5f-9dad-7061-892b-ba12d630e4b4	tokenizer_config.json	jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 21:34:01.171491+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22e5f-975e-75ce-b268-7fc0504621a9	2026-11-30 21:32:26.334377+00	key.created	ada	01a22e5f-932e-7370-896e-7cb352b4de9b	127.0.0.1	key 01a22e5f-9734-71e3-8d0e-1e25241e8fd0	ada
01a22e5f-996e-7985-8b07-d45749bcc5fb	2026-11-30 21:32:26.862614+00	share.granted	ada	01a22e5f-932e-7370-896e-7cb352b4de9b	127.0.0.1	share {"weight":2.0}	eve
01a22e61-0bd8-71e6-bdb0-bb36316814d0	2026-11-30 21:34:01.688137+00	zoo.promoted	ada	01a22e5f-932e-7370-896e-7cb352b4de9b	127.0.0.1	zoo small-gblm-50-28ec5476	ada
01a22e61-0bfd-7da9-b0cd-c9639f220c72	2026-11-30 21:34:01.725877+00	queue.paused	ada	01a22e5f-932e-7370-896e-7cb352b4de9b	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	20.707967
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a22e5f-9c3e-7956-9f01-5817c16f3819	2026-11-30 21:34:02.326783+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	2026-11-30 21:33:44.61323+00	2026-11-30 21:33:45.234212+00	2026-11-30 21:33:45.234212+00
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	01a22e5f-9a7b-74bd-978e-1a9528ec5476	2026-11-30 21:33:41.026771+00	2026-11-30 21:33:41.695105+00	2026-11-30 21:33:59.823916+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	0	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	1	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	2	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	3	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	0	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	1	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	2	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	3	jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x1a35f0bfeb66e15aa105c92fccd92ab8adab4e3274e8e027db7f544f8150024e	01a22e5f-9a7b-74bd-978e-1a9528ec5476	\N	2026-11-30 21:32:27.1713+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22e5f-9a7b-74bd-978e-1a9528ec5476	1	host-1-23738-1b1fa3	0	2026-11-30 21:33:39.117327+00	2026-11-30 21:33:42.892998+00	succeeded	\N
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	1	host-1-23738-1b1fa3	0	2026-11-30 21:33:43.121206+00	2026-11-30 21:33:49.595358+00	succeeded	\N
01a22e5f-9ced-7524-9e01-6a59f2a881e3	1	host-1-23738-1b1fa3	0	2026-11-30 21:33:52.737214+00	2026-11-30 21:33:54.241283+00	succeeded	\N
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	1	host-1-23738-1b1fa3	0	2026-11-30 21:33:54.493149+00	2026-11-30 21:33:58.053069+00	succeeded	\N
01a22e5f-9dad-7061-892b-ba12d630e4b4	1	host-1-23738-1b1fa3	0	2026-11-30 21:33:58.289193+00	2026-11-30 21:34:01.136893+00	succeeded	\N
01a22e5f-9e39-7e87-8862-347903722633	1	host-1-23738-1b1fa3	0	2026-11-30 21:34:01.395933+00	2026-11-30 21:34:01.52909+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22e61-0ca5-77b9-b375-cf86646c8046	1	worker	\N	2026-11-30 21:34:02.149445+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22e61-0ca5-77b9-b375-cf86646c8046	prune	0	1	jobs/01a22e61-0ca5-77b9-b375-cf86646c8046/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 21:34:02.232964+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22e5f-9a7b-74bd-978e-1a9528ec5476	1	state	{"state": "queued"}	2026-11-30 21:32:27.152953+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	1	state	{"state": "queued"}	2026-11-30 21:32:27.470081+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	1	state	{"state": "queued"}	2026-11-30 21:32:27.76683+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	1	state	{"state": "queued"}	2026-11-30 21:32:27.909894+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	1	state	{"state": "queued"}	2026-11-30 21:32:27.968873+00
01a22e5f-9e39-7e87-8862-347903722633	1	state	{"state": "queued"}	2026-11-30 21:32:28.101114+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:33:39.069051+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:33:39.218673+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 602968064, "seconds_left": 0.008529953740873626}	2026-11-30 21:33:40.99064+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.833564959000796, "peak_memory_bytes": 602968064}	2026-11-30 21:33:41.005426+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:33:41.05558+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 624062464, "seconds_left": 0.3033440002119273}	2026-11-30 21:33:41.370712+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.4866983120009536, "peak_memory_bytes": 624128000}	2026-11-30 21:33:41.511712+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:33:41.518507+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 625541120, "seconds_left": 0.14684308129257964}	2026-11-30 21:33:41.839703+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.5217514669930097, "peak_memory_bytes": 625344512}	2026-11-30 21:33:42.043372+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 21:33:42.0688+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 629448704, "seconds_left": 0.00062624}	2026-11-30 21:33:42.558335+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.5406168179906672, "peak_memory_bytes": 629374976}	2026-11-30 21:33:42.617921+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:33:42.646057+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632877056, "seconds_left": 0.0}	2026-11-30 21:33:42.795962+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.16433671199774835, "peak_memory_bytes": 633036800}	2026-11-30 21:33:42.808803+00
01a22e5f-9a7b-74bd-978e-1a9528ec5476	18	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:33:42.878007+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:33:43.081256+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:33:43.15368+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 635232256, "seconds_left": 0.03065711639498289}	2026-11-30 21:33:44.530579+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.3898417689924827, "peak_memory_bytes": 635232256}	2026-11-30 21:33:44.538929+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:33:44.644065+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 636100608, "seconds_left": 1.9883129088467526}	2026-11-30 21:33:44.884757+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.47862328799965326, "peak_memory_bytes": 635863040}	2026-11-30 21:33:45.062027+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 21:33:45.070844+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 637980672, "seconds_left": 3.951012159339247}	2026-11-30 21:33:45.485045+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.9737951550050639, "peak_memory_bytes": 639016960}	2026-11-30 21:33:46.047045+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:33:46.100512+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:33:46.103949+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641765376, "seconds_left": 6.301633592523201}	2026-11-30 21:33:46.45503+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.42906897800276056, "peak_memory_bytes": 641458176}	2026-11-30 21:33:46.522556+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 21:33:46.554444+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	17	progress	{"step": 1, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652972032, "seconds_left": 30.659554507963016}	2026-11-30 21:33:47.689893+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	18	progress	{"step": 8, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 653271040, "seconds_left": 5.360208092491499}	2026-11-30 21:33:48.682309+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	19	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 2.6487728909996804, "peak_memory_bytes": 653127680}	2026-11-30 21:33:49.195865+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	20	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 21:33:49.255264+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	21	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 654028800, "seconds_left": 0.0}	2026-11-30 21:33:49.431573+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	22	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.2039583349978784, "peak_memory_bytes": 654028800}	2026-11-30 21:33:49.448803+00
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	23	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:33:49.576887+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:33:59.849025+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:33:52.661118+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:33:52.811214+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 655536128, "seconds_left": 0.00436394785241199}	2026-11-30 21:33:53.805598+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.0197985630074982, "peak_memory_bytes": 655536128}	2026-11-30 21:33:53.840905+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:33:53.959379+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:33:53.964996+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.1546468040032778, "peak_memory_bytes": 655630336}	2026-11-30 21:33:54.023665+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 21:33:54.055547+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 655413248, "seconds_left": 0.0}	2026-11-30 21:33:54.086447+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.047830705996602774, "peak_memory_bytes": 655413248}	2026-11-30 21:33:54.100792+00
01a22e5f-9ced-7524-9e01-6a59f2a881e3	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:33:54.201914+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:33:54.451877+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:33:54.531781+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656613376, "seconds_left": 0.008529953740873626}	2026-11-30 21:33:56.034169+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.5297121309995418, "peak_memory_bytes": 656613376}	2026-11-30 21:33:56.066272+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 21:33:56.159613+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:33:56.175311+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.13990532400202937, "peak_memory_bytes": 656666624}	2026-11-30 21:33:56.23283+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:33:56.260813+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656691200, "seconds_left": 0.2648034552123455}	2026-11-30 21:33:56.806244+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.7601834779925412, "peak_memory_bytes": 656592896}	2026-11-30 21:33:57.009667+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:33:57.042827+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:33:57.059219+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654061568, "seconds_left": 0.00062624}	2026-11-30 21:33:57.484752+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.5037524690123973, "peak_memory_bytes": 653824000}	2026-11-30 21:33:57.534831+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:33:57.590566+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655286272, "seconds_left": 0.0}	2026-11-30 21:33:57.926797+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.3615828309993958, "peak_memory_bytes": 655286272}	2026-11-30 21:33:57.942879+00
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:33:58.037806+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:33:58.239149+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:33:58.33497+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 657690624, "seconds_left": 0.008529953740873626}	2026-11-30 21:33:59.785299+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.4814136869972572, "peak_memory_bytes": 657690624}	2026-11-30 21:33:59.805339+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 21:33:59.852458+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.062157663007383235, "peak_memory_bytes": 657747968}	2026-11-30 21:33:59.87127+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 21:33:59.883329+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 657752064, "seconds_left": 0.1673061819919184}	2026-11-30 21:34:00.234874+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.5031488050008193, "peak_memory_bytes": 657633280}	2026-11-30 21:34:00.382482+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 21:34:00.408829+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 21:34:00.418978+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 655384576, "seconds_left": 0.00062624}	2026-11-30 21:34:00.763529+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.39812563300074544, "peak_memory_bytes": 655233024}	2026-11-30 21:34:00.787512+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 21:34:00.827264+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 656510976, "seconds_left": 0.0}	2026-11-30 21:34:01.009855+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.2005887220002478, "peak_memory_bytes": 656683008}	2026-11-30 21:34:01.020786+00
01a22e5f-9dad-7061-892b-ba12d630e4b4	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 21:34:01.113549+00
01a22e5f-9e39-7e87-8862-347903722633	2	state	{"state": "running", "worker": "host-1-23738-1b1fa3", "attempt": 1}	2026-11-30 21:34:01.361024+00
01a22e5f-9e39-7e87-8862-347903722633	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 21:34:01.446919+00
01a22e5f-9e39-7e87-8862-347903722633	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 21:34:01.513735+00
01a22e61-0ca5-77b9-b375-cf86646c8046	1	state	{"state": "queued"}	2026-11-30 21:34:01.898401+00
01a22e61-0ca5-77b9-b375-cf86646c8046	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 21:34:02.045797+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22e5f-9a7b-74bd-978e-1a9528ec5476	team	ml	ada
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	team	ml	ada
01a22e5f-9dad-7061-892b-ba12d630e4b4	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22e5f-9e39-7e87-8862-347903722633	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	a707db34399bc84cc22b1fefb772b6f568b4de494febf6b8d5d3c13a96cd078b	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 21:34:01.445203+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 21:34:01.489546+00	\N	2026-11-30 21:32:28.089936+00	2026-11-30 21:34:01.349367+00	\N	2026-11-30 21:34:01.489546+00	\N	2026-11-30 21:32:28.089936+00	\N	\N	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	db35ac5cf43ac5d9d69402006095415b22ac10b83735b80d8ee7a395c3afe78b	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22e5f-9d55-7410-84f4-5528317a7dc1	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009759393740873626, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:33:57.94152+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 1.5297121309995418, "peak_memory_bytes": 656613376}, {"name": "gradients", "seconds": 0.13990532400202937, "peak_memory_bytes": 656666624}, {"name": "prune", "seconds": 0.7601834779925412, "peak_memory_bytes": 656592896}, {"name": "evaluate", "seconds": 0.5037524690123973, "peak_memory_bytes": 653824000}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "db35ac5cf43ac5d9d69402006095415b22ac10b83735b80d8ee7a395c3afe78b", "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 21:33:58.029637+00	\N	2026-11-30 21:32:27.894008+00	2026-11-30 21:33:54.449331+00	\N	2026-11-30 21:33:58.029704+00	\N	2026-11-30 21:32:27.894009+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22e5f-9dad-7061-892b-ba12d630e4b4	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	126479a2a577bb0ff32fd74687f762475fe18c8396501b3a9a045d01373ec130	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22e5f-9d55-7410-84f4-5528317a7dc1	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009759393740873626, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:34:01.015348+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 1.4814136869972572, "peak_memory_bytes": 657690624}, {"name": "gradients", "seconds": 0.062157663007383235, "peak_memory_bytes": 657747968}, {"name": "prune", "seconds": 0.5031488050008193, "peak_memory_bytes": 657633280}, {"name": "evaluate", "seconds": 0.39812563300074544, "peak_memory_bytes": 655233024}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": true, "recipe_fingerprint": "126479a2a577bb0ff32fd74687f762475fe18c8396501b3a9a045d01373ec130", "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-11-30 21:34:01.105102+00	\N	2026-11-30 21:32:27.949055+00	2026-11-30 21:33:58.227983+00	\N	2026-11-30 21:34:01.105102+00	\N	2026-11-30 21:32:27.949055+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
01a22e61-0ca5-77b9-b375-cf86646c8046	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	d3a42bbff1c30a2441281752c8dca6643f5c165b951db5613ca5ca9c88a688b7	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	11099ae9-b49b-4a0a-a877-df969d3746a2	2026-11-30 21:34:02.20112+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 21:34:01.893516+00	2026-11-30 21:34:02.009393+00	\N	\N	\N	2026-11-30 21:34:01.893516+00	\N	\N	\N	\N	\N	\N	\N
01a22e5f-9a7b-74bd-978e-1a9528ec5476	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	55413c2a9afd7fc741153a65ccfdb2f55c56b37076d4754ec9c062dcda120ab8	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.009759393740873626, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:33:42.802279+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 1.833564959000796, "peak_memory_bytes": 602968064}, {"name": "gradients", "seconds": 0.4866983120009536, "peak_memory_bytes": 624128000}, {"name": "prune", "seconds": 0.5217514669930097, "peak_memory_bytes": 625344512}, {"name": "evaluate", "seconds": 0.5406168179906672, "peak_memory_bytes": 629374976}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "55413c2a9afd7fc741153a65ccfdb2f55c56b37076d4754ec9c062dcda120ab8", "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-11-30 21:33:42.869882+00	\N	2026-11-30 21:32:27.13132+00	2026-11-30 21:33:39.05409+00	\N	2026-11-30 21:33:42.869882+00	\N	2026-11-30 21:32:27.13132+00	\N	\N	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "domains": {}, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "sequence_length": 32}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	126429d2aa424e68b7eddb60eba101f4297706da3b17d0fea941b4a7f1c5bfce	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.03188655639498289, "device_bytes": 959763, "scratch_bytes": 721280}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:33:49.443462+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 4223.758429383241, "noise": 0.16535846120493325, "phase": "prefill", "pruned": 4174.859830953818, "speedup": 0.9884229651749845}, {"batch": 8, "dense": 13557.286799333791, "noise": 1.8422049371116636, "phase": "prefill", "pruned": 30247.413045514888, "speedup": 2.231081594217012}, {"batch": 1, "dense": 97.85637775934383, "noise": 1.4852644902477508, "phase": "decode", "pruned": 104.92485118439092, "speedup": 1.0722331399025462}, {"batch": 8, "dense": 689.9336960076038, "noise": 1.1670417777199509, "phase": "decode", "pruned": 605.402649229476, "speedup": 0.8774794632190334}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1733216, "dense_peak_memory_bytes": 2503264}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "stages": [{"name": "resolve", "seconds": 1.3898417689924827, "peak_memory_bytes": 635232256}, {"name": "gradients", "seconds": 0.47862328799965326, "peak_memory_bytes": 635863040}, {"name": "cut", "seconds": 0.9737951550050639, "peak_memory_bytes": 639016960}, {"name": "evaluate", "seconds": 0.42906897800276056, "peak_memory_bytes": 641458176}, {"name": "speed", "seconds": 2.6487728909996804, "peak_memory_bytes": 653127680}], "domains": {}, "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "expert_tokens": [], "gradients_reused": false, "recipe_fingerprint": "126429d2aa424e68b7eddb60eba101f4297706da3b17d0fea941b4a7f1c5bfce", "dense_perplexity_reused": true}	382.0752385933565	0	\N	23	2026-11-30 21:33:49.560136+00	\N	2026-11-30 21:32:27.438841+00	2026-11-30 21:33:43.074966+00	\N	2026-11-30 21:33:49.560136+00	\N	2026-11-30 21:32:27.438841+00	\N	\N	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "domains": {}, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22e5f-9ced-7524-9e01-6a59f2a881e3	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "domains": {}, "windows": null, "task_limit": null, "sequence_length": null}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	feb555737504a5519da687575932890e6b0754fb2ec6cdedda17f37e9243f1ea	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.00559338785241199, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 21:33:54.097992+00	\N	\N	\N	\N	12	2026-11-30 21:33:54.180559+00	\N	2026-11-30 21:32:27.757351+00	2026-11-30 21:33:52.651811+00	\N	2026-11-30 21:33:54.180559+00	\N	2026-11-30 21:32:27.757351+00	\N	\N	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22e61-0ca5-77b9-b375-cf86646c8046	11099ae9-b49b-4a0a-a877-df969d3746a2	2026-11-30 22:24:02.170393+00	2026-11-30 22:24:02.170398+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x61b881119a30ae09aa9188490a17d8f1d17e581aa8f46d209c7f0339c8963d78	01a22e5f-932e-7370-896e-7cb352b4de9b	f	2026-11-30 21:34:01.826655+00	2026-12-01 09:34:01.826655+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-11-30 21:34:00.394798+00	01a22e5f-9a7b-74bd-978e-1a9528ec5476	jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 21:34:01.724866+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	20.701733965092608	2026-11-30 21:34:01.543375+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-23737-d22169	2026-11-30 21:34:00.80582+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22e61-0ca5-77b9-b375-cf86646c8046	model.safetensors	1	jobs/01a22e61-0ca5-77b9-b375-cf86646c8046/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 21:34:02.216119+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 21:34:02.296832+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22e5f-9d55-7410-84f4-5528317a7dc1	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "domains": {}, "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 21:32:27.861285+00	2026-11-30 21:34:01.204915+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22e5f-987a-7adc-8869-a7f29342eeb4	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/883f6efa-e0a0-4ee6-b3ba-b0ccbb682880.txt	2026-11-30 21:32:26.618713+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22e60-b3a2-7514-8021-3af7e8516c5e	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9a7b-74bd-978e-1a9528ec5476", "url": "/v1/jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476", "gate": null, "page": "/jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:39.054090+00:00"}	2	2026-11-30 21:34:20.71472+00	2026-11-30 21:33:46.809652+00	\N	the host has no public address	\N	2026-11-30 21:33:39.106356+00
01a22e60-c266-769f-9c41-56f4e9148b7c	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9a7b-74bd-978e-1a9528ec5476", "url": "/v1/jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22e5f-9a7b-74bd-978e-1a9528ec5476", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:33:42.869882+00:00"}	2	2026-11-30 21:34:23.094168+00	2026-11-30 21:33:49.051714+00	\N	the host has no public address	\N	2026-11-30 21:33:42.886437+00
01a22e60-c341-79c7-8187-f6789bf7d40c	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "url": "/v1/jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "gate": null, "page": "/jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:43.074966+00:00"}	2	2026-11-30 21:34:16.272933+00	2026-11-30 21:33:49.051747+00	\N	the host has no public address	\N	2026-11-30 21:33:43.105647+00
01a22e60-dc99-714f-b101-0d04d0f67061	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "url": "/v1/jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "gate": null, "page": "/jobs/01a22e5f-9bae-7cf5-8ca4-7bdcf4c8f8ea", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:33:49.560136+00:00"}	2	2026-11-30 21:34:29.352457+00	2026-11-30 21:33:56.369718+00	\N	the host has no public address	\N	2026-11-30 21:33:49.593115+00
01a22e60-e746-770b-b0b1-2d103d5512a7	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9c3e-7956-9f01-5817c16f3819", "url": "/v1/jobs/01a22e5f-9c3e-7956-9f01-5817c16f3819", "gate": null, "page": "/jobs/01a22e5f-9c3e-7956-9f01-5817c16f3819", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:33:52.309644+00:00"}	2	2026-11-30 21:34:29.717558+00	2026-11-30 21:33:58.616978+00	\N	the host has no public address	\N	2026-11-30 21:33:52.326474+00
01a22e60-ddc3-7139-93cc-e2592209bbeb	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9c3e-7956-9f01-5817c16f3819", "url": "/v1/jobs/01a22e5f-9c3e-7956-9f01-5817c16f3819", "gate": null, "page": "/jobs/01a22e5f-9c3e-7956-9f01-5817c16f3819", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:49.857919+00:00"}	2	2026-11-30 21:34:31.557193+00	2026-11-30 21:33:56.369759+00	\N	the host has no public address	\N	2026-11-30 21:33:49.891098+00
01a22e60-e8d5-7acd-a556-d35c718a910b	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9ced-7524-9e01-6a59f2a881e3", "url": "/v1/jobs/01a22e5f-9ced-7524-9e01-6a59f2a881e3", "gate": null, "page": "/jobs/01a22e5f-9ced-7524-9e01-6a59f2a881e3", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:52.651811+00:00"}	2	2026-11-30 21:34:30.879808+00	2026-11-30 21:33:58.617013+00	\N	the host has no public address	\N	2026-11-30 21:33:52.725711+00
01a22e60-fd9e-7ad7-93d0-382503ecd4c7	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "url": "/v1/jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "gate": null, "page": "/jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:33:58.029704+00:00"}	1	2026-11-30 21:34:04.365712+00	2026-11-30 21:33:58.61702+00	\N	the host has no public address	\N	2026-11-30 21:33:58.046706+00
01a22e60-fe77-725a-b49d-846530361d49	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9dad-7061-892b-ba12d630e4b4", "url": "/v1/jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4", "gate": null, "page": "/jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:58.227983+00:00"}	1	2026-11-30 21:34:04.354853+00	2026-11-30 21:33:58.617024+00	\N	the host has no public address	\N	2026-11-30 21:33:58.263185+00
01a22e60-efb1-71aa-9a71-cfb1553686ee	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "url": "/v1/jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "gate": null, "page": "/jobs/01a22e5f-9d75-7fa5-ace8-5a4c9cf6da70", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:33:54.449331+00:00"}	2	2026-11-30 21:34:33.396418+00	2026-11-30 21:33:59.951305+00	\N	the host has no public address	\N	2026-11-30 21:33:54.48114+00
01a22e60-eeab-7e43-8b61-e62bca5cf162	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9ced-7524-9e01-6a59f2a881e3", "url": "/v1/jobs/01a22e5f-9ced-7524-9e01-6a59f2a881e3", "gate": null, "page": "/jobs/01a22e5f-9ced-7524-9e01-6a59f2a881e3", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:33:54.180559+00:00"}	2	2026-11-30 21:34:28.341361+00	2026-11-30 21:33:59.951274+00	\N	the host has no public address	\N	2026-11-30 21:33:54.219918+00
01a22e61-09aa-7672-8489-6f5f15802dc6	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.succeeded	{"data": {"id": "01a22e5f-9dad-7061-892b-ba12d630e4b4", "url": "/v1/jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4", "gate": null, "page": "/jobs/01a22e5f-9dad-7061-892b-ba12d630e4b4", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T21:34:01.105102+00:00"}	0	2026-11-30 21:34:01.130436+00	\N	\N	\N	\N	2026-11-30 21:34:01.130436+00
01a22e61-0aad-7062-be08-deaf13ea0ae5	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e5f-9e39-7e87-8862-347903722633", "url": "/v1/jobs/01a22e5f-9e39-7e87-8862-347903722633", "gate": null, "page": "/jobs/01a22e5f-9e39-7e87-8862-347903722633", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:34:01.349367+00:00"}	0	2026-11-30 21:34:01.389061+00	\N	\N	\N	\N	2026-11-30 21:34:01.389061+00
01a22e61-0b37-73ae-8b97-fe419b5f8b9b	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.failed	{"data": {"id": "01a22e5f-9e39-7e87-8862-347903722633", "url": "/v1/jobs/01a22e5f-9e39-7e87-8862-347903722633", "gate": null, "page": "/jobs/01a22e5f-9e39-7e87-8862-347903722633", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T21:34:01.489546+00:00"}	0	2026-11-30 21:34:01.527265+00	\N	\N	\N	\N	2026-11-30 21:34:01.527265+00
01a22e61-0d74-76f4-a03f-b32df4eb8182	01a22e5f-96b9-7295-b8a2-35a502a49cde	job.started	{"data": {"id": "01a22e61-0ca5-77b9-b375-cf86646c8046", "url": "/v1/jobs/01a22e61-0ca5-77b9-b375-cf86646c8046", "gate": null, "page": "/jobs/01a22e61-0ca5-77b9-b375-cf86646c8046", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T21:34:02.009393+00:00"}	0	2026-11-30 21:34:02.100469+00	\N	\N	\N	\N	2026-11-30 21:34:02.100469+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22e5f-96b9-7295-b8a2-35a502a49cde	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x674141414141427244657471716344772d74346d446f773830535966646731555f6c727a6b7a58384173716355367344475a5476576c735f6d36367145466150306330476f444e306654666755415633577472327774416537412d35677831697565734247776a32586663493572644d64534a482d6d5a443049746539373567357732502d34307830415743	2026-11-30 21:33:40.339666+00	\N	\N	2026-11-30 21:32:26.169196+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-23738-1b1fa3	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 47549120512}	f	2026-11-30 21:32:42.168972+00	2026-11-30 21:34:01.561218+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 10894590136.105913, "operations_per_second": {"float32": 17124375247.871525, "bfloat16": 43142634429.67529}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22e61-0bd5-77c1-9ec0-3d6fadad0f7c	small-gblm-50-28ec5476	01a22e5f-9a7b-74bd-978e-1a9528ec5476	for chat	ada	2026-11-30 21:34:01.685512+00
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




