---@meta miniloop

-- The functions and objects that are made in C, for editors. What fails in the
-- world answers `nil, err`; wrong use raises at the line of the caller. Times
-- are seconds; math.huge is for ever, what is negative counts as 0. What may
-- block says so: only a task can, and where Lua cannot suspend it raises.

---@class miniloop
local ml = {}

---A task, by its id or by its handle. An id names younger tasks only (EPERM
---otherwise) and those alive (ESRCH); a handle names its task at any age.
---@alias miniloop.target integer|miniloop.task

---What has a descriptor: its number, an object of miniloop, a file of Lua's io
---library, or a value with a method getfd, fileno or pollfd (LuaSocket).
---@alias miniloop.io integer|file*|table|userdata

-- ------------------------------------------------------------------- errors

---Why something failed. `tostring` gives one line, and `..` joins that.
---@class miniloop.error
---@field code string a symbolic errno ("ECONNREFUSED"), EFAILED, or EAI_...
---@field op string what was being done: "connect", "read", "wait"
---@field message string the code in words
---@field address string? of the peer, or of the file
---@field reason any what was given to cancel, or what else is known
---@field task integer? the id of the task that it is about
---@field value any EFAILED: the error value that the task died of
---@field traceback string? EFAILED: where it was raised
---@field written integer? bytes that were written all the same

---Whether the value is an error of the runtime's.
---@param value any
---@return boolean
function ml.iserror(value) end

-- --------------------------------------------------------------------- time

---The time in seconds, of a clock that never goes back. Its zero means nothing.
---@return number seconds
function ml.now() end

---Blocks for so many seconds, never less; 0 gives way to the others.
---@param seconds number
---@return integer id of the sleep: they are counted from 1
---@return number late by how many seconds it woke late
function ml.sleep(seconds) end

---Puts the task behind the others that are ready. May be called in a coroutine
---inside of the task.
function ml.yield() end

-- -------------------------------------------------------------------- tasks

---The id of the running task.
---@return integer id
function ml.id() end

---The handle of the running task.
---@return miniloop.task
function ml.self() end

---Makes a task that will call `f(...)`; the caller goes on first. Does not
---block.
---@param f function or what can be called
---@param ... any its arguments
---@return miniloop.task handle
function ml.spawn(f, ...) end

---As ml.spawn, without a handle: a failure of the task is reported at once.
---@param f function or what can be called
---@param ... any its arguments
---@return integer id
function ml.new(f, ...) end

---Waits until the task has ended. Blocks.
---@param target miniloop.target
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return any ... what the task's function returned, or the error: EPERM,
---ESRCH, EINVAL (a task of another loop), ETIMEDOUT, EDEADLK (it waits for this
---one), ECANCELED (it was killed or cancelled), EFAILED (it died: see err.value
---and err.traceback)
function ml.wait(target, timeout) end

---Ends the task at once and for certain: no pcall of its sees it, and its
---to-be-closed variables, which cannot block, are closed. Does not block.
---@param target miniloop.target
---@return true? ok
---@return miniloop.error? err EPERM, ESRCH
function ml.kill(target) end

---Has ECANCELED raised in the task, where it waits or at its next call that may
---block. Its clean-up may block, for the grace time of the loop. Does not
---block; again true if the task is being cancelled already.
---@param target miniloop.target
---@param reason any? err.reason of the error that is raised
---@return true? ok
---@return miniloop.error? err EPERM, ESRCH
function ml.cancel(target, reason) end

---A task's handle: who has it may wait for the task, cancel and kill it.
---@class miniloop.task
---@field id integer
---@field name string? for reports; may be set
local task = {}

---What the task does: "ready", "running", "waiting", "done", "failed" or
---"cancelled".
---@return "ready"|"running"|"waiting"|"done"|"failed"|"cancelled"
function task:status() end

---As ml.wait, any number of times, also when the task has ended. Blocks.
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return any ... what its function returned, or the error
function task:wait(timeout) end

---Waits, and gives what the task's function returned. Raises the error value
---that it died of, unchanged, or an error with ECANCELED or EDEADLK. Blocks.
---@return any ...
function task:join() end

