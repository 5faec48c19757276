-- Webhooks that were given up. Read by when they happened; the oldest go first.
CREATE TABLE IF NOT EXISTS dead_letter (
  id VARBINARY(64) NOT NULL,
  endpoint VARBINARY(64) NOT NULL,
  type VARBINARY(64) NOT NULL,
  conv_id VARBINARY(256) NOT NULL,
  first_seq BIGINT UNSIGNED NOT NULL,
  last_seq BIGINT UNSIGNED NOT NULL,
  occurred_at BIGINT UNSIGNED NOT NULL,
  failed_at BIGINT UNSIGNED NOT NULL,
  attempts INT UNSIGNED NOT NULL,
  reason VARBINARY(4096) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  PRIMARY KEY (id),
  KEY by_time (occurred_at, id)
) ENGINE = InnoDB;
