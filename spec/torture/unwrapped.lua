-- Functions of the C library that the runtime calls and that nothing is put
-- before (see calls.h), with the reason. The spec of these calls
-- (spec/torture/calls_spec.lua) reads it.

local cannot_fail = "has no way to fail"
local state = "would fail only for a wrong argument, and those are constants"
local text = "works on memory that is there"
local stdio = "writes through the C library: spec/cli/output_spec.lua has full "
  .. "devices and closed pipes"
local thread = "would fail only for a lock that is misused"

return {
  __assert_fail = "ends the process",
  __errno_location = cannot_fail,
  __tls_get_addr = cannot_fail,
  _exit = "ends the process",
  abort = "ends the process",
  exit = "ends the process",
  raise = state,

  clock_gettime = state,
  nanosleep = "may end early, which does no harm",
  time = state,
  gmtime_r = "would fail only for a year that does not fit an int",

  getenv = cannot_fail,
  isatty = "answers no",
  pthread_equal = cannot_fail,
  pthread_self = cannot_fail,
  pthread_cond_broadcast = cannot_fail,
  pthread_cond_destroy = cannot_fail,
  pthread_cond_signal = cannot_fail,
  pthread_cond_wait = thread,
  pthread_detach = state,
  pthread_kill = state,
  pthread_mutex_destroy = cannot_fail,
  pthread_mutex_lock = thread,
  pthread_mutex_unlock = thread,
  pthread_sigmask = state,
  setitimer = state,
  sigaction = state,
  sigaddset = state,
  sigemptyset = cannot_fail,
  sigfillset = cannot_fail,
  sigismember = state,
  sigpending = state,
  sigwait = state,

  fflush = stdio,
  fileno = state,
  fprintf = stdio,
  fputs = stdio,
  fwrite = stdio,
  printf = stdio,
  putchar = stdio,
  puts = stdio,
  stderr = "a variable",
  stdout = "a variable",
  vfprintf = stdio,

  freeaddrinfo = cannot_fail,
  htonl = text,
  htons = text,
  in6addr_any = "a constant",
  in6addr_loopback = "a constant",
  inet_ntop = "would fail only for lack of room, and there is enough",
  inet_pton = text,
  ntohs = text,

  fmin = text,
  memchr = text,
  memcmp = text,
  memcpy = text,
  memmove = text,
  memset = text,
  qsort = "takes memory for large arrays, and does without",
  snprintf = text,
  stpcpy = text,
  strcasecmp = text,
  strchr = text,
  strcmp = text,
  strcspn = text,
  strlen = text,
  strncasecmp = text,
  strncmp = text,
  strnlen = text,
  strrchr = text,
  strspn = text,
  strstr = text,
  strtod = text,
  strtoull = text,
}
