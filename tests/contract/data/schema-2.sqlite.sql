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
INSERT INTO "alarms" VALUES('breach','b revision 1 sprk',1777636800000,1777636800000,2,'the guard found: canary at Event.info, a value of victims[].name');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('2');
CREATE TABLE approvals (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	held INTEGER NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	reviewer VARCHAR(63) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	until BIGINT NOT NULL, 
	statement TEXT NOT NULL, 
	signature VARCHAR(128) NOT NULL
);
INSERT INTO "approvals" VALUES(1,3,'open','arta','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19',1777636860000,1777637400000,'statement','');
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
INSERT INTO "audit" VALUES(3,'2026-05-01T12:00:00.000000Z','decision','{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"kp-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','4c44aa17ca6312860f8accd4fff4698e89dd274ae870b30010465113630813e3','fa45bc0638121caef0a44e232b7a9965196f55d4d6913619a3ffd985eaa7662b');
INSERT INTO "audit" VALUES(4,'2026-05-01T12:00:00.000000Z','decision','{"agreement":"sprk","breaches":["canary at Event.info, a value of victims[].name"],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039","recipient":"sprk-misp","revision":1,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','fa45bc0638121caef0a44e232b7a9965196f55d4d6913619a3ffd985eaa7662b','65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb');
INSERT INTO "audit" VALUES(5,'2026-05-01T12:00:00.000000Z','checkpoint','{"entries":4,"head":"65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb","key_id":"56475aa75463474c","signature":"d5104653d42919d972c2ca99183cb9963e75b0561facece5c9e2bb6b1a5fea2f291d299b69e263342faf3f730628d73fe7ce9b675d436133139a1827d4907707"}','65ffd4f4fccdb86f6c75e6f5f7919eaea53a59bf2367dc86ab5fa858c39a2fbb','99daea1720da321fcc03aa5da606eb092523b21adbbbe87142e9f1c52cb88222');
INSERT INTO "audit" VALUES(6,'2026-05-01T12:01:00.000000Z','decision','{"agreement":"kp-cybercrime","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"review","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"kp-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"held","uid":"b"}','99daea1720da321fcc03aa5da606eb092523b21adbbbe87142e9f1c52cb88222','dc434a70614f4fdbe3ab7632594e0290f96faf5c930d7e10b92d66679afbb0ab');
INSERT INTO "audit" VALUES(7,'2026-05-01T12:01:00.000000Z','decision','{"agreement":"sprk","breaches":[],"clauses":["c2-servers"],"counts":{"changed":0,"kept":0,"withheld":0},"effect":"withhold","failure":"","incident_sha256":"698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b","recipient":"sprk-misp","revision":2,"rulebook":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","state":"withheld","uid":"b"}','dc434a70614f4fdbe3ab7632594e0290f96faf5c930d7e10b92d66679afbb0ab','cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98');
INSERT INTO "audit" VALUES(8,'2026-05-01T12:01:00.000000Z','checkpoint','{"entries":7,"head":"cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98","key_id":"56475aa75463474c","signature":"4276514f128dda53d03dbb8cc8c052045e81a02e442096eb1a61b5c70982ebd1697e5cfe63e69c51344bed6c9a42a44de1ba5ebb911d6defd00f200cce79c805"}','cd1781cfa0f0df26aa947a347b3f809c4e7d9c8eb4c172a53cc179239a1d8c98','410de72edd5bbfd9ee80417f0b6ab40d5fe3f01ccca80bf8e2f44ccb46fd4621');
INSERT INTO "audit" VALUES(9,'2026-05-01T12:01:00.000000Z','approval','{"agreement":"kp-cybercrime","draft_sha256":"df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19","recipient":"kp-misp","reviewer":"arta","revision":2,"signed":false,"statement":"statement","uid":"b","until":"2026-05-01T12:10:00+00:00"}','410de72edd5bbfd9ee80417f0b6ab40d5fe3f01ccca80bf8e2f44ccb46fd4621','ed3ecaddf4ccc1a7bdb550ebb827766d7724724b27a6f9f9316b94b39d0af4c8');
INSERT INTO "audit" VALUES(10,'2026-05-01T12:01:00.000000Z','delivery','{"agreement":"kp-cybercrime","attempts":1,"body_sha256":"68f13dc78c407b629a0f0d6621788adbab95c3a2a02cbdbe7de7ae9345bb2d5b","edition":1,"losses":0,"reason":"","recipient":"kp-misp","remote_id":"430","state":"delivered","uid":"a"}','ed3ecaddf4ccc1a7bdb550ebb827766d7724724b27a6f9f9316b94b39d0af4c8','cf904c84271c935dee2ba79584475f5d09eec9e387aeba0821e93de59994e9e0');
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
INSERT INTO "head" VALUES(1,10,'cf904c84271c935dee2ba79584475f5d09eec9e387aeba0821e93de59994e9e0');
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
	ended VARCHAR(16) DEFAULT '' NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	embargo_until BIGINT, 
	ended_at BIGINT, 
	PRIMARY KEY (id), 
	UNIQUE (uid, agreement, revision)
);
INSERT INTO "held" VALUES(1,'b',1,'kp-cybercrime','kp-misp','the agreement asks for review: c2-servers','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1777636800000,X'','superseded','',NULL,1777636860000);
INSERT INTO "held" VALUES(2,'b',1,'sprk','sprk-misp','the guard found: canary at Event.info, a value of victims[].name','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',0,1777636800000,X'','superseded','',NULL,1777636860000);
INSERT INTO "held" VALUES(3,'b',2,'kp-cybercrime','kp-misp','the agreement asks for review: c2-servers','misp-event','df99fbdc73acce9e491b30f39171e6b8392dd0a5a87edfc33a58e38ff5a49a19','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',1,1777636860000,X'7B224576656E74223A7B7D7D','','',NULL,NULL);
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
	facts TEXT DEFAULT '' NOT NULL, 
	publisher VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (uid, revision)
)
 WITHOUT ROWID

;
INSERT INTO "inbox" VALUES('a',1,'a87cfd08731fa03fc4986998e3075f43664cabdf0433e2381befc498a70dbca3','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,0,1777636800000,'','');
INSERT INTO "inbox" VALUES('b',1,'1e3714332824f6ebfa1afd58827e54587d9e3f7fd21d2e95332f20efc91c8039','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,2,1777636800000,'','');
INSERT INTO "inbox" VALUES('b',2,'698872b1eeeef8f18eeb8550fd47e211696fe0f4eded7261c7e9fae33ab8295b','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','kafka','csirt.incidents',0,3,1777636860000,'','');
CREATE TABLE meta (
	name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema','2');
INSERT INTO "meta" VALUES('rulebook','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
INSERT INTO "meta" VALUES('in_force','');
INSERT INTO "meta" VALUES('in_force_since','');
INSERT INTO "meta" VALUES('recipients','');
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
CREATE INDEX approvals_held ON approvals (held, state);
CREATE INDEX receipts_published ON receipts (published, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('outbox',1);
INSERT INTO "sqlite_sequence" VALUES('approvals',1);
INSERT INTO "sqlite_sequence" VALUES('receipts',1);
COMMIT;
