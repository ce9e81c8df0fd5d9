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
-- The same rows for every workload: one for each i.
CREATE FUNCTION bench_rows(lo bigint, hi bigint) RETURNS void LANGUAGE sql AS $$
INSERT INTO engagement_events(content_id, user_id, event_type, event_ts, duration_ms, device, raw_payload)
SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(1 + (i * 7919) % 10000), 12, '0'))::uuid, gen_random_uuid(),
       (ARRAY['play', 'pause', 'finish', 'click'])[1 + i % 4], now() + i * interval '1 ms',
       CASE WHEN i % 13 = 0 THEN NULL ELSE ((i * 37) % 3600000)::int END,
       (ARRAY['ios', 'web-safari', 'android', 'web-chrome'])[1 + i % 4], jsonb_build_object('source', 'search', 'n', i)
FROM generate_series(lo, hi) i $$;
CREATE PROCEDURE bench_tx(n bigint, k bigint) LANGUAGE plpgsql AS $$
DECLARE i bigint := 1;
BEGIN
  WHILE i <= n LOOP
    PERFORM bench_rows(i, least(i + k - 1, n));
    COMMIT;
    i := i + k;
  END LOOP;
END $$;
ALTER TABLE engagement_events DROP CONSTRAINT engagement_events_content_id_fkey;
