/*
 * A call over its connection: the handshake, the request, the reply.
 *
 * Not a byte of the request is sent before the gateway has proved who it is.
 * The handshake itself goes through with any certificate, as nginx's own
 * clients have it, and is judged here: only so can be said what was wrong.
 */


#include "ngx_faka_call_priv.h"


static void ngx_faka_call_handshake(ngx_faka_call_t *call);
static ngx_int_t ngx_faka_call_set_name(ngx_faka_call_t *call);
static void ngx_faka_call_alert(const ngx_ssl_conn_t *ssl, int where,
    int ret);
static void ngx_faka_call_handshaked(ngx_connection_t *c);
static ngx_int_t ngx_faka_call_verify(ngx_faka_call_t *call);
static ngx_int_t ngx_faka_call_verify_address(ngx_faka_call_t *call);
static void ngx_faka_call_exchange(ngx_faka_call_t *call);
static void ngx_faka_call_send(ngx_event_t *wev);
static void ngx_faka_call_sent(ngx_event_t *wev);
static void ngx_faka_call_receive(ngx_event_t *rev);


static const ngx_faka_call_result_t  ngx_faka_call_codes[] = {
    [PAY_REPLY_DONE] = NGX_FAKA_CALL_OK,
    [PAY_REPLY_BAD] = NGX_FAKA_CALL_MALFORMED,
    [PAY_REPLY_LARGE] = NGX_FAKA_CALL_TOO_LARGE,
    [PAY_REPLY_CUT] = NGX_FAKA_CALL_CLOSED
};


void
ngx_faka_call_connected(ngx_faka_call_t *call)
{
    ngx_faka_call_wait(call, NGX_FAKA_CALL_MS);

    if (ngx_tcp_nodelay(call->peer.connection) != NGX_OK) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
        return;
    }

    if (call->gateway->tls) {
        ngx_faka_call_handshake(call);

    } else {
        ngx_faka_call_exchange(call);
    }
}


/* --- TLS ----------------------------------------------------------------- */

static void
ngx_faka_call_handshake(ngx_faka_call_t *call)
{
    ngx_ssl_t         *tls;
    ngx_connection_t  *c;

    c = call->peer.connection;
    tls = call->worker->shop->gateway_tls;
    call->place = NGX_FAKA_CALL_AT_HANDSHAKE;

    if (tls == NULL) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0,
                      "faka: there are no trusted certificates");
        ngx_faka_call_finish(call, NGX_FAKA_CALL_TLS);
        return;
    }

    if (ngx_ssl_create_connection(tls, c, NGX_SSL_CLIENT) != NGX_OK
        || ngx_faka_call_set_name(call) != NGX_OK)
    {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
        return;
    }

    SSL_set_info_callback(c->ssl->connection, ngx_faka_call_alert);

    if (ngx_ssl_handshake(c) == NGX_AGAIN) {
        c->ssl->handler = ngx_faka_call_handshaked;
        return;
    }

    ngx_faka_call_handshaked(c);
}


/* SNI is for names alone. */

