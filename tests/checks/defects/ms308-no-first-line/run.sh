echo started $1
