-- Failures that are passed over, or made up for, on purpose, so that a case of
-- the specs may find something else than it expects. In groups, by reason:
--   calls  that fail: CALL, or CALL:CODE
--   cases  Lua patterns of their names
--   shows  a Lua pattern of what the case must have found then

-- Of a list of addresses another one is taken, also if of an attempt is not
-- known what has become of it.
local another_address = {
  calls = { "connect", "getpeername", "getsockopt", "poll", "socket" },
  cases = {
    "net/connect%.test_an_address_without_an_answer_delays_.*",
    "net/connect%.test_of_a_list_the_first_that_connects_wins",
    "net/connect%.test_the_stagger_can_be_set",
  },
}

-- Of several errors, one that says that the address could not be tried tells
-- less than another one.
local less_telling = {
  calls = {
    "bind:EADDRNOTAVAIL", "connect:EADDRNOTAVAIL", "connect:EAFNOSUPPORT",
    "connect:EHOSTUNREACH", "connect:ENETUNREACH", "socket:EAFNOSUPPORT",
  },
  cases = {
    "net/connect%.test_after_a_failure_the_next_is_tried_at_once",
    "net/connect%.test_when_all_fail_the_most_telling_error_is_given",
  },
  shows = "ECONNREFUSED",
}

-- Where the system has no room for a connection it is asked again, and then
-- others have run before.
local connects_at_once = {
  calls = { "connect:EAGAIN" },
  cases = {
    "net/listen%.test_a_connection_for_a_killed_task_goes_to_the_next",
    "net/serve%.test_the_connection_is_closed_when_its_task_never_ran",
  },
}

-- A listener that the system has nothing for is asked again after a while,
-- which is longer than these wait.
local listener_rests = {
  calls = {
    "accept4:EMFILE", "accept4:ENFILE", "accept4:ENOBUFS", "accept4:ENOMEM",
  },
  cases = {
    "net/failures%.test_a_flooded_listener_does_not_keep_another_waiting",
    "net/listen%.test_a_listener_can_be_waited_for_and_closed_as_an_io",
    "net/listen%.test_accept_has_a_timeout_and_0_tries_once",
    "net/serve%.test_the_connection_is_closed_when_its_task_never_ran",
  },
}

-- Who cannot tell whether a socket listens takes it for one that does not.
local listens_unknown = {
  calls = { "getsockopt:ENOPROTOOPT" },
  cases = {
    "net/connect%.test_a_descriptor_must_be_connected",
    "net/listen%.test_an_inherited_descriptor_is_listened_on",
    "net/listen%.test_the_file_of_an_inherited_socket_is_not_ours_to_remove",
  },
}

-- A file that is not known to be the listener's own stays.
local file_stays = {
  calls = { "getsockname", "lstat", "unlink" },
  cases = {
    "net/listen%.test_a_unix_socket_has_the_mode_that_is_asked_for",
    "net/listen%.test_an_address_is_text_or_a_table",
    "net/listen%.test_the_file_of_a_unix_socket_goes_with_the_listener",
  },
}

-- Without the peer's name, errors do not tell it, and a session with it is not
-- found again.
local peer_unknown = {
  calls = { "getpeername" },
  cases = {
    "net/stream%.test_errors_name_the_operation_and_the_peer",
    "tls/handshake%.test_a_session_is_resumed_by_the_same_context",
    "tls/handshake%.test_clients_are_verified_whatever_name_they_ask_for",
    "tls/handshake%.test_many_servers_are_remembered_and_the_oldest_.*",
  },
}

-- Whether it is a directory: if that cannot be told, to read it will.
local no_directory = {
  calls = { "stat" },
  cases = { "tls/context%.test_a_directory_can_be_trusted" },
}

-- An alert says why there will be no connection, which one's own end is told
-- of, and a farewell that nothing more will come. If it does not arrive, the
-- peer sees that the connection was cut.
local no_last_word = {
  calls = { "sendto" },
  cases = {
    "tls/handshake%.test_with_no_protocol_in_common_there_is_no_connection",
    "tls/serve%.test_a_listener_with_tls_can_be_served",
    "tls/serve%.test_bad_clients_cost_the_others_nothing",
    "tls/stream%.test_a_stream_that_is_lost_says_good_bye",
    "tls/stream%.test_all_formats_read_what_was_written",
    "tls/stream%.test_closing_is_told_to_the_peer",
    "tls/stream%.test_lines_end_with_the_stream",
    "tls/stream%.test_records_of_one_byte_make_one_stream",
    "tls/verify%.test_a_.*_is_refused",
    "tls/verify%.test_an_.*_is_refused",
  },
  shows = "ETLS_TRUNCATED",
}

-- That, where both ends are still open.
local no_alert = {
  calls = { "sendto" },
  cases = { "tls/stream%.test_a_byte_that_was_changed_on_the_way_ends_the_.*" },
  shows = "ECANCELED",
}

-- A request that may be made twice is, if its connection was used before.
local made_again = {
  calls = { "read" },
  cases = { "http/client_proxy%.test_https_goes_through_a_tunnel" },
}

-- A client that cannot be asked whether it sends is taken to, and a wait for
-- its end that cannot be cut short lasts its time.
local sends_on = {
  calls = { "poll", "shutdown" },
  cases = {
    "http/parting%.test_a_server_that_stops_waits_for_nobody",
    "http/parting%.test_who_has_said_that_it_was_the_last_is_not_waited_for",
  },
}

-- A file behind a symbolic link, or too many, is not there.
local not_there = {
  calls = { "openat:ELOOP" },
  cases = { "http/farewell%.test_a_client_that_does_not_take_a_file_.*" },
}

-- Whether a number is open: if that cannot be told, it is taken for open until
-- it is asked again, and a clock that jumps does not wait for that.
local taken_for_open = {
  calls = { "fcntl" },
  cases = { "sys/behind%.test_a_number_that_is_closed_is_no_more_watched" },
}

return {
  another_address, connects_at_once, file_stays, less_telling, listener_rests,
  listens_unknown, made_again, no_alert, no_directory, no_last_word, not_there,
  peer_unknown, sends_on, taken_for_open,
}
