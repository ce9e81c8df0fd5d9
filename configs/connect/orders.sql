-- What orders-source.json reads: orders, and those that were placed to try the shop.
CREATE TABLE orders (
    customer text,
    number   int,
    placed   timestamptz NOT NULL,
    price    numeric(10, 2) NOT NULL,
    card     text NOT NULL,
    note     text,
    internal text,
    PRIMARY KEY (customer, number)
);
CREATE TABLE orders_test (LIKE orders INCLUDING ALL);
