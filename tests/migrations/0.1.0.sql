


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
01a22d93-64c7-7eea-ae71-99b6a3b4c706	bBu2E9mJ	\\xbced0b805b8a137930cb489a649c7c846bfc263b6c1184ea49ee41bc46a40552	ada	CI	{jobs:read}	2026-11-30 17:49:24.039968+00	2027-11-30 17:49:24.039968+00	\N	\N	01a22d93-6296-70c5-a680-77b34c15198c	\N
01a22d93-6296-70c5-a680-77b34c15198c	PLPuph2Z	\\xae1b9582df3fa9b8c6c7993741c7edfe67d3ad79aaf94d0eeb20b44cddd33d2a	ada	test	{jobs:read,jobs:write,admin}	2026-11-30 17:49:23.478067+00	\N	2026-11-30 17:50:46.888459+00	\N	\N	\N
\.



COPY public.artifacts (id, job_id, name, key, size, sha256, stored_size, created_at) FROM stdin;
01a22d94-6c3f-79ee-8764-2b91f362db7c	01a22d93-6670-7b82-8908-2f7a6bbece60	README.md	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/README.md	2373	b90e9cc35a68364d26d8f899334799b9c4291d49c5b677f12dae8e077d3f8f00	\N	2026-11-30 17:50:31.487644+00
01a22d94-6c41-7759-a13c-7c51e73b1c00	01a22d93-6670-7b82-8908-2f7a6bbece60	config.json	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 17:50:31.489474+00
01a22d94-6c49-793a-a8cc-24804b298cbf	01a22d93-6670-7b82-8908-2f7a6bbece60	generation_config.json	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 17:50:31.497611+00
01a22d94-6c4c-7c18-a896-56a87ca6e631	01a22d93-6670-7b82-8908-2f7a6bbece60	masks.safetensors	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/masks.safetensors	8992	3a49ad7ac980d07b6c18b714dd9604ad639dee44efeee663e37621ed46a78cf1	\N	2026-11-30 17:50:31.500769+00
01a22d94-6c4d-7b92-8265-5c5b84ea7ce4	01a22d93-6670-7b82-8908-2f7a6bbece60	model.safetensors	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/model.safetensors	250904	e167357156ff704ca5cc1dd67e9609bea683c4c4509743936cadbdf9d8ee0089	172808	2026-11-30 17:50:31.501731+00
01a22d94-6c4f-7911-9716-fcd4256366ee	01a22d93-6670-7b82-8908-2f7a6bbece60	pruning_report.json	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/pruning_report.json	12331	4326a387d32dc314243f47b3d0ef297fbb60201437e0c5864c07811cc8c18e02	\N	2026-11-30 17:50:31.503577+00
01a22d94-6c50-7026-b3c6-e4951848e010	01a22d93-6670-7b82-8908-2f7a6bbece60	tokenizer.json	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 17:50:31.504018+00
01a22d94-6c50-72e4-b2d6-8dd88d7116cf	01a22d93-6670-7b82-8908-2f7a6bbece60	tokenizer_config.json	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 17:50:31.504188+00
01a22d94-85f5-7084-9668-ef8cef66c4b1	01a22d93-671d-7e8e-b79a-10792ce6b51f	README.md	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/README.md	2438	2e55c1f6adabcd6df0c8b567c5d39785fac1f30bcbba3dea68290e74c59cca2c	\N	2026-11-30 17:50:38.069071+00
01a22d94-85f9-7380-a7d4-30bbf399085e	01a22d93-671d-7e8e-b79a-10792ce6b51f	config.json	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/config.json	714	0ea2f1d7852f70b06ed0abac1571c4158c3bc1388d8ed0d055b43b12fb6edfa6	\N	2026-11-30 17:50:38.073246+00
01a22d94-85f9-79b4-9272-cb8a900d7597	01a22d93-671d-7e8e-b79a-10792ce6b51f	generation_config.json	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 17:50:38.073616+00
01a22d94-85f9-7d69-a866-598d18477442	01a22d93-671d-7e8e-b79a-10792ce6b51f	model.safetensors	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/model.safetensors	226672	414c3f3d943abd84b3cd57e66e4793fbab387a3dfe03e23d3dedc9843c94f218	197406	2026-11-30 17:50:38.073846+00
01a22d94-85fa-70da-bba0-0ac5ce8993d9	01a22d93-671d-7e8e-b79a-10792ce6b51f	pruning_report.json	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/pruning_report.json	5942	3a47de316f649d0802aae43d64a59eb26cfeba695981b16dbc41d5cfba694c4f	\N	2026-11-30 17:50:38.074062+00
01a22d94-85fa-7435-9cad-6aa2d027d541	01a22d93-671d-7e8e-b79a-10792ce6b51f	tokenizer.json	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 17:50:38.074271+00
01a22d94-85fa-7826-920a-27c991404dfa	01a22d93-671d-7e8e-b79a-10792ce6b51f	tokenizer_config.json	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 17:50:38.074517+00
01a22d94-972d-77e2-aa22-3e4802184320	01a22d93-676f-72b8-ba69-81cd2453677c	gradient_norms.safetensors	jobs/01a22d93-676f-72b8-ba69-81cd2453677c/attempts/1/output/gradient_norms.safetensors	150400	cee7b0e5b8c0bb2ea442f204aca381670a7d71fa43e29630d5631a596defc089	\N	2026-11-30 17:50:42.477529+00
01a22d94-a00c-7487-a92b-90830ad99e18	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	README.md	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/README.md	2374	c07c8f9a31763316a5f3ebcf34a2d3c52f323e0884688d7671ccb7092546c65d	\N	2026-11-30 17:50:44.748313+00
01a22d94-a011-704b-b1d4-195d388fda1f	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	config.json	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 17:50:44.753032+00
01a22d94-a014-7ea7-9cf2-ad11cd01d0cd	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	generation_config.json	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 17:50:44.756929+00
01a22d94-a015-7b12-aad3-a619b13a0570	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	masks.safetensors	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/masks.safetensors	8992	b213b76428e68e6fe293b2bc3767a08af389ecb1c52a88e2d129c32797a398e5	\N	2026-11-30 17:50:44.7577+00
01a22d94-a016-70c3-9485-99ad8a2ddf2f	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	model.safetensors	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/model.safetensors	250904	e36ff5ae19a4e46ef696851752ed83ddd427ff6e0658318e0abb9860cd70c6d9	203139	2026-11-30 17:50:44.758055+00
01a22d94-a018-7bc3-8db2-deb0eac35c4c	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	pruning_report.json	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/pruning_report.json	12366	8ec42f9fe69ed98eb3ad2882d33dcd371b97bc2558be1e4dc6c5ac34dcb3a414	\N	2026-11-30 17:50:44.760747+00
01a22d94-a019-7256-b1ab-99f13dbbcc8e	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	tokenizer.json	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 17:50:44.761154+00
01a22d94-a019-74e1-a68a-dc68c6016362	01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	tokenizer_config.json	jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 17:50:44.761312+00
01a22d94-a730-7ed1-a6f0-62e5a9f36383	01a22d93-67fa-7819-a500-b44e3dad6fe4	README.md	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/README.md	2372	a5fb50ddcc7f2e512c718610b412f9e942a91457dd4bfa7aa8e1e5fd1dc8e99f	\N	2026-11-30 17:50:46.576955+00
01a22d94-a73a-7992-ab20-d9eff4f987ef	01a22d93-67fa-7819-a500-b44e3dad6fe4	config.json	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/config.json	714	7cc696543a5d1165f6b39127318d9658aaea1eb18d66e3f1adaf8364339e76d3	\N	2026-11-30 17:50:46.586637+00
01a22d94-a73c-7e5b-9e12-fca0086a7b12	01a22d93-67fa-7819-a500-b44e3dad6fe4	generation_config.json	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/generation_config.json	195	92a5c418526e535ff093b96e8d3288d73c828b7968340737b0efe3f8ce94d8a8	\N	2026-11-30 17:50:46.58892+00
01a22d94-a73d-7669-ac4a-8294175892cc	01a22d93-67fa-7819-a500-b44e3dad6fe4	masks.safetensors	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/masks.safetensors	8992	05437ecb4acadcceb0e7a752571572bf09be16d86e3a3a4ad539994cdc90f96e	\N	2026-11-30 17:50:46.589409+00
01a22d94-a73d-7a4e-9a12-3c0df4b8777f	01a22d93-67fa-7819-a500-b44e3dad6fe4	model.safetensors	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/model.safetensors	250904	327453fa8c3c8f4c2962edc896c6c9e1ef55dc2f22debb2f7d5990544975d9ae	138209	2026-11-30 17:50:46.589652+00
01a22d94-a740-7be5-8c77-8b3fbadc9938	01a22d93-67fa-7819-a500-b44e3dad6fe4	pruning_report.json	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/pruning_report.json	12351	5dbeda88377a67056a0cbddd8853d921d9683b10281af6b8b135049a97aeb8f6	\N	2026-11-30 17:50:46.592754+00
01a22d94-a741-7a15-8bfa-1069ce718a35	01a22d93-67fa-7819-a500-b44e3dad6fe4	tokenizer.json	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/tokenizer.json	13234	b684df04a9e60e74495d54339cf39b17ee6e4a99ffcbe36e8ec747ae5215e6d8	\N	2026-11-30 17:50:46.593639+00
01a22d94-a741-7d2c-ab83-c79650f381eb	01a22d93-67fa-7819-a500-b44e3dad6fe4	tokenizer_config.json	jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4/attempts/1/output/tokenizer_config.json	127	43d68c108ee8ceda448125ae08ccf4f3236e379953f86ebd1345bbe7ca1346ed	\N	2026-11-30 17:50:46.59383+00
\.



