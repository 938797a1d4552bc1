-- Bugs as people make them, one of each class that we know of. What must be
-- found, and by whom: `./dev mutate planted` puts each in and looks.
--
--   name    what to call it
--   class   what kind of bug it is
--   path    the file
--   from    a piece of it, which stands there once (blanks as they come)
--   to      what stands there instead
--   specs   the names of the specs that find it, see spec/run.lua; or
--   c       the programs of spec/c that do
--   poller  under which the specs run, "auto" unless given

---@type table[]
return {
  {
    name = "unpark", class = "a missing unpark",
    path = "runtime/core/park.c",
    from = "ml_unpark(task); task->call.woke = (uint8_t)woke;",
    to = "task->call.woke = (uint8_t)woke;",
    specs = { "^sync/channel" },
  },
  {
    name = "leak", class = "a leaked descriptor",
    path = "runtime/sys/listener.c",
    from = "if (err != 0) { ml_descriptor_close(&stream->d); return err; }",
    to = "if (err != 0) { stream->d.fd = -1; return err; }",
    c = { "tls_memory_test" },
  },
  {
    name = "leak_all", class = "a leaked descriptor",
    path = "runtime/sys/descriptor.c",
    from = "(void)ml_io_close(fd);",
    to = "",
    specs = { "^net/connect" },
  },
  {
    name = "unchecked", class = "an unchecked return",
    path = "runtime/core/park.c",
    from = "err = alarm_arm(task); if (err != 0) {",
    to = "err = alarm_arm(task); if (err > 0) {",
    c = { "api_memory_test" },
  },
  {
    name = "stale", class = "a stale pointer after a resize",
    path = "runtime/core/park.c",
    from = "task->waits = block;",
    to = "if (old == NULL) { task->waits = block; }",
    specs = { "^choice/" },
  },
  {
    name = "lost_wake", class = "a lost wake",
    path = "runtime/core/park.c",
    from = "while ((call = ml_queue_first(queue)) != NULL) {"
      .. " ml_call_wake(call, ML_WOKE_READY); }",
    to = "if ((call = ml_queue_first(queue)) != NULL) {"
      .. " ml_call_wake(call, ML_WOKE_READY); }",
    c = { "api_wait_test" },
  },
  {
    name = "double_wake", class = "a double wake",
    path = "runtime/core/park.c",
    from = "ml_timers_disarm(&task->loop->timers, &task->alarm.timer); }",
    to = "}",
    specs = { "^sys/" },
  },
  {
    name = "errno", class = "a wrong errno",
    path = "runtime/core/watch.c",
    from = "watch_refuse(watch, EBADF); watch_drop(loop, watch);",
    to = "watch_refuse(watch, EPIPE); watch_drop(loop, watch);",
    specs = { "^sys/close" },
  },
  {
    name = "close", class = "a missed close",
    path = "runtime/core/kill.c",
    from = "for (int depth = task->depth; depth >= 0; depth--) {",
    to = "for (int depth = 0; depth >= 0; depth--) {",
    specs = { "^core/kill_close" },
  },
  {
    name = "limit", class = "an off-by-one in a limit",
    path = "runtime/poll/select.c",
    from = "fd >= FD_SETSIZE",
    to = "fd > FD_SETSIZE",
    c = { "poll_own_test" },
  },
  {
    name = "bound", class = "an off-by-one in a limit",
    path = "runtime/sys/channel.c",
    from = "return ch->tail - ch->head >= ch->capacity;",
    to = "return ch->tail - ch->head > ch->capacity;",
    specs = { "^sync/channel" },
  },
  {
    name = "early", class = "an early timer",
    path = "runtime/base/clock.c",
    from = "return (double)whole < ns ? whole + 1 : whole;",
    to = "return whole;",
    c = { "base_test" },
  },
  {
    name = "early_poll", class = "an early timer",
    path = "runtime/base/timer.c",
    from = "ts->entries[0].deadline > now",
    to = "ts->entries[0].deadline > now + 1000000",
    c = { "timer_test" },
  },
  {
    name = "freed", class = "a use after free",
    path = "runtime/core/watch.c",
    from = "ml_list_unlink(&watch->dirty); loop->watches.slots",
    to = "loop->watches.slots",
    specs = { "^sys/close" },
  },
  {
    name = "lost_kill", class = "a lost kill",
    path = "runtime/core/kill.c",
    from = "if (task->state == ML_TASK_RUNNING) {"
      .. " task->doomed = true; return; }",
    to = "if (task->state == ML_TASK_RUNNING) { return; }",
    specs = { "^core/kill" },
  },
  {
    name = "lost_group", class = "a lost kill",
    path = "runtime/core/kill.c",
    from = "kill_expand_all(task, task->scope); if",
    to = "if",
    specs = { "^scope/" },
  },
  {
    name = "eintr", class = "EINTR that a script sees",
    path = "runtime/poll/epoll.c",
    from = "return errno == EINTR ? 0 : -errno;",
    to = "return -errno;",
    c = { "poll_test" },
  },
  {
    name = "shield", class = "a missing shield",
    path = "runtime/core/scope.c",
    from = "if (s->kind == ML_SCOPE_SHIELD) { return due; }",
    to = "",
    specs = { "^scope/shield" },
  },
  {
    name = "byte", class = "a byte lost on cancel",
    path = "runtime/sys/stream_read.c",
    from = "s->read.taken += item.take;",
    to = "ml_stream_take(s, item.take);",
    specs = { "^net/stream" },
  },
  {
    name = "value", class = "a value lost on kill",
    path = "runtime/sys/channel.c",
    from = "returned_add(ch, call->number);",
    to = "",
    specs = { "^sync/channel" },
  },
  {
    name = "reused", class = "an event for a number that is used again",
    path = "runtime/sys/descriptor.c",
    from = "ml_descriptor_forget(d->vm, fd); /*",
    to = "/*",
    specs = { "^sys/close" },
  },
  {
    name = "recycled", class = "a coroutine used again that is known",
    path = "runtime/core/spare.c",
    from = "return !vm->globals || task->exposed ||",
    to = "return !vm->globals ||",
    specs = { "^core/coroutine" },
  },
  {
    name = "order", class = "a wake out of turn",
    path = "runtime/base/timer.c",
    from = "return (int32_t)(a->timer->seq - b->timer->seq) < 0;",
    to = "return (int32_t)(a->timer->seq - b->timer->seq) > 0;",
    c = { "timer_test" },
  },
}
