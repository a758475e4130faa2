CREATE TABLE goods (
    id          INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    sku         VARCHAR(64) NOT NULL UNIQUE,
    price       INT NOT NULL,
    currency    CHAR(3) NOT NULL,
    buyer_limit INT NOT NULL,
    filled      INT NOT NULL
) ENGINE=InnoDB;

-- status: 1 for sale, 2 sold.
CREATE TABLE carmis (
    id       INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    goods_id INT UNSIGNED NOT NULL,
    status   TINYINT NOT NULL DEFAULT 1,
    carmi    VARCHAR(255) NOT NULL,
    KEY goods_status (goods_id, status)
) ENGINE=InnoDB;

CREATE TABLE orders (
    id           INT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
    order_sn     CHAR(26) CHARACTER SET ascii NOT NULL UNIQUE,
    goods_id     INT UNSIGNED NOT NULL,
    email        VARCHAR(128) NOT NULL,
    buy_amount   INT NOT NULL,
    total_price  INT NOT NULL,
    search_token CHAR(43) CHARACTER SET ascii NOT NULL,
    info         TEXT NOT NULL,
    created_at   TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    KEY buyer (goods_id, email)
) ENGINE=InnoDB;
