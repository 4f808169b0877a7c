


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



COMMENT ON TABLE public.alembic_version IS 'c98995f78a209478450359d632b8621c6e61c03a0c2192ee50302e3c608ca3c9';



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
    losses double precision[] NOT NULL,
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
01a22cf2-a00c-72f7-bf8c-d38328d07a26	w3GbntHP	\\x4bc0fd1d2d74d6049b61516c086a3a967f4a3d88545587ec4a79e03890d69de3	ada	CI	{jobs:read}	2026-11-30 14:53:47.916203+00	2027-11-30 14:53:47.916203+00	\N	\N	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	\N
01a22cf2-9cf5-73b5-96ee-7aff2ec53214	forrb2eK	\\x1ce6fbbad151fb4fee5ad3e905230d2ee27c0bfd0443d18c8bda207d09178f96	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 14:53:47.125251+00	\N	2026-11-30 14:54:52.170928+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22cf3-5fd5-700f-bfe7-2fa4cf08a9f6	01a22cf2-a217-7e6c-a6c8-201c862fd892	README.md	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-11-30 14:54:37.013027+00
01a22cf3-5fd9-7144-9c8b-fe3277ee3bfe	01a22cf2-a217-7e6c-a6c8-201c862fd892	config.json	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 14:54:37.017094+00
01a22cf3-5fd9-763b-af65-f3aabe545340	01a22cf2-a217-7e6c-a6c8-201c862fd892	generation_config.json	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 14:54:37.017398+00
01a22cf3-5fd9-7adc-8072-7439f5a998c7	01a22cf2-a217-7e6c-a6c8-201c862fd892	masks.safetensors	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 14:54:37.017687+00
01a22cf3-5fd9-7ee0-8fcd-c17c82994c62	01a22cf2-a217-7e6c-a6c8-201c862fd892	model.safetensors	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 14:54:37.017938+00
01a22cf3-5fda-723d-a0f8-51877279bb6a	01a22cf2-a217-7e6c-a6c8-201c862fd892	pruning_report.json	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/pruning_report.json	12332	c2df9f7d69388d48ac12e1d244043b4d4c0b72cfc820019213a150931c58b821	\N	2026-11-30 14:54:37.018148+00
01a22cf3-5fda-7629-a707-ce96652aa06a	01a22cf2-a217-7e6c-a6c8-201c862fd892	tokenizer.json	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 14:54:37.018393+00
01a22cf3-5fda-78a0-97a3-1bcf24572315	01a22cf2-a217-7e6c-a6c8-201c862fd892	tokenizer_config.json	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 14:54:37.018547+00
01a22cf3-75e8-7696-ab4a-2f8ef9a7d125	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	README.md	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/README.md	2466	db92f5d0e97a126b11aaf1e797c6032c301733940af7ce57a4599e159e0e82c3	\N	2026-11-30 14:54:42.664436+00
01a22cf3-75ec-7fc6-8520-3ce027b621b5	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	config.json	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 14:54:42.669+00
01a22cf3-75ed-7492-a2a7-4260ae5e7044	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	generation_config.json	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 14:54:42.669294+00
01a22cf3-75ed-7868-b580-17c887a32faf	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	model.safetensors	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 14:54:42.669534+00
01a22cf3-75ed-7bbd-b2a2-75d4f7f977b4	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	pruning_report.json	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/pruning_report.json	5942	dddb598c81359bc7d9ff1f0b7898f264f79b78aae2cc031b1bcc40a22bea9fdf	\N	2026-11-30 14:54:42.669742+00
01a22cf3-75ed-7f0d-b2a2-c172535a5021	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	tokenizer.json	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 14:54:42.669949+00
01a22cf3-75ee-7342-bb01-69c36cc4f124	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	tokenizer_config.json	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 14:54:42.670212+00
01a22cf3-830a-75d1-a438-189a6f76fb97	01a22cf2-a411-74b4-a543-c0f44dad93a4	gradient_norms.safetensors	jobs/01a22cf2-a411-74b4-a543-c0f44dad93a4/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 14:54:46.02638+00
01a22cf3-8e9b-76f8-86d6-594f506bd73c	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	README.md	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-11-30 14:54:48.987471+00
01a22cf3-8ea8-758e-8662-51c8c00c3b4e	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	config.json	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 14:54:49.000377+00
01a22cf3-8eaa-7860-8caf-c440318b8250	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	generation_config.json	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 14:54:49.002536+00
01a22cf3-8ead-74e8-8c52-4f3b4a27aeb0	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	masks.safetensors	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 14:54:49.005319+00
01a22cf3-8ead-7e0b-9128-7c19f6257094	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	model.safetensors	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 14:54:49.005886+00
01a22cf3-8eaf-7103-b1b7-df2cf4a6b2df	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	pruning_report.json	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/pruning_report.json	12370	194d3ca51c97e5ee1297b9d63d9c22b460306224d68f81d89c43432080679934	\N	2026-11-30 14:54:49.007073+00
01a22cf3-8eaf-7bdc-b4b1-b601d79b4844	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	tokenizer.json	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 14:54:49.00775+00
01a22cf3-8eb4-7e01-8527-18fab0808f38	01a22cf2-a498-7dd9-b7c3-6e4c15ede820	tokenizer_config.json	jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 14:54:49.012889+00
01a22cf3-9976-751b-b301-cd2bc830c084	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	README.md	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-11-30 14:54:51.76634+00
01a22cf3-9976-7d7d-8b39-d3ed88844804	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	config.json	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 14:54:51.766853+00
01a22cf3-9978-7bd8-b2f6-d82bcf88bd08	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	generation_config.json	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 14:54:51.768751+00
01a22cf3-997c-7da5-9dca-af47abaca2e6	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	masks.safetensors	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 14:54:51.772864+00
01a22cf3-9984-7c63-9cb9-8c37a40b3258	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	model.safetensors	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 14:54:51.780788+00
01a22cf3-9985-7278-aacb-b56f1fabab0f	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	pruning_report.json	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/pruning_report.json	12351	cb59bcc0e3cd4c8998b90f4f2890f0911f45701cf4b42a158958f0fd563e3e7b	\N	2026-11-30 14:54:51.781164+00
01a22cf3-9985-7791-a086-e993922d3d2c	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	tokenizer.json	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 14:54:51.781482+00
01a22cf3-9985-7a59-a02b-95f5441bf4cc	01a22cf2-a4af-7e28-a117-31e3eed2f0f3	tokenizer_config.json	jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 14:54:51.781655+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22cf2-a030-7426-aebc-c9f7a85d8d48	2026-11-30 14:53:47.952274+00	key.created	ada	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	127.0.0.1	key 01a22cf2-a00c-72f7-bf8c-d38328d07a26	ada
01a22cf2-a13d-7640-9989-eb64379a429a	2026-11-30 14:53:48.221417+00	share.granted	ada	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	127.0.0.1	share {"weight":2.0}	eve
01a22cf3-9b53-7050-8a17-ce36e2be0e39	2026-11-30 14:54:52.24304+00	zoo.promoted	ada	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	127.0.0.1	zoo small-gblm-50-862fd892	ada
01a22cf3-9b97-7b99-a41a-9387e6233c3f	2026-11-30 14:54:52.311741+00	queue.paused	ada	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	16.970525
\.



