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
---@field errors table<integer, any>? of ml.race: what went wrong with each

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

---As ml.spawn, but in no group: the task belongs to the loop alone. Does not
---block.
---@param f function or what can be called
---@param ... any its arguments
---@return miniloop.task handle
function ml.detach(f, ...) end

---The running task's table of values of its own; it started with a copy of
---those of the task that spawned it.
---@return table
function ml.locals() end

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

---Waits, and gives what the task's function returned, or nil and an error with
---ETIMEDOUT. Raises the error value that it died of, unchanged, or an error
---with ECANCELED or EDEADLK. Blocks.
---@param timeout number? seconds; for ever unless given
---@return any ...
function task:join(timeout) end

---As ml.kill.
---@return true? ok
---@return miniloop.error? err ESRCH
function task:kill() end

---As ml.cancel.
---@param reason any?
---@return true? ok
---@return miniloop.error? err ESRCH
function task:cancel(reason) end

-- ------------------------------------------------------------------- blocks

---Calls `f(g)`, and waits until every task in the group has ended. When one
---that g:spawn made fails, the others and the block are cancelled, and its
---error is raised, unchanged. Blocks.
---@param f fun(g: miniloop.group): any
---@return any ... the results of `f`; after g:cancel nil and an error
---(ECANCELED)
function ml.group(f) end

---A group: tasks that end before its block does.
---@class miniloop.group
local group = {}

---Makes a task in the group, whose failure is the group's. Does not block.
---@param f function or what can be called
---@param ... any its arguments
---@return miniloop.task handle
function group:spawn(f, ...) end

---@class miniloop.cancel_options
---@field grace number? seconds for clean-up

---Cancels the tasks of the group, and its block. Does not block.
---@param reason any?
---@param options miniloop.cancel_options?
---@return true
function group:cancel(reason, options) end

---@class miniloop.failure
---@field task miniloop.task
---@field value any the error value
---@field traceback string?
---@field spawned string where the task was spawned

---The failures of the group's tasks, in their order; also when it has ended.
---@return miniloop.failure[]
function group:failures() end

---Calls `f(...)`, and ends it when the time is up, whatever it waits for.
---@param seconds number
---@param f function or what can be called
---@param ... any its arguments
---@return any ... the results of `f`, or nil and an error (ETIMEDOUT)
function ml.timeout(seconds, f, ...) end

---Calls `f(...)`, and holds off cancellations from outside until it is done.
---@param f function or what can be called
---@param ... any its arguments
---@return any ... the results of `f`
function ml.shield(f, ...) end

---As pcall, but lets the running task's own cancellation through.
---@param f function or what can be called
---@param ... any its arguments
---@return boolean ok
---@return any ... the results of `f`, or the error value
function ml.try(f, ...) end

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

-- ------------------------------------------------------- channels and locks

---Makes a channel: values from task to task, first in, first out.
---@param capacity integer? how many it holds; 0 (from hand to hand) if absent
---@return miniloop.channel
function ml.channel(capacity) end

---`#channel` is the number of values that it holds.
---@class miniloop.channel
---@operator len: integer
local channel = {}

---Sends a value, not nil. Blocks while there is neither a receiver nor room.
---@param value any
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return miniloop.error? err EPIPE (it was closed), ETIMEDOUT
function channel:send(value, timeout) end

---Receives a value. Blocks while there is none.
---@param timeout number? seconds; for ever unless given
---@return any value nil once it is closed and empty
---@return any err what it was closed with; ETIMEDOUT
function channel:recv(timeout) end

---Ends it. What it holds can still be received.
---@param err any? what receivers are told then
---@return true
function channel:close(err) end

---Iterates over the values, until it is closed; raises what it was closed with.
---@return fun(): any
function channel:values() end

---Makes a lock that one task at a time can have.
---@return miniloop.mutex
function ml.mutex() end

---@class miniloop.mutex
local mutex = {}

---Locks it; to lock it twice is wrong use. Blocks while another task has it.
---@return miniloop.mutex? guard to be closed, which unlocks it
---@return miniloop.error? err EDEADLK
function mutex:lock() end

---Locks it if nobody has it.
---@return miniloop.mutex? guard
function mutex:trylock() end

---Unlocks it, which only the task that locked it may do.
---@return true
function mutex:unlock() end

---Makes a semaphore with so many places.
---@param n integer
---@return miniloop.semaphore
function ml.semaphore(n) end

---@class miniloop.semaphore
local semaphore = {}

---Takes a place. Blocks while there is none.
---@param timeout number? seconds; for ever unless given
---@return miniloop.semaphore? guard to be closed, which releases the place
---@return miniloop.error? err ETIMEDOUT
function semaphore:acquire(timeout) end

---Gives a place back.
---@return true
function semaphore:release() end

---Makes a condition.
---@return miniloop.condition
function ml.condition() end

---@class miniloop.condition
local condition = {}

---Waits until it is notified. Blocks. The mutex is unlocked meanwhile, and
---locked again however the wait ends.
---@param lock miniloop.mutex? which the task has locked
---@param timeout number? seconds; for ever unless given
---@return true? ok
---@return miniloop.error? err ETIMEDOUT
---@overload fun(self, timeout: number): true?, miniloop.error?
function condition:wait(lock, timeout) end

---Wakes those who have waited longest.
---@param n integer? how many; 1 unless given
function condition:notify(n) end

---Wakes all who wait.
function condition:notify_all() end

-- ------------------------------------------------------------------ signals

---Catches signals, by their names: "HUP", "TERM". To be closed.
---@param ... string
---@return miniloop.signals?
---@return miniloop.error? err ENOTSUP (the host gave no leave), EBUSY
function ml.signals(...) end

---@class miniloop.signals
local signals = {}

---The name of one that arrived. Blocks while there is none.
---@param timeout number? seconds; for ever unless given
---@return string? name
---@return miniloop.error? err ETIMEDOUT, EBADF (closed)
function signals:wait(timeout) end

---Iterates over the names, as they come.
---@return fun(): string?
function signals:names() end

---Catches them no more.
---@return true
function signals:close() end

-- ----------------------------------------------------------------- requests

---A system call that is yet to be made: a value that cannot change, and that
---can be kept, printed, and yielded many times: `coroutine.yield(request)`.
---@class miniloop.request

---Makes the system call of a request, as yielding it does. Blocks if it must.
---@param request miniloop.request
---@return any ... its answers
function ml.perform(request) end

---Waits until one of the requests has completed; no other takes effect. Blocks
---if it must.
---@param requests miniloop.request[]
---@return integer index the earliest in the list of those that are ready
---@return any ... its answers
function ml.any(requests) end

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

---Answers as ml.wait, or as event:wait.
---@param target miniloop.target|miniloop.event
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

---Answers as ml.any.
---@param ... miniloop.request
---@return miniloop.request
function syscall.any(...) end

---Answers as channel:send.
---@param ch miniloop.channel
---@param value any
---@param timeout number? seconds
---@return miniloop.request
function syscall.send(ch, value, timeout) end

---Answers as channel:recv.
---@param ch miniloop.channel
---@param timeout number? seconds
---@return miniloop.request
function syscall.recv(ch, timeout) end

---Answers as semaphore:acquire, or as mutex:lock, which takes no timeout.
---@param lock miniloop.semaphore|miniloop.mutex
---@param timeout number? seconds
---@return miniloop.request
function syscall.acquire(lock, timeout) end

---Answers the name of the signal that arrived. The signals stay caught until
---the task ends.
---@param ... string
---@return miniloop.request
function syscall.signal(...) end

return ml
