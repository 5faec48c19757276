-- Devices that users are pushed to, and when they want no pushes. A target is sealed and known again by a hash of it; it
-- is of one device only.
-- runs with: 3

CREATE TABLE IF NOT EXISTS device (
  user_id VARBINARY(256) NOT NULL,
  device_id VARBINARY(256) NOT NULL,
  platform TINYINT UNSIGNED NOT NULL,
  provider TINYINT UNSIGNED NOT NULL,
  name VARBINARY(1024) NOT NULL,
  registered_at BIGINT UNSIGNED NOT NULL,
  last_seen BIGINT UNSIGNED NOT NULL,
  target_hash BINARY(16) NOT NULL,
  key_id INT UNSIGNED NOT NULL,
  target BLOB NOT NULL,
  PRIMARY KEY (user_id, device_id),
  UNIQUE KEY target_hash (target_hash)
) ENGINE = InnoDB;

-- What a device was told of last: a conversation has one of 128 places, and shares it with others.
CREATE TABLE IF NOT EXISTS device_told (
  user_id VARBINARY(256) NOT NULL,
  device_id VARBINARY(256) NOT NULL,
  slot TINYINT UNSIGNED NOT NULL,
  conv_id VARBINARY(256) NOT NULL,
  seq BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (user_id, device_id, slot)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS push_setting (
  user_id VARBINARY(256) NOT NULL,
  silenced_until BIGINT UNSIGNED NOT NULL,
  quiet_from SMALLINT UNSIGNED NULL,
  quiet_to SMALLINT UNSIGNED NULL,
  quiet_zone VARBINARY(64) NULL,
  PRIMARY KEY (user_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS conversation_silence (
  user_id VARBINARY(256) NOT NULL,
  conv_id VARBINARY(256) NOT NULL,
  silenced_until BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (user_id, conv_id)
) ENGINE = InnoDB;
