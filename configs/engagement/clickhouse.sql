CREATE TABLE engagement (
  id Int64, content_id String, user_id String, event_type String, event_ts String, duration_ms Nullable(Int32),
  device Nullable(String), raw_payload Nullable(String), content_type Nullable(String), length_seconds Nullable(Int32),
  engagement_seconds Nullable(Float64), engagement_pct Nullable(Float64)
) ENGINE = MergeTree ORDER BY id
