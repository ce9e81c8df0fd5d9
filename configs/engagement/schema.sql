-- The tables of the reference use: content is the lookup table, engagement_events the stream, engagement_report a target.
CREATE TABLE content (
  id UUID PRIMARY KEY, slug TEXT UNIQUE NOT NULL, title TEXT NOT NULL,
  content_type TEXT CHECK (content_type IN ('podcast', 'newsletter', 'video')),
  length_seconds INTEGER, publish_ts TIMESTAMPTZ NOT NULL);
CREATE TABLE engagement_events (
  id BIGSERIAL PRIMARY KEY, content_id UUID REFERENCES content(id), user_id UUID,
  event_type TEXT CHECK (event_type IN ('play', 'pause', 'finish', 'click')),
  event_ts TIMESTAMPTZ NOT NULL, duration_ms INTEGER, device TEXT, raw_payload JSONB);
CREATE TABLE engagement_report (
  id BIGINT PRIMARY KEY, content_id UUID, user_id UUID, event_type TEXT, event_ts TIMESTAMPTZ, duration_ms INTEGER,
  device TEXT, raw_payload JSONB, content_type TEXT, length_seconds INTEGER,
  engagement_seconds NUMERIC, engagement_pct NUMERIC);
