BEGIN TRANSACTION;
CREATE TABLE alarms (
	kind VARCHAR(32) NOT NULL, 
	place VARCHAR(512) NOT NULL, 
	first_at BIGINT NOT NULL, 
	last_at BIGINT NOT NULL, 
	times INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	PRIMARY KEY (kind, place)
);
INSERT INTO "alarms" VALUES('breach','b revision 1 sprk',1777636800000,1777636800000,1,'the guard found: canary at Event.info, a value of victims[].name');
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at VARCHAR(32) NOT NULL, 
	kind VARCHAR(32) NOT NULL, 
	facts TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'2026-05-01T12:00:00.000000Z','disclosure','{"agreement":"kp-cybercrime","body_sha256":"68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b","clauses":["c2-servers"],"counts":{"changed":0,"kept":1,"withheld":1},"edition":1,"effect":"share","incident_sha256":"a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3","recipient":"kp-misp","retracts":false,"revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","share":"4b39f256-cd5c-58ae-a29f-51ce3c5afa0b","state":"queued","uid":"a","wire":"misp-event"}','0000000000000000000000000000000000000000000000000000000000000000','bd2f410c49c4e113a9f57f881277976ac6e4bbeff7eb1e55b4e709e874e0ceb9');
INSERT INTO "audit" VALUES(2,'2026-05-01T12:00:00.000000Z','decision','{"agreement":"sprk","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"withhold","failure":"","incident_sha256":"a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3","recipient":"sprk-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"withheld","uid":"a"}','bd2f410c49c4e113a9f57f881277976ac6e4bbeff7eb1e55b4e709e874e0ceb9','4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3');
INSERT INTO "audit" VALUES(3,'2026-05-01T12:00:00.000000Z','checkpoint','{"entries":2,"head":"4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3","key_id":"56475aa75463474c","signature":"02fdb3bdd454f82740e73ed0aa0e603929aa95e470640452da40c8a62664c37a31476688b25a4e3627f299acaa3f874b8a055378e8fb99e26e6e740703be4c06"}','4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3','237fafc2d2d289b1a238d1a9a6b59584ae94f6901a48c31f8d442c69e2392dfc');
INSERT INTO "audit" VALUES(4,'2026-05-01T12:00:00.000000Z','decision','{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"kp-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','237fafc2d2d289b1a238d1a9a6b59584ae94f6901a48c31f8d442c69e2392dfc','9f7510c34ace78ae8ab26e11c0c3de1d66dfaf0b26440ba20b8b60fe336a50b3');
INSERT INTO "audit" VALUES(5,'2026-05-01T12:00:00.000000Z','decision','{"agreement":"sprk","breaches":["canary at Event.info, a value of victims[].name"],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"sprk-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','9f7510c34ace78ae8ab26e11c0c3de1d66dfaf0b26440ba20b8b60fe336a50b3','c8bdd9076b97473abbf1e7bc62abc7f24132638dc005ed360b292dc964e6521d');
INSERT INTO "audit" VALUES(6,'2026-05-01T12:00:00.000000Z','checkpoint','{"entries":5,"head":"c8bdd9076b97473abbf1e7bc62abc7f24132638dc005ed360b292dc964e6521d","key_id":"56475aa75463474c","signature":"5011755006fbb84018fbf166d2d74eb535db95df7ba8ed537ab672043c0a08b3d5fe3a3a9ec4861cb08ebeacb3e9f91068fffe7ab5c4cd24bdbdc51307d6130e"}','c8bdd9076b97473abbf1e7bc62abc7f24132638dc005ed360b292dc964e6521d','2b628a460d733f7f060e1c0bbe09feb8b207d51cd446d431ea3f47d09872568d');
INSERT INTO "audit" VALUES(7,'2026-05-01T12:01:00.000000Z','decision','{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"kp-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','2b628a460d733f7f060e1c0bbe09feb8b207d51cd446d431ea3f47d09872568d','1ed6f4734ff4ea59a105ca8072a278de2d17cfb4b33ebc2bcb723cd49e35eb3c');
INSERT INTO "audit" VALUES(8,'2026-05-01T12:01:00.000000Z','decision','{"agreement":"sprk","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"withhold","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"sprk-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"withheld","uid":"b"}','1ed6f4734ff4ea59a105ca8072a278de2d17cfb4b33ebc2bcb723cd49e35eb3c','21d23e10a2ff13607f5a8cf2cf7ec9e1b570326738cc1a955722f1b3060514a5');
INSERT INTO "audit" VALUES(9,'2026-05-01T12:01:00.000000Z','checkpoint','{"entries":8,"head":"21d23e10a2ff13607f5a8cf2cf7ec9e1b570326738cc1a955722f1b3060514a5","key_id":"56475aa75463474c","signature":"609630c82fc27263878adb20961bd09db7db2277dc35e2287ab9b3e30833034f23d4ea125fb49f56ec7d587ffce07f82bf2e4167b32394bec24e0f84f55e660f"}','21d23e10a2ff13607f5a8cf2cf7ec9e1b570326738cc1a955722f1b3060514a5','640277b8b53a6341e5673e114b0a9ba9cb93745e2b9239dde3f6cb824e42af58');
INSERT INTO "audit" VALUES(10,'2026-05-01T12:01:00.000000Z','delivery','{"agreement":"kp-cybercrime","attempts":1,"body_sha256":"68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b","edition":1,"losses":0,"reason":"","recipient":"kp-misp","remote_id":"430","state":"delivered","uid":"a"}','640277b8b53a6341e5673e114b0a9ba9cb93745e2b9239dde3f6cb824e42af58','056f7cbe2fe05d9fa6d95fd65eec982e0f45c09dec2227f23f76dc5a59ebcc1f');
CREATE TABLE dead_letters (
	id INTEGER NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	topic TEXT NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	path TEXT NOT NULL, 
	problem TEXT NOT NULL, 
	advice TEXT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (source, topic, partition, "offset", sha256)
);
INSERT INTO "dead_letters" VALUES(1,'kafka','csirt.incidents',0,1,'classification','unknown RSIT type','see','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',17,1777636800000);
CREATE TABLE decisions (
	uid VARCHAR(128) NOT NULL, 
	revision BIGINT NOT NULL, 
	agreement VARCHAR(63) NOT NULL, 
	recipient VARCHAR(63) NOT NULL, 
	effect VARCHAR(16) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	clauses TEXT NOT NULL, 
	rulebook VARCHAR(64) NOT NULL, 
	edition INTEGER, 
	kept INTEGER NOT NULL, 
	changed INTEGER NOT NULL, 
	withheld INTEGER NOT NULL, 
	breaches TEXT NOT NULL, 
	failure TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (uid, revision, agreement)
)
 WITHOUT ROWID

