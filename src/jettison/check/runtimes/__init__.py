"""What programs need of the runtime of their language, one module a language; rule MS408."""
