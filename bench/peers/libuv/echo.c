/* echo.c - echo with libuv, as its guide teaches: a buffer for each read, a
 * queued write of it, freed when that is done; a try to write at once is made
 * by uv_write itself. */
#include <stdlib.h>
#include <uv.h>

struct answer {
    uv_write_t request; /* first */
    char *bytes;
};

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    (void)handle;
    *buffer = uv_buf_init(malloc(size), (unsigned)size);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status; /* the next read tells */
    free(((struct answer *)request)->bytes);
    free(request);
}

static void echo(uv_stream_t *client, char *bytes, size_t n)
{
    struct answer *answer = malloc(sizeof *answer);
    uv_buf_t buffer = uv_buf_init(bytes, (unsigned)n);
    answer->bytes = bytes;
    if (uv_write(&answer->request, client, &buffer, 1, on_written) != 0) {
        on_written(&answer->request, 0);
    }
}

static void on_read(uv_stream_t *client, ssize_t n, const uv_buf_t *buffer)
{
    if (n > 0) {
        echo(client, buffer->base, (size_t)n);
        return;
    }
    free(buffer->base);
    if (n < 0 && !uv_is_closing((uv_handle_t *)client)) {
        uv_close((uv_handle_t *)client, on_closed);
    }
}

static void on_client(uv_stream_t *server, int status)
{
    uv_tcp_t *client = malloc(sizeof *client);
    if (status < 0 || uv_tcp_init(server->loop, client) != 0 ||
        uv_accept(server, (uv_stream_t *)client) != 0) {
        abort();
    }
    (void)uv_tcp_nodelay(client, 1);
    (void)uv_read_start((uv_stream_t *)client, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    uv_tcp_t server;
    struct sockaddr_in address;
    if (argc < 2 || uv_tcp_init(loop, &server) != 0 ||
        uv_ip4_addr("127.0.0.1", atoi(argv[1]), &address) != 0 ||
        uv_tcp_bind(&server, (struct sockaddr *)&address, 0) != 0 ||
        uv_listen((uv_stream_t *)&server, 4096, on_client) != 0) {
        return 1;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