COPY public.deleted_jobs (job_id, delete_at, is_last, by_retention) FROM stdin;
01a22cf2-a36b-745e-a691-15f21ac310d4	2026-11-30 14:54:52.847232+00	f	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	2026-11-30 14:54:39.033158+00	2026-11-30 14:54:39.755409+00	2026-11-30 14:54:39.75541+00
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	01a22cf2-a217-7e6c-a6c8-201c862fd892	2026-11-30 14:54:35.293698+00	2026-11-30 14:54:35.838893+00	2026-11-30 14:54:50.706321+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	0	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	1	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	2	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	3	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	0	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	1	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	2	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	3	jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x431ff8086cf4f8a024690a2ae639810f03e2b97e1d90d958ca04d2a3d79f4ce1	01a22cf2-a217-7e6c-a6c8-201c862fd892	\N	2026-11-30 14:53:48.485261+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22cf2-a217-7e6c-a6c8-201c862fd892	1	host-1-11728-1028bc	0	2026-11-30 14:54:33.794624+00	2026-11-30 14:54:36.981087+00	succeeded	\N
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	1	host-1-11728-1028bc	0	2026-11-30 14:54:37.30172+00	2026-11-30 14:54:42.641394+00	succeeded	\N
01a22cf2-a411-74b4-a543-c0f44dad93a4	1	host-1-11728-1028bc	0	2026-11-30 14:54:44.736996+00	2026-11-30 14:54:46.002692+00	succeeded	\N
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	1	host-1-11728-1028bc	0	2026-11-30 14:54:46.247981+00	2026-11-30 14:54:48.959119+00	succeeded	\N
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	1	host-1-11728-1028bc	0	2026-11-30 14:54:49.173058+00	2026-11-30 14:54:51.740469+00	succeeded	\N
01a22cf2-a531-7998-b960-b3d9261a11fd	1	host-1-11728-1028bc	0	2026-11-30 14:54:51.95352+00	2026-11-30 14:54:52.072976+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22cf3-9c50-7fea-8ece-31fa45d266bc	1	worker	\N	2026-11-30 14:54:52.672759+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22cf3-9c50-7fea-8ece-31fa45d266bc	prune	0	1	jobs/01a22cf3-9c50-7fea-8ece-31fa45d266bc/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 14:54:52.7667+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22cf2-a217-7e6c-a6c8-201c862fd892	1	state	{"state": "queued"}	2026-11-30 14:53:48.471075+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	1	state	{"state": "queued"}	2026-11-30 14:53:48.72649+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	1	state	{"state": "queued"}	2026-11-30 14:53:48.949797+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	1	state	{"state": "queued"}	2026-11-30 14:53:49.086584+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	1	state	{"state": "queued"}	2026-11-30 14:53:49.118183+00
01a22cf2-a531-7998-b960-b3d9261a11fd	1	state	{"state": "queued"}	2026-11-30 14:53:49.258066+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:33.769903+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:33.820592+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 602648576, "seconds_left": 0.004334984374139305}	2026-11-30 14:54:35.242653+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.4351005500066094, "peak_memory_bytes": 602648576}	2026-11-30 14:54:35.260802+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 14:54:35.335637+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 623452160, "seconds_left": 0.28706645142391796}	2026-11-30 14:54:35.672776+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.4889757609926164, "peak_memory_bytes": 623493120}	2026-11-30 14:54:35.757869+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 14:54:35.767658+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 624824320, "seconds_left": 0.09176872090582608}	2026-11-30 14:54:35.952096+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.3647411799902329, "peak_memory_bytes": 624455680}	2026-11-30 14:54:36.131137+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 14:54:36.153836+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 628649984, "seconds_left": 0.00062624}	2026-11-30 14:54:36.555635+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.44278610100445803, "peak_memory_bytes": 628580352}	2026-11-30 14:54:36.582779+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 14:54:36.623965+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632176640, "seconds_left": 0.0}	2026-11-30 14:54:36.844812+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.23043841701291967, "peak_memory_bytes": 632205312}	2026-11-30 14:54:36.854804+00
01a22cf2-a217-7e6c-a6c8-201c862fd892	18	state	{"state": "succeeded", "attempt": 1}	2026-11-30 14:54:36.957613+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:37.238806+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:37.362581+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 634830848, "seconds_left": 0.01260490129190057}	2026-11-30 14:54:38.981221+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.6441733969986672, "peak_memory_bytes": 634830848}	2026-11-30 14:54:38.986087+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 14:54:39.05008+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 635572224, "seconds_left": 2.0338707496612902}	2026-11-30 14:54:39.28453+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.4671353270096006, "peak_memory_bytes": 635424768}	2026-11-30 14:54:39.504999+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 14:54:39.547944+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 637235200, "seconds_left": 4.1751701158387995}	2026-11-30 14:54:39.910023+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.9120233279973036, "peak_memory_bytes": 638275584}	2026-11-30 14:54:40.451524+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 14:54:40.509935+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 14:54:40.527686+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641130496, "seconds_left": 6.431634002033114}	2026-11-30 14:54:40.798142+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.3353276160050882, "peak_memory_bytes": 640847872}	2026-11-30 14:54:40.826367+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 14:54:40.845397+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	17	progress	{"step": 7, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652324864, "seconds_left": 3.028174535023405}	2026-11-30 14:54:41.877328+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	18	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 1.5820802039961563, "peak_memory_bytes": 652132352}	2026-11-30 14:54:42.433388+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	19	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 14:54:42.467068+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	20	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 653148160, "seconds_left": 0.0}	2026-11-30 14:54:42.563244+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	21	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.10347473800356966, "peak_memory_bytes": 653176832}	2026-11-30 14:54:42.571273+00
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	22	state	{"state": "succeeded", "attempt": 1}	2026-11-30 14:54:42.621441+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:44.699754+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:44.781172+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 655912960, "seconds_left": 0.0023420447094538895}	2026-11-30 14:54:45.658467+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.8986263499973575, "peak_memory_bytes": 655912960}	2026-11-30 14:54:45.674483+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 14:54:45.740172+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 14:54:45.743738+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.08029606600757688, "peak_memory_bytes": 655941632}	2026-11-30 14:54:45.773863+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 14:54:45.802589+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 655966208, "seconds_left": 0.0}	2026-11-30 14:54:45.854903+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.07198805799998809, "peak_memory_bytes": 655900672}	2026-11-30 14:54:45.878342+00
01a22cf2-a411-74b4-a543-c0f44dad93a4	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 14:54:45.98083+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:46.214583+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:46.30617+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656773120, "seconds_left": 0.004334984374139305}	2026-11-30 14:54:47.819302+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.5680208239937201, "peak_memory_bytes": 656777216}	2026-11-30 14:54:47.855318+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 14:54:47.903468+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 14:54:47.907661+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.04781291900144424, "peak_memory_bytes": 656793600}	2026-11-30 14:54:47.918442+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 14:54:47.928492+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 656842752, "seconds_left": 0.09720020022383506}	2026-11-30 14:54:48.186861+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.46773659299651626, "peak_memory_bytes": 656879616}	2026-11-30 14:54:48.406024+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 14:54:48.436974+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 14:54:48.439963+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 654241792, "seconds_left": 0.00062624}	2026-11-30 14:54:48.64443+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.26511917999596335, "peak_memory_bytes": 654172160}	2026-11-30 14:54:48.68149+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 14:54:48.70782+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 655654912, "seconds_left": 0.0}	2026-11-30 14:54:48.830434+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.12567444899468683, "peak_memory_bytes": 655855616}	2026-11-30 14:54:48.833151+00
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 14:54:48.925902+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:49.124202+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:49.231066+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 658071552, "seconds_left": 0.004334984374139305}	2026-11-30 14:54:50.653475+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.4453335410071304, "peak_memory_bytes": 658071552}	2026-11-30 14:54:50.670408+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 14:54:50.728343+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 14:54:50.732492+00
01a22cf3-9c50-7fea-8ece-31fa45d266bc	1	state	{"state": "queued"}	2026-11-30 14:54:52.510204+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.07394701999146491, "peak_memory_bytes": 658104320}	2026-11-30 14:54:50.748418+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 14:54:50.754968+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 658108416, "seconds_left": 0.08251177850712298}	2026-11-30 14:54:50.977542+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.4029186700063292, "peak_memory_bytes": 657883136}	2026-11-30 14:54:51.158582+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 14:54:51.192088+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 14:54:51.195524+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 656678912, "seconds_left": 0.00062624}	2026-11-30 14:54:51.452715+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.30699899900355376, "peak_memory_bytes": 656351232}	2026-11-30 14:54:51.486989+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 14:54:51.510875+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 658763776, "seconds_left": 0.0}	2026-11-30 14:54:51.641232+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.14131840701156761, "peak_memory_bytes": 658763776}	2026-11-30 14:54:51.644051+00
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 14:54:51.72239+00
01a22cf2-a531-7998-b960-b3d9261a11fd	2	state	{"state": "running", "worker": "host-1-11728-1028bc", "attempt": 1}	2026-11-30 14:54:51.924923+00
01a22cf2-a531-7998-b960-b3d9261a11fd	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 14:54:51.994574+00
01a22cf2-a531-7998-b960-b3d9261a11fd	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 14:54:52.053876+00
01a22cf3-9c50-7fea-8ece-31fa45d266bc	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 14:54:52.596525+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22cf2-a217-7e6c-a6c8-201c862fd892	team	ml	ada
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	team	ml	ada
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, checks_pending, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22cf2-a498-7dd9-b7c3-6e4c15ede820	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	61138651b2321cd7ecd49fd721d7959e0ced452b450b2c4b9519c3c4fd012a1a	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22cf2-a47b-7fee-955c-149eab4c87b0	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005564424374139305, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 14:54:48.832531+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.5680208239937201, "peak_memory_bytes": 656777216}, {"name": "gradients", "seconds": 0.04781291900144424, "peak_memory_bytes": 656793600}, {"name": "prune", "seconds": 0.46773659299651626, "peak_memory_bytes": 656879616}, {"name": "evaluate", "seconds": 0.26511917999596335, "peak_memory_bytes": 654172160}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "domains": {}}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "61138651b2321cd7ecd49fd721d7959e0ced452b450b2c4b9519c3c4fd012a1a", "domains": {}, "expert_tokens": [], "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 14:54:48.910401+00	\N	2026-11-30 14:53:49.080893+00	2026-11-30 14:54:46.20926+00	\N	2026-11-30 14:54:48.910401+00	\N	2026-11-30 14:53:49.080893+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22cf2-a531-7998-b960-b3d9261a11fd	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	012828f96cd7e2f48ce10f5ef03b2c877cf9210df44b3db366919dcd7ea463ea	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 14:54:51.989943+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 14:54:52.045444+00	\N	2026-11-30 14:53:49.233616+00	2026-11-30 14:54:51.916117+00	\N	2026-11-30 14:54:52.045444+00	\N	2026-11-30 14:53:49.233616+00	\N	\N	f	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22cf3-9c50-7fea-8ece-31fa45d266bc	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	eacb7aeec6ec18f98342324a4d84bcd04a67a8bca908be8d95a9997e96f6437b	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	eec7eed3-9017-458d-bc8a-582cb8e43a22	2026-11-30 14:54:52.725111+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 14:54:52.497022+00	2026-11-30 14:54:52.594752+00	\N	\N	\N	2026-11-30 14:54:52.497022+00	\N	\N	f	\N	\N	\N	\N	\N
01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	0a0ad863ce176fbe52cd2d6ec353d10cffb08b40211527f08ad8713aeb50f205	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.01383434129190057, "device_bytes": 959763, "scratch_bytes": 721280}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 14:54:42.570121+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 17490.691658540676, "noise": 0.5647667749747285, "phase": "prefill", "pruned": 17314.079269457197, "speedup": 0.9899024925639668}, {"batch": 8, "dense": 24091.34233722693, "noise": 0.3994565314134839, "phase": "prefill", "pruned": 27699.626979987395, "speedup": 1.1497751595677919}, {"batch": 1, "dense": 333.91759166079896, "noise": 0.5933146249916954, "phase": "decode", "pruned": 425.38135705674506, "speedup": 1.2739111915039716}, {"batch": 8, "dense": 992.7161314622265, "noise": 0.433721057913921, "phase": "decode", "pruned": 855.4890517268905, "speedup": 0.8617660422892426}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1725024, "dense_peak_memory_bytes": 2392672}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.6441733969986672, "peak_memory_bytes": 634830848}, {"name": "gradients", "seconds": 0.4671353270096006, "peak_memory_bytes": 635424768}, {"name": "cut", "seconds": 0.9120233279973036, "peak_memory_bytes": 638275584}, {"name": "evaluate", "seconds": 0.3353276160050882, "peak_memory_bytes": 640847872}, {"name": "speed", "seconds": 1.5820802039961563, "peak_memory_bytes": 652132352}], "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "domains": {}}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "0a0ad863ce176fbe52cd2d6ec353d10cffb08b40211527f08ad8713aeb50f205", "domains": {}, "expert_tokens": [], "dense_perplexity_reused": true}	382.0752385933565	0	\N	22	2026-11-30 14:54:42.615077+00	\N	2026-11-30 14:53:48.718449+00	2026-11-30 14:54:37.231812+00	\N	2026-11-30 14:54:42.615077+00	\N	2026-11-30 14:53:48.718449+00	\N	\N	f	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22cf2-a411-74b4-a543-c0f44dad93a4	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "windows": null, "task_limit": null, "sequence_length": null, "domains": {}}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	4841177a902811c684457db6fa11519cb6f359b1bec6dbc4c3c06d55cb95384b	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.0035714847094538895, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 14:54:45.877117+00	\N	\N	\N	\N	12	2026-11-30 14:54:45.970205+00	\N	2026-11-30 14:53:48.945312+00	2026-11-30 14:54:44.697391+00	\N	2026-11-30 14:54:45.970206+00	\N	2026-11-30 14:53:48.945312+00	\N	\N	f	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22cf2-a217-7e6c-a6c8-201c862fd892	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	57480e3334106c72ce7eaeed1b9326d9244e98f7b8af1c6ffbf5c2880b3603ff	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005564424374139305, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 14:54:36.853846+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.4351005500066094, "peak_memory_bytes": 602648576}, {"name": "gradients", "seconds": 0.4889757609926164, "peak_memory_bytes": 623493120}, {"name": "prune", "seconds": 0.3647411799902329, "peak_memory_bytes": 624455680}, {"name": "evaluate", "seconds": 0.44278610100445803, "peak_memory_bytes": 628580352}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "domains": {}}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "57480e3334106c72ce7eaeed1b9326d9244e98f7b8af1c6ffbf5c2880b3603ff", "domains": {}, "expert_tokens": [], "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-11-30 14:54:36.933846+00	\N	2026-11-30 14:53:48.439921+00	2026-11-30 14:54:33.764307+00	\N	2026-11-30 14:54:36.933846+00	\N	2026-11-30 14:53:48.439921+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22cf2-a4af-7e28-a117-31e3eed2f0f3	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "domains": {}}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	065221439729f76f504ce127917dda39c47a0fe937dffca8302b694ed9bef67b	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22cf2-a47b-7fee-955c-149eab4c87b0	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005564424374139305, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 14:54:51.643468+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.4453335410071304, "peak_memory_bytes": 658071552}, {"name": "gradients", "seconds": 0.07394701999146491, "peak_memory_bytes": 658104320}, {"name": "prune", "seconds": 0.4029186700063292, "peak_memory_bytes": 657883136}, {"name": "evaluate", "seconds": 0.30699899900355376, "peak_memory_bytes": 656351232}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "domains": {}}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "065221439729f76f504ce127917dda39c47a0fe937dffca8302b694ed9bef67b", "domains": {}, "expert_tokens": [], "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-11-30 14:54:51.716572+00	\N	2026-11-30 14:53:49.103913+00	2026-11-30 14:54:49.111416+00	\N	2026-11-30 14:54:51.716572+00	\N	2026-11-30 14:53:49.103913+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22cf3-9c50-7fea-8ece-31fa45d266bc	eec7eed3-9017-458d-bc8a-582cb8e43a22	2026-11-30 15:44:52.693404+00	2026-11-30 15:44:52.693409+00
\.



