CREATE TABLE public.alarms (
    kind character varying(32) NOT NULL,
    place character varying(512) NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL,
    times integer NOT NULL,
    text text NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.approvals (
    id bigint NOT NULL,
    held bigint NOT NULL,
    state character varying(16) NOT NULL,
    reviewer character varying(63) NOT NULL,
    sha256 character varying(64) NOT NULL,
    at bigint NOT NULL,
    until bigint NOT NULL,
    statement text NOT NULL,
    signature character varying(128) NOT NULL
);
CREATE SEQUENCE public.approvals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.approvals_id_seq OWNED BY public.approvals.id;
CREATE TABLE public.audit (
    number bigint NOT NULL,
    at character varying(32) NOT NULL,
    kind character varying(32) NOT NULL,
    facts text NOT NULL,
    previous character varying(64) NOT NULL,
    digest character varying(64) NOT NULL
);
CREATE TABLE public.dead_letters (
    id bigint NOT NULL,
    source character varying(16) NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    path text NOT NULL,
    problem text NOT NULL,
    advice text NOT NULL,
    sha256 character varying(64) NOT NULL,
    size bigint NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.dead_letters_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.dead_letters_id_seq OWNED BY public.dead_letters.id;
CREATE TABLE public.decisions (
    uid character varying(128) NOT NULL,
    revision bigint NOT NULL,
    agreement character varying(63) NOT NULL,
    recipient character varying(63) NOT NULL,
    effect character varying(16) NOT NULL,
    state character varying(16) NOT NULL,
    clauses text NOT NULL,
    rulebook character varying(64) NOT NULL,
    edition integer,
    kept integer NOT NULL,
    changed integer NOT NULL,
    withheld integer NOT NULL,
    breaches text NOT NULL,
    failure text NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.editions (
    uid character varying(128) NOT NULL,
    agreement character varying(63) NOT NULL,
    number integer NOT NULL,
    created bigint NOT NULL,
    modified bigint NOT NULL,
    content character varying(64) NOT NULL,
    retracts boolean NOT NULL,
    share character varying(36) NOT NULL
);
CREATE TABLE public.head (
    id integer NOT NULL,
    entries bigint NOT NULL,
    digest character varying(64) NOT NULL
);
CREATE SEQUENCE public.head_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.head_id_seq OWNED BY public.head.id;
CREATE TABLE public.held (
    id bigint NOT NULL,
    uid character varying(128) NOT NULL,
    revision bigint NOT NULL,
    agreement character varying(63) NOT NULL,
    recipient character varying(63) NOT NULL,
    why text NOT NULL,
    wire character varying(16) NOT NULL,
    sha256 character varying(64) NOT NULL,
    rulebook character varying(64) NOT NULL,
    waiting boolean NOT NULL,
    at bigint NOT NULL,
    body bytea NOT NULL,
    ended character varying(16) DEFAULT ''::character varying NOT NULL,
    note text DEFAULT ''::text NOT NULL,
    embargo_until bigint,
    ended_at bigint
);
CREATE SEQUENCE public.held_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.held_id_seq OWNED BY public.held.id;
CREATE TABLE public.inbox (
    uid character varying(128) NOT NULL,
    revision bigint NOT NULL,
    incident_sha256 character varying(64) NOT NULL,
    rulebook character varying(64) NOT NULL,
    source character varying(16) NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    at bigint NOT NULL,
    facts text DEFAULT ''::text NOT NULL,
    publisher character varying(64) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE public.meta (
    name character varying(32) NOT NULL,
    value text NOT NULL
);
CREATE TABLE public.outbox (
    id bigint NOT NULL,
    uid character varying(128) NOT NULL,
    agreement character varying(63) NOT NULL,
    edition integer NOT NULL,
    recipient character varying(63) NOT NULL,
    state character varying(16) NOT NULL,
    overtaken boolean NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at bigint NOT NULL,
    lease_until bigint NOT NULL,
    leased_by character varying(128) NOT NULL,
    enqueued_at bigint NOT NULL,
    last_reason text NOT NULL,
    share character varying(36) NOT NULL,
    wire character varying(16) NOT NULL,
    sha256 character varying(64) NOT NULL,
    rulebook character varying(64) NOT NULL,
    key_id character varying(16) NOT NULL,
    signature bytea NOT NULL,
    retracts boolean NOT NULL,
    body bytea NOT NULL,
    CONSTRAINT outbox_state CHECK (((state)::text = ANY ((ARRAY['queued'::character varying, 'leased'::character varying, 'delivered'::character varying, 'superseded'::character varying, 'failed'::character varying])::text[])))
);
CREATE SEQUENCE public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.outbox_id_seq OWNED BY public.outbox.id;
CREATE TABLE public.positions (
    source character varying(16) NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    at bigint NOT NULL
);
CREATE TABLE public.receipts (
    id bigint NOT NULL,
    uid character varying(128) NOT NULL,
    agreement character varying(63) NOT NULL,
    recipient character varying(63) NOT NULL,
    share character varying(36) NOT NULL,
    edition integer NOT NULL,
    state character varying(16) NOT NULL,
    at bigint NOT NULL,
    sha256 character varying(64) NOT NULL,
    remote_id text NOT NULL,
    losses text NOT NULL,
    reason text NOT NULL,
    published boolean NOT NULL
);
CREATE SEQUENCE public.receipts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.receipts_id_seq OWNED BY public.receipts.id;
ALTER TABLE ONLY public.approvals ALTER COLUMN id SET DEFAULT nextval('public.approvals_id_seq'::regclass);
ALTER TABLE ONLY public.dead_letters ALTER COLUMN id SET DEFAULT nextval('public.dead_letters_id_seq'::regclass);
ALTER TABLE ONLY public.head ALTER COLUMN id SET DEFAULT nextval('public.head_id_seq'::regclass);
ALTER TABLE ONLY public.held ALTER COLUMN id SET DEFAULT nextval('public.held_id_seq'::regclass);
ALTER TABLE ONLY public.outbox ALTER COLUMN id SET DEFAULT nextval('public.outbox_id_seq'::regclass);
ALTER TABLE ONLY public.receipts ALTER COLUMN id SET DEFAULT nextval('public.receipts_id_seq'::regclass);
INSERT INTO public.alarms VALUES ('breach', 'b revision 1 sprk', 1777636800000, 1777636800000, 2, 'the guard found: canary at Event.info, a value of victims[].name');
INSERT INTO public.alembic_version VALUES ('2');
INSERT INTO public.approvals VALUES (1, 3, 'open', 'arta', 'df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19', 1777636860000, 1777637400000, 'statement', '');
INSERT INTO public.audit VALUES (1, '2026-05-01T12:00:00.000000Z', 'disclosure', '{"agreement":"kp-cybercrime","body_sha256":"68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b","clauses":["c2-servers"],"counts":{"changed":0,"kept":1,"withheld":1},"edition":1,"effect":"share","incident_sha256":"a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3","recipient":"kp-misp","retracts":false,"revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","share":"4b39f256-cd5c-58ae-a29f-51ce3c5afa0b","state":"queued","uid":"a","wire":"misp-event"}', '0000000000000000000000000000000000000000000000000000000000000000', 'bd2f410c49c4e113a9f57f881277976ac6e4bbeff7eb1e55b4e709e874e0ceb9');
INSERT INTO public.audit VALUES (2, '2026-05-01T12:00:00.000000Z', 'decision', '{"agreement":"sprk","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"withhold","failure":"","incident_sha256":"a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3","recipient":"sprk-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"withheld","uid":"a"}', 'bd2f410c49c4e113a9f57f881277976ac6e4bbeff7eb1e55b4e709e874e0ceb9', '4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3');
INSERT INTO public.audit VALUES (3, '2026-05-01T12:00:00.000000Z', 'decision', '{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"kp-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}', '4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3', 'fa45bc0638121caef0a44e232b7a9965196f55d4d6913619a3ffd985eaa7662b');
INSERT INTO public.audit VALUES (4, '2026-05-01T12:00:00.000000Z', 'decision', '{"agreement":"sprk","breaches":["canary at Event.info, a value of victims[].name"],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"sprk-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}', 'fa45bc0638121caef0a44e232b7a9965196f55d4d6913619a3ffd985eaa7662b', '65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb');
INSERT INTO public.audit VALUES (5, '2026-05-01T12:00:00.000000Z', 'checkpoint', '{"entries":4,"head":"65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb","key_id":"56475aa75463474c","signature":"d5104653d42919d972c2ca99183cb9963e75b0561facece5c9e2bb6b1a5fea2f291d299b69e263342faf3f730628d73fe7ce9b675d436133139a1827d4907707"}', '65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb', '99daea1720da321fcc03aa5da606eb092523b21adbbbe87142e9f1c52cb88222');
INSERT INTO public.audit VALUES (6, '2026-05-01T12:01:00.000000Z', 'decision', '{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"kp-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}', '99daea1720da321fcc03aa5da606eb092523b21adbbbe87142e9f1c52cb88222', 'dc434a70614f4fdbe3ab7632594e0290f96faf5c930d7e10b92d66679afbb0ab');
INSERT INTO public.audit VALUES (7, '2026-05-01T12:01:00.000000Z', 'decision', '{"agreement":"sprk","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"withhold","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"sprk-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"withheld","uid":"b"}', 'dc434a70614f4fdbe3ab7632594e0290f96faf5c930d7e10b92d66679afbb0ab', 'cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98');
INSERT INTO public.audit VALUES (8, '2026-05-01T12:01:00.000000Z', 'checkpoint', '{"entries":7,"head":"cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98","key_id":"56475aa75463474c","signature":"4276514f128dda53d03dbb8cc8c052045e81a02e442096eb1a61b5c70982ebd1697e5cfe63e69c51344bed6c9a42a44de1ba5ebb911d6defd00f200cce79c805"}', 'cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98', '410de72edd5bbfd9ee80417f0b6ab40d5fe3f01ccca80bf8e2f44ccb46fd4621');
INSERT INTO public.audit VALUES (9, '2026-05-01T12:01:00.000000Z', 'approval', '{"agreement":"kp-cybercrime","draft_sha256":"df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19","recipient":"kp-misp","reviewer":"arta","revision":2,"signed":false,"statement":"statement","uid":"b","until":"2026-05-01T12:10:00+00:00"}', '410de72edd5bbfd9ee80417f0b6ab40d5fe3f01ccca80bf8e2f44ccb46fd4621', 'ed3ecaddf4ccc1a7bdb550ebb827766d7724724b27a6f9f9316b94b39d0af4c8');
INSERT INTO public.audit VALUES (10, '2026-05-01T12:01:00.000000Z', 'delivery', '{"agreement":"kp-cybercrime","attempts":1,"body_sha256":"68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b","edition":1,"losses":0,"reason":"","recipient":"kp-misp","remote_id":"430","state":"delivered","uid":"a"}', 'ed3ecaddf4ccc1a7bdb550ebb827766d7724724b27a6f9f9316b94b39d0af4c8', 'cf904c84271c935dee2ba79584475f5d09eec9e387aeba0821e93de59994e9e0');
INSERT INTO public.dead_letters VALUES (1, 'kafka', 'csirt.incidents', 0, 1, 'classification', 'unknown RSIT type', 'see', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 17, 1777636800000);
INSERT INTO public.decisions VALUES ('a', 1, 'kp-cybercrime', 'kp-misp', 'share', 'queued', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1, 1, 0, 1, '[]', '', 1777636800000);
INSERT INTO public.decisions VALUES ('a', 1, 'sprk', 'sprk-misp', 'withhold', 'withheld', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', NULL, 0, 0, 0, '[]', '', 1777636800000);
INSERT INTO public.decisions VALUES ('b', 1, 'kp-cybercrime', 'kp-misp', 'review', 'held', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1, 0, 0, 0, '[]', '', 1777636800000);
INSERT INTO public.decisions VALUES ('b', 1, 'sprk', 'sprk-misp', 'review', 'held', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1, 0, 0, 0, '["canary at Event.info, a value of victims[].name"]', '', 1777636800000);
INSERT INTO public.decisions VALUES ('b', 2, 'kp-cybercrime', 'kp-misp', 'review', 'held', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 1, 0, 0, 0, '[]', '', 1777636860000);
INSERT INTO public.decisions VALUES ('b', 2, 'sprk', 'sprk-misp', 'withhold', 'withheld', '["c2-servers"]', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', NULL, 0, 0, 0, '[]', '', 1777636860000);
INSERT INTO public.editions VALUES ('a', 'kp-cybercrime', 1, 1777636800, 1777636801, '0000000000000000000000000000000000000000000000000000000000000001', false, '4b39f256-cd5c-58ae-a29f-51ce3c5afa0b');
INSERT INTO public.head VALUES (1, 10, 'cf904c84271c935dee2ba79584475f5d09eec9e387aeba0821e93de59994e9e0');
INSERT INTO public.held VALUES (1, 'b', 1, 'kp-cybercrime', 'kp-misp', 'the agreement asks for review: c2-servers', 'misp-event', 'df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', false, 1777636800000, '\x', 'superseded', '', NULL, 1777636860000);
INSERT INTO public.held VALUES (2, 'b', 1, 'sprk', 'sprk-misp', 'the guard found: canary at Event.info, a value of victims[].name', 'misp-event', 'df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', false, 1777636800000, '\x', 'superseded', '', NULL, 1777636860000);
INSERT INTO public.held VALUES (3, 'b', 2, 'kp-cybercrime', 'kp-misp', 'the agreement asks for review: c2-servers', 'misp-event', 'df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', true, 1777636860000, '\x7b224576656e74223a7b7d7d', '', '', NULL, NULL);
INSERT INTO public.inbox VALUES ('a', 1, 'a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'kafka', 'csirt.incidents', 0, 0, 1777636800000, '', '');
INSERT INTO public.inbox VALUES ('b', 1, '1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'kafka', 'csirt.incidents', 0, 2, 1777636800000, '', '');
INSERT INTO public.inbox VALUES ('b', 2, '698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 'kafka', 'csirt.incidents', 0, 3, 1777636860000, '', '');
INSERT INTO public.meta VALUES ('schema', '2');
INSERT INTO public.meta VALUES ('in_force', '');
INSERT INTO public.meta VALUES ('in_force_since', '');
INSERT INTO public.meta VALUES ('recipients', '');
INSERT INTO public.meta VALUES ('rulebook', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
INSERT INTO public.outbox VALUES (1, 'a', 'kp-cybercrime', 1, 'kp-misp', 'delivered', false, 1, 0, 0, '', 1777636800000, '', '4b39f256-cd5c-58ae-a29f-51ce3c5afa0b', 'misp-event', '68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '56475aa75463474c', '\xef8d9c09805168ee5780fb028f37051f413a10306886a0f3e3d87645d92ab628bcc2d858232ea84f82a6f1498d14cc9f9d7b370fd26d00fe6abed6cf4bc91207', false, '\x7b224576656e74223a7b226e223a312c2275756964223a2234623339663235362d636435632d353861652d613239662d353163653363356166613062222c2278223a22227d7d');
INSERT INTO public.positions VALUES ('kafka', 'csirt.incidents', 0, 3, 1777636860000);
INSERT INTO public.receipts VALUES (1, 'a', 'kp-cybercrime', 'kp-misp', '4b39f256-cd5c-58ae-a29f-51ce3c5afa0b', 1, 'delivered', 1777636860000, '68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b', '430', '[]', '', false);
SELECT pg_catalog.setval('public.approvals_id_seq', 1, true);
SELECT pg_catalog.setval('public.dead_letters_id_seq', 1, true);
SELECT pg_catalog.setval('public.head_id_seq', 1, false);
SELECT pg_catalog.setval('public.held_id_seq', 3, true);
SELECT pg_catalog.setval('public.outbox_id_seq', 1, true);
SELECT pg_catalog.setval('public.receipts_id_seq', 1, true);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT alarms_pkey PRIMARY KEY (kind, place);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkey PRIMARY KEY (version_num);
ALTER TABLE ONLY public.approvals
    ADD CONSTRAINT approvals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.dead_letters
    ADD CONSTRAINT dead_letters_source_topic_partition_offset_sha256_key UNIQUE (source, topic, partition, "offset", sha256);
ALTER TABLE ONLY public.decisions
    ADD CONSTRAINT decisions_pkey PRIMARY KEY (uid, revision, agreement);
ALTER TABLE ONLY public.editions
    ADD CONSTRAINT editions_pkey PRIMARY KEY (uid, agreement, number);
ALTER TABLE ONLY public.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.held
    ADD CONSTRAINT held_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.held
    ADD CONSTRAINT held_uid_agreement_revision_key UNIQUE (uid, agreement, revision);
ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (uid, revision);
ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_uid_agreement_edition_key UNIQUE (uid, agreement, edition);
ALTER TABLE ONLY public.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (source, topic, partition);
ALTER TABLE ONLY public.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (id);
CREATE INDEX approvals_held ON public.approvals USING btree (held, state);
CREATE INDEX held_waiting ON public.held USING btree (waiting, id);
CREATE INDEX outbox_lane ON public.outbox USING btree (recipient, state, id);
CREATE INDEX receipts_published ON public.receipts USING btree (published, id);
