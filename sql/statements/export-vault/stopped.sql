select phase_stop(?, 5)
