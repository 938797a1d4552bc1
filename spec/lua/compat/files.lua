-- The library io, with the standard input of the test.

print(io.read())
print(io.read("n", "n", "n", "n"))
print(io.read(0), io.read(3), io.read("L"), io.read("l"))
print(io.read("a"), io.read("a"), io.read("l"), io.read(0), io.read("n"))
print(pcall(io.read, "x"))

local path = os.tmpname()
local f = assert(io.open(path, "w"))
print(io.type(f), f:write("one\n", 2, "\n", 3.5, "\n\nlast"), f:seek("cur"))
print(f:seek("set", 4), f:write("II"), f:seek("end"), f:setvbuf("full", 512))
print(f:close(), io.type(f), pcall(f.write, f, "x"), tostring(f))

for line in io.lines(path) do io.write("[", line, "]") end
for line in io.lines(path, "L") do io.write("<", line, ">") end
for a, b in io.lines(path, 1, 2) do io.write("(", a, "|", b or "nil", ")") end
print()
f = assert(io.open(path))
print(f:read("l", "n", "l", "l", "a"))
print(f:seek("set"), f:read("a"))
print(f:write("not allowed"))
f:close()
f = assert(io.open(path, "a+"))
f:write("appended")
f:seek("set")
print(#f:read("a"), f:read("a"), f:read("l"))
f:close()

io.output(path)
io.write("by default")
io.close()
io.output(io.stdout)
io.input(path)
print(io.read("a"))
io.close(io.input())
io.input(io.stdin)

print(io.open("/nosuch/file"))
print(pcall(io.lines, "/nosuch/file"))
print(pcall(io.open, path, "bad mode"))
print(os.remove(path), os.remove(path) == nil)

local child = io.popen("read line; echo got $line; exit 3", "w")
child:write("text\n")
io.stdout:flush()
print(child:close())
child = io.popen("printf 'a\\nb'")
print(child:read("l", "l", "l"), child:close())
print(pcall(io.popen, "true", "x"))
print(io.type(42), io.type(io.stdout), tostring(io.stdout):match("^file %("))
