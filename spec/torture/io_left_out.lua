-- Cases of the specs that a mode of `./dev torture io` leaves out: what they
-- check is what the mode itself takes away. For each mode the names (as Lua
-- patterns) in groups, by reason. `--left-out` runs them: what then never fails
-- has no reason to be here.

-- How many bytes a call gives is how many the system has given at once.
local one_read = {
  "http/wire%.test_a_body_comes_in_pieces_of_the_size_asked_for",
  "net/buffer%.test_recvinto_appends_what_comes_and_tells_how_much",
  "net/buffer%.test_recvinto_gives_what_was_read_ahead_first",
  "net/buffer%.test_recvinto_takes_no_more_than_it_is_told",
  "net/stream_edge%.test_a_part_that_is_left_is_read_later",
  "net/stream_read%.test_recv_gives_at_most_what_was_asked_for",
  "net/stream_read%.test_recv_gives_first_what_a_read_has_left",
  "net/stream_read%.test_recv_gives_what_is_there",
}

-- Two requests are to come together, so that the first answer is held back.
local together = {
  "regress/answers_held_back%.test_a_sender_that_never_ran_.*",
}

-- The lines of a hundred clients go through one pipe, which keeps those whole
-- that come at once.
local one_pipe = {
  "examples/servers%.test_echo_serves_a_hundred_clients_and_is_idle_then",
}

-- A time of 0 is one try, and so is `writesome`: what the system refuses then
-- is not had.
local one_try = {
  "http/client_hostile%.test_what_follows_an_answer_is_nobody_s_answer",
  "net/buffer%.test_write_takes_buffers_among_strings_and_leaves_them",
  "net/listen%.test_a_listener_can_be_waited_for_and_closed_as_an_io",
  "net/listen%.test_accept_has_a_timeout_and_0_tries_once",
  "net/stream_edge%.test_a_timeout_of_0_tries_once_also_a_drained_stream",
  "net/stream_read%.test_recv_with_a_timeout_of_0_tries_once",
  "net/stream_write%.test_a_write_with_a_timeout_of_0_writes_what_fits",
  "net/stream_write%.test_to_write_when_the_peer_has_closed_is_epipe",
  "net/stream_write%.test_writesome_writes_what_fits_now_and_counts_it",
  "tls/serve%.test_who_waits_for_the_handshake_is_told_when_others_make_it",
  "websocket/tasks%.test_a_timeout_of_0_takes_what_is_there",
}

-- An alert of TLS, its end by `close`, and the Close of a WebSocket by who is
-- killed are said if the system takes them at once; nobody waits for that.
local good_bye = {
  "examples/docs%.test_what_the_guide_shows_is_true",
  "http/abandon%.test_a_websocket_is_told_that_the_server_goes_away",
  "tls/handshake%.test_with_no_protocol_in_common_there_is_no_connection",
  "tls/openssl%.test_ciphers_that_are_not_safe_are_refused",
  "tls/openssl%.test_older_versions_are_refused",
  "tls/options%.test_an_older_version_is_refused",
  "tls/stream%.test_a_byte_that_was_changed_on_the_way_ends_the_connection",
  "tls/stream%.test_a_stream_that_is_lost_says_good_bye",
  "tls/stream%.test_closing_is_told_to_the_peer",
  "tls/verify%.test_an?_.*_is_refused",
  "websocket/closing%.test_a_task_that_is_killed_says_so_and_waits_for_nothing",
}

-- A Ping that the system refuses goes out a moment later, and the peer's time
-- begins anew with it, for it may be reading.
local late_ping = {
  "websocket/tasks%.test_a_peer_that_does_not_answer_is_gone",
}

-- Who comes first is served first, unless the system refuses him.
local first_come = {
  "net/udp%.test_who_was_woken_in_vain_and_cancelled_meanwhile_raises",
}

return {
  short = { one_read, together, one_pipe },
  eagain = { one_try, good_bye, late_ping, first_come },
  eintr = {},
  one_event = {},
  spurious = {},
}