---As ml.kill.
---@return true? ok
---@return miniloop.error? err ESRCH
function task:kill() end

---As ml.cancel.
---@param reason any?
---@return true? ok
---@return miniloop.error? err ESRCH
function task:cancel(reason) end

-- -------------------------------------------------------------- descriptors

---Waits until reading would not block: there are data, the stream has ended, a
---connection can be accepted, or an error is to be collected. Blocks.
---@param io miniloop.io
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return miniloop.error? err ETIMEDOUT, EBADF, or the poller cannot watch it
function ml.wait_io_read(io, timeout) end

---Waits until writing would not block. Blocks.
---@param io miniloop.io
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return miniloop.error? err ETIMEDOUT, EBADF, or the poller cannot watch it
function ml.wait_io_write(io, timeout) end

---Closes it. Calls that block on it end with EBADF, and nothing of it reaches
---another descriptor that takes its number.
---@param io miniloop.io
---@return true? ok what its own method close returns, if it has one
---@return miniloop.error? err
function ml.close(io) end

---Says that a descriptor will be closed by other means than ml.close, by
---LuaSocket or by C: calls that block on it end with EBADF now.
---@param io miniloop.io
---@return true
function ml.forget(io) end

-- ------------------------------------------------------------------- events

---Makes an event: a flag, not set at first, that tasks wait for.
---@return miniloop.event
function ml.event() end

---@class miniloop.event
local event = {}

---Sets the flag and wakes all who wait for it.
function event:set() end

---Takes the flag back.
function event:clear() end

---@return boolean
function event:isset() end

---Waits until the flag is set. Blocks, unless it is.
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return miniloop.error? err ETIMEDOUT
function event:wait(timeout) end

-- ----------------------------------------------------------------- requests

---A system call that is yet to be made: a value that cannot change, and that
---can be kept, printed, and yielded many times: `coroutine.yield(request)`.
---@class miniloop.request

---Makes the system call of a request, as yielding it does. Blocks if it must.
---@param request miniloop.request
---@return any ... its answers
function ml.perform(request) end

-- --------------------------------------------------------------------- runs

---@class miniloop.run_options
---@field clock ("real"|"virtual")? a virtual clock jumps when nothing is ready
---@field poller string? "auto", "select", "epoll", "poll", "sim"
---@field seed integer? for the simulated poller
---@field grace number? seconds that cancelled tasks get; 5 unless given

---Runs `f` as the first task of a loop of its own, from outside of any task,
---until no task is left. Gives what it returned, or raises the error value that
---it died of, or an error with EDEADLK if the tasks can never go on.
---@param f function
---@param options miniloop.run_options?
---@return any ...
function ml.run(f, options) end

-- ------------------------------------------------------------- the requests
-- luacheck: globals syscall

---Makes requests: a function for each system call, those of the host's own
---among them. A global of scripts that the command runs, and
---`require "miniloop.syscall"` everywhere.
---@class miniloop.syscall
syscall = {}

---Answers the id of the running task.
---@return miniloop.request
function syscall.id() end

---Answers the id of the sleep and by how many seconds it woke late.
---@param seconds number
---@return miniloop.request
function syscall.sleep(seconds) end

---Answers the id of the new task, which will call `f(...)`.
---@param f function or what can be called
---@param ... any
---@return miniloop.request
function syscall.new(f, ...) end

---Answers as ml.wait.
---@param target miniloop.target
---@param timeout number? seconds
---@return miniloop.request
function syscall.wait(target, timeout) end

---Answers as ml.kill.
---@param target miniloop.target
---@return miniloop.request
function syscall.kill(target) end

---Answers as ml.cancel.
---@param target miniloop.target
---@param reason any?
---@return miniloop.request
function syscall.cancel(target, reason) end

---Answers as ml.wait_io_read.
---@param io miniloop.io
---@param timeout number? seconds
---@return miniloop.request
function syscall.wait_io_read(io, timeout) end

---Answers as ml.wait_io_write.
---@param io miniloop.io
---@param timeout number? seconds
---@return miniloop.request
function syscall.wait_io_write(io, timeout) end

return ml
