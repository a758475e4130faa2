-- A counter per product: the order takes the cards whose numbers it counted.
-- Nothing but the counter's row is contended, and it is raised by the last
-- statement but one, so that it is locked for as short as can be.

-- Room in each page for the next versions of its rows: an update stays in its
-- page and touches no index.
CREATE TABLE products (
    id          integer PRIMARY KEY,
    sku         text    NOT NULL UNIQUE,
    price       bigint  NOT NULL,
    currency    text    NOT NULL,
    buyer_limit integer NOT NULL,
    stock       integer NOT NULL,
    sold        integer NOT NULL DEFAULT 0 CHECK (sold <= stock)
) WITH (fillfactor = 10);

CREATE TABLE cards (
    product integer NOT NULL,
    number  integer NOT NULL,
    secret  text    NOT NULL,
    PRIMARY KEY (product, number)
);

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
    last_card  integer     NOT NULL,
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
    p        products;
    v_number integer;
BEGIN
    SELECT * INTO p FROM products WHERE sku = p_sku;
    IF NOT FOUND THEN
        code := 'not_found';
        RETURN;
    END IF;

    -- Without a lock, for the many who come too late: what is sold stays so.
    IF p.sold + p_qty > p.stock THEN
        code := 'sold_out';
        RETURN;
    END IF;

    IF p.buyer_limit > 0 THEN
        PERFORM FROM buyers b WHERE b.product = p.id
            AND b.contact = p_contact AND b.units + p_qty > p.buyer_limit;
        IF FOUND OR p_qty > p.buyer_limit THEN
            code := 'limit_reached';
            RETURN;
        END IF;

        INSERT INTO buyers AS b (product, contact, units)
            VALUES (p.id, p_contact, p_qty)
            ON CONFLICT (product, contact) DO UPDATE
            SET units = b.units + p_qty
            WHERE b.units + p_qty <= p.buyer_limit;
        IF NOT FOUND THEN
            code := 'limit_reached';
            RETURN;
        END IF;
    END IF;

    UPDATE products SET sold = sold + p_qty
        WHERE id = p.id AND sold + p_qty <= stock
        RETURNING sold INTO v_number;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'sold_out' USING ERRCODE = 'SHOP1';
    END IF;

    code := 'ok';
    amount := p.price * p_qty;
    currency := p.currency;
    INSERT INTO orders (id, product, qty, last_card, contact, amount, token)
        VALUES (p_order, p.id, p_qty, v_number, p_contact, amount, p_token);
END
$$;


-- Many at once, for a server that collects them: the counters are locked
-- first, in an order, so each checkout below finds what it may rely on, and
-- one commit makes all of them durable.
CREATE FUNCTION checkout_many(p_skus text[], p_qtys integer[],
                              p_contacts text[], p_orders text[],
                              p_tokens text[])
RETURNS TABLE (code text, amount bigint, currency text)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM products p WHERE p.sku = ANY (p_skus)
        ORDER BY p.id FOR NO KEY UPDATE;

    FOR i IN 1 .. cardinality(p_skus) LOOP
        SELECT c.code, c.amount, c.currency INTO code, amount, currency
            FROM checkout(p_skus[i], p_qtys[i], p_contacts[i], p_orders[i],
                          p_tokens[i]) c;
        RETURN NEXT;
    END LOOP;
END
$$;
