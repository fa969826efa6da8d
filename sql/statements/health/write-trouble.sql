select write_trouble()
