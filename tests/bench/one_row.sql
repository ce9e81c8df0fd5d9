INSERT INTO engagement_events(content_id, user_id, event_type, event_ts, duration_ms, device, raw_payload)
VALUES ('00000000-0000-4000-8000-000000000001', gen_random_uuid(), 'play', clock_timestamp(), 60000, 'ios', '{"source": "bench"}');
