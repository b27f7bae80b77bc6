word = "set"
