---Media types by the ending of a file's name (RFC 2046, 6838, and the list of
---IANA), for those endings that are served.
local mime = {}

local misuse = require "miniloop.misuse"

---What is said of bytes that nothing is known of.
mime.unknown = "application/octet-stream"

-- Text is UTF-8 here, and is said to be: without that, a browser guesses.
local list = [[
aac audio/aac
apng image/apng
atom application/atom+xml
avif image/avif
bin application/octet-stream
bmp image/bmp
bz2 application/x-bzip2
css text/css; charset=utf-8
csv text/csv; charset=utf-8
doc application/msword
docx application/vnd.openxmlformats-officedocument.wordprocessingml.document
eot application/vnd.ms-fontobject
epub application/epub+zip
flac audio/flac
gif image/gif
gz application/gzip
htm text/html; charset=utf-8
html text/html; charset=utf-8
ico image/vnd.microsoft.icon
ics text/calendar; charset=utf-8
jar application/java-archive
jpeg image/jpeg
jpg image/jpeg
js text/javascript; charset=utf-8
json application/json
jsonld application/ld+json
lua text/plain; charset=utf-8
m3u8 application/vnd.apple.mpegurl
m4a audio/mp4
m4v video/mp4
map application/json
md text/markdown; charset=utf-8
mid audio/midi
mjs text/javascript; charset=utf-8
mov video/quicktime
mp3 audio/mpeg
mp4 video/mp4
mpeg video/mpeg
odp application/vnd.oasis.opendocument.presentation
ods application/vnd.oasis.opendocument.spreadsheet
odt application/vnd.oasis.opendocument.text
oga audio/ogg
ogg audio/ogg
ogv video/ogg
opus audio/ogg
otf font/otf
pdf application/pdf
png image/png
ppt application/vnd.ms-powerpoint
pptx application/vnd.openxmlformats-officedocument.presentationml.presentation
rss application/rss+xml
rtf application/rtf
svg image/svg+xml
tar application/x-tar
tif image/tiff
tiff image/tiff
ts video/mp2t
ttf font/ttf
txt text/plain; charset=utf-8
vtt text/vtt; charset=utf-8
wasm application/wasm
wav audio/wav
weba audio/webm
webm video/webm
webmanifest application/manifest+json
webp image/webp
woff font/woff
woff2 font/woff2
xhtml application/xhtml+xml
xls application/vnd.ms-excel
xlsx application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
xml application/xml
xz application/x-xz
yaml application/yaml
yml application/yaml
zip application/zip
zst application/zstd
]]

local types = {}
for ending, media_type in list:gmatch("(%S+) ([^\n]+)") do
  types[ending] = media_type
end

---The media type of a file, by its name; with the character set where it is
---text.
---@param path string the name of a file, with or without folders
---@return string media_type `mime.unknown` where the ending tells nothing
function mime.of(path)
  misuse.check(path, 1, "of", "string")
  -- Two anchored patterns: clients name files, and may do so at length.
  local name = path:match("^.*/(.*)$") or path
  local ending = name:match("^%.*[^.].*%.([^.]+)$")
  return ending and types[ending:lower()] or mime.unknown
end

return misuse.seal("miniloop.http.mime", mime)
