select restore_drill_numbers()::text as drill
