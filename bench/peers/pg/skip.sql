-- A row for each card: an order takes the first that nobody else is taking.

CREATE TABLE products (
    id          integer PRIMARY KEY,
    sku         text    NOT NULL UNIQUE,
    price       bigint  NOT NULL,
    currency    text    NOT NULL,
    buyer_limit integer NOT NULL,
    stock       integer NOT NULL
);

CREATE TABLE cards (
    product  integer NOT NULL,
    number   integer NOT NULL,
    secret   text    NOT NULL,
    order_id text
) WITH (autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 1000);

-- Of the unsold only, so that it shrinks; what was sold lies before them in it
-- until the vacuum that the settings above make come early.
CREATE INDEX cards_unsold ON cards (product, number) WHERE order_id IS NULL;

CREATE TABLE buyers (
    product integer NOT NULL,
    contact text    NOT NULL,
    units   integer NOT NULL,
    PRIMARY KEY (product, contact)
) WITH (fillfactor = 70);

CREATE TABLE orders (
    id         text        PRIMARY KEY,
    product    integer     NOT NULL,
    qty        integer     NOT NULL,
    contact    text        NOT NULL,
    amount     bigint      NOT NULL,
    token      text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION checkout(p_sku text, p_qty integer, p_contact text,
                         p_order text, p_token text,
                         OUT code text, OUT amount bigint, OUT currency text)
LANGUAGE plpgsql AS $$
DECLARE
    p       products;
    v_taken integer;
BEGIN
    SELECT * INTO p FROM products WHERE sku = p_sku;
    IF NOT FOUND THEN
        code := 'not_found';
        RETURN;
    END IF;

    IF p.buyer_limit > 0 THEN
        PERFORM FROM buyers b WHERE b.product = p.id
            AND b.contact = p_contact AND b.units + p_qty > p.buyer_limit;
        IF FOUND OR p_qty > p.buyer_limit THEN
            code := 'limit_reached';
            RETURN;
        END IF;
    END IF;

    UPDATE cards SET order_id = p_order
        WHERE ctid = ANY (ARRAY(
            SELECT c.ctid FROM cards c
            WHERE c.product = p.id AND c.order_id IS NULL
            ORDER BY c.number LIMIT p_qty FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_taken = ROW_COUNT;
    IF v_taken = 0 THEN
        code := 'sold_out';
        RETURN;
    ELSIF v_taken < p_qty THEN
        RAISE EXCEPTION 'sold_out' USING ERRCODE = 'SHOP1';
    END IF;

    IF p.buyer_limit > 0 THEN
        INSERT INTO buyers AS b (product, contact, units)
            VALUES (p.id, p_contact, p_qty)
            ON CONFLICT (product, contact) DO UPDATE
            SET units = b.units + p_qty
            WHERE b.units + p_qty <= p.buyer_limit;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'limit_reached' USING ERRCODE = 'SHOP1';
        END IF;
    END IF;

    code := 'ok';
    amount := p.price * p_qty;
    currency := p.currency;
    INSERT INTO orders (id, product, qty, contact, amount, token)
        VALUES (p_order, p.id, p_qty, p_contact, amount, p_token);
END
$$;
