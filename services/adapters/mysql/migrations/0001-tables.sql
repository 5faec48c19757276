-- Every statement may run again: a migration that was cut off begins anew. Ids are VARBINARY, since they are compared
-- bytewise and without padding. Times are milliseconds since 1970.

CREATE TABLE IF NOT EXISTS store_epoch (
  only_row TINYINT UNSIGNED NOT NULL,
  epoch VARBINARY(32) NOT NULL,
  PRIMARY KEY (only_row),
  UNIQUE KEY epoch (epoch)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS store_secret (
  name VARBINARY(32) NOT NULL,
  key_id INT UNSIGNED NOT NULL,
  sealed VARBINARY(255) NOT NULL,
  PRIMARY KEY (name)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS key_proof (
  key_id INT UNSIGNED NOT NULL,
  proof VARBINARY(255) NOT NULL,
  PRIMARY KEY (key_id)
) ENGINE = InnoDB;

-- One row a worker number of the id library; an empty holder has never held it.
CREATE TABLE IF NOT EXISTS worker_lease (
  worker SMALLINT UNSIGNED NOT NULL,
  holder VARBINARY(256) NOT NULL,
  reserved_until BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (worker),
  KEY holder (holder)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS conversation (
  conv_no BIGINT UNSIGNED NOT NULL,
  conv_id VARBINARY(256) NOT NULL,
  kind TINYINT UNSIGNED NOT NULL,
  user_one VARBINARY(256) NULL,
  user_two VARBINARY(256) NULL,
  projected_seq BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conv_no),
  UNIQUE KEY conv_id (conv_id)
) ENGINE = InnoDB;

-- Spread by KEY, not HASH: the low bits of a conv_no are a counter that mostly stands at 0.
CREATE TABLE IF NOT EXISTS message (
  conv_no BIGINT UNSIGNED NOT NULL,
  seq BIGINT UNSIGNED NOT NULL,
  msg_id BIGINT UNSIGNED NOT NULL,
  kind TINYINT UNSIGNED NOT NULL,
  status TINYINT UNSIGNED NOT NULL,
  revision INT UNSIGNED NOT NULL,
  ord BIGINT UNSIGNED NOT NULL,
  created_at BIGINT UNSIGNED NOT NULL,
  key_id INT UNSIGNED NOT NULL,
  client_key BINARY(16) NULL,
  sender VARBINARY(256) NOT NULL,
  body MEDIUMBLOB NOT NULL,
  PRIMARY KEY (conv_no, seq),
  UNIQUE KEY client_key (conv_no, client_key),
  KEY msg_id (msg_id)
) ENGINE = InnoDB PARTITION BY KEY (conv_no) PARTITIONS 16;

-- Clustered by conversation, since an owner loads all members at once; the second key is a user's list, in its order.
CREATE TABLE IF NOT EXISTS conversation_member (
  conv_no BIGINT UNSIGNED NOT NULL,
  user_id VARBINARY(256) NOT NULL,
  conv_id VARBINARY(256) NOT NULL,
  role TINYINT UNSIGNED NOT NULL,
  joined_seq BIGINT UNSIGNED NOT NULL,
  joined_ord BIGINT UNSIGNED NOT NULL,
  left_seq BIGINT UNSIGNED NOT NULL,
  left_ord BIGINT UNSIGNED NOT NULL,
  rev BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conv_no, user_id),
  UNIQUE KEY user_list (user_id, conv_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS conversation_cursor (
  conv_no BIGINT UNSIGNED NOT NULL,
  user_id VARBINARY(256) NOT NULL,
  delivered_seq BIGINT UNSIGNED NOT NULL,
  read_seq BIGINT UNSIGNED NOT NULL,
  read_ord BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conv_no, user_id)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS chat_group (
  conv_no BIGINT UNSIGNED NOT NULL,
  name VARBINARY(1024) NOT NULL,
  owner VARBINARY(256) NOT NULL,
  max_members INT UNSIGNED NOT NULL,
  history TINYINT UNSIGNED NOT NULL,
  member_count INT UNSIGNED NOT NULL,
  version BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (conv_no)
) ENGINE = InnoDB;

-- One row a transaction, written by it. `epoch` fences writers that began under another epoch; `conditions` is NULL, and
-- so refused, where what the transaction rests on does not hold. A batch that is written again in part adds a part.
CREATE TABLE IF NOT EXISTS outbox (
  batch_id BIGINT UNSIGNED NOT NULL,
  part SMALLINT UNSIGNED NOT NULL,
  incarnation VARBINARY(256) NOT NULL,
  epoch VARBINARY(32) NOT NULL,
  created_at BIGINT UNSIGNED NOT NULL,
  conditions TINYINT UNSIGNED NOT NULL,
  payload MEDIUMBLOB NOT NULL,
  PRIMARY KEY (batch_id, part),
  KEY of_incarnation (incarnation, batch_id, part),
  CONSTRAINT outbox_epoch FOREIGN KEY (epoch) REFERENCES store_epoch (epoch)
) ENGINE = InnoDB;