COPY public.audit_records (id, at, action, owner, key_id, address, subject, subject_owner) FROM stdin;
01a22d93-64d7-7f15-8344-9011edf29c95	2026-11-30 17:49:24.055962+00	key.created	ada	01a22d93-6296-70c5-a680-77b34c15198c	127.0.0.1	key 01a22d93-64c7-7eea-ae71-99b6a3b4c706	ada
01a22d93-65ed-741f-a127-ee6501a0a743	2026-11-30 17:49:24.333278+00	share.granted	ada	01a22d93-6296-70c5-a680-77b34c15198c	127.0.0.1	share {"weight":2.0}	eve
01a22d94-a8a2-740e-a038-c08d072844c6	2026-11-30 17:50:46.946276+00	zoo.promoted	ada	01a22d93-6296-70c5-a680-77b34c15198c	127.0.0.1	zoo small-gblm-50-6bbece60	ada
01a22d94-a8d9-7671-b5f7-5a58ed2c543a	2026-11-30 17:50:47.001424+00	queue.paused	ada	01a22d93-6296-70c5-a680-77b34c15198c	127.0.0.1	queue cpu	\N
\.



COPY public.daily_use (owner, day, queue, gpu_seconds, cpu_seconds) FROM stdin;
ada	2026-11-30	cpu	0	16.8677
\.



COPY public.deleted_jobs (job_id, delete_at, is_last) FROM stdin;
01a22d93-6737-7a50-945d-e5818fafcf3c	2026-11-30 17:50:47.398205+00	f
\.



COPY public.gradient_cache (fingerprint, job_id, created_at, ready_at, used_at) FROM stdin;
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	01a22d93-671d-7e8e-b79a-10792ce6b51f	2026-11-30 17:50:33.358285+00	2026-11-30 17:50:34.12131+00	2026-11-30 17:50:34.12131+00
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	01a22d93-6670-7b82-8908-2f7a6bbece60	2026-11-30 17:50:29.917989+00	2026-11-30 17:50:30.321745+00	2026-11-30 17:50:45.849768+00
\.



COPY public.gradient_shards (fingerprint, block, key, size, sha256) FROM stdin;
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	0	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/blocks/gradients/00000-l1.safetensors	37544	992870943c0dc21f712187958f3452c324d539271dd6e44003e217c85b98bf62
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	1	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/blocks/gradients/00001-l1.safetensors	37544	fd685d8effb9181f3c0f1d4f5dea2558ca065d1461263c1221384bf2f66305e0
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	2	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/blocks/gradients/00002-l1.safetensors	37544	3d7815085a21ff0c36ba0f327ebb580e79f09ea33012e7481759720528992653
96273e8cc2e055d56e73a87856cb1f76c47058181772e40fd8999d4eddd97bd6	3	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/blocks/gradients/00003-l1.safetensors	37544	dd46a70b31eb2b8f51a84b19d2f38bab5831c2ff9f53836c8060477738006211
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	0	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/blocks/gradients/00000-gates.safetensors	3272	a424567174111b4e8f693b4e942085decf4bb83753ed70dbacddbd15ca2aa5f3
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	1	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/blocks/gradients/00001-gates.safetensors	3272	d0c36d8ad98f996a5dd94f47b7c049bac47f009a3a19ce1ae0eb7c020c427430
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	2	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/blocks/gradients/00002-gates.safetensors	3272	d36c138b6ff7b744ef410e8d05ed2e9eaf5f91210e4523542c0199ba65b92f2b
99c46ad8e56d9aba9e74e01e298ea804a3d51c268952d48249dfba52b0a7ae63	3	jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f/attempts/1/blocks/gradients/00003-gates.safetensors	3272	75f247207619cdc11f87c37d5e206ac0fac44ab062a21b41b63f924691123fb1
\.



COPY public.idempotency_keys (owner, key, body_sha256, job_id, sweep_id, created_at) FROM stdin;
ada	once	\\x051eea9e2cacec1ecdae2819edfaf0bfaf76a2a970dfb2d60a8cd79fb7ec5a59	01a22d93-6670-7b82-8908-2f7a6bbece60	\N	2026-11-30 17:49:24.496872+00
\.



COPY public.job_attempts (job_id, attempt, worker, gpus, started_at, ended_at, outcome, reason) FROM stdin;
01a22d93-6670-7b82-8908-2f7a6bbece60	1	host-1-5817-1cebcb	0	2026-11-30 17:50:28.659909+00	2026-11-30 17:50:31.467343+00	succeeded	\N
01a22d93-671d-7e8e-b79a-10792ce6b51f	1	host-1-5817-1cebcb	0	2026-11-30 17:50:31.742638+00	2026-11-30 17:50:38.046897+00	succeeded	\N
01a22d93-676f-72b8-ba69-81cd2453677c	1	host-1-5817-1cebcb	0	2026-11-30 17:50:40.891372+00	2026-11-30 17:50:42.452971+00	succeeded	\N
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	1	host-1-5817-1cebcb	0	2026-11-30 17:50:42.671517+00	2026-11-30 17:50:44.730281+00	succeeded	\N
01a22d93-67fa-7819-a500-b44e3dad6fe4	1	host-1-5817-1cebcb	0	2026-11-30 17:50:44.933424+00	2026-11-30 17:50:46.561874+00	succeeded	\N
01a22d93-6895-7e44-b44f-7a447f05aa97	1	host-1-5817-1cebcb	0	2026-11-30 17:50:46.705255+00	2026-11-30 17:50:46.801636+00	failed	/srv/models/missing/config.json does not exist or is not a readable file
01a22d94-a940-7d85-8982-b6d00e915c19	1	worker	\N	2026-11-30 17:50:47.283477+00	\N	\N	\N
\.



COPY public.job_blocks (job_id, stage, block, attempt, key, size, sha256, numerics_key, finished_at) FROM stdin;
01a22d94-a940-7d85-8982-b6d00e915c19	prune	0	1	jobs/01a22d94-a940-7d85-8982-b6d00e915c19/model.safetensors	1	abababababababababababababababababababababababababababababababab	{"numerics": 2}	2026-11-30 17:50:47.344971+00
\.



