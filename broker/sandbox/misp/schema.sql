-- What the stand-in MISP remembers. Names follow MISP's own tables and fields.
-- Times are seconds since 1970, first_seen and last_seen microseconds.
CREATE TABLE IF NOT EXISTS organisations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    local INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    org_id INTEGER NOT NULL REFERENCES organisations (id),
    role TEXT NOT NULL,
    authkey TEXT NOT NULL UNIQUE,
    nids_sid INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    org_id INTEGER NOT NULL,
    orgc_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    date TEXT NOT NULL,
    threat_level_id INTEGER NOT NULL,
    analysis INTEGER NOT NULL,
    info TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    timestamp INTEGER NOT NULL,
    distribution INTEGER NOT NULL,
    locked INTEGER NOT NULL DEFAULT 0,
    disable_correlation INTEGER NOT NULL DEFAULT 0,
    extends_uuid TEXT NOT NULL DEFAULT '',
    publish_timestamp INTEGER NOT NULL DEFAULT 0,
    sighting_timestamp INTEGER NOT NULL DEFAULT 0,
    proposal_email_lock INTEGER NOT NULL DEFAULT 0,
    attribute_count INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS events_timestamp ON events (timestamp);
CREATE TABLE IF NOT EXISTS sharing_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    releasability TEXT NOT NULL,
    description TEXT NOT NULL,
    org_id INTEGER NOT NULL,
    roaming INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS sharing_group_orgs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sharing_group_id INTEGER NOT NULL REFERENCES sharing_groups (id),
    org_id INTEGER NOT NULL REFERENCES organisations (id),
    extend INTEGER NOT NULL,
    UNIQUE (sharing_group_id, org_id)
);
CREATE TABLE IF NOT EXISTS event_groups (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id INTEGER NOT NULL UNIQUE REFERENCES events (id) ON DELETE CASCADE,
    sharing_group_id INTEGER NOT NULL REFERENCES sharing_groups (id)
);
CREATE TABLE IF NOT EXISTS attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    object_id INTEGER NOT NULL DEFAULT 0,
    object_relation TEXT,
    category TEXT NOT NULL,
    type TEXT NOT NULL,
    value1 TEXT NOT NULL COLLATE NOCASE,
    value2 TEXT NOT NULL DEFAULT '' COLLATE NOCASE,
    to_ids INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    distribution INTEGER NOT NULL,
    comment TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0,
    disable_correlation INTEGER NOT NULL DEFAULT 0,
    first_seen INTEGER,
    last_seen INTEGER
);
CREATE INDEX IF NOT EXISTS attributes_event ON attributes (event_id);
CREATE INDEX IF NOT EXISTS attributes_value1 ON attributes (value1);
CREATE INDEX IF NOT EXISTS attributes_value2 ON attributes (value2)
    WHERE value2 <> '';
CREATE TABLE IF NOT EXISTS objects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    meta_category TEXT NOT NULL,
    description TEXT,
    template_uuid TEXT NOT NULL,
    template_version INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    distribution INTEGER NOT NULL,
    comment TEXT NOT NULL DEFAULT '',
    deleted INTEGER NOT NULL DEFAULT 0,
    first_seen INTEGER,
    last_seen INTEGER
);
CREATE INDEX IF NOT EXISTS objects_event ON objects (event_id);
CREATE TABLE IF NOT EXISTS object_references (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    object_id INTEGER NOT NULL,
    referenced_id INTEGER NOT NULL,
    referenced_uuid TEXT NOT NULL,
    referenced_type INTEGER NOT NULL,
    relationship_type TEXT,
    comment TEXT NOT NULL DEFAULT '',
    timestamp INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS object_references_event ON object_references (event_id);
CREATE TABLE IF NOT EXISTS tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE,
    colour TEXT NOT NULL,
    exportable INTEGER NOT NULL DEFAULT 1
);
CREATE TABLE IF NOT EXISTS event_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id),
    relationship_type TEXT,
    local INTEGER NOT NULL DEFAULT 0,
    UNIQUE (event_id, tag_id)
);
CREATE TABLE IF NOT EXISTS attribute_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    attribute_id INTEGER NOT NULL REFERENCES attributes (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id),
    relationship_type TEXT,
    local INTEGER NOT NULL DEFAULT 0,
    UNIQUE (attribute_id, tag_id)
);
CREATE INDEX IF NOT EXISTS attribute_tags_event ON attribute_tags (event_id);
CREATE TABLE IF NOT EXISTS event_reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    content TEXT,
    distribution INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS event_reports_event ON event_reports (event_id);
CREATE TABLE IF NOT EXISTS sightings (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    attribute_id INTEGER NOT NULL REFERENCES attributes (id) ON DELETE CASCADE,
    org_id INTEGER NOT NULL,
    date_sighting INTEGER NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    type INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS sightings_event ON sightings (event_id);
CREATE INDEX IF NOT EXISTS sightings_attribute ON sightings (attribute_id);
CREATE TABLE IF NOT EXISTS shadow_attributes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL,
    old_id INTEGER NOT NULL DEFAULT 0,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    org_id INTEGER NOT NULL,
    email TEXT NOT NULL,
    category TEXT NOT NULL,
    type TEXT NOT NULL,
    value TEXT NOT NULL,
    to_ids INTEGER NOT NULL,
    comment TEXT NOT NULL DEFAULT '',
    timestamp INTEGER NOT NULL,
    first_seen INTEGER,
    last_seen INTEGER,
    deleted INTEGER NOT NULL DEFAULT 0,
    proposal_to_delete INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS shadow_attributes_event ON shadow_attributes (event_id);
CREATE TABLE IF NOT EXISTS blocklist (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    event_uuid TEXT NOT NULL UNIQUE,
    event_info TEXT NOT NULL DEFAULT '',
    event_orgc TEXT NOT NULL DEFAULT '',
    comment TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS logs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    created INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_id INTEGER NOT NULL,
    action TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    email TEXT NOT NULL,
    org TEXT NOT NULL,
    change TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS server (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS analyst_data (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    object_uuid TEXT NOT NULL,
    object_type TEXT NOT NULL,
    authors TEXT NOT NULL,
    org_uuid TEXT NOT NULL,
    orgc_uuid TEXT NOT NULL,
    created TEXT NOT NULL,
    modified TEXT NOT NULL,
    distribution INTEGER NOT NULL,
    note TEXT NOT NULL,
    language TEXT NOT NULL,
    opinion INTEGER NOT NULL,
    comment TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS analyst_data_about ON analyst_data (object_uuid);
