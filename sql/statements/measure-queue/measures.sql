select metric, labels::text as labels, value from measures()
