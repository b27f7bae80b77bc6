echo started as $(id -u)
