/*
 * Secret files, as the master reads them.
 *
 * A secret that others may read or replace is none, so the file's owner and
 * mode are part of its validity.  What is checked is the open descriptor, not
 * the path, and the content never appears in a message.
 */


#include "ngx_faka_master.h"


static ngx_int_t ngx_faka_secret_check(ngx_conf_t *cf, const ngx_str_t *path,
    ngx_faka_secret_mode_t mode, const ngx_file_info_t *info);
static ngx_int_t ngx_faka_secret_load(ngx_conf_t *cf, ngx_fd_t fd,
    const ngx_str_t *path, size_t size_max, ngx_str_t *content);
static size_t ngx_faka_secret_size_max(ngx_faka_secret_mode_t mode);
static void ngx_faka_secret_wipe(void *data);


typedef struct {
    void    *data;
    size_t   size;
} ngx_faka_secret_wipe_t;


ngx_int_t
ngx_faka_secret_read(ngx_conf_t *cf, ngx_str_t *path,
    ngx_faka_secret_mode_t mode, ngx_str_t *content)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  info;

    if (ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK) {
        return NGX_ERROR;
    }

    /* NONBLOCK: a FIFO in the place of the file must not hang the master */

    fd = ngx_open_file(path->data, NGX_FILE_RDONLY|NGX_FILE_NONBLOCK,
                       NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the secret file \"%V\" cannot be opened; make it, "
                           "or correct the path", path);
        return NGX_ERROR;
    }

    if (ngx_fd_info(fd, &info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", path);
        rc = NGX_ERROR;

    } else {
        rc = ngx_faka_secret_check(cf, path, mode, &info);
    }

    if (rc == NGX_OK) {
        rc = ngx_faka_secret_load(cf, fd, path,
                                  ngx_faka_secret_size_max(mode), content);
    }

    if (ngx_close_file(fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", path);
    }

    return rc;
}


static ngx_int_t
ngx_faka_secret_check(ngx_conf_t *cf, const ngx_str_t *path,
    ngx_faka_secret_mode_t mode, const ngx_file_info_t *info)
{
    if (!S_ISREG(info->st_mode)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret file \"%V\" is not a regular file",
                           path);
        return NGX_ERROR;
    }

    if (mode == NGX_FAKA_PUBLIC
        && (info->st_mode & (S_IWGRP|S_IWOTH)) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the key file \"%V\" can be replaced by others "
                           "than its owner; run: chmod go-w %V", path, path);
        return NGX_ERROR;
    }

    if (mode == NGX_FAKA_SECRET
        && (info->st_mode & (S_IRWXG|S_IRWXO)) != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret file \"%V\" is open to others than its "
                           "owner; run: chmod 600 %V", path, path);
        return NGX_ERROR;
    }

    if (info->st_uid != 0 && info->st_uid != geteuid()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret file \"%V\" belongs to another user; "
                           "run: chown %d %V", path, (int) geteuid(), path);
        return NGX_ERROR;
    }

    if (info->st_size == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret file \"%V\" is empty; write the secret "
                           "into it", path);
        return NGX_ERROR;
    }

    if (info->st_size > (off_t) ngx_faka_secret_size_max(mode)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret file \"%V\" has more than %uz bytes; "
                           "is this the right file?",
                           path, ngx_faka_secret_size_max(mode));
        return NGX_ERROR;
    }

    return NGX_OK;
}


static size_t
ngx_faka_secret_size_max(ngx_faka_secret_mode_t mode)
{
    return mode == NGX_FAKA_SECRET ? NGX_FAKA_SECRET_SIZE_MAX
                                   : NGX_FAKA_PUBLIC_SIZE_MAX;
}


static ngx_int_t
ngx_faka_secret_load(ngx_conf_t *cf, ngx_fd_t fd, const ngx_str_t *path,
    size_t size_max, ngx_str_t *content)
{
    ssize_t  n;
    size_t   size;

    content->data = ngx_pnalloc(cf->pool, size_max + 1);
    if (content->data == NULL
        || ngx_faka_secret_wipe_later(cf, content->data, size_max) != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = 0;

    do {
        n = ngx_read_fd(fd, content->data + size, size_max - size);
        if (n > 0) {
            size += (size_t) n;
        }
    } while (n > 0 && size < size_max);

    if (n == -1 || size == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == -1 ? ngx_errno : 0,
                           "the secret file \"%V\" cannot be read", path);
        return NGX_ERROR;
    }

    content->len = size;

    return NGX_OK;
}


ngx_int_t
ngx_faka_secret_word(ngx_conf_t *cf, ngx_str_t *path, size_t size_min,
    size_t size_max, ngx_str_t *secret)
{
    size_t  i;

    if (ngx_faka_secret_read(cf, path, NGX_FAKA_SECRET, secret) != NGX_OK) {
        return NGX_ERROR;
    }

    if (secret->data[secret->len - 1] == '\n') {
        secret->len--;
    }

    secret->data[secret->len] = '\0';

    for (i = 0; i < secret->len; i++) {

        if (secret->data[i] <= ' ' || secret->data[i] >= 0x7f) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "the secret file \"%V\" has a blank, a line "
                               "break or a character outside ASCII; write the "
                               "secret alone, with at most one newline behind "
                               "it", path);
            return NGX_ERROR;
        }
    }

    if (secret->len < size_min || secret->len > size_max) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the secret in \"%V\" has %uz characters and must "
                           "have %uz to %uz; make a new one, for example: "
                           "openssl rand -hex 32",
                           path, secret->len, size_min, size_max);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_faka_secret_wipe_later(ngx_conf_t *cf, void *data, size_t size)
{
    ngx_pool_cleanup_t      *cln;
    ngx_faka_secret_wipe_t  *wipe;

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_faka_secret_wipe_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    wipe = cln->data;
    wipe->data = data;
    wipe->size = size;
    cln->handler = ngx_faka_secret_wipe;

    return NGX_OK;
}


static void
ngx_faka_secret_wipe(void *data)
{
    ngx_faka_secret_wipe_t *wipe = data;

    pay_wipe(wipe->data, wipe->size);
}
