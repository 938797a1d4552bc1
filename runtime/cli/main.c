#include <miniloop.h>
#include <lauxlib.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    ml_loop *loop;
    ml_options o = {.size = sizeof o, .flags = ML_SCRIPT | ML_REPORT | ML_SYSCALL_GLOBAL};
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strncmp(argv[i], "--poller=", 9)) o.poller = argv[i] + 9;
        if (!strcmp(argv[i], "--virtual-time")) o.flags |= ML_VIRTUAL_TIME;
    }
    int err = ml_open(&loop, &o);
    if (err) { printf("open %d\n", err); return 2; }
    err = ml_spawn_file(loop, argv[i], NULL);
    if (err) { printf("%s\n", lua_tostring(ml_state(loop), -1)); return 2; }
    err = ml_run(loop, 0);
    ml_close(loop);
    return err == -EDEADLK ? 13 : err < 0;
}
