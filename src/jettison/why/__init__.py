"""Why steps ran: causes found by comparing what cache keys were made of in two builds."""
