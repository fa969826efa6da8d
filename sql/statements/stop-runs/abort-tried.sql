select abort_tried(:#attemptId::uuid, :#outcome, :#error)