static ngx_int_t
ngx_faka_call_set_name(ngx_faka_call_t *call)
{
    ngx_connection_t  *c;

    c = call->peer.connection;

    if (call->gateway->is_address) {
        return NGX_OK;
    }

    if (SSL_set_tlsext_host_name(c->ssl->connection,
                                 (char *) call->gateway->host.data)
        == 0)
    {
        ngx_ssl_error(NGX_LOG_ERR, &call->log, 0,
                      "SSL_set_tlsext_host_name() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * nginx lets OpenSSL take a cut connection for its end.  Where the end of the
 * connection is the end of the reply, only the gateway may say so.
 */

static void
ngx_faka_call_alert(const ngx_ssl_conn_t *ssl, int where, int ret)
{
    ngx_connection_t  *c;
    ngx_faka_call_t   *call;

    if ((where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT
        && (ret & 0xff) == SSL_AD_CLOSE_NOTIFY)
    {
        c = ngx_ssl_get_connection((ngx_ssl_conn_t *) ssl);
        call = c->data;
        call->peer_ended = 1;
    }
}


static void
ngx_faka_call_handshaked(ngx_connection_t *c)
{
    ngx_faka_call_t  *call;

    call = c->data;

    if (!c->ssl->handshaked || ngx_faka_call_verify(call) != NGX_OK) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_TLS);
        return;
    }

    ngx_faka_call_exchange(call);
}


static ngx_int_t
ngx_faka_call_verify(ngx_faka_call_t *call)
{
    long               rc;
    ngx_int_t          matches;
    ngx_str_t          host;
    ngx_connection_t  *c;

    c = call->peer.connection;
    host = call->gateway->host;
    rc = SSL_get_verify_result(c->ssl->connection);

    if (rc != X509_V_OK) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0,
                      "faka: the gateway's certificate is not trusted "
                      "(%l: %s)", rc, X509_verify_cert_error_string(rc));
        return NGX_ERROR;
    }

    matches = call->gateway->is_address ? ngx_faka_call_verify_address(call)
                                        : ngx_ssl_check_host(c, &host);

    if (matches != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, &call->log, 0,
                      "faka: the gateway's certificate is not for \"%V\"",
                      &host);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_faka_call_verify_address(ngx_faka_call_t *call)
{
    int    matches;
    X509  *cert;

    cert = SSL_get1_peer_certificate(call->peer.connection->ssl->connection);

    if (cert == NULL) {
        return NGX_ERROR;
    }

    matches = X509_check_ip_asc(cert, (char *) call->gateway->host.data, 0);
    X509_free(cert);

    return matches == 1 ? NGX_OK : NGX_ERROR;
}


/* --- request and reply --------------------------------------------------- */

static void
ngx_faka_call_exchange(ngx_faka_call_t *call)
{
    ngx_connection_t  *c;

    c = call->peer.connection;
    c->read->handler = ngx_faka_call_receive;
    c->write->handler = ngx_faka_call_send;
    call->place = NGX_FAKA_CALL_AT_EXCHANGE;

    ngx_faka_call_send(c->write);
}


static void
ngx_faka_call_send(ngx_event_t *wev)
{
    size_t             left;
    ssize_t            n;
    ngx_connection_t  *c;
    ngx_faka_call_t   *call;

    c = wev->data;
    call = c->data;
    n = 1;

    while (call->request_sent < call->request.len && n > 0) {

        /* Whatever comes of it, some may be on its way. */
        call->sent = 1;

        left = call->request.len - call->request_sent;
        n = c->send(c, call->request.data + call->request_sent, left);

        if (n > 0) {
            call->request_sent += n;
        }
    }

    if (n <= 0 && n != NGX_AGAIN) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_CLOSED);
        return;
    }

    if (n != NGX_AGAIN) {
        wev->handler = ngx_faka_call_sent;
    }

    if (ngx_handle_write_event(wev, 0) != NGX_OK) {
        ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
        return;
    }

    /* What TLS has read along with the handshake rings no more. */

    if (n != NGX_AGAIN) {
        ngx_faka_call_receive(c->read);
    }
}


/* The connection's end is seen by the reader. */

static void
ngx_faka_call_sent(ngx_event_t *wev)
{
}


static void
ngx_faka_call_receive(ngx_event_t *rev)
{
    ssize_t            n;
    ngx_uint_t         closed;
    pay_reply_code_e   code;
    ngx_connection_t  *c;
    ngx_faka_call_t   *call;

    c = rev->data;
    call = c->data;
    code = PAY_REPLY_MORE;

    while (code == PAY_REPLY_MORE) {

        n = c->close ? NGX_ERROR
                     : c->recv(c, call->reply + call->reply_size,
                               PAY_REPLY_SIZE_MAX - call->reply_size);

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(rev, 0) != NGX_OK) {
                ngx_faka_call_finish(call, NGX_FAKA_CALL_INTERNAL);
            }

            return;
        }

        closed = n == 0;

        if (n < 0 || (closed && call->gateway->tls && !call->peer_ended)) {
            ngx_faka_call_finish(call, NGX_FAKA_CALL_CLOSED);
            return;
        }

        call->reply_size += n;
        code = pay_reply_read(&call->reader, call->reply_size, closed);
    }

    ngx_faka_call_finish(call, ngx_faka_call_codes[code]);
}
