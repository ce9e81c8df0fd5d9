CREATE TABLE generated (
  id Int64, content_id UUID, user_id UUID, event_type String, event_ts DateTime, duration_ms Nullable(Int32),
  device String, raw_payload String, version UInt64
) ENGINE = ReplacingMergeTree(version) ORDER BY id
