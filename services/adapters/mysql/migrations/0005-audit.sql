-- The audit log: administrative acts, by when they were begun. Issued tokens stand on a shelf of their own.
-- runs with: 3
CREATE TABLE IF NOT EXISTS audit_record (
  shelf TINYINT UNSIGNED NOT NULL,
  id BINARY(16) NOT NULL,
  at BIGINT UNSIGNED NOT NULL,
  actor VARBINARY(1024) NOT NULL,
  action VARBINARY(1024) NOT NULL,
  target VARBINARY(1024) NOT NULL,
  remote_address VARBINARY(1024) NOT NULL,
  node VARBINARY(1024) NOT NULL,
  details BLOB NOT NULL,
  result VARBINARY(16) NOT NULL,
  reason VARBINARY(1024) NOT NULL,
  ended_at BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (shelf, id)
) ENGINE = InnoDB;
