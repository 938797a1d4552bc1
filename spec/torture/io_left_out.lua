-- Cases of the specs that a mode of `./dev torture io` leaves out: what they
-- check is what the mode itself takes away. For each mode the names (as Lua
-- patterns) in groups, by reason.

-- They take what one recv gives for all that was sent at once.
local one_recv_for_all = {
  "http/request%.test_a_body_comes_in_pieces_and_trailers_behind_it",
  "tls/serve%.test_who_waits_for_the_handshake_is_told_when_others_make_it",
  "tls/stream%.test_a_byte_that_was_changed_on_the_way_ends_the_.*",
  "bench/load%.test_a_server_that_does_not_answer_is_given_up",
  "examples/docs%.test_what_the_guide_shows_is_true",
  "examples/docs%.test_what_the_guide_to_the_server_shows_is_true",
  "examples/docs%.test_what_the_manual_shows_is_true",
  "http/client_stream%.test_a_piece_that_does_not_come_is_a_timeout",
  "http/client_stream%.test_a_piece_that_is_not_right_raises_in_a_loop",
  "http/client_stream%.test_an_answer_can_be_read_in_pieces",
  "http/client_stream%.test_an_answer_can_be_read_while_the_body_is_sent",
  "http/client_stream%.test_an_answer_that_is_dropped_closes_its_connection",
  "http/farewell%.test_a_client_that_does_not_take_a_file_is_not_reported",
  "net/buffer%.test_a_killed_recvinto_takes_nothing",
  "net/buffer%.test_bounds_that_are_nil_are_none",
  "net/buffer%.test_readers_into_buffers_take_turns",
  "net/buffer%.test_recvinto_.*",
  "net/buffer%.test_write_takes_buffers_among_strings_and_leaves_them",
  "net/connect%.test_a_descriptor_that_is_connected_becomes_a_stream",
  "net/connect%.test_a_family_can_be_asked_for",
  "net/connect%.test_after_a_failure_the_next_is_tried_at_once",
  "net/connect%.test_an_address_is_text_or_a_table",
  "net/connect%.test_an_address_without_an_answer_delays_by_250_ms_only",
  "net/connect%.test_ipv6_stands_in_brackets_or_bare_in_a_table",
  "net/connect%.test_other_tasks_run_while_a_name_is_looked_up",
  "net/connect%.test_the_stagger_can_be_set",
  "net/connect%.test_unix_sockets_are_connected_to",
  "net/failures%.test_a_reset_costs_the_tasks_of_its_connection_alone",
  "net/sendfile%.test_a_part_has_an_offset_and_a_count",
  "net/sendfile%.test_what_lies_behind_the_end_is_nothing",
  "net/stream%.test_a_stream_of_another_streams_number_has_a_copy",
  "net/stream%.test_shutdown_of_writing_is_the_end_for_the_peer_alone",
  "net/stream_copy%..*",
  "net/stream_edge%..*",
  "net/stream_read%..*",
  "net/stream_turn%..*",
  "net/stream_write%..*",
  "regress/reused_number%..*",
  "sys/close%.test_closing_the_number_of_an_object_closes_the_object",
}

-- They go through all points of a long exchange, in the time of a short one.
local too_long = {
  "http/client_kill%..*",
  "http/corpus%.test_a_cut_at_any_byte_changes_nothing",
}

-- openssl(1) takes what one read gives for a command.
local one_read_for_a_command = {
  "tls/openssl%.test_a_server_that_updates_its_keys_is_followed",
  "tls/openssl%.test_a_server_that_wants_to_renegotiate_does_not_get_it",
}

-- They measure how busy the process is.
local busy = {
  "examples/servers%.test_echo_serves_a_hundred_clients_and_is_idle_then",
}

-- Who must not wait any more (a task that is killed, a close) says good-bye
-- only if it can be said at once.
local no_good_bye = {
  "tls/stream%.test_all_formats_read_what_was_written",
  "tls/stream%.test_records_of_one_byte_make_one_stream",
  "tls/verify%.test_a_certificate_.*_is_refused",
  "http/abandon%.test_a_websocket_is_told_that_the_server_goes_away",
  "tls/handshake%.test_with_no_protocol_in_common_there_is_no_connection",
  "tls/openssl%.test_ciphers_that_are_not_safe_are_refused",
  "tls/openssl%.test_older_versions_are_refused",
  "tls/serve%.test_a_listener_with_tls_can_be_served",
  "tls/serve%.test_bad_clients_cost_the_others_nothing",
  "websocket/closing%.test_a_task_that_is_killed_says_so_and_waits_for_.*",
  "websocket/tasks%.test_a_peer_that_does_not_answer_is_gone",
}

-- They try once, and rely on what is there or fits.
local try_once = {
  "bench/load%.test_handshakes_of_tls_are_counted",
  "net/stream_turn%.test_a_killed_writer_hands_its_turn_on",
  "tls/stream%.test_what_writesome_took_goes_out_when_nothing_is_written",
  "http/client_hostile%.test_what_follows_an_answer_is_nobody_s_answer",
  "net/buffer%.test_write_takes_buffers_among_strings_and_leaves_them",
  "net/listen%.test_accept_has_a_timeout_and_0_tries_once",
  "net/sendfile%.test_a_peer_that_is_gone_is_told_with_what_was_written",
  "net/stream_copy%.test_a_copy_that_times_out_loses_nothing",
  "net/stream_copy%.test_a_copy_waits_for_a_write_that_was_before_it",
  "net/stream_copy%.test_a_kill_in_the_middle_loses_nothing_and_leaves_.*",
  "net/stream_edge%.test_a_timeout_of_0_tries_once_also_a_drained_stream",
  "net/stream_read%.test_a_cut_read_leaves_what_its_first_formats_had_taken",
  "net/stream_read%.test_lines_raises_on_error",
  "net/stream_read%.test_recv_with_a_timeout_of_0_tries_once",
  "tls/stream%.test_a_byte_that_was_changed_on_the_way_ends_the_.*",
  "net/listen%.test_a_listener_can_be_waited_for_and_closed_as_an_io",
  "net/stream_write%.test_a_write_with_a_timeout_of_0_writes_what_fits",
  "net/stream_write%.test_to_write_when_the_peer_has_closed_is_epipe",
  "net/stream_write%.test_writesome_writes_what_fits_now_and_counts_it",
  "net/udp%.test_two_tasks_get_a_datagram_each",
  "net/udp%.test_who_was_woken_in_vain_and_cancelled_meanwhile_raises",
  "scope/timeout%.test_whatever_it_waits_for_in_the_network_is_cut_off",
  "tls/serve%.test_who_waits_for_the_handshake_is_told_when_others_make_it",
  "tls/stream%.test_a_peer_that_does_not_read_holds_the_writer_up",
  "websocket/tasks%.test_a_peer_that_reads_slowly_is_not_dead",
  "websocket/tasks%.test_a_timeout_of_recv",
}

return {
  short = {
    one_recv_for_all, one_read_for_a_command, too_long, busy, no_good_bye,
  },
  eagain = { busy, no_good_bye, try_once },
  eintr = {},
  one_event = {},
  spurious = {},
}
