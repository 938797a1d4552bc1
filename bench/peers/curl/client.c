/* client.c - asks one server over and over by libcurl's multi interface, TASKS
 * handles at once, each of which is used again.
 *
 *   client PORT TASKS WARM N */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TASKS_MAX = 1000
};

struct task {
    CURL *handle;
    char body[64];
    size_t length;
};

static struct task tasks[TASKS_MAX];
static CURLM *multi;

static size_t on_bytes(char *bytes, size_t size, size_t n, void *data)
{
    struct task *t = data;
    size_t length = size * n;
    if (t->length + length <= sizeof t->body) {
        memcpy(t->body + t->length, bytes, length);
    }
    t->length += length;
    return length;
}

static void task_ask(struct task *t)
{
    t->length = 0;
    curl_multi_add_handle(multi, t->handle);
}

static int task_end(struct task *t)
{
    static const char wanted[] = "hello, world\n";
    long status = 0;
    curl_easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_multi_remove_handle(multi, t->handle);
    return status == 200 && t->length == sizeof wanted - 1 &&
           memcmp(t->body, wanted, t->length) == 0;
}

/* Counts those that are over, and has them ask again while `*left`. */
static long collect(long *left, long *right)
{
    long ended = 0;
    int queued = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &queued)) != NULL) {
        struct task *t = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        *right += task_end(t);
        ended++;
        if (*left > 0) {
            --*left;
            task_ask(t);
        }
    }
    return ended;
}

/* Asks so often in all; how many answers were right. */
static long run(int count, long n)
{
    long left = n, right = 0, ended = 0;
    int running = 0;
    for (int i = 0; i < count && left > 0; i++, left--) {
        task_ask(&tasks[i]);
    }
    while (ended < n) {
        curl_multi_perform(multi, &running);
        long now = collect(&left, &right);
        ended += now;
        if (now == 0) {
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
        }
    }
    return right;
}

static void mark(const char *name)
{
    char line[16];
    printf("MARK %s\n", name);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL) {
        exit(1);
    }
}

int main(int argc, char **argv)
{
    char url[64];
    int count = argc == 5 ? atoi(argv[2]) : 0;
    if (count < 1 || count > TASKS_MAX) {
        return 2;
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%s/", argv[1]);
    multi = curl_multi_init();
    for (int i = 0; i < count; i++) {
        tasks[i].handle = curl_easy_init();
        curl_easy_setopt(tasks[i].handle, CURLOPT_URL, url);
        curl_easy_setopt(tasks[i].handle, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(tasks[i].handle, CURLOPT_WRITEDATA, &tasks[i]);
        curl_easy_setopt(tasks[i].handle, CURLOPT_PRIVATE, &tasks[i]);
    }
    run(count, atol(argv[3]));
    mark("start");
    long right = run(count, atol(argv[4]));
    mark("stop");
    printf("count=%ld\n", right);
    return 0;
}