COPY public.job_events (job_id, id, kind, data, at) FROM stdin;
01a22d93-6670-7b82-8908-2f7a6bbece60	1	state	{"state": "queued"}	2026-11-30 17:49:24.478784+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	1	state	{"state": "queued"}	2026-11-30 17:49:24.639047+00
01a22d93-676f-72b8-ba69-81cd2453677c	1	state	{"state": "queued"}	2026-11-30 17:49:24.721938+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	1	state	{"state": "queued"}	2026-11-30 17:49:24.823314+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	1	state	{"state": "queued"}	2026-11-30 17:49:24.880891+00
01a22d93-6895-7e44-b44f-7a447f05aa97	1	state	{"state": "queued"}	2026-11-30 17:49:25.030197+00
01a22d93-6670-7b82-8908-2f7a6bbece60	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:28.632982+00
01a22d93-6670-7b82-8908-2f7a6bbece60	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:28.690851+00
01a22d93-6670-7b82-8908-2f7a6bbece60	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 602890240, "seconds_left": 0.004711241546001931}	2026-11-30 17:50:29.896815+00
01a22d93-6670-7b82-8908-2f7a6bbece60	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.2151166270050453, "peak_memory_bytes": 602890240}	2026-11-30 17:50:29.904161+00
01a22d93-6670-7b82-8908-2f7a6bbece60	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 17:50:29.934509+00
01a22d93-6670-7b82-8908-2f7a6bbece60	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 623812608, "seconds_left": 0.209125964945757}	2026-11-30 17:50:30.163521+00
01a22d93-6670-7b82-8908-2f7a6bbece60	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.3395402119931532, "peak_memory_bytes": 623992832}	2026-11-30 17:50:30.2501+00
01a22d93-6670-7b82-8908-2f7a6bbece60	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 17:50:30.262176+00
01a22d93-6670-7b82-8908-2f7a6bbece60	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 625213440, "seconds_left": 0.07660338176604176}	2026-11-30 17:50:30.447549+00
01a22d93-6670-7b82-8908-2f7a6bbece60	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.4227840419916902, "peak_memory_bytes": 624955392}	2026-11-30 17:50:30.692772+00
01a22d93-6670-7b82-8908-2f7a6bbece60	12	stage	{"stage": "evaluate", "steps": 2, "attempt": 1}	2026-11-30 17:50:30.736745+00
01a22d93-6670-7b82-8908-2f7a6bbece60	13	progress	{"step": 2, "stage": "evaluate", "steps": 2, "attempt": 1, "memory_bytes": 629309440, "seconds_left": 0.00062624}	2026-11-30 17:50:31.14273+00
01a22d93-6670-7b82-8908-2f7a6bbece60	14	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.4620481460005976, "peak_memory_bytes": 629219328}	2026-11-30 17:50:31.165784+00
01a22d93-6670-7b82-8908-2f7a6bbece60	15	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 17:50:31.21552+00
01a22d93-6670-7b82-8908-2f7a6bbece60	16	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 632725504, "seconds_left": 0.0}	2026-11-30 17:50:31.393738+00
01a22d93-6670-7b82-8908-2f7a6bbece60	17	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.20242126699304208, "peak_memory_bytes": 632844288}	2026-11-30 17:50:31.402143+00
01a22d93-6670-7b82-8908-2f7a6bbece60	18	state	{"state": "succeeded", "attempt": 1}	2026-11-30 17:50:31.446174+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:31.706969+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:31.852428+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 635650048, "seconds_left": 0.012986587766579358}	2026-11-30 17:50:33.286641+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.4928624589956598, "peak_memory_bytes": 635650048}	2026-11-30 17:50:33.302303+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	6	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 17:50:33.379103+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	7	progress	{"step": 1, "stage": "gradients", "steps": 1, "attempt": 1, "memory_bytes": 636358656, "seconds_left": 2.5461541734578668}	2026-11-30 17:50:33.690862+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.6132016949995887, "peak_memory_bytes": 636207104}	2026-11-30 17:50:33.948792+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	9	stage	{"stage": "cut", "steps": 4, "attempt": 1}	2026-11-30 17:50:33.96437+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	10	progress	{"step": 4, "stage": "cut", "steps": 4, "attempt": 1, "memory_bytes": 637784064, "seconds_left": 4.703992621012606}	2026-11-30 17:50:34.319038+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	11	stage_finished	{"stage": "cut", "attempt": 1, "seconds": 0.8660648520017276, "peak_memory_bytes": 638738432}	2026-11-30 17:50:34.855169+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 17:50:34.906356+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 17:50:34.916793+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 641507328, "seconds_left": 6.825325920640112}	2026-11-30 17:50:35.263374+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.3971597460040357, "peak_memory_bytes": 641347584}	2026-11-30 17:50:35.282983+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	16	stage	{"stage": "speed", "steps": 28, "attempt": 1}	2026-11-30 17:50:35.304253+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	17	progress	{"step": 2, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652910592, "seconds_left": 12.959966162046308}	2026-11-30 17:50:36.320935+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	18	progress	{"step": 11, "stage": "speed", "steps": 28, "attempt": 1, "memory_bytes": 652967936, "seconds_left": 3.1503758230087504}	2026-11-30 17:50:37.379857+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	19	stage_finished	{"stage": "speed", "attempt": 1, "seconds": 2.3898570019955514, "peak_memory_bytes": 652812288}	2026-11-30 17:50:37.700806+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	20	stage	{"stage": "upload", "steps": 7, "attempt": 1}	2026-11-30 17:50:37.750792+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	21	progress	{"step": 7, "stage": "upload", "steps": 7, "attempt": 1, "memory_bytes": 653570048, "seconds_left": 0.0}	2026-11-30 17:50:37.897809+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	22	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.16280154600099195, "peak_memory_bytes": 653733888}	2026-11-30 17:50:37.914404+00
01a22d93-671d-7e8e-b79a-10792ce6b51f	23	state	{"state": "succeeded", "attempt": 1}	2026-11-30 17:50:38.024353+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 17:50:45.861598+00
01a22d93-676f-72b8-ba69-81cd2453677c	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:40.865166+00
01a22d93-676f-72b8-ba69-81cd2453677c	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:40.936179+00
01a22d93-676f-72b8-ba69-81cd2453677c	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 656244736, "seconds_left": 0.002482023650642335}	2026-11-30 17:50:42.027892+00
01a22d93-676f-72b8-ba69-81cd2453677c	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.1335342040110845, "peak_memory_bytes": 656244736}	2026-11-30 17:50:42.058755+00
01a22d93-676f-72b8-ba69-81cd2453677c	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 17:50:42.134186+00
01a22d93-676f-72b8-ba69-81cd2453677c	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 17:50:42.14817+00
01a22d93-676f-72b8-ba69-81cd2453677c	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.15119542100001127, "peak_memory_bytes": 656277504}	2026-11-30 17:50:42.246354+00
01a22d93-676f-72b8-ba69-81cd2453677c	9	stage	{"stage": "upload", "steps": 1, "attempt": 1}	2026-11-30 17:50:42.286391+00
01a22d93-676f-72b8-ba69-81cd2453677c	10	progress	{"step": 1, "stage": "upload", "steps": 1, "attempt": 1, "memory_bytes": 658046976, "seconds_left": 0.0}	2026-11-30 17:50:42.358596+00
01a22d93-676f-72b8-ba69-81cd2453677c	11	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.09207526899990626, "peak_memory_bytes": 658132992}	2026-11-30 17:50:42.37526+00
01a22d93-676f-72b8-ba69-81cd2453677c	12	state	{"state": "succeeded", "attempt": 1}	2026-11-30 17:50:42.440528+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:42.612903+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:42.720839+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 659165184, "seconds_left": 0.004711241546001931}	2026-11-30 17:50:43.750271+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 1.06905194700812, "peak_memory_bytes": 659169280}	2026-11-30 17:50:43.77395+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	6	log	{"attempt": 1, "message": "gradients: reusing results computed before on the same model and windows"}	2026-11-30 17:50:43.863131+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 17:50:43.866036+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.0962431740044849, "peak_memory_bytes": 659173376}	2026-11-30 17:50:43.873342+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 17:50:43.880688+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 659292160, "seconds_left": 0.07696698321611017}	2026-11-30 17:50:44.09279+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.3668251579947537, "peak_memory_bytes": 659050496}	2026-11-30 17:50:44.248458+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 17:50:44.259475+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 17:50:44.26324+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 657829888, "seconds_left": 0.00062624}	2026-11-30 17:50:44.443792+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.20572135598922614, "peak_memory_bytes": 657453056}	2026-11-30 17:50:44.458048+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 17:50:44.496505+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 659910656, "seconds_left": 0.0}	2026-11-30 17:50:44.659977+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.17599455399613362, "peak_memory_bytes": 659910656}	2026-11-30 17:50:44.67033+00
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 17:50:44.715687+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:44.905665+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:44.968348+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	4	progress	{"step": 1, "stage": "resolve", "steps": 1, "attempt": 1, "memory_bytes": 662335488, "seconds_left": 0.004711241546001931}	2026-11-30 17:50:45.830636+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	5	stage_finished	{"stage": "resolve", "attempt": 1, "seconds": 0.8724872669990873, "peak_memory_bytes": 662335488}	2026-11-30 17:50:45.834588+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	7	stage	{"stage": "gradients", "steps": 1, "attempt": 1}	2026-11-30 17:50:45.876747+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	8	stage_finished	{"stage": "gradients", "attempt": 1, "seconds": 0.04698542400728911, "peak_memory_bytes": 662384640}	2026-11-30 17:50:45.885045+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	9	stage	{"stage": "prune", "steps": 4, "attempt": 1}	2026-11-30 17:50:45.888376+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	10	progress	{"step": 4, "stage": "prune", "steps": 4, "attempt": 1, "memory_bytes": 662487040, "seconds_left": 0.05349798113992169}	2026-11-30 17:50:46.031936+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	11	stage_finished	{"stage": "prune", "attempt": 1, "seconds": 0.2415199550014222, "peak_memory_bytes": 662315008}	2026-11-30 17:50:46.136283+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	12	log	{"attempt": 1, "message": "the dense model was measured before on the same windows"}	2026-11-30 17:50:46.147507+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	13	stage	{"stage": "evaluate", "steps": 1, "attempt": 1}	2026-11-30 17:50:46.154238+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	14	progress	{"step": 1, "stage": "evaluate", "steps": 1, "attempt": 1, "memory_bytes": 660185088, "seconds_left": 0.00062624}	2026-11-30 17:50:46.346185+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	15	stage_finished	{"stage": "evaluate", "attempt": 1, "seconds": 0.23121421699761413, "peak_memory_bytes": 660058112}	2026-11-30 17:50:46.377985+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	16	stage	{"stage": "upload", "steps": 8, "attempt": 1}	2026-11-30 17:50:46.406926+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	17	progress	{"step": 8, "stage": "upload", "steps": 8, "attempt": 1, "memory_bytes": 662220800, "seconds_left": 0.0}	2026-11-30 17:50:46.4995+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	18	stage_finished	{"stage": "upload", "attempt": 1, "seconds": 0.10693442399497144, "peak_memory_bytes": 662388736}	2026-11-30 17:50:46.513954+00
01a22d93-67fa-7819-a500-b44e3dad6fe4	19	state	{"state": "succeeded", "attempt": 1}	2026-11-30 17:50:46.550403+00
01a22d93-6895-7e44-b44f-7a447f05aa97	2	state	{"state": "running", "worker": "host-1-5817-1cebcb", "attempt": 1}	2026-11-30 17:50:46.691088+00
01a22d93-6895-7e44-b44f-7a447f05aa97	3	stage	{"stage": "resolve", "steps": 1, "attempt": 1}	2026-11-30 17:50:46.750904+00
01a22d93-6895-7e44-b44f-7a447f05aa97	4	state	{"error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "state": "failed", "attempt": 1}	2026-11-30 17:50:46.797103+00
01a22d94-a940-7d85-8982-b6d00e915c19	1	state	{"state": "queued"}	2026-11-30 17:50:47.106608+00
01a22d94-a940-7d85-8982-b6d00e915c19	2	state	{"state": "running", "worker": "worker", "attempt": 1}	2026-11-30 17:50:47.21877+00
\.



COPY public.job_labels (job_id, name, value, owner) FROM stdin;
01a22d93-6670-7b82-8908-2f7a6bbece60	team	ml	ada
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	team	ml	ada
01a22d93-67fa-7819-a500-b44e3dad6fe4	team	ml	ada
\.



COPY public.jobs (id, owner, spec, name, recipe_fingerprint, model, method, pattern, sparsity, labels, sweep_id, needs, priority, state, attempt, lost_attempts, worker, worker_class, lease_token, progressed_at, report, pruned_perplexity, measured_sparsity, error, last_event, orphaned_files_since, artifacts_expired_at, queued_at, running_at, cancelling_at, ended_at, retried_at, created_at, next_try_at, traceparent, checks_pending, blocked_on, progress, figures, gate, outage) FROM stdin;
01a22d93-67ce-7e57-b7ca-6fcde0fc3a23	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.25, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	ba687266ee162b29db0cebb6e56c3652c1c74de526e4a3789bda2235ee08b1a6	/srv/models/small	gblm	unstructured	0.25	{"team": "ml"}	01a22d93-679b-71ff-9079-1be7c19b1edd	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005940681546001931, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 17:50:44.669328+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.25, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.06905194700812, "peak_memory_bytes": 659169280}, {"name": "gradients", "seconds": 0.0962431740044849, "peak_memory_bytes": 659173376}, {"name": "prune", "seconds": 0.3668251579947537, "peak_memory_bytes": 659050496}, {"name": "evaluate", "seconds": 0.20572135598922614, "peak_memory_bytes": 657453056}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.1038288101553917, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09592997282743454, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11869046837091446, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.14113132655620575, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10035082697868347, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10392932593822479, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10080688446760178, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09052193909883499, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.12762022018432617, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11766026169061661, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10221220552921295, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10566866397857666, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10537035018205643, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.0991474986076355, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.10388566553592682, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11495339870452881, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09846071153879166, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.09912228584289551, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10399063676595688, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.11087480187416077, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10901441425085068, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.0962851271033287, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.11122143268585205, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 128, "weights": 512, "sparsity": 0.25, "relative_error": 0.09420617669820786, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 256, "weights": 1024, "sparsity": 0.25, "relative_error": 0.11047501116991043, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10135221481323242, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10250400006771088, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 512, "weights": 2048, "sparsity": 0.25, "relative_error": 0.10856340825557709, "swap_reduction": null}], "overall": 0.25}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.00005996605719818974, "dense": 382.1642520456846, "pruned": 382.88460090926526, "dataset": "builtin", "windows": 4, "increase": 0.0018849195332235613, "agreement": 0.8951612903225806, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.968727, 5.955755, 5.937065, 5.929388], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "ba687266ee162b29db0cebb6e56c3652c1c74de526e4a3789bda2235ee08b1a6", "further_perplexities": [], "dense_perplexity_reused": true}	382.88460090926526	0.25	\N	19	2026-11-30 17:50:44.710657+00	\N	2026-11-30 17:49:24.814917+00	2026-11-30 17:50:42.609298+00	\N	2026-11-30 17:50:44.710658+00	\N	2026-11-30 17:49:24.814917+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.00005996605719818974, "exports": [], "speedup": 1.0, "agreement": 0.8951612903225806, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 203139}	\N	\N
01a22d93-6670-7b82-8908-2f7a6bbece60	ada	{"gate": {"max_kl": null, "min_zero_shot": {}, "max_perplexity": null, "max_perplexity_increase": 1.0}, "name": "half", "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	half	fc5d94c184420c42cbfd7f83ac61a73e840af6ccb97ac5f284a10fbacdb87411	/srv/models/small	gblm	unstructured	0.5	{"team": "ml"}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005940681546001931, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 17:50:31.401249+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.5, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.2151166270050453, "peak_memory_bytes": 602890240}, {"name": "gradients", "seconds": 0.3395402119931532, "peak_memory_bytes": 623992832}, {"name": "prune", "seconds": 0.4227840419916902, "peak_memory_bytes": 624955392}, {"name": "evaluate", "seconds": 0.4620481460005976, "peak_memory_bytes": 629219328}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2871205508708954, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28269755840301514, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3067590594291687, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.30909308791160583, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2858715057373047, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2780536115169525, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28407636284828186, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.26653939485549927, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.28520166873931885, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3147871792316437, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.23464186489582062, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27378785610198975, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27165913581848145, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2776046395301819, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.275035560131073, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.30915504693984985, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.3025335371494293, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.28757354617118835, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.2834889888763428, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.28764551877975464, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.27565184235572815, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.269745409488678, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2925407886505127, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 256, "weights": 512, "sparsity": 0.5, "relative_error": 0.2693319320678711, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 512, "weights": 1024, "sparsity": 0.5, "relative_error": 0.2908693253993988, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.289457768201828, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.30013489723205566, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1024, "weights": 2048, "sparsity": 0.5, "relative_error": 0.291322261095047, "swap_reduction": null}], "overall": 0.5}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.0003868969934926774, "dense": 382.1642520456846, "pruned": 384.8986855847759, "dataset": "builtin", "windows": 4, "increase": 0.007155126426540814, "agreement": 0.6370967741935484, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.97632, 5.945593, 5.94226, 5.947748], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": "whole", "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": 32, "transformers": "5.24.0", "deterministic": true}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "fc5d94c184420c42cbfd7f83ac61a73e840af6ccb97ac5f284a10fbacdb87411", "further_perplexities": [], "dense_perplexity_reused": false}	384.8986855847759	0.5	\N	18	2026-11-30 17:50:31.433348+00	\N	2026-11-30 17:49:24.464754+00	2026-11-30 17:50:28.62133+00	\N	2026-11-30 17:50:31.433349+00	\N	2026-11-30 17:49:24.464754+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0003868969934926774, "exports": [], "speedup": 1.0, "agreement": 0.6370967741935484, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 172808}	{"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}	\N
01a22d94-a940-7d85-8982-b6d00e915c19	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 1, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	e09caa42eb1a30b4bb45c350bcaea5bae0af6b86d781e838c1e05c825c2f22b0	/srv/models/small	gblm	unstructured	0.5	{}	\N	{}	0	running	1	0	worker	\N	640289f5-3cac-4bcc-befe-f410605a7952	2026-11-30 17:50:47.318273+00	\N	\N	\N	\N	2	\N	\N	2026-11-30 17:50:47.104873+00	2026-11-30 17:50:47.207138+00	\N	\N	\N	2026-11-30 17:50:47.104873+00	\N	\N	f	\N	\N	\N	\N	\N
01a22d93-6895-7e44-b44f-7a447f05aa97	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/missing", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.5, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	ff32ecf0b5ac87bb36aeb585756e4f449f4e852560d7c9219ec699b85298dbf6	/srv/models/missing	gblm	unstructured	0.5	{}	\N	{}	0	failed	1	0	\N	cpu	\N	2026-11-30 17:50:46.7492+00	\N	\N	\N	{"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}	4	2026-11-30 17:50:46.794286+00	\N	2026-11-30 17:49:25.013919+00	2026-11-30 17:50:46.688879+00	\N	2026-11-30 17:50:46.794286+00	\N	2026-11-30 17:49:25.013919+00	\N	\N	f	\N	{"step": 0, "stage": "resolve", "steps": 1}	\N	\N	\N
01a22d93-676f-72b8-ba69-81cd2453677c	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": ["l1"], "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "wikitext2", "windows": null, "task_limit": null, "sequence_length": null, "further_datasets": []}, "save_masks": false, "timeout_seconds": null, "stop_when_missed": false}	\N	645e2d09ed6c5bb3f388719e43efb926e20952a802c6e8a4aea7fa4a70affc32	/srv/models/small	gradients	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.003711463650642335, "device_bytes": 1000313, "scratch_bytes": 393216}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 17:50:42.37397+00	\N	\N	\N	\N	12	2026-11-30 17:50:42.426501+00	\N	2026-11-30 17:49:24.719196+00	2026-11-30 17:50:40.86284+00	\N	2026-11-30 17:50:42.426501+00	\N	2026-11-30 17:49:24.719196+00	\N	\N	f	\N	{"step": 1, "stage": "upload", "steps": 1}	\N	\N	\N
01a22d93-671d-7e8e-b79a-10792ce6b51f	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "sparsity": 0.0, "gradients": null, "structure": {"kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	36e006fbd782c1b3ad58434c758ece8e0b3cd4f5c0621803e1071869b3435666	/srv/models/small	structure	unstructured	0	{}	\N	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.014216027766579358, "device_bytes": 959763, "scratch_bytes": 721280}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 17:50:37.913225+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": null, "bytes": 226672, "pairs": 3, "rates": [{"batch": 1, "dense": 2652.214246672843, "noise": 0.9515102165404381, "phase": "prefill", "pruned": 2924.399418923174, "speedup": 1.1026256353881603}, {"batch": 8, "dense": 15115.928200742588, "noise": 0.7804396864125909, "phase": "prefill", "pruned": 17031.00601690405, "speedup": 1.1266927039298442}, {"batch": 1, "dense": 117.09239216226504, "noise": 0.18463043053692552, "phase": "decode", "pruned": 104.28597498084912, "speedup": 0.8906298099737431}, {"batch": 8, "dense": 407.5648467625116, "noise": 0.08346897346795878, "phase": "decode", "pruned": 455.445745902397, "speedup": 1.1174804439593526}], "prompt": 56, "speedup": null, "generated": 8, "dense_bytes": 250904, "peak_memory_bytes": 1688160, "dense_peak_memory_bytes": 2404960}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": null, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.0, "gradients": null, "structure": {"blocks": null, "experts": null, "kv_groups": null, "parameters": null, "multiple_of": null, "mlp_channels": 0.25}, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 1.4928624589956598, "peak_memory_bytes": 635650048}, {"name": "gradients", "seconds": 0.6132016949995887, "peak_memory_bytes": 636207104}, {"name": "cut", "seconds": 0.8660648520017276, "peak_memory_bytes": 638738432}, {"name": "evaluate", "seconds": 0.3971597460040357, "peak_memory_bytes": 641347584}, {"name": "speed", "seconds": 2.3898570019955514, "peak_memory_bytes": 652812288}], "exports": [], "recovery": null, "sparsity": {"layers": [], "overall": 0.0}, "warnings": [], "structure": {"left": "48 of 64 MLP channels in each block", "bytes": 226672, "depth": null, "units": [{"kept": 48, "kind": "mlp_channels", "dense": 64, "requested": 48}], "blocks": [{"kept": "0-2,5-7,10-11,13-14,16,18,20-22,25-29,32,34-38,40-50,52-59,61-63", "kind": "mlp_channels", "block": 0}, {"kept": "0-1,3-4,6-16,18-29,34-35,37-39,41-42,46,48-51,53-59,61,63", "kind": "mlp_channels", "block": 1}, {"kept": "0-1,3-4,6-10,12-18,20-23,28-33,35-39,41,43-44,47-54,56-57,59-60,62-63", "kind": "mlp_channels", "block": 2}, {"kept": "0,2-3,5-9,11-21,23-26,28-29,31-32,34-37,39-45,48-53,58,60,62-63", "kind": "mlp_channels", "block": 3}], "parameters": 55584, "block_share": 0.16551724137931034, "dense_bytes": 250904, "dense_parameters": 61728}, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.0000052624201133209774, "dense": 382.1642520456846, "pruned": 382.0752385933565, "dataset": "builtin", "windows": 4, "increase": -0.00023291935823821497, "agreement": 0.967741935483871, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.969421, 5.95198, 5.937137, 5.923932], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": false, "recipe_fingerprint": "36e006fbd782c1b3ad58434c758ece8e0b3cd4f5c0621803e1071869b3435666", "further_perplexities": [], "dense_perplexity_reused": true}	382.0752385933565	0	\N	23	2026-11-30 17:50:38.021456+00	\N	2026-11-30 17:49:24.637935+00	2026-11-30 17:50:31.701453+00	\N	2026-11-30 17:50:38.021456+00	\N	2026-11-30 17:49:24.637935+00	\N	\N	f	\N	{"step": 7, "stage": "upload", "steps": 7}	{"kl": 0.0000052624201133209774, "exports": [], "speedup": null, "agreement": 0.967741935483871, "intervals": null, "parameters": 55584, "weight_bytes": 226672, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 197406}	\N	\N
01a22d93-67fa-7819-a500-b44e3dad6fe4	ada	{"gate": null, "name": null, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "order": "blocks", "refit": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "sparsity": 0.75, "gradients": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "sequence_length": 32}}, "evaluation": {"tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "timeout_seconds": null, "stop_when_missed": false}	\N	707dc2d9365b9159919d4fcb38a03daf0e252e1f4d7510d93f09c0ed742f3e02	/srv/models/small	gblm	unstructured	0.75	{"team": "ml"}	01a22d93-679b-71ff-9079-1be7c19b1edd	{"gpus": 0, "cpu_bytes": 1000000000, "host_bytes": 3000147456, "cpu_seconds": 0.005940681546001931, "device_bytes": 1000313, "scratch_bytes": 496256}	0	succeeded	1	0	\N	cpu	\N	2026-11-30 17:50:46.513097+00	{"model": {"id": "/srv/models/small", "blocks": 4, "commit": null, "digest": "sha256:fb04596f22ec5cacf1344f21ccc2679594f63e999ec8270ad63fe3cf3b613ad7", "parameters": 61728, "architecture": "LlamaForCausalLM"}, "speed": {"note": "the result has the dense model's shapes: zeros are stored and multiplied like other numbers, so that it is as large and as fast as the dense model wherever it runs", "bytes": 250904, "pairs": null, "rates": [], "prompt": null, "speedup": 1.0, "generated": null, "dense_bytes": 250904, "peak_memory_bytes": null, "dense_peak_memory_bytes": null}, "recipe": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "pattern": "unstructured", "permute": false, "recovery": null, "sparsity": 0.75, "gradients": null, "structure": null, "allocation": {"name": "uniform"}, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}}, "search": null, "stages": [{"name": "resolve", "seconds": 0.8724872669990873, "peak_memory_bytes": 662335488}, {"name": "gradients", "seconds": 0.04698542400728911, "peak_memory_bytes": 662384640}, {"name": "prune", "seconds": 0.2415199550014222, "peak_memory_bytes": 662315008}, {"name": "evaluate", "seconds": 0.23121421699761413, "peak_memory_bytes": 660058112}], "exports": [], "recovery": null, "sparsity": {"layers": [{"name": "model.layers.0.self_attn.q_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5211724042892456, "swap_reduction": null}, {"name": "model.layers.0.self_attn.k_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5294118523597717, "swap_reduction": null}, {"name": "model.layers.0.self_attn.v_proj", "block": 0, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5963360071182251, "swap_reduction": null}, {"name": "model.layers.0.self_attn.o_proj", "block": 0, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5721399784088135, "swap_reduction": null}, {"name": "model.layers.0.mlp.gate_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5601732134819031, "swap_reduction": null}, {"name": "model.layers.0.mlp.up_proj", "block": 0, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5269811153411865, "swap_reduction": null}, {"name": "model.layers.0.mlp.down_proj", "block": 0, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5355689525604248, "swap_reduction": null}, {"name": "model.layers.1.self_attn.q_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.522284984588623, "swap_reduction": null}, {"name": "model.layers.1.self_attn.k_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5568861365318298, "swap_reduction": null}, {"name": "model.layers.1.self_attn.v_proj", "block": 1, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.6087396740913391, "swap_reduction": null}, {"name": "model.layers.1.self_attn.o_proj", "block": 1, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5383180975914001, "swap_reduction": null}, {"name": "model.layers.1.mlp.gate_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5383096933364868, "swap_reduction": null}, {"name": "model.layers.1.mlp.up_proj", "block": 1, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5167992115020752, "swap_reduction": null}, {"name": "model.layers.1.mlp.down_proj", "block": 1, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5247687101364136, "swap_reduction": null}, {"name": "model.layers.2.self_attn.q_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5424693822860718, "swap_reduction": null}, {"name": "model.layers.2.self_attn.k_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5773555636405945, "swap_reduction": null}, {"name": "model.layers.2.self_attn.v_proj", "block": 2, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5391722321510315, "swap_reduction": null}, {"name": "model.layers.2.self_attn.o_proj", "block": 2, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5773081183433533, "swap_reduction": null}, {"name": "model.layers.2.mlp.gate_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5282330513000488, "swap_reduction": null}, {"name": "model.layers.2.mlp.up_proj", "block": 2, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5466231107711792, "swap_reduction": null}, {"name": "model.layers.2.mlp.down_proj", "block": 2, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5618435740470886, "swap_reduction": null}, {"name": "model.layers.3.self_attn.q_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.5623729228973389, "swap_reduction": null}, {"name": "model.layers.3.self_attn.k_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5705260634422302, "swap_reduction": null}, {"name": "model.layers.3.self_attn.v_proj", "block": 3, "shape": [16, 32], "zeros": 384, "weights": 512, "sparsity": 0.75, "relative_error": 0.5437993407249451, "swap_reduction": null}, {"name": "model.layers.3.self_attn.o_proj", "block": 3, "shape": [32, 32], "zeros": 768, "weights": 1024, "sparsity": 0.75, "relative_error": 0.4991477131843567, "swap_reduction": null}, {"name": "model.layers.3.mlp.gate_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5409819483757019, "swap_reduction": null}, {"name": "model.layers.3.mlp.up_proj", "block": 3, "shape": [64, 32], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5287995338439941, "swap_reduction": null}, {"name": "model.layers.3.mlp.down_proj", "block": 3, "shape": [32, 64], "zeros": 1536, "weights": 2048, "sparsity": 0.75, "relative_error": 0.5883710384368896, "swap_reduction": null}], "overall": 0.75}, "warnings": [], "structure": null, "zero_shot": null, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "perplexity": {"kl": 0.0011241618736793529, "dense": 382.1642520456846, "pruned": 387.657153495683, "dataset": "builtin", "windows": 4, "increase": 0.014373143015327994, "agreement": 0.45161290322580644, "cut_short": false, "intervals": null, "definition": "Exp of the mean over windows of a window's mean next-token cross-entropy (length - 1 predictions); the documents are joined by a blank line, tokenised once with the special tokens that the tokenizer adds by itself, and cut into non-overlapping windows; the remainder is dropped.", "fingerprint": "5b902ca9b0dd94a41577b65ff6001d942cb8bdabb657db991b22ce5921a68ea9", "window_losses": [5.977321, 5.96063, 5.960053, 5.942482], "sequence_length": 32}, "calibration": {"sets": [{"notes": [], "weight": 1.0, "dataset": "/srv/data/topics.txt", "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070"}], "tokens": 256, "windows": 8, "fingerprint": "83ba2d77413eed52b05781a10c9ca09100e5d99ce1dea5b2783d2c5e0824b070", "sequence_length": 32}, "environment": {"dtype": "bfloat16", "torch": "2.13.0+cpu", "device": "cpu", "python": "3.11.7", "threads": 1, "schedule": null, "attention": "sdpa", "pruneserve": "0.1.0", "micro_batch": null, "transformers": "5.24.0", "deterministic": null}, "permutation": null, "gradients_reused": true, "recipe_fingerprint": "707dc2d9365b9159919d4fcb38a03daf0e252e1f4d7510d93f09c0ed742f3e02", "further_perplexities": [], "dense_perplexity_reused": true}	387.657153495683	0.75	\N	19	2026-11-30 17:50:46.543906+00	\N	2026-11-30 17:49:24.858541+00	2026-11-30 17:50:44.898473+00	\N	2026-11-30 17:50:46.543906+00	\N	2026-11-30 17:49:24.858541+00	\N	\N	f	\N	{"step": 8, "stage": "upload", "steps": 8}	{"kl": 0.0011241618736793529, "exports": [], "speedup": 1.0, "agreement": 0.45161290322580644, "intervals": null, "parameters": 61728, "weight_bytes": 250904, "dense_perplexity": 382.1642520456846, "stored_weight_bytes": 138209}	\N	\N
\.



COPY public.leases (job_id, token, expires_at, check_at) FROM stdin;
01a22d94-a940-7d85-8982-b6d00e915c19	640289f5-3cac-4bcc-befe-f410605a7952	2026-11-30 18:40:47.293153+00	2026-11-30 18:40:47.293158+00
\.



COPY public.owner_shares (owner, weight, most_running) FROM stdin;
eve	2	\N
\.



COPY public.page_sessions (token_sha256, api_key_id, one_time, created_at, expires_at) FROM stdin;
\\x0c202176985fadd446cc3d64c7cd6ddf1f3681093bf7ead6fb2db95e93870ed8	01a22d93-6296-70c5-a680-77b34c15198c	f	2026-11-30 17:50:47.069774+00	2026-12-01 05:50:47.069774+00
\.



COPY public.perplexity_cache (fingerprint, losses, used_at, job_id, key, size, sha256) FROM stdin;
fdebd29fe72ea7db6224473a40d666401dd332572152975f407381b026bfdc95	{5.96978888973113,5.952233991315288,5.937167767555483,5.924211332874913}	2026-11-30 17:50:46.140327+00	01a22d93-6670-7b82-8908-2f7a6bbece60	jobs/01a22d93-6670-7b82-8908-2f7a6bbece60/attempts/1/blocks/evaluate/final-states-0.safetensors	8024	d33ef6e6918a1ab9170a572fa95af921fe6903759a79432509d35cb8b6d7677d
\.



COPY public.queues (name, paused_at, paused_by) FROM stdin;
cpu	2026-11-30 17:50:47.000173+00	ada
\.



COPY public.recent_use (owner, queue, seconds, at) FROM stdin;
ada	cpu	16.863714772037955	2026-11-30 17:50:46.805303+00
\.



COPY public.schedulers (name, seen_at, broker_away_since) FROM stdin;
host-1-5816-adf864	2026-11-30 17:50:46.938299+00	\N
\.



COPY public.sent_files (job_id, name, attempt, key, size, sha256, stored_size, sent_at) FROM stdin;
01a22d94-a940-7d85-8982-b6d00e915c19	model.safetensors	1	jobs/01a22d94-a940-7d85-8982-b6d00e915c19/model.safetensors	1	abababababababababababababababababababababababababababababababab	\N	2026-11-30 17:50:47.32502+00
\.



COPY public.stray_uploads (key, owner, size, pending_delete, since) FROM stdin;
uploads/begun	ada	1	f	2026-11-30 17:50:47.376315+00
\.



COPY public.sweeps (id, owner, request, state, search, error, created_at, ended_at) FROM stdin;
01a22d93-679b-71ff-9079-1be7c19b1edd	ada	{"job": {"dtype": "auto", "model": {"id": "/srv/models/small", "revision": null}, "norms": [], "order": "blocks", "refit": null, "swaps": null, "labels": {"team": "ml"}, "layers": {"exclude": [], "include": []}, "method": {"name": "gblm", "norm": "l1", "alpha": 100.0, "inverse": false, "selection": "share"}, "exports": [], "pattern": "unstructured", "permute": false, "recovery": null, "gradients": null, "placement": null, "structure": null, "allocation": {"name": "uniform"}, "evaluation": {"speed": "auto", "tasks": [], "dataset": "builtin", "windows": 4, "task_limit": null, "add_bos_token": false, "sequence_length": 32, "further_datasets": []}, "save_masks": true, "calibration": {"seed": 0, "dataset": "/srv/data/topics.txt", "samples": 8, "datasets": [], "add_bos_token": false, "sequence_length": 32}, "timeout_seconds": null, "stop_when_missed": false}, "vary": {"method": [], "pattern": [], "sparsity": [0.25, 0.75], "structure": []}}	succeeded	\N	\N	2026-11-30 17:49:24.763154+00	2026-11-30 17:50:46.605952+00
\.



COPY public.uploads (id, owner, name, format, size, sha256, key, created_at) FROM stdin;
01a22d93-655f-7e26-bc4d-c9e5476028f4	ada	ours.txt	txt	22	738dd104e6c864e85dfd69bded18a50b5dc734abc47ac3c7c91c5bfa5d28ec85	uploads/13379411-a64d-44a7-b675-8fe735c126c0.txt	2026-11-30 17:49:24.191916+00
\.



COPY public.webhook_deliveries (id, endpoint_id, event, payload, attempts, next_attempt_at, last_attempt_at, last_status, last_error, delivered_at, created_at) FROM stdin;
01a22d94-6130-7dc6-8d44-875a4ebfe14e	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-6670-7b82-8908-2f7a6bbece60", "url": "/v1/jobs/01a22d93-6670-7b82-8908-2f7a6bbece60", "gate": null, "page": "/jobs/01a22d93-6670-7b82-8908-2f7a6bbece60", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:28.621330+00:00"}	2	2026-11-30 17:51:07.903035+00	2026-11-30 17:50:36.151624+00	\N	the host has no public address	\N	2026-11-30 17:50:28.656878+00
01a22d94-6c28-7f3b-a451-f55016ff598d	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-6670-7b82-8908-2f7a6bbece60", "url": "/v1/jobs/01a22d93-6670-7b82-8908-2f7a6bbece60", "gate": {"of": null, "state": "passed", "baseline": null, "conditions": [{"name": "max_perplexity_increase", "limit": 1.0, "state": "passed", "margin": 0.9928448735734592, "passed": true, "interval": null, "measured": 0.007155126426540814, "required_sample": null}]}, "page": "/jobs/01a22d93-6670-7b82-8908-2f7a6bbece60", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 384.8986855847759}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:31.433349+00:00"}	2	2026-11-30 17:51:07.132321+00	2026-11-30 17:50:37.307492+00	\N	the host has no public address	\N	2026-11-30 17:50:31.464989+00
01a22d94-6d38-7fdc-b622-f3073f785fc9	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-671d-7e8e-b79a-10792ce6b51f", "url": "/v1/jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f", "gate": null, "page": "/jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:31.701453+00:00"}	2	2026-11-30 17:51:02.013314+00	2026-11-30 17:50:37.529056+00	\N	the host has no public address	\N	2026-11-30 17:50:31.737026+00
01a22d94-85d4-7b19-882b-8b54280a712f	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-671d-7e8e-b79a-10792ce6b51f", "url": "/v1/jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f", "gate": null, "page": "/jobs/01a22d93-671d-7e8e-b79a-10792ce6b51f", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "structure", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": 382.1642520456846, "pruned": 382.0752385933565}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:38.021456+00:00"}	2	2026-11-30 17:51:14.292957+00	2026-11-30 17:50:44.356464+00	\N	the host has no public address	\N	2026-11-30 17:50:38.036725+00
01a22d94-9062-7fae-a476-f8a97eae84e3	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-6737-7a50-945d-e5818fafcf3c", "url": "/v1/jobs/01a22d93-6737-7a50-945d-e5818fafcf3c", "gate": null, "page": "/jobs/01a22d93-6737-7a50-945d-e5818fafcf3c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": {"dense": 382.1642520456846, "pruned": 382.16134960123105}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:40.720997+00:00"}	2	2026-11-30 17:51:11.586708+00	2026-11-30 17:50:46.89891+00	\N	the host has no public address	\N	2026-11-30 17:50:40.739007+00
01a22d94-9712-77bd-bfac-2673383cfe8c	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-676f-72b8-ba69-81cd2453677c", "url": "/v1/jobs/01a22d93-676f-72b8-ba69-81cd2453677c", "gate": null, "page": "/jobs/01a22d93-676f-72b8-ba69-81cd2453677c", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": {"dense": null, "pruned": null}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:42.426501+00:00"}	1	2026-11-30 17:50:49.013038+00	2026-11-30 17:50:43.142705+00	\N	the host has no public address	\N	2026-11-30 17:50:42.450512+00
01a22d94-97d5-7f19-943b-f7b4f9d144fb	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "url": "/v1/jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "gate": null, "page": "/jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:42.609298+00:00"}	1	2026-11-30 17:50:48.747234+00	2026-11-30 17:50:43.142733+00	\N	the host has no public address	\N	2026-11-30 17:50:42.645966+00
01a22d94-86f8-7744-9d99-063bbb19e522	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-6737-7a50-945d-e5818fafcf3c", "url": "/v1/jobs/01a22d93-6737-7a50-945d-e5818fafcf3c", "gate": null, "page": "/jobs/01a22d93-6737-7a50-945d-e5818fafcf3c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "magnitude", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:38.277320+00:00"}	2	2026-11-30 17:51:10.425315+00	2026-11-30 17:50:44.356497+00	\N	the host has no public address	\N	2026-11-30 17:50:38.328475+00
01a22d94-9ff5-7e70-a574-6e232f6c4b55	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "url": "/v1/jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "gate": null, "page": "/jobs/01a22d93-67ce-7e57-b7ca-6fcde0fc3a23", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.25, "perplexity": {"dense": 382.1642520456846, "pruned": 382.88460090926526}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:44.710658+00:00"}	1	2026-11-30 17:50:50.961978+00	2026-11-30 17:50:45.527294+00	\N	the host has no public address	\N	2026-11-30 17:50:44.72593+00
01a22d94-a0bc-7309-82c0-770e7837d9d5	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-67fa-7819-a500-b44e3dad6fe4", "url": "/v1/jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4", "gate": null, "page": "/jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4", "error": null, "model": "/srv/models/small", "state": "running", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:44.898473+00:00"}	1	2026-11-30 17:50:50.968413+00	2026-11-30 17:50:45.527329+00	\N	the host has no public address	\N	2026-11-30 17:50:44.924225+00
01a22d94-90f6-7b4a-9add-f301bb8816c3	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-676f-72b8-ba69-81cd2453677c", "url": "/v1/jobs/01a22d93-676f-72b8-ba69-81cd2453677c", "gate": null, "page": "/jobs/01a22d93-676f-72b8-ba69-81cd2453677c", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gradients", "attempt": 1, "pattern": "unstructured", "sparsity": 0.0, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:40.862840+00:00"}	2	2026-11-30 17:51:18.306492+00	2026-11-30 17:50:46.733509+00	\N	the host has no public address	\N	2026-11-30 17:50:40.886729+00
01a22d94-a71f-73a2-80a5-7b7e4f9a673d	01a22d93-6464-7d42-b962-8193770816ed	job.succeeded	{"data": {"id": "01a22d93-67fa-7819-a500-b44e3dad6fe4", "url": "/v1/jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4", "gate": null, "page": "/jobs/01a22d93-67fa-7819-a500-b44e3dad6fe4", "error": null, "model": "/srv/models/small", "state": "succeeded", "labels": {"team": "ml"}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.75, "perplexity": {"dense": 382.1642520456846, "pruned": 387.657153495683}}, "type": "job.succeeded", "timestamp": "2026-11-30T17:50:46.543906+00:00"}	1	2026-11-30 17:50:51.027735+00	2026-11-30 17:50:46.733541+00	\N	the host has no public address	\N	2026-11-30 17:50:46.559257+00
01a22d94-a7ae-7650-93f4-ccf4424d8e3d	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d93-6895-7e44-b44f-7a447f05aa97", "url": "/v1/jobs/01a22d93-6895-7e44-b44f-7a447f05aa97", "gate": null, "page": "/jobs/01a22d93-6895-7e44-b44f-7a447f05aa97", "error": null, "model": "/srv/models/missing", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:46.688879+00:00"}	1	2026-11-30 17:50:52.08554+00	2026-11-30 17:50:46.733549+00	\N	the host has no public address	\N	2026-11-30 17:50:46.702421+00
01a22d94-a80f-7fc4-8a96-426e72179558	01a22d93-6464-7d42-b962-8193770816ed	job.failed	{"data": {"id": "01a22d93-6895-7e44-b44f-7a447f05aa97", "url": "/v1/jobs/01a22d93-6895-7e44-b44f-7a447f05aa97", "gate": null, "page": "/jobs/01a22d93-6895-7e44-b44f-7a447f05aa97", "error": {"type": "invalid_input", "cause": "request", "field": "model.id", "message": "/srv/models/missing/config.json does not exist or is not a readable file"}, "model": "/srv/models/missing", "state": "failed", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.failed", "timestamp": "2026-11-30T17:50:46.794286+00:00"}	1	2026-11-30 17:50:52.778567+00	2026-11-30 17:50:46.898942+00	\N	the host has no public address	\N	2026-11-30 17:50:46.800013+00
01a22d94-a9df-7476-8aeb-3702da08ac66	01a22d93-6464-7d42-b962-8193770816ed	job.started	{"data": {"id": "01a22d94-a940-7d85-8982-b6d00e915c19", "url": "/v1/jobs/01a22d94-a940-7d85-8982-b6d00e915c19", "gate": null, "page": "/jobs/01a22d94-a940-7d85-8982-b6d00e915c19", "error": null, "model": "/srv/models/small", "state": "running", "labels": {}, "method": "gblm", "attempt": 1, "pattern": "unstructured", "sparsity": 0.5, "perplexity": null}, "type": "job.started", "timestamp": "2026-11-30T17:50:47.207138+00:00"}	0	2026-11-30 17:50:47.26331+00	\N	\N	\N	\N	2026-11-30 17:50:47.263311+00
\.



COPY public.webhook_endpoints (id, owner, url, events, format, secret, failing_since, disabled_at, disabled_reason, created_at) FROM stdin;
01a22d93-6464-7d42-b962-8193770816ed	ada	https://hooks.example.org/pruned	{job.started,job.succeeded,job.failed,job.cancelled,job.gate_failed}	standard	\\x67414141414142724462636a355f35316a4e4c6e457a424559635343337a54416b6e6b433249566f5131374b354a746e376b31394941326c354a6e7361785843704254695268475430476f467269643244526935747774506a6a6f665867734b2d4465314252576e316b5056364f785a7638636f52425161624372547775344a5a514d754779765857347a34	2026-11-30 17:50:29.657233+00	\N	\N	2026-11-30 17:49:23.940855+00
\.



COPY public.workers (name, queue, queues, capacity, one_job, started_at, seen_at, machine, sandbox, faults, quarantined_at, fault, cordoned_at, draining) FROM stdin;
host-1-5817-1cebcb	cpu	\N	{"gpus": 0, "host_bytes": 22748453683, "device_bytes": 0, "scratch_bytes": 51635265536}	f	2026-11-30 17:49:34.822806+00	2026-11-30 17:50:46.728977+00	{"device": "cpu", "devices": 1, "measured": true, "memory_bytes": 25276059648, "bytes_per_second": 17551282401.95913, "operations_per_second": {"float32": 42725621499.45175, "bfloat16": 116762094188.57353}}	{"limits": true, "landlock": true, "capabilities": true, "system calls": true, "network namespace": true, "no new privileges": true}	0	\N	\N	\N	f
\.



COPY public.zoo_entries (id, slug, job_id, note, promoted_by, promoted_at) FROM stdin;
01a22d94-a88d-720c-9429-a1076e8b7540	small-gblm-50-6bbece60	01a22d93-6670-7b82-8908-2f7a6bbece60	for chat	ada	2026-11-30 17:50:46.925159+00
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




