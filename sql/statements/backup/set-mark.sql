select set_config('agentbus.mark', 'agentbus restore unfinished: ' || ?::text, false)