COPY public.owner_shares (owner, weight, most_running, may_cross) FROM stdin;
eve	2	\N	f
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x1426df47a1f6631798aef066c84c8d23343b40a9906af9e46ebc13a12ef2cbd3	01a22cf2-9cf5-73b5-96ee-7aff2ec53214	f	2026-11-30 14:54:52.456929+00	2026-12-01 02:54:52.456929+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-11-30 14:54:51.177241+00	01a22cf2-a217-7e6c-a6c8-201c862fd892	jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queue_turns (queue, crossed) FROM stdin;
cpu	f
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 14:54:52.311095+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	16.966393650134208	2026-11-30 14:54:52.079718+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-11727-d07a0d	2026-11-30 14:54:51.461541+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22cf3-9c50-7fea-8ece-31fa45d266bc	model.safetensors	1	jobs/01a22cf3-9c50-7fea-8ece-31fa45d266bc/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 14:54:52.743556+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 14:54:52.815756+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22cf2-a47b-7fee-955c-149eab4c87b0	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "domains": {}}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 14:53:49.052027+00	2026-11-30 14:54:51.795149+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22cf2-a0c5-71cc-a9f4-ec71f0ce56f1	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/e18cd9de-b391-4076-a26a-a8ce9921704b.txt	2026-11-30 14:53:48.101135+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22cf3-533b-7a45-8cf8-8ff32f96223f	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a217-7e6c-a6c8-201c862fd892", "url": "/v1/jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892", "gate": null, "page": "/jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:33.764307+00:00"}	2	2026-11-30 14:55:11.740246+00	2026-11-30 14:54:38.514953+00	\N	the host has no public address	\N	2026-11-30 14:54:33.787661+00
01a22cf3-5faf-7663-aaa2-1c2b87be469f	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a217-7e6c-a6c8-201c862fd892", "url": "/v1/jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22cf2-a217-7e6c-a6c8-201c862fd892", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:36.933846+00:00"}	2	2026-11-30 14:55:17.901319+00	2026-11-30 14:54:42.85462+00	\N	the host has no public address	\N	2026-11-30 14:54:36.97543+00
01a22cf3-60e7-7438-b7f4-5cc569142db8	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "url": "/v1/jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "gate": null, "page": "/jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:37.231812+00:00"}	2	2026-11-30 14:55:16.745728+00	2026-11-30 14:54:42.854655+00	\N	the host has no public address	\N	2026-11-30 14:54:37.287292+00
01a22cf3-82ec-7daf-b02a-b4a931e160af	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a411-74b4-a543-c0f44dad93a4", "url": "/v1/jobs/01a22cf2-a411-74b4-a543-c0f44dad93a4", "gate": null, "page": "/jobs/01a22cf2-a411-74b4-a543-c0f44dad93a4", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:45.970206+00:00"}	1	2026-11-30 14:54:51.511627+00	2026-11-30 14:54:46.467205+00	\N	the host has no public address	\N	2026-11-30 14:54:45.996875+00
01a22cf3-7649-700a-9989-4e00823dfc10	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a36b-745e-a691-15f21ac310d4", "url": "/v1/jobs/01a22cf2-a36b-745e-a691-15f21ac310d4", "gate": null, "page": "/jobs/01a22cf2-a36b-745e-a691-15f21ac310d4", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:42.737861+00:00"}	2	2026-11-30 14:55:20.755876+00	2026-11-30 14:54:47.690196+00	\N	the host has no public address	\N	2026-11-30 14:54:42.761021+00
01a22cf3-75c2-7a4f-81c0-4a54fdd97339	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "url": "/v1/jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "gate": null, "page": "/jobs/01a22cf2-a32e-76c2-97a4-69b8c6f5c5cc", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:42.615077+00:00"}	2	2026-11-30 14:55:14.702041+00	2026-11-30 14:54:48.872083+00	\N	the host has no public address	\N	2026-11-30 14:54:42.626665+00
01a22cf3-7d39-7de8-8427-df994e8a3252	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a36b-745e-a691-15f21ac310d4", "url": "/v1/jobs/01a22cf2-a36b-745e-a691-15f21ac310d4", "gate": null, "page": "/jobs/01a22cf2-a36b-745e-a691-15f21ac310d4", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:44.524939+00:00"}	2	2026-11-30 14:55:14.239041+00	2026-11-30 14:54:50.027002+00	\N	the host has no public address	\N	2026-11-30 14:54:44.537894+00
01a22cf3-83e0-71c7-916f-3eb846f82dbd	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "url": "/v1/jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "gate": null, "page": "/jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:46.209260+00:00"}	2	2026-11-30 14:55:24.075321+00	2026-11-30 14:54:51.298374+00	\N	the host has no public address	\N	2026-11-30 14:54:46.240134+00
01a22cf3-8e62-7b9c-9f12-55e1bbd46369	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "url": "/v1/jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "gate": null, "page": "/jobs/01a22cf2-a498-7dd9-b7c3-6e4c15ede820", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:48.910401+00:00"}	1	2026-11-30 14:54:54.733558+00	2026-11-30 14:54:50.027053+00	\N	the host has no public address	\N	2026-11-30 14:54:48.930748+00
01a22cf3-8f4b-740f-b299-f4849d345fef	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "url": "/v1/jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "gate": null, "page": "/jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:49.111416+00:00"}	1	2026-11-30 14:54:56.110521+00	2026-11-30 14:54:50.027058+00	\N	the host has no public address	\N	2026-11-30 14:54:49.163278+00
01a22cf3-7dfe-74b2-9276-a1b8a7ccc189	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a411-74b4-a543-c0f44dad93a4", "url": "/v1/jobs/01a22cf2-a411-74b4-a543-c0f44dad93a4", "gate": null, "page": "/jobs/01a22cf2-a411-74b4-a543-c0f44dad93a4", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:44.697391+00:00"}	2	2026-11-30 14:55:21.858664+00	2026-11-30 14:54:50.02703+00	\N	the host has no public address	\N	2026-11-30 14:54:44.734309+00
01a22cf3-995b-721b-88f6-a422c4961193	01a22cf2-9f9a-7896-9225-c71b18146cee	job.succeeded	{"data": {"id": "01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "url": "/v1/jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "gate": null, "page": "/jobs/01a22cf2-a4af-7e28-a117-31e3eed2f0f3", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T14:54:51.716572+00:00"}	0	2026-11-30 14:54:51.739162+00	\N	\N	\N	\N	2026-11-30 14:54:51.739162+00
01a22cf3-9a26-7cc7-a946-cd2ceb3f086e	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf2-a531-7998-b960-b3d9261a11fd", "url": "/v1/jobs/01a22cf2-a531-7998-b960-b3d9261a11fd", "gate": null, "page": "/jobs/01a22cf2-a531-7998-b960-b3d9261a11fd", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:51.916117+00:00"}	0	2026-11-30 14:54:51.94282+00	\N	\N	\N	\N	2026-11-30 14:54:51.94282+00
01a22cf3-9a9f-76af-be04-50a3d94595a5	01a22cf2-9f9a-7896-9225-c71b18146cee	job.failed	{"data": {"id": "01a22cf2-a531-7998-b960-b3d9261a11fd", "url": "/v1/jobs/01a22cf2-a531-7998-b960-b3d9261a11fd", "gate": null, "page": "/jobs/01a22cf2-a531-7998-b960-b3d9261a11fd", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T14:54:52.045444+00:00"}	0	2026-11-30 14:54:52.06343+00	\N	\N	\N	\N	2026-11-30 14:54:52.06343+00
01a22cf3-9ceb-718b-90fb-4f97bd0259a8	01a22cf2-9f9a-7896-9225-c71b18146cee	job.started	{"data": {"id": "01a22cf3-9c50-7fea-8ece-31fa45d266bc", "url": "/v1/jobs/01a22cf3-9c50-7fea-8ece-31fa45d266bc", "gate": null, "page": "/jobs/01a22cf3-9c50-7fea-8ece-31fa45d266bc", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T14:54:52.594752+00:00"}	0	2026-11-30 14:54:52.651127+00	\N	\N	\N	\N	2026-11-30 14:54:52.651127+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, previous_secret, previous_secret_until, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22cf2-9f9a-7896-9225-c71b18146cee	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x67414141414142724459333752575948676d364d6a65337274646f70766a4b61384d6d5f65304e4b6135734a4f444355304a51526d5335343246344631582d4f646c486f4c55352d6961356a457952726763434f47783867435f4c776f344b5a534b4134563270373864755066593850436674314c5067734667523653782d57464c6e636f556a4d79524d45	\N	\N	2026-11-30 14:54:34.252449+00	\N	\N	2026-11-30 14:53:47.802566+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-11728-1028bc	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 55675838464}	f	2026-11-30 14:53:58.144216+00	2026-11-30 14:54:52.077128+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 27298644011.219803, "operations_per_second": {"float32": 35661378687.57226, "bfloat16": 115304639484.53061}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22cf3-9b47-7a04-aef4-9960f454e240	small-gblm-50-862fd892	01a22cf2-a217-7e6c-a6c8-201c862fd892	for chat	ada	2026-11-30 14:54:52.231654+00
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