;
INSERT INTO "decisions" VALUES('a',1,'kp-cybercrime','kp-misp','share','queued','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,1,0,1,'[]','',1777636800000);
INSERT INTO "decisions" VALUES('a',1,'sprk','sprk-misp','withhold','withheld','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',NULL,0,0,0,'[]','',1777636800000);
INSERT INTO "decisions" VALUES('b',1,'kp-cybercrime','kp-misp','review','held','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,0,0,0,'[]','',1777636800000);
INSERT INTO "decisions" VALUES('b',1,'sprk','sprk-misp','review','held','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,0,0,0,'["canary at Event.info, a value of victims[].name"]','',1777636800000);
INSERT INTO "decisions" VALUES('b',2,'kp-cybercrime','kp-misp','review','held','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,0,0,0,'[]','',1777636860000);
INSERT INTO "decisions" VALUES('b',2,'sprk','sprk-misp','withhold','withheld','["c2-servers"]','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',NULL,0,0,0,'[]','',1777636860000);
CREATE TABLE editions (
	uid VARCHAR(128) NOT NULL, 
	agreement VARCHAR(63) NOT NULL, 
	number INTEGER NOT NULL, 
	created BIGINT NOT NULL, 
	modified BIGINT NOT NULL, 
	content VARCHAR(64) NOT NULL, 
	retracts BOOLEAN NOT NULL, 
	share VARCHAR(36) NOT NULL, 
	PRIMARY KEY (uid, agreement, number)
)
 WITHOUT ROWID

;
INSERT INTO "editions" VALUES('a','kp-cybercrime',1,1777636800,1777636801,'0000000000000000000000000000000000000000000000000000000000000001',0,'4b39f256-cd5c-58ae-a29f-51ce3c5afa0b');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	entries BIGINT NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,10,'056f7cbe2fe05d9fa6d95fd65eec982e0f45c09dec2227f23f76dc5a59ebcc1f');
CREATE TABLE held (
	id INTEGER NOT NULL, 
	uid VARCHAR(128) NOT NULL, 
	revision BIGINT NOT NULL, 
	agreement VARCHAR(63) NOT NULL, 
	recipient VARCHAR(63) NOT NULL, 
	why TEXT NOT NULL, 
	wire VARCHAR(16) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	rulebook VARCHAR(64) NOT NULL, 
	waiting BOOLEAN NOT NULL, 
	at BIGINT NOT NULL, 
	body BLOB NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (uid, agreement, revision)
);
INSERT INTO "held" VALUES(1,'b',1,'kp-cybercrime','kp-misp','the agreement asks for review','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1777636800000,X'');
INSERT INTO "held" VALUES(2,'b',1,'sprk','sprk-misp','the guard found: canary at Event.info, a value of victims[].name','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1777636800000,X'');
INSERT INTO "held" VALUES(3,'b',2,'kp-cybercrime','kp-misp','the agreement asks for review','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,1777636860000,X'7B224576656E74223A7B7D7D');
CREATE TABLE inbox (
	uid VARCHAR(128) NOT NULL, 
	revision BIGINT NOT NULL, 
	incident_sha256 VARCHAR(64) NOT NULL, 
	rulebook VARCHAR(64) NOT NULL, 
	source VARCHAR(16) NOT NULL, 
	topic TEXT NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (uid, revision)
)
 WITHOUT ROWID

;
INSERT INTO "inbox" VALUES('a',1,'a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,0,1777636800000);
INSERT INTO "inbox" VALUES('b',1,'1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,2,1777636800000);
INSERT INTO "inbox" VALUES('b',2,'698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,3,1777636860000);
CREATE TABLE meta (
	name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('rulebook','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
CREATE TABLE outbox (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid VARCHAR(128) NOT NULL, 
	agreement VARCHAR(63) NOT NULL, 
	edition INTEGER NOT NULL, 
	recipient VARCHAR(63) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	overtaken BOOLEAN NOT NULL, 
	attempts INTEGER NOT NULL, 
	next_attempt_at BIGINT NOT NULL, 
	lease_until BIGINT NOT NULL, 
	leased_by VARCHAR(128) NOT NULL, 
	enqueued_at BIGINT NOT NULL, 
	last_reason TEXT NOT NULL, 
	share VARCHAR(36) NOT NULL, 
	wire VARCHAR(16) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	rulebook VARCHAR(64) NOT NULL, 
	key_id VARCHAR(16) NOT NULL, 
	signature BLOB NOT NULL, 
	retracts BOOLEAN NOT NULL, 
	body BLOB NOT NULL, 
	UNIQUE (uid, agreement, edition), 
	CONSTRAINT outbox_state CHECK (state IN ('queued', 'leased', 'delivered', 'superseded', 'failed'))
);
INSERT INTO "outbox" VALUES(1,'a','kp-cybercrime',1,'kp-misp','delivered',0,1,0,0,'',1777636800000,'','4b39f256-cd5c-58ae-a29f-51ce3c5afa0b','misp-event','68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','56475aa75463474c',X'EF8D9C09805168EE5780FB028F37051F413A10306886A0F3E3D87645D92AB628BCC2D858232EA84F82A6F1498D14CC9F9D7B370FD26D00FE6ABED6CF4BC91207',0,X'7B224576656E74223A7B226E223A312C2275756964223A2234623339663235362D636435632D353861652D613239662D353163653363356166613062222C2278223A22227D7D');
CREATE TABLE positions (
	source VARCHAR(16) NOT NULL, 
	topic TEXT NOT NULL, 
	partition INTEGER NOT NULL, 
	"offset" BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (source, topic, partition)
);
INSERT INTO "positions" VALUES('kafka','csirt.incidents',0,3,1777636860000);
CREATE TABLE receipts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	uid VARCHAR(128) NOT NULL, 
	agreement VARCHAR(63) NOT NULL, 
	recipient VARCHAR(63) NOT NULL, 
	share VARCHAR(36) NOT NULL, 
	edition INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	at BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	remote_id TEXT NOT NULL, 
	losses TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	published BOOLEAN NOT NULL
);
INSERT INTO "receipts" VALUES(1,'a','kp-cybercrime','kp-misp','4b39f256-cd5c-58ae-a29f-51ce3c5afa0b',1,'delivered',1777636860000,'68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b','430','[]','',0);
CREATE INDEX outbox_lane ON outbox (recipient, state, id);
CREATE INDEX held_waiting ON held (waiting, id);
CREATE INDEX receipts_published ON receipts (published, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
INSERT INTO "sqlite_sequence" VALUES('receipts',1);
COMMIT;
