PRAGMA application_id = 1380995667;
PRAGMA user_version = 0;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE feed (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	owner TEXT NOT NULL, 
	job_id TEXT, 
	at FLOAT NOT NULL, 
	name TEXT NOT NULL, 
	data TEXT NOT NULL
);
INSERT INTO "feed" VALUES(1,'default','7087cfad',1.79532081427409529687e+09,'scan_started','{"event": "scan_started", "library": "music", "root": "/music", "library_id": 1}');
INSERT INTO "feed" VALUES(2,'default','7087cfad',1.7953208142765660286e+09,'scan_finished','{"event": "scan_finished", "files": 6, "new": 6, "changed": 0, "retagged": 0, "touched": 0, "moved": 0, "returned": 0, "missing": 0, "removed": 0, "problems": 0, "seconds": 0.018494396994356066, "library_id": 1}');
INSERT INTO "feed" VALUES(3,'default','7087cfad',1.79532081471623659136e+09,'job_started','{"event": "job_started", "job_id": "7087cfad", "spec_version": "2026-11-21", "models": ["null", "versioned"], "items": 6, "operations": 12, "to_do": 12, "resumed": false}');
INSERT INTO "feed" VALUES(4,'default','7087cfad',1.7953208147166717052e+09,'model_started','{"event": "model_started", "job_id": "7087cfad", "model": "null", "position": 1, "of": 2, "total": 6, "to_do": 6, "workers": 1, "coverage": "whole track"}');
INSERT INTO "feed" VALUES(5,'default','7087cfad',1.79532081566496229171e+09,'model_loaded','{"event": "model_loaded", "job_id": "7087cfad", "model": "null", "seconds": 0.0005507500027306378, "memory_mb": 37.2, "placement": ""}');
INSERT INTO "feed" VALUES(6,'default','7087cfad',1.79532081571498107908e+09,'item_failed','{"event": "item_failed", "job_id": "7087cfad", "model": "null", "item_id": 2, "path": "bad.mp3", "code": "model_failed", "reason": "RuntimeError: told to raise", "cure": "the model itself raised on this item; see the message", "will_retry": false}');
INSERT INTO "feed" VALUES(7,'default','7087cfad',1.79532081571717810628e+09,'progress','{"event": "progress", "job_id": "7087cfad", "model": "null", "percent": 50.0, "items": 6, "operations": {"total": 12, "done": 5, "skipped": 0, "failed": 1}, "model_operations": {"total": 6, "done": 5, "skipped": 0, "failed": 1}, "current": "[null] two", "eta_seconds": null, "audio_seconds_per_second": null}');
INSERT INTO "feed" VALUES(8,'default','7087cfad',1.79532081572043132784e+09,'model_unloaded','{"event": "model_unloaded", "job_id": "7087cfad", "model": "null"}');
INSERT INTO "feed" VALUES(9,'default','7087cfad',1.79532081576140284534e+09,'space_switched','{"event": "space_switched", "model": "null", "space": "null-1c44096e6cef", "previous": null, "vectors": 5, "neighbours_kept": null}');
INSERT INTO "feed" VALUES(10,'default','7087cfad',1.79532081577477049825e+09,'model_finished','{"event": "model_finished", "job_id": "7087cfad", "model": "null", "state": "finished", "done": 5, "failed": 1, "skipped": 0, "seconds": 1.004, "memory_steps": 0, "error": ""}');
INSERT INTO "feed" VALUES(11,'default','7087cfad',1.79532081577513265603e+09,'model_started','{"event": "model_started", "job_id": "7087cfad", "model": "versioned", "position": 2, "of": 2, "total": 6, "to_do": 6, "workers": 1, "coverage": "whole track"}');
INSERT INTO "feed" VALUES(12,'default','7087cfad',1.7953208167085239887e+09,'model_loaded','{"event": "model_loaded", "job_id": "7087cfad", "model": "versioned", "seconds": 0.0006779090035706758, "memory_mb": 37.3, "placement": ""}');
INSERT INTO "feed" VALUES(13,'default','7087cfad',1.79532081678717517856e+09,'item_failed','{"event": "item_failed", "job_id": "7087cfad", "model": "versioned", "item_id": 2, "path": "bad.mp3", "code": "model_failed", "reason": "RuntimeError: told to raise", "cure": "the model itself raised on this item; see the message", "will_retry": false}');
INSERT INTO "feed" VALUES(14,'default','7087cfad',1.79532081679080271724e+09,'progress','{"event": "progress", "job_id": "7087cfad", "model": "versioned", "percent": 100.0, "items": 6, "operations": {"total": 12, "done": 10, "skipped": 0, "failed": 2}, "model_operations": {"total": 6, "done": 5, "skipped": 0, "failed": 1}, "current": "[versioned] two", "eta_seconds": null, "audio_seconds_per_second": null}');
INSERT INTO "feed" VALUES(15,'default','7087cfad',1.79532081680585789678e+09,'model_unloaded','{"event": "model_unloaded", "job_id": "7087cfad", "model": "versioned"}');
INSERT INTO "feed" VALUES(16,'default','7087cfad',1.79532081680746698378e+09,'space_switched','{"event": "space_switched", "model": "versioned", "space": "versioned-98633b61848a", "previous": null, "vectors": 5, "neighbours_kept": null}');
INSERT INTO "feed" VALUES(17,'default','7087cfad',1.79532081681850385667e+09,'model_finished','{"event": "model_finished", "job_id": "7087cfad", "model": "versioned", "state": "finished", "done": 5, "failed": 1, "skipped": 0, "seconds": 1.031, "memory_steps": 0, "error": ""}');
INSERT INTO "feed" VALUES(18,'default','7087cfad',1.79532081681944227216e+09,'job_finished','{"event": "job_finished", "job_id": "7087cfad", "state": "completed_with_errors", "spec_version": "2026-11-21", "items": {"total": 6, "failed": 1}, "operations": {"total": 12, "done": 10, "skipped": 0, "failed": 2}, "seconds": 2.562, "error": ""}');
INSERT INTO "feed" VALUES(19,'default','600bc3a4',1.79532082018344163899e+09,'scan_started','{"event": "scan_started", "library": "music", "root": "/music", "library_id": 1}');
INSERT INTO "feed" VALUES(20,'default','600bc3a4',1.79532082019566154485e+09,'scan_finished','{"event": "scan_finished", "files": 6, "new": 1, "changed": 1, "retagged": 0, "touched": 0, "moved": 0, "returned": 0, "missing": 1, "removed": 0, "problems": 0, "seconds": 0.01213107600051444, "library_id": 1}');
INSERT INTO "feed" VALUES(21,'default','600bc3a4',1.79532082029200577735e+09,'job_started','{"event": "job_started", "job_id": "600bc3a4", "spec_version": "2026-11-21", "models": ["null"], "items": 6, "operations": 6, "to_do": 2, "resumed": false}');
INSERT INTO "feed" VALUES(22,'default','600bc3a4',1.79532082029459857941e+09,'model_started','{"event": "model_started", "job_id": "600bc3a4", "model": "null", "position": 1, "of": 1, "total": 6, "to_do": 2, "workers": 1, "coverage": "whole track"}');
INSERT INTO "feed" VALUES(23,'default','600bc3a4',1.79532082130514025687e+09,'model_loaded','{"event": "model_loaded", "job_id": "600bc3a4", "model": "null", "seconds": 0.0006136330048320815, "memory_mb": 37.2, "placement": ""}');
INSERT INTO "feed" VALUES(24,'default','600bc3a4',1.79532082146682977672e+09,'progress','{"event": "progress", "job_id": "600bc3a4", "model": "null", "percent": 100.0, "items": 6, "operations": {"total": 6, "done": 2, "skipped": 3, "failed": 1}, "model_operations": {"total": 6, "done": 2, "skipped": 3, "failed": 1}, "current": "[null] late", "eta_seconds": null, "audio_seconds_per_second": null}');
INSERT INTO "feed" VALUES(25,'default','600bc3a4',1.79532082148668956761e+09,'model_unloaded','{"event": "model_unloaded", "job_id": "600bc3a4", "model": "null"}');
INSERT INTO "feed" VALUES(26,'default','600bc3a4',1.79532082156521272664e+09,'model_finished','{"event": "model_finished", "job_id": "600bc3a4", "model": "null", "state": "finished", "done": 2, "failed": 1, "skipped": 3, "seconds": 1.194, "memory_steps": 0, "error": ""}');
INSERT INTO "feed" VALUES(27,'default','600bc3a4',1.79532082159570074084e+09,'job_finished','{"event": "job_finished", "job_id": "600bc3a4", "state": "completed_with_errors", "spec_version": "2026-11-21", "items": {"total": 6, "failed": 1}, "operations": {"total": 6, "done": 2, "skipped": 3, "failed": 1}, "seconds": 1.413, "error": ""}');
INSERT INTO "feed" VALUES(28,'default','2b9bcb5a',1.79532082575561738012e+09,'scan_started','{"event": "scan_started", "library": "music", "root": "/music", "library_id": 1}');
INSERT INTO "feed" VALUES(29,'default','2b9bcb5a',1.7953208257962324619e+09,'scan_finished','{"event": "scan_finished", "files": 6, "new": 0, "changed": 0, "retagged": 0, "touched": 0, "moved": 0, "returned": 0, "missing": 0, "removed": 0, "problems": 0, "seconds": 0.04057782600284554, "library_id": 1}');
INSERT INTO "feed" VALUES(30,'default','2b9bcb5a',1.79532082613310742377e+09,'job_started','{"event": "job_started", "job_id": "2b9bcb5a", "spec_version": "2026-11-21", "models": ["versioned"], "items": 6, "operations": 6, "to_do": 6, "resumed": false}');
INSERT INTO "feed" VALUES(31,'default','2b9bcb5a',1.795320826142975092e+09,'model_started','{"event": "model_started", "job_id": "2b9bcb5a", "model": "versioned", "position": 1, "of": 1, "total": 6, "to_do": 6, "workers": 1, "coverage": "whole track"}');
INSERT INTO "feed" VALUES(32,'default','2b9bcb5a',1.79532082770667219162e+09,'model_loaded','{"event": "model_loaded", "job_id": "2b9bcb5a", "model": "versioned", "seconds": 0.000555566992261447, "memory_mb": 37.3, "placement": ""}');
INSERT INTO "feed" VALUES(33,'default','2b9bcb5a',1.79532082781508803368e+09,'item_failed','{"event": "item_failed", "job_id": "2b9bcb5a", "model": "versioned", "item_id": 2, "path": "bad.mp3", "code": "model_failed", "reason": "RuntimeError: told to raise", "cure": "the model itself raised on this item; see the message", "will_retry": false}');
INSERT INTO "feed" VALUES(34,'default','2b9bcb5a',1.7953208278226048946e+09,'progress','{"event": "progress", "job_id": "2b9bcb5a", "model": "versioned", "percent": 100.0, "items": 6, "operations": {"total": 6, "done": 5, "skipped": 0, "failed": 1}, "model_operations": {"total": 6, "done": 5, "skipped": 0, "failed": 1}, "current": "[versioned] late", "eta_seconds": null, "audio_seconds_per_second": null}');
INSERT INTO "feed" VALUES(35,'default','2b9bcb5a',1.79532082786754608157e+09,'model_unloaded','{"event": "model_unloaded", "job_id": "2b9bcb5a", "model": "versioned"}');
INSERT INTO "feed" VALUES(36,'default','2b9bcb5a',1.79532082806571793558e+09,'space_switched','{"event": "space_switched", "model": "versioned", "space": "versioned-1057596e9554", "previous": "versioned-98633b61848a", "vectors": 5, "neighbours_kept": 0.75}');
INSERT INTO "feed" VALUES(37,'default','2b9bcb5a',1.79532082809813499455e+09,'model_finished','{"event": "model_finished", "job_id": "2b9bcb5a", "model": "versioned", "state": "finished", "done": 5, "failed": 1, "skipped": 0, "seconds": 1.726, "memory_steps": 0, "error": ""}');
INSERT INTO "feed" VALUES(38,'default','2b9bcb5a',1.79532082809910964972e+09,'job_finished','{"event": "job_finished", "job_id": "2b9bcb5a", "state": "completed_with_errors", "spec_version": "2026-11-21", "items": {"total": 6, "failed": 1}, "operations": {"total": 6, "done": 5, "skipped": 0, "failed": 1}, "seconds": 2.344, "error": ""}');
CREATE TABLE foreign_ids (
	owner TEXT NOT NULL, 
	server TEXT NOT NULL, 
	foreign_id TEXT NOT NULL, 
	item_id INTEGER NOT NULL, 
	mark TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (owner, server, foreign_id)
);
CREATE TABLE items (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	owner TEXT NOT NULL, 
	library_id INTEGER NOT NULL, 
	path BLOB NOT NULL, 
	size BIGINT NOT NULL, 
	mtime_ns BIGINT NOT NULL, 
	digest BLOB, 
	title TEXT, 
	artist TEXT, 
	album TEXT, 
	album_artist TEXT, 
	genre TEXT, 
	year INTEGER, 
	track INTEGER, 
	disc INTEGER, 
	bpm FLOAT, 
	"key" TEXT, 
	duration FLOAT, 
	updated_at FLOAT NOT NULL, 
	missing_since FLOAT, 
	UNIQUE (library_id, path), 
	FOREIGN KEY(library_id) REFERENCES libraries (id)
);
INSERT INTO "items" VALUES(1,'default',1,X'416D6265722F666976652E6D7033',13,1795320810265013885,X'4FE096694DD04A3BC4FF8B0BE12B91B4663C64E2E094F346E94236B28C4E39FC',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532081425794267648e+09,NULL);
INSERT INTO "items" VALUES(2,'default',1,X'6261642E6D7033',12,1795320810264898964,X'D52C6C72295C70016BE8F4980AFAF7840EB39B0ED8FF8BC21C8131476EE34C55',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532081425794267648e+09,NULL);
INSERT INTO "items" VALUES(3,'default',1,X'666F75722E6D7033',13,1795320810264815269,X'4C559EC79F80E006B37B0E2029304E5D578EAAF319AC7E9CFC87AC2579030B29',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532081425794267648e+09,NULL);
INSERT INTO "items" VALUES(4,'default',1,X'6F6E652E6D7033',12,1795320810264574300,X'D8C6857A78E696FCDC3207528D8BA3B03961AA4B85982C116C9E21928CDBC9C8',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532081425794267648e+09,NULL);
INSERT INTO "items" VALUES(5,'default',1,X'74687265652E6D7033',14,1795320810264764193,X'B8FC563C05A55D312E48F34BEE8A64B228343E206BDF001412330DB82699059B',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532081425794267648e+09,1.79532082018338227276e+09);
INSERT INTO "items" VALUES(6,'default',1,X'74776F2E6D7033',14,1795320818070544126,X'CB90353EF7121683253122B02293B31A74872CCC401DDE58E5D8679DA75E8871',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532082018338227276e+09,NULL);
INSERT INTO "items" VALUES(7,'default',1,X'6C6174652E6D7033',13,1795320818070729082,X'1D2A92D0F6B9C4682524ABE557715D9E0F7021D54A4553C86A17AA901943F667',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1.79532082018338227276e+09,NULL);
CREATE TABLE job_models (
	job_id TEXT NOT NULL, 
	model TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	space_id INTEGER, 
	state TEXT NOT NULL, 
	total INTEGER DEFAULT '0' NOT NULL, 
	done INTEGER DEFAULT '0' NOT NULL, 
	skipped INTEGER DEFAULT '0' NOT NULL, 
	failed INTEGER DEFAULT '0' NOT NULL, 
	error TEXT DEFAULT '' NOT NULL, 
	seconds FLOAT DEFAULT '0' NOT NULL, 
	audio_seconds FLOAT DEFAULT '0' NOT NULL, 
	PRIMARY KEY (job_id, model), 
	FOREIGN KEY(job_id) REFERENCES jobs (id), 
	FOREIGN KEY(space_id) REFERENCES spaces (id)
);
INSERT INTO "job_models" VALUES('7087cfad','null',1,1,'finished',6,5,0,1,'',4.78065239876741543412e-02,0.0);
INSERT INTO "job_models" VALUES('7087cfad','versioned',2,2,'finished',6,5,0,1,'',6.91998659895034506916e-02,0.0);
INSERT INTO "job_models" VALUES('600bc3a4','null',1,1,'finished',6,2,3,1,'',4.67563220008742064237e-02,0.0);
INSERT INTO "job_models" VALUES('2b9bcb5a','versioned',1,3,'finished',6,5,0,1,'',9.19159570039482787251e-02,0.0);
CREATE TABLE jobs (
	id TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	work_key TEXT NOT NULL, 
	same_work TEXT NOT NULL, 
	active INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	control TEXT NOT NULL, 
	request TEXT NOT NULL, 
	spec_version TEXT NOT NULL, 
	planned INTEGER NOT NULL, 
	items INTEGER NOT NULL, 
	percent FLOAT NOT NULL, 
	created_at FLOAT NOT NULL, 
	started_at FLOAT, 
	finished_at FLOAT, 
	error TEXT NOT NULL, queued_at FLOAT, priority INTEGER DEFAULT '10' NOT NULL, asked_by TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('7087cfad','default','default/1','d03a66ea06f3941a',0,'completed_with_errors','none','{"models": ["null", "versioned"], "library_id": 1, "folder": "", "wanted": "missing", "since": null, "item_id": null, "error_code": null, "clear": "nothing", "purpose": "asked", "batch_size": 0}','2026-11-21',1,6,100.0,1.79532081398954463007e+09,1.79532081425699710846e+09,1.79532081681907701494e+09,'',NULL,10,'');
INSERT INTO "jobs" VALUES('600bc3a4','default','default/1','f1d485540064c166',0,'completed_with_errors','none','{"models": ["null"], "library_id": 1, "folder": "", "wanted": "missing", "since": null, "item_id": null, "error_code": null, "clear": "nothing", "purpose": "asked", "batch_size": 0}','2026-11-21',1,6,100.0,1.79532081984302496909e+09,1.79532082018247413635e+09,1.79532082159518599504e+09,'',NULL,10,'');
INSERT INTO "jobs" VALUES('2b9bcb5a','default','default/1','e1e61f1bd0a3e078',0,'completed_with_errors','none','{"models": ["versioned"], "library_id": 1, "folder": "", "wanted": "missing", "since": null, "item_id": null, "error_code": null, "clear": "nothing", "purpose": "asked", "batch_size": 0}','2026-11-21',1,6,100.0,1.7953208252362422943e+09,1.79532082575470185279e+09,1.79532082809869837757e+09,'',NULL,10,'');
CREATE TABLE ledger (
	space_id INTEGER NOT NULL, 
	item_id INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	state TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	digest BLOB, 
	has_vector INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	job_id TEXT, 
	lease_until FLOAT, 
	error_code TEXT, 
	error_message TEXT, 
	updated_at FLOAT NOT NULL, 
	PRIMARY KEY (space_id, item_id), 
	FOREIGN KEY(space_id) REFERENCES spaces (id)
)
 WITHOUT ROWID

;
INSERT INTO "ledger" VALUES(1,1,'default','done','new',X'4FE096694DD04A3BC4FF8B0BE12B91B4663C64E2E094F346E94236B28C4E39FC',1,1,'7087cfad',NULL,NULL,NULL,1.79532081571629929545e+09);
INSERT INTO "ledger" VALUES(1,2,'default','failed','new',X'D52C6C72295C70016BE8F4980AFAF7840EB39B0ED8FF8BC21C8131476EE34C55',0,1,'600bc3a4',NULL,'model_failed','RuntimeError: told to raise',1.79532081571629929545e+09);
INSERT INTO "ledger" VALUES(1,3,'default','done','new',X'4C559EC79F80E006B37B0E2029304E5D578EAAF319AC7E9CFC87AC2579030B29',1,1,'7087cfad',NULL,NULL,NULL,1.79532081571629929545e+09);
INSERT INTO "ledger" VALUES(1,4,'default','done','new',X'D8C6857A78E696FCDC3207528D8BA3B03961AA4B85982C116C9E21928CDBC9C8',1,1,'7087cfad',NULL,NULL,NULL,1.79532081571629929545e+09);
INSERT INTO "ledger" VALUES(1,5,'default','done','new',X'B8FC563C05A55D312E48F34BEE8A64B228343E206BDF001412330DB82699059B',1,1,'7087cfad',NULL,NULL,NULL,1.79532081571629929545e+09);
INSERT INTO "ledger" VALUES(1,6,'default','done','changed',X'CB90353EF7121683253122B02293B31A74872CCC401DDE58E5D8679DA75E8871',1,1,'600bc3a4',NULL,NULL,NULL,1.79532082146615529064e+09);
INSERT INTO "ledger" VALUES(1,7,'default','done','new',X'1D2A92D0F6B9C4682524ABE557715D9E0F7021D54A4553C86A17AA901943F667',1,1,'600bc3a4',NULL,NULL,NULL,1.79532082146615529064e+09);
INSERT INTO "ledger" VALUES(2,1,'default','done','new',X'4FE096694DD04A3BC4FF8B0BE12B91B4663C64E2E094F346E94236B28C4E39FC',1,1,'7087cfad',NULL,NULL,NULL,1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(2,2,'default','failed','new',X'D52C6C72295C70016BE8F4980AFAF7840EB39B0ED8FF8BC21C8131476EE34C55',0,1,'7087cfad',NULL,'model_failed','RuntimeError: told to raise',1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(2,3,'default','done','new',X'4C559EC79F80E006B37B0E2029304E5D578EAAF319AC7E9CFC87AC2579030B29',1,1,'7087cfad',NULL,NULL,NULL,1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(2,4,'default','done','new',X'D8C6857A78E696FCDC3207528D8BA3B03961AA4B85982C116C9E21928CDBC9C8',1,1,'7087cfad',NULL,NULL,NULL,1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(2,5,'default','done','new',X'B8FC563C05A55D312E48F34BEE8A64B228343E206BDF001412330DB82699059B',1,1,'7087cfad',NULL,NULL,NULL,1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(2,6,'default','done','new',X'8AD2D3D98703A0910BC7BBCE27E9E60B278E1794F871901919939FC096C15DF8',1,1,'7087cfad',NULL,NULL,NULL,1.7953208167901725769e+09);
INSERT INTO "ledger" VALUES(3,1,'default','done','spec changed',X'4FE096694DD04A3BC4FF8B0BE12B91B4663C64E2E094F346E94236B28C4E39FC',1,1,'2b9bcb5a',NULL,NULL,NULL,1.79532082782182097436e+09);
INSERT INTO "ledger" VALUES(3,2,'default','failed','new',X'D52C6C72295C70016BE8F4980AFAF7840EB39B0ED8FF8BC21C8131476EE34C55',0,1,'2b9bcb5a',NULL,'model_failed','RuntimeError: told to raise',1.79532082782182097436e+09);
INSERT INTO "ledger" VALUES(3,3,'default','done','spec changed',X'4C559EC79F80E006B37B0E2029304E5D578EAAF319AC7E9CFC87AC2579030B29',1,1,'2b9bcb5a',NULL,NULL,NULL,1.79532082782182097436e+09);
INSERT INTO "ledger" VALUES(3,4,'default','done','spec changed',X'D8C6857A78E696FCDC3207528D8BA3B03961AA4B85982C116C9E21928CDBC9C8',1,1,'2b9bcb5a',NULL,NULL,NULL,1.79532082782182097436e+09);
INSERT INTO "ledger" VALUES(3,6,'default','done','spec changed',X'CB90353EF7121683253122B02293B31A74872CCC401DDE58E5D8679DA75E8871',1,1,'2b9bcb5a',NULL,NULL,NULL,1.79532082782182097436e+09);
INSERT INTO "ledger" VALUES(3,7,'default','done','new',X'1D2A92D0F6B9C4682524ABE557715D9E0F7021D54A4553C86A17AA901943F667',1,1,'2b9bcb5a',NULL,NULL,NULL,1.79532082782182097436e+09);
CREATE TABLE libraries (
	id INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	root BLOB NOT NULL, 
	exclude TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	scanned_at FLOAT, watch INTEGER DEFAULT '1' NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner, root)
);
INSERT INTO "libraries" VALUES(1,'default','folder','music',X'2F6D75736963','[]',1.79532081396722197532e+09,1.79532082575555896764e+09,1);
CREATE TABLE listing (
	item_id INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	library_id INTEGER NOT NULL, 
	path BLOB NOT NULL, 
	title TEXT, 
	artist TEXT, 
	album TEXT, 
	genre TEXT, 
	year INTEGER, 
	bpm FLOAT, 
	"key" TEXT, 
	duration FLOAT, 
	updated_at FLOAT NOT NULL, 
	size BIGINT NOT NULL, 
	missing INTEGER NOT NULL, 
	PRIMARY KEY (item_id)
);
CREATE TABLE listing_counts (
	owner TEXT NOT NULL, 
	library_id INTEGER NOT NULL, 
	items INTEGER NOT NULL, 
	missing INTEGER NOT NULL, 
	audio_seconds FLOAT NOT NULL, 
	bytes BIGINT NOT NULL, 
	PRIMARY KEY (owner, library_id)
);
CREATE TABLE listing_notes (
	item_id INTEGER NOT NULL, 
	PRIMARY KEY (item_id)
);
INSERT INTO "listing_notes" VALUES(5);
INSERT INTO "listing_notes" VALUES(6);
CREATE TABLE listing_state (
	listed_to INTEGER NOT NULL, 
	changes INTEGER NOT NULL
);
INSERT INTO "listing_state" VALUES(0,0);
PRAGMA writable_schema=ON;
INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('table','listing_words','listing_words',0,'CREATE VIRTUAL TABLE listing_words USING fts5 (words, columnsize = 0, tokenize = ''unicode61 remove_diacritics 2'')');
CREATE TABLE 'listing_words_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO "listing_words_config" VALUES('version',4);
CREATE TABLE 'listing_words_content'(id INTEGER PRIMARY KEY, c0);
CREATE TABLE 'listing_words_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO "listing_words_data" VALUES(1,X'');
INSERT INTO "listing_words_data" VALUES(10,X'00000000000000');
CREATE TABLE 'listing_words_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE TABLE pointers (
	owner TEXT NOT NULL, 
	model TEXT NOT NULL, 
	space_id INTEGER NOT NULL, 
	previous_id INTEGER, 
	switched_at FLOAT NOT NULL, 
	PRIMARY KEY (owner, model), 
	FOREIGN KEY(space_id) REFERENCES spaces (id), 
	FOREIGN KEY(previous_id) REFERENCES spaces (id)
);
INSERT INTO "pointers" VALUES('default','null',1,NULL,1.7953208157611787319e+09);
INSERT INTO "pointers" VALUES('default','versioned',3,2,1.79532082806543087961e+09);
CREATE TABLE scan_problems (
	library_id INTEGER NOT NULL, 
	path BLOB NOT NULL, 
	owner TEXT NOT NULL, 
	code TEXT NOT NULL, 
	message TEXT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	PRIMARY KEY (library_id, path), 
	FOREIGN KEY(library_id) REFERENCES libraries (id)
);
CREATE TABLE schedules (
	id INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	library_id INTEGER NOT NULL, 
	models TEXT NOT NULL, 
	cron TEXT NOT NULL, 
	enabled INTEGER NOT NULL, 
	created_at FLOAT NOT NULL, 
	ran_at FLOAT, 
	outcome TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(library_id) REFERENCES libraries (id) ON DELETE CASCADE
);
CREATE TABLE sessions (
	id_hash BLOB NOT NULL, 
	user_name TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	seen_at FLOAT NOT NULL, 
	expires_at FLOAT NOT NULL, 
	PRIMARY KEY (id_hash), 
	FOREIGN KEY(user_name) REFERENCES users (name) ON DELETE CASCADE
);
CREATE TABLE spaces (
	id INTEGER NOT NULL, 
	owner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	model TEXT NOT NULL, 
	fingerprint TEXT NOT NULL, 
	inputs TEXT NOT NULL, 
	dimension INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	note TEXT DEFAULT '' NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (owner, name)
);
INSERT INTO "spaces" VALUES(1,'default','null-1c44096e6cef','null','1c44096e6ceff065e22dbbc1eea3dcd450f5ed7cd14b80b7f0a3f4b4747bf1ca','{"model": "null", "weights": "none", "sample_rate": 8000, "mono": "mean", "resampler": "none", "window": 1, "hop": 1, "pooling": "none", "normalisation": "none", "dimension": 8, "decoder_major": 0, "epoch": 1}',8,'active','',1.79532081435303497319e+09);
INSERT INTO "spaces" VALUES(2,'default','versioned-98633b61848a','versioned','98633b61848a41f84de2cc5dd379cd89384a25ed9ee52c4437658463f4c4ff96','{"model": "versioned", "weights": "none", "sample_rate": 8000, "mono": "mean", "resampler": "none", "window": 1, "hop": 1, "pooling": "none", "normalisation": "none", "dimension": 8, "decoder_major": 0, "epoch": 1}',8,'retiring','',1.79532081453514313698e+09);
INSERT INTO "spaces" VALUES(3,'default','versioned-1057596e9554','versioned','1057596e95540183313926d32e9d4910494812f442a9d356398f1bf83a3591e4','{"model": "versioned", "weights": "none", "sample_rate": 8000, "mono": "mean", "resampler": "none", "window": 1, "hop": 1, "pooling": "none", "normalisation": "none", "dimension": 8, "decoder_major": 0, "epoch": 2}',8,'active','',1.79532082590726852419e+09);
CREATE TABLE speeds (
	fingerprint TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	audio_seconds_per_second FLOAT NOT NULL, 
	operations_per_second FLOAT NOT NULL, 
	measured_at FLOAT NOT NULL, 
	PRIMARY KEY (fingerprint, machine)
);
CREATE TABLE tokens (
	id TEXT NOT NULL, 
	user_name TEXT NOT NULL, 
	name TEXT NOT NULL, 
	token_hash BLOB NOT NULL, 
	created_at FLOAT NOT NULL, 
	expires_at FLOAT, 
	last_used_at FLOAT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_name) REFERENCES users (name) ON DELETE CASCADE, 
	UNIQUE (token_hash)
);
CREATE TABLE users (
	name TEXT NOT NULL, 
	password_hash TEXT NOT NULL, 
	role TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	must_change INTEGER NOT NULL, 
	preferences TEXT NOT NULL, 
	created_at FLOAT NOT NULL, 
	PRIMARY KEY (name)
);
CREATE UNIQUE INDEX one_active_job ON jobs (owner, work_key) WHERE active = 1;
CREATE INDEX open_work ON ledger (job_id, space_id, state, attempts, item_id) WHERE state IN ('pending', 'leased');
CREATE INDEX failures ON ledger (owner, error_code, item_id) WHERE state IN ('failed', 'dismissed');
CREATE INDEX hosted_jobs ON jobs (priority, queued_at) WHERE queued_at IS NOT NULL AND active = 1;
CREATE INDEX feed_of_job ON feed (job_id, seq);
CREATE INDEX foreign_id_of_item ON foreign_ids (owner, server, item_id);
CREATE INDEX listing_by_id ON listing (owner, item_id, library_id);
CREATE INDEX listing_by_artist ON listing (owner, artist, item_id, library_id);
CREATE INDEX listing_by_title ON listing (owner, title, item_id, library_id);
CREATE INDEX listing_by_album ON listing (owner, album, item_id, library_id);
CREATE INDEX listing_by_genre ON listing (owner, genre, item_id, library_id);
CREATE INDEX listing_by_year ON listing (owner, year, item_id, library_id);
CREATE INDEX listing_by_bpm ON listing (owner, bpm, item_id, library_id);
CREATE INDEX listing_by_key ON listing (owner, "key", item_id, library_id);
CREATE INDEX listing_by_duration ON listing (owner, duration, item_id, library_id);
CREATE INDEX listing_by_updated_at ON listing (owner, updated_at, item_id, library_id);
CREATE INDEX listing_by_path ON listing (owner, path, item_id, library_id);
CREATE TRIGGER note_changed_item AFTER UPDATE OF library_id, path, title, artist, album, genre, year, bpm, key, duration, size, updated_at, missing_since ON items WHEN old.library_id IS NOT new.library_id OR old.path IS NOT new.path OR old.title IS NOT new.title OR old.artist IS NOT new.artist OR old.album IS NOT new.album OR old.genre IS NOT new.genre OR old.year IS NOT new.year OR old.bpm IS NOT new.bpm OR old.key IS NOT new.key OR old.duration IS NOT new.duration OR old.size IS NOT new.size OR old.updated_at IS NOT new.updated_at OR old.missing_since IS NOT new.missing_since BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (new.id); END;
CREATE TRIGGER note_removed_item AFTER DELETE ON items BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (old.id); END;
PRAGMA writable_schema=OFF;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('feed',38);
INSERT INTO "sqlite_sequence" VALUES('items',7);
COMMIT;
