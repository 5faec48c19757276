-- What the store was filled from, where `parley import` did it. Servers keep away from it while the epoch is empty.

CREATE TABLE IF NOT EXISTS store_import (
  only_row TINYINT UNSIGNED NOT NULL,
  archive_id VARBINARY(64) NOT NULL,
  frames BIGINT UNSIGNED NOT NULL,
  epoch VARBINARY(32) NOT NULL,
  PRIMARY KEY (only_row)
) ENGINE = InnoDB;
