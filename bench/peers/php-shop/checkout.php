<?php

// POST /checkout as the common card shops do it: count what is for sale, read
// some rows of it, mark them, write the order.  Nothing is locked when it is
// read, as there.

declare(strict_types=1);

const QTY_MAX = 5;
const HOLD_S = 3600;
const PAY_KEY = 'bench-gateway-key-0123456789';
const FOR_SALE = 1;
const SOLD = 2;

function answer(int $status, string $kind, string $body): never
{
    http_response_code($status);
    header("Content-Type: $kind");
    header('Cache-Control: no-store');
    header('Content-Length: ' . strlen($body));
    echo $body;
    exit;
}

function refuse(int $status, string $code): never
{
    answer($status, 'application/problem+json', json_encode([
        'type' => 'about:blank', 'title' => $code, 'status' => $status,
        'code' => $code]));
}

function field_ok(mixed $text, int $length_max): bool
{
    return is_string($text) && $text !== '' && strlen($text) <= $length_max
        && !preg_match('/[\s\x00-\x1f]/', $text);
}

function read_wanted(): array
{
    $wanted = json_decode(file_get_contents('php://input'), true, 8);
    $qty = is_array($wanted) ? $wanted['qty'] ?? null : null;
    if (!is_int($qty) || $qty < 1 || $qty > QTY_MAX
        || !field_ok($wanted['sku'] ?? null, 64)
        || !field_ok($wanted['contact'] ?? null, 128)) {
        refuse(400, 'invalid_request');
    }
    return $wanted;
}

function query(PDO $db, string $sql, array $values): PDOStatement
{
    $statement = $db->prepare($sql);
    $statement->execute($values);
    return $statement;
}

// Takes the cards and writes the order; the caller's transaction.
function sell(PDO $db, array $wanted, string $order, string $token): array
{
    $goods = query($db, 'SELECT * FROM goods WHERE sku = ?',
        [$wanted['sku']])->fetch();
    if (!$goods) {
        refuse(404, 'not_found');
    }

    $in_stock = query($db, 'SELECT COUNT(*) FROM carmis'
        . ' WHERE goods_id = ? AND status = ?',
        [$goods['id'], FOR_SALE])->fetchColumn();
    if ($in_stock < $wanted['qty']) {
        refuse(409, 'sold_out');
    }

    if ($goods['buyer_limit'] > 0) {
        $bought = query($db, 'SELECT COALESCE(SUM(buy_amount), 0) FROM orders'
            . ' WHERE goods_id = ? AND email = ?',
            [$goods['id'], $wanted['contact']])->fetchColumn();
        if ($bought + $wanted['qty'] > $goods['buyer_limit']) {
            refuse(409, 'limit_reached');
        }
    }

    $cards = query($db, 'SELECT id, carmi FROM carmis'
        . ' WHERE goods_id = ? AND status = ? LIMIT ' . $wanted['qty'],
        [$goods['id'], FOR_SALE])->fetchAll();
    if (count($cards) < $wanted['qty']) {
        refuse(409, 'sold_out');
    }

    $ids = array_column($cards, 'id');
    query($db, 'UPDATE carmis SET status = ? WHERE id IN ('
        . implode(',', array_fill(0, count($ids), '?')) . ')',
        [SOLD, ...$ids]);

    $amount = $goods['price'] * $wanted['qty'];
    query($db, 'INSERT INTO orders (order_sn, goods_id, email, buy_amount,'
        . ' total_price, search_token, info) VALUES (?, ?, ?, ?, ?, ?, ?)',
        [$order, $goods['id'], $wanted['contact'], $wanted['qty'], $amount,
         $token, implode(',', array_column($cards, 'carmi'))]);

    return [$amount, $goods['currency']];
}

function pay_url(string $order, int $amount): string
{
    $origin = getenv('SHOP_ORIGIN');
    $fields = [
        'money' => sprintf('%d.%02d', intdiv($amount, 100), $amount % 100),
        'name' => 'order',
        'notify_url' => "$origin/notify/epay",
        'out_trade_no' => $order,
        'pid' => '1000',
        'return_url' => "$origin/return/$order",
    ];
    $text = [];
    foreach ($fields as $name => $value) {
        $text[] = "$name=$value";
    }
    return "$origin/submit.php?" . http_build_query($fields)
        . '&sign_type=MD5&sign=' . md5(implode('&', $text) . PAY_KEY);
}

if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    refuse(405, 'method_not_allowed');
}

$wanted = read_wanted();
$now = microtime(true);
$order = sprintf('%011x', (int) ($now * 1000))
    . substr(bin2hex(random_bytes(8)), 0, 15);
$token = rtrim(strtr(base64_encode(random_bytes(32)), '+/', '-_'), '=');

$db = new PDO('mysql:dbname=shop;unix_socket=' . getenv('SHOP_MARIADB'),
    'root', '', [
        PDO::ATTR_PERSISTENT => true,
        PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_ASSOC,
    ]);

// A refusal ends the script here, and PHP takes the transaction back.
$db->beginTransaction();
[$amount, $currency] = sell($db, $wanted, $order, $token);
$db->commit();

answer(201, 'application/json', json_encode([
    'order' => $order,
    'token' => $token,
    'status' => 'awaiting_payment',
    'sku' => $wanted['sku'],
    'qty' => $wanted['qty'],
    'amount' => $amount,
    'currency' => $currency,
    'created_at' => (int) $now,
    'expires_at' => (int) $now + HOLD_S,
    'pay' => ['method' => 'redirect', 'url' => pay_url($order, $amount)],
], JSON_UNESCAPED_SLASHES));
